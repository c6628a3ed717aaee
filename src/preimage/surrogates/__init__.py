"""Functions learned from measurements: a Gaussian process, or an ensemble of networks."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from preimage.errors import StoreError
from preimage.surrogates.base import Surrogate
from preimage.surrogates.ensemble import Ensemble
from preimage.surrogates.gaussian_process import GaussianProcess
from preimage.surrogates.support import Support

__all__ = [
    "Ensemble",
    "GaussianProcess",
    "Support",
    "Surrogate",
    "default_surrogate",
    "restore_surrogate",
    "surrogate_settings",
]

MOST_ROWS = 3000
"""Rows up to which a Gaussian process is chosen whatever the inputs are."""

MOST_ROWS_OF_FEW_INPUTS, FEW_INPUTS = 10_000, 4
"""With few inputs some thousands of rows, drawn from all, tell more to it than all to a network."""

KINDS: dict[str, type[Surrogate]] = {"gaussian_process": GaussianProcess, "ensemble": Ensemble}


def default_surrogate(rows: int, *, inputs: int = 1, seed: int = 0) -> Surrogate:
    """Choose how to learn a function from so many measurements.

    Args:
        rows: Number of measurements.
        inputs: Number of inputs.
        seed: Decides everything that is drawn.

    Returns:
        A Gaussian process up to 3000 rows, and up to 10,000 for at most four inputs; an ensemble
        of networks above.

    Example:
        >>> type(default_surrogate(500)).__name__, type(default_surrogate(50_000)).__name__
        ('GaussianProcess', 'Ensemble')
        >>> type(default_surrogate(8000, inputs=2)).__name__
        'GaussianProcess'
    """
    most = MOST_ROWS_OF_FEW_INPUTS if inputs <= FEW_INPUTS else MOST_ROWS
    return GaussianProcess(seed=seed) if rows <= most else Ensemble(seed=seed)


def surrogate_settings(surrogate: Surrogate) -> dict[str, Any]:
    """Everything about a fitted surrogate that JSON can hold; the rest is `surrogate.state()`."""
    kind = next(kind for kind, cls in KINDS.items() if type(surrogate) is cls)
    return {"kind": kind, **surrogate.settings()}


def restore_surrogate(settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Surrogate:
    """Rebuild a fitted surrogate from `surrogate_settings(...)` and its `state()`.

    Raises:
        StoreError: If the kind is unknown, or something is missing; save the surrogate again.
    """
    rest = {name: value for name, value in settings.items() if name != "kind"}
    if settings.get("kind") not in KINDS:
        raise StoreError(
            f"The surrogate's kind is {settings.get('kind')!r}; known are {sorted(KINDS)}. "
            "Load it with the version of preimage that saved it, or fit and save it again."
        )
    try:
        return KINDS[settings["kind"]].from_state(rest, tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        raise StoreError(
            f"The saved surrogate is incomplete or damaged ({error}). Fit and save it again."
        ) from error
