"""The state of a tab as the address of the page, and back again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_type_hints
from urllib.parse import urlencode

from preimage.errors import InputError

State = TypeVar("State")

LONGEST = 4000
"""Characters of one value."""


def query(tab: str, state: Any) -> str:
    """The address of a state: the name of the tab, and what differs from the defaults.

    Args:
        tab: The name of the tab.
        state: A dataclass of numbers, texts, truth values and tuples of numbers.

    Example:
        >>> from preimage.app.curve import CurveState
        >>> query("curve", CurveState(f="x^3", y=1.5))
        '/?tab=curve&f=x%5E3&y=1.5'
    """
    values = {"tab": tab}
    for field in fields(state):
        value = getattr(state, field.name)
        if field.default is MISSING or value != field.default:
            values[field.name] = _text(value)
    return f"/?{urlencode(values)}"


def state_of(kind: type[State], given: Mapping[str, str]) -> State:
    """The state that an address names; what it does not name has its default.

    Args:
        kind: The dataclass.
        given: The values of the address, by name; names that are not the state's are left alone.

    Raises:
        InputError: A value is of the wrong kind; the message names it.

    Example:
        >>> from preimage.app.curve import CurveState
        >>> state_of(CurveState, {"tab": "curve", "f": "x^3", "y": "1.5"})
        CurveState(f='x^3', low=-1.5, high=1.5, y=1.5, twin=False)
    """
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.name in given]  # pyright: ignore[reportArgumentType]
    return kind(**{name: _value(name, given[name], hints[name]) for name in names})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.10g}"
    return " ".join(f"{one:.10g}" for one in value) if isinstance(value, tuple) else str(value)


def _value(name: str, text: str, kind: Any) -> Any:
    if len(text) > LONGEST:
        raise InputError(f"{name} in the address has {len(text)} characters; that is too long.")
    try:
        if kind is bool:
            return {"0": False, "1": True}[text]
        if kind is int:
            return int(text)
        if kind is str:
            return text
        numbers = tuple(_finite(part) for part in text.split())
        return _finite(text) if kind is float else numbers
    except (ValueError, KeyError):
        raise InputError(
            f"{name}={text[:40]!r} in the address is no {getattr(kind, '__name__', 'value')}; "
            "correct the link, or start without it."
        ) from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value
