"""Runs the shared suite over an inverter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from preimage.checking.properties import AFTER_FIT, BEFORE_FIT
from preimage.checking.trials import TRIALS, Subject
from preimage.errors import (
    CheckError,
)
from preimage.inverters.base import Inverter


def check_inverter(inverter: Inverter) -> None:
    """Runs every shared property over an inverter, as scikit-learn's `check_estimator` does.

    It is fitted to four small problems: a cubic, a planar arm, a half ball (two inputs, one
    output, not defined everywhere) and 80 noisy measurements. Its settings are kept, so a method
    that trains is checked faster with a short recipe.

    Args:
        inverter: An inverter, fitted or not; only its settings are used.

    Raises:
        CheckError: At the first property that does not hold; the message names the property, the
            problem and the numbers.

    Example:
        >>> from preimage import NearestInverter
        >>> check_inverter(NearestInverter(neighbours=3))
    """
    for check in BEFORE_FIT:
        _run(check, inverter, inverter, "before fit")
    for trial in TRIALS:
        subject = Subject(inverter, trial)
        for check in AFTER_FIT:
            _run(check, subject, inverter, trial.name)


def _run(check: Callable[[Any], None], subject: Any, inverter: Inverter, where: str) -> None:
    prefix = f"{type(inverter).__name__}, {where}: '{_title(check)}' does not hold: "
    try:
        check(subject)
    except CheckError as error:
        raise CheckError(prefix + str(error)) from error
    except Exception as error:  # the inverter is somebody's code, and may raise anything
        raise CheckError(f"{prefix}{type(error).__name__}: {error}") from error


def _title(check: Callable[[Any], None]) -> str:
    return (check.__doc__ or check.__name__).splitlines()[0].rstrip(".")
