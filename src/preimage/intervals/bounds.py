"""Pairs of bounds and their arithmetic, rounded outward: what every enclosure is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from preimage.intervals.failures import holes_seen, undefined
from preimage.intervals.rounding import UNIT, above, below

INF = torch.inf


class Bounds(NamedTuple):
    r"""The intervals $[low_i, high_i]$, float64, of one shape; a constant has one tensor for both.

    Infinite bounds mean that nothing is known there, not even that there is a value.
    """

    low: Tensor
    high: Tensor

    @property
    def constant(self) -> bool:
        """Whether both bounds are the same tensor, which spares half of the work."""
        return self.low is self.high

    @property
    def mid(self) -> Tensor:
        """A point of each interval, near its middle; zero for the whole line."""
        if self.constant:
            return self.low
        # Halves first: the sum of the bounds may overflow.
        middle = 0.5 * self.low + 0.5 * self.high
        middle = torch.minimum(torch.maximum(middle, self.low), self.high)
        return middle.nan_to_num(nan=0.0)

    @property
    def width(self) -> Tensor:
        """An upper bound of high - low."""
        return above(self.high - self.low)

    @property
    def magnitude(self) -> Tensor:
        """The largest absolute value in each interval."""
        return torch.maximum(self.low.abs(), self.high.abs())

    @property
    def finite(self) -> Tensor:
        """Where both bounds are finite."""
        return self.low.isfinite() & self.high.isfinite()

    def radius(self, center: Tensor) -> Tensor:
        """The smallest r, rounded up, with the interval inside `center` ± r."""
        return above(torch.maximum(self.high - center, center - self.low))


def constant(value: Tensor) -> Bounds:
    """The interval that holds one number; narrower floating-point types are converted exactly."""
    value = value.detach().to(torch.float64)
    return Bounds(value, value)


def number(value: float) -> Bounds:
    """The interval that holds one Python number."""
    return constant(torch.tensor(float(value), dtype=torch.float64))


def cleaned(low: Tensor, high: Tensor) -> Bounds:
    """Bounds from fresh tensors, where NaN, such as from infinity minus infinity, means unknown."""
    return Bounds(
        low.nan_to_num_(nan=-INF, posinf=INF, neginf=-INF),
        high.nan_to_num_(nan=INF, posinf=INF, neginf=-INF),
    )


def whole_where(x: Bounds, mask: Tensor) -> Bounds:
    """The same bounds, with the whole line where `mask` holds."""
    return Bounds(x.low.masked_fill(mask, -INF), x.high.masked_fill(mask, INF))


def with_holes(x: Bounds, holes: Tensor, nowhere: Tensor) -> Bounds:
    """The whole line where there may be no value; low above high where there surely is none.

    The empty interval may be lost in later operations, which is sound: it is in every interval.
    """
    x = whole_where(x, holes)
    return Bounds(x.low.masked_fill(nowhere, INF), x.high.masked_fill(nowhere, -INF))


def passed_on(result: Bounds, *sources: Bounds) -> Bounds:
    """The result, with the whole line where a source may have no value at all.

    Sums and products keep a whole line by themselves. Functions with a bounded range do not.
    """
    if holes_seen():
        for x in sources:
            whole = (x.low == -INF) & (x.high == INF)
            result = with_holes(result, whole, x.low > x.high)
    return result


def hull(a: Bounds, b: Bounds) -> Bounds:
    """The smallest interval that holds both."""
    return Bounds(torch.minimum(a.low, b.low), torch.maximum(a.high, b.high))


def contains(x: Bounds, value: Tensor | float) -> Tensor:
    """Whether each interval holds a number."""
    return (x.low <= value) & (x.high >= value)


def negate(x: Bounds) -> Bounds:
    """-x, exactly."""
    return Bounds(-x.high, -x.low)


def add(a: Bounds, b: Bounds) -> Bounds:
    """A sum, half a unit wider than exact."""
    return cleaned(below(a.low + b.low), above(a.high + b.high))


def subtract(a: Bounds, b: Bounds) -> Bounds:
    """A difference of independent quantities."""
    return cleaned(below(a.low - b.high), above(a.high - b.low))


def multiply(a: Bounds, b: Bounds) -> Bounds:
    """A product of independent quantities."""
    if a.constant:
        a, b = b, a
    if b.constant:
        one, other = a.low * b.low, a.high * b.low
        low, high = torch.minimum(one, other), torch.maximum(one, other)
        # Without this, derivatives that are zero would fill with denormal numbers.
        exact = (b.low == 0) | (b.low.abs() == 1)
        low, high = torch.where(exact, low, below(low)), torch.where(exact, high, above(high))
        return _empty_where_empty(cleaned(low, high), a)
    first, second = a.low * b.low, a.low * b.high
    third, fourth = a.high * b.low, a.high * b.high
    low = torch.minimum(torch.minimum(first, second), torch.minimum(third, fourth))
    high = torch.maximum(torch.maximum(first, second), torch.maximum(third, fourth))
    return _empty_where_empty(cleaned(below(low), above(high)), a, b)


def _empty_where_empty(result: Bounds, *sources: Bounds) -> Bounds:
    """The result, with no value at all where a source has none."""
    if holes_seen():
        for x in sources:
            nowhere = x.low > x.high
            result = Bounds(
                result.low.masked_fill(nowhere, INF), result.high.masked_fill(nowhere, -INF)
            )
    return result


def scale(x: Bounds, factor: float) -> Bounds:
    """A multiple by a Python number."""
    return x if factor == 1 else multiply(x, number(factor))


def reciprocal(x: Bounds) -> Bounds:
    """1 / x; undefined where x holds 0."""
    holes = undefined(contains(x, 0.0), "division by an interval that contains 0")
    low, high = below(1 / x.high), above(1 / x.low)
    inverse = with_holes(cleaned(low, high), holes, (x.low == 0) & (x.high == 0))
    return _empty_where_empty(inverse, x)


def divide(a: Bounds, b: Bounds) -> Bounds:
    """A quotient of independent quantities; undefined where b holds 0."""
    holes = undefined(contains(b, 0.0), "division by an interval that contains 0")
    first, second = a.low / b.low, a.low / b.high
    third, fourth = a.high / b.low, a.high / b.high
    low = torch.minimum(torch.minimum(first, second), torch.minimum(third, fourth))
    high = torch.maximum(torch.maximum(first, second), torch.maximum(third, fourth))
    quotient = cleaned(below(low), above(high))
    quotient = with_holes(quotient, holes, (b.low == 0) & (b.high == 0))
    return _empty_where_empty(quotient, a, b)


def absolute(x: Bounds) -> Bounds:
    """The absolute value, exactly."""
    least = torch.maximum(x.low, -x.high).clamp(min=0)
    return Bounds(least, x.magnitude)


def square(x: Bounds) -> Bounds:
    """x², which is tighter than x times x."""
    size = absolute(x)
    return Bounds(below(size.low * size.low).clamp(min=0), above(size.high * size.high))


def power(x: Bounds, exponent: int) -> Bounds:
    """x to a whole power, by repeated multiplication of bounds of one sign."""
    if exponent < 0:
        return reciprocal(power(x, -exponent))
    if exponent == 0:
        one = torch.ones_like(x.low)
        return Bounds(one, one)
    if exponent == 1:
        return x
    if exponent == 2:
        return square(x)
    if exponent % 2 == 0:
        size = absolute(x)
        return Bounds(_power(size.low, exponent, below), _power(size.high, exponent, above))
    low = torch.where(
        x.low >= 0, _power(x.low.abs(), exponent, below), -_power(x.low.abs(), exponent, above)
    )
    high = torch.where(
        x.high >= 0, _power(x.high.abs(), exponent, above), -_power(x.high.abs(), exponent, below)
    )
    return Bounds(low, high)


def _power(size: Tensor, exponent: int, rounded: Callable[[Tensor], Tensor]) -> Tensor:
    result = size
    for digit in bin(exponent)[3:]:
        result = rounded(result * result)
        if digit == "1":
            result = rounded(result * size)
    return result.clamp(min=0)


def minimum(a: Bounds, b: Bounds) -> Bounds:
    """The smaller of two quantities, exactly."""
    return Bounds(torch.minimum(a.low, b.low), torch.minimum(a.high, b.high))


def maximum(a: Bounds, b: Bounds) -> Bounds:
    """The larger of two quantities, exactly."""
    return Bounds(torch.maximum(a.low, b.low), torch.maximum(a.high, b.high))


def intersect(a: Bounds, b: Bounds) -> Bounds:
    """What both hold; low exceeds high where that is nothing."""
    return Bounds(torch.maximum(a.low, b.low), torch.minimum(a.high, b.high))


def around(center: Tensor, error: Tensor) -> Bounds:
    """`center` ± `error`, rounded outward."""
    return cleaned(below(center - error), above(center + error))


def up(x: Tensor, terms: int) -> Tensor:
    """An upper bound of a sum of `terms` products of non-negative numbers, computed as x."""
    return x * (1 + (terms + 4) * 2 * UNIT) + terms * 2.0**-1022
