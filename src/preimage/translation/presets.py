"""Settings that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from preimage.errors import InputError
from preimage.translation.translator import Translator

Model = TypeVar("Model", bound=Translator)

DEFAULT: Mapping[str, Any] = {
    "core": "fine",
    "norm": "instance",
    "dropout": 0.0,
    "adversarial": 0.0,
    "l1": 1.0,
    "directions": "together",
    "cycle": 1.0,
    "batch": 4,
    "ema": 0.999,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "vary_jitter": True,
}

SMALL: Mapping[str, Any] = {"size": 128, "width": 16, "epochs": 20.0}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "paper": {},
    "default": DEFAULT,
    "small": {**DEFAULT, **SMALL},
    "paper-small": SMALL,
}
"""Settings by name: the paper's; those that measure best; both at a size for a CPU."""


def preset(name: str, method: type[Model]) -> Model:
    """A method with settings that belong together; `dataclasses.replace` changes some.

    Args:
        name: One of `PRESETS`.
        method: `SelfInverse` or `Pix2Pix`. Settings that it does not have are left out.

    Raises:
        InputError: There is no such preset.

    Example:
        >>> from dataclasses import replace
        >>> from preimage.translation import SelfInverse
        >>> replace(preset("small", SelfInverse), epochs=5).size
        128
    """
    if name not in PRESETS:
        raise InputError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}.")
    known = {field.name for field in fields(method)}
    return method(**{key: value for key, value in PRESETS[name].items() if key in known})
