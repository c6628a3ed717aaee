"""What the parts of a formula do, as functions of the columns of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from preimage.errors import InputError

Value: TypeAlias = Tensor | float
"""Of a part of a formula: a row for each input, or a number that is the same for all.

`check` traces formulas by stand-ins that are no tensors, so that only numbers are asked for their
type."""

Part: TypeAlias = Callable[[Sequence[Tensor]], Value]
"""A part of a formula, as a function of the variables."""


def fixed(value: float) -> Part:
    """A number."""
    return lambda columns: value


def applied(function: Callable[[Tensor], Tensor], inside: Part) -> Part:
    """A function of a part."""

    def value(columns: Sequence[Tensor]) -> Value:
        given = inside(columns)
        if isinstance(given, int | float):
            return float(function(torch.tensor(given, dtype=torch.float64)))
        return function(given)

    return value


def negative(inside: Part) -> Part:
    """A part with the other sign."""
    return lambda columns: -inside(columns)


def binary(sign: str, left: Part, right: Part) -> Part:
    """Two parts with a sign between them."""

    def value(columns: Sequence[Tensor]) -> Value:
        a, b = left(columns), right(columns)
        match sign:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
        return _quotient(a, b)

    return value


def _quotient(a: Value, b: Value) -> Value:
    if isinstance(b, int | float) and b == 0:
        raise InputError("the formula divides by zero everywhere; put something else there.")
    return a / b


def power(base: Part, exponent: Part) -> Part:
    """A part to the power of another."""

    def value(columns: Sequence[Tensor]) -> Value:
        a, b = base(columns), exponent(columns)
        if isinstance(a, int | float) and isinstance(b, int | float):
            return _number_power(a, b)
        if isinstance(b, int | float):
            # A whole exponent is defined for negative numbers too.
            return a ** (int(b) if b == int(b) else b)
        if isinstance(a, int | float):
            if a <= 0:
                raise InputError(f"{a:g} to a power that varies has no value; use a positive base.")
            return torch.exp(math.log(a) * b)
        return torch.exp(b * torch.log(a))

    return value


def _number_power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):
        raise InputError(f"({a:g})^({b:g}) is no real number that fits; change it.") from None


def filled(value: Value, like: Tensor) -> Tensor:
    """A number, as the same number in every row."""
    return like * 0.0 + value if isinstance(value, int | float) else value
