"""Rules for two arguments: value and derivatives of sums, products, quotients, choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from preimage.intervals import bounds as b
from preimage.intervals.bounds import INF, Bounds
from preimage.intervals.elementary import increasing
from preimage.intervals.elementwise import ATEN, ELEMENTWISE, POWER, Elementwise
from preimage.intervals.enclosure import (
    Enclosure,
    Interval,
    Jet,
    bounds_of,
    directions_of,
    interval,
    jet,
    tangent_of,
)
from preimage.intervals.failures import UnsupportedOperation, undefined
from preimage.intervals.rounding import lower, upper


def unary(rule: Elementwise, x: Enclosure, *settings: Any) -> Enclosure:
    """A function of one number: its value, and by the chain rule its derivatives."""
    source = bounds_of(x)
    value = b.passed_on(rule.value(source, *settings), source)
    if not isinstance(x, Jet):
        return interval(value)
    return jet(value, b.multiply(rule.slope(source, *settings), x.tangent))


def known(value: Bounds, *others: Any) -> Enclosure:
    """A constant of which only bounds are known, to meet enclosures such as `others`."""
    directions = directions_of(others)
    if directions is None:
        return interval(value)
    zero = torch.zeros(directions, *value.low.shape, dtype=torch.float64)
    return jet(value, Bounds(zero, zero))


def aligned(tangent: Bounds, dims: int) -> Bounds:
    """Derivatives of x with room for broadcasting x to `dims` dimensions."""
    missing = dims + 1 - tangent.low.ndim
    if missing == 0:
        return tangent
    shape = (len(tangent.low), *[1] * missing, *tangent.low.shape[1:])
    low = tangent.low.reshape(shape)
    return Bounds(low, low if tangent.constant else tangent.high.reshape(shape))


def parts(x: Any, y: Any) -> tuple[Bounds, Bounds, Bounds | None, Bounds | None]:
    """The values of two arguments and their derivatives, ready to be broadcast."""
    first, second = bounds_of(x), bounds_of(y)
    directions = directions_of(x, y)
    if directions is None:
        return first, second, None, None
    dims = max(first.low.ndim, second.low.ndim)
    tangents = (tangent_of(x, directions), tangent_of(y, directions))
    one, other = (None if t is None else aligned(t, dims) for t in tangents)
    return first, second, one, other


def combined(value: Bounds, *terms: Bounds | None) -> Enclosure:
    """A value with the sum of the given derivatives, as far as there are any."""
    given = [term for term in terms if term is not None]
    if not given:
        return interval(value)
    total = given[0] if len(given) == 1 else b.add(*given)
    shape = (len(total.low), *value.low.shape)
    low = total.low.expand(shape)
    return jet(value, Bounds(low, low if total.constant else total.high.expand(shape)))


def _times(x: Bounds | None, factor: Bounds) -> Bounds | None:
    return None if x is None else b.multiply(x, factor)


def _add(x: Any, y: Any, *, alpha: float = 1) -> Enclosure:
    first, second, one, other = parts(x, y)
    other = None if other is None else b.scale(other, alpha)
    return combined(b.add(first, b.scale(second, alpha)), one, other)


def _subtract(x: Any, y: Any, *, alpha: float = 1) -> Enclosure:
    first, second, one, other = parts(x, y)
    other = None if other is None else b.negate(b.scale(other, alpha))
    return combined(b.subtract(first, b.scale(second, alpha)), one, other)


def _subtract_from(x: Any, y: Any, alpha: float = 1) -> Enclosure:
    return _subtract(y, x, alpha=alpha)


def _negate(x: Any) -> Enclosure:
    return combined(b.negate(bounds_of(x)), b.negate(x.tangent) if isinstance(x, Jet) else None)


def multiply(x: Any, y: Any) -> Enclosure:
    """A product, which is a square where both are the same object."""
    if _is_truth(x) and _is_truth(y):
        return _both(x, y)
    if x is y:
        return unary(ELEMENTWISE[ATEN.square], x)
    first, second, one, other = parts(x, y)
    return combined(b.multiply(first, second), _times(one, second), _times(other, first))


def _divide(x: Any, y: Any, *, rounding_mode: str | None = None) -> Enclosure:
    if rounding_mode is not None:
        whole = _divide(x, y)
        return unary(ELEMENTWISE[ATEN.floor if rounding_mode == "floor" else ATEN.trunc], whole)
    first, second, one, other = parts(x, y)
    value = b.divide(first, second)
    change = None if other is None else b.divide(b.multiply(b.negate(value), other), second)
    return combined(value, None if one is None else b.divide(one, second), change)


def _remainder(x: Any, y: Any) -> Enclosure:
    return torch.sub(x, torch.floor(torch.div(x, y)) * y)  # pyright: ignore[reportReturnType]


def _fmod(x: Any, y: Any) -> Enclosure:
    return torch.sub(x, torch.trunc(torch.div(x, y)) * y)  # pyright: ignore[reportReturnType]


def _power(x: Any, exponent: Any) -> Enclosure:
    if isinstance(exponent, Tensor) and not isinstance(exponent, Enclosure):
        if exponent.numel() != 1:
            raise UnsupportedOperation("x to a different power for each element has no rule.")
        exponent = exponent.item()
    if not isinstance(exponent, Enclosure):
        return unary(POWER, x, float(exponent))
    if isinstance(x, Enclosure):
        return torch.exp(exponent * torch.log(x))  # pyright: ignore[reportReturnType]
    base = bounds_of(x)
    return torch.exp(exponent * known(  # pyright: ignore[reportReturnType]
        increasing(torch.log, base), exponent))  # fmt: skip


def _extreme(
    x: Any, y: Any, pick: Callable[[Bounds, Bounds], Bounds], first_wins: Callable[..., Tensor]
) -> Enclosure:
    first, second, one, other = parts(x, y)
    value = b.passed_on(pick(first, second), first, second)
    if one is None and other is None:
        return interval(value)
    zero = _zeros_like(one if one is not None else other)
    one, other = one or zero, other or zero
    both = b.hull(one, other)
    sure, possible = first_wins(first, second), ~first_wins(second, first)
    return combined(value, _chosen(sure, possible, one, other, both))


def _zeros_like(tangent: Bounds | None) -> Bounds:
    low = torch.zeros_like(tangent.low if tangent is not None else torch.zeros(0))
    return Bounds(low, low)


def _chosen(sure: Tensor, possible: Tensor, one: Bounds, other: Bounds, both: Bounds) -> Bounds:
    """`one` where it is sure, `other` where `one` is not even possible, `both` in between."""
    low = torch.where(sure, one.low, torch.where(possible, both.low, other.low))
    return Bounds(low, torch.where(sure, one.high, torch.where(possible, both.high, other.high)))


def _maximum(x: Any, y: Any) -> Enclosure:
    return _extreme(x, y, b.maximum, lambda one, other: one.low > other.high)


def _minimum(x: Any, y: Any) -> Enclosure:
    return _extreme(x, y, b.minimum, lambda one, other: one.high < other.low)


def _clamp(x: Any, least: Any = None, most: Any = None) -> Enclosure:
    x = x if least is None else _maximum(x, least)
    return x if most is None else _minimum(x, most)


def _where(condition: Any, x: Any, y: Any) -> Enclosure:
    """A choice; where it is not decided, values of both sides, and any derivative at all."""
    if isinstance(condition, Interval):
        sure, possible = condition.bounds
    elif isinstance(condition, Enclosure):
        raise UnsupportedOperation("a number was used as a condition; compare it with another.")
    else:
        sure = possible = condition
    first, second, one, other = parts(x, y)
    first, second = _defined(first), _defined(second)
    empty = (first.low > first.high) | (second.low > second.high)
    undefined(~sure & possible & empty, "a choice that may fall on NaN")
    value = _chosen(sure, possible, first, second, b.hull(first, second))
    if one is None and other is None:
        return interval(value)
    zero = _zeros_like(one if one is not None else other)
    one, other = one or zero, other or zero
    anything = Bounds(torch.full_like(zero.low, -INF), torch.full_like(zero.low, INF))
    dims = value.low.ndim
    shape = (*[1] * (dims - sure.ndim), *sure.shape)
    return combined(
        value, _chosen(sure.reshape(shape), possible.reshape(shape), one, other, anything)
    )


def _defined(x: Bounds) -> Bounds:
    """The empty interval in place of NaN, by which functions say that they are undefined."""
    gaps = x.low.isnan()
    return Bounds(x.low.masked_fill(gaps, INF), x.high.masked_fill(gaps, -INF))


def _masked_fill(x: Any, mask: Any, value: Any) -> Enclosure:
    return _where(mask, value, x)


def _compare(
    sure: Callable[[Bounds, Bounds], Tensor], possible: Callable[[Bounds, Bounds], Tensor]
):
    """A comparison: where it surely holds, and where it may; open where a side has no value."""

    def rule(x: Any, y: Any) -> Interval:
        first, second = bounds_of(x), bounds_of(y)
        nowhere = (first.low > first.high) | (second.low > second.high)
        return interval(Bounds(sure(first, second) & ~nowhere, possible(first, second) | nowhere))

    return rule


def _is_truth(x: Any) -> bool:
    return isinstance(x, Tensor) and not isinstance(x, Jet) and x.dtype == torch.bool


def _truth(x: Any) -> Bounds:
    if _is_truth(x):
        return x.bounds if isinstance(x, Interval) else Bounds(x, x)
    raise UnsupportedOperation("a logical operation on numbers has no rule; compare them first.")


def _both(x: Any, y: Any) -> Interval:
    first, second = _truth(x), _truth(y)
    return interval(Bounds(first.low & second.low, first.high & second.high))


def _either(x: Any, y: Any) -> Interval:
    first, second = _truth(x), _truth(y)
    return interval(Bounds(first.low | second.low, first.high | second.high))


def _opposite(x: Any) -> Interval:
    truth = _truth(x)
    return interval(Bounds(~truth.high, ~truth.low))


def _atan2(y: Any, x: Any) -> Enclosure:
    """The angle of (x, y); any angle where the box meets the cut, x ≤ 0 and y = 0."""
    rise, run, up, along = parts(y, x)
    corners = [torch.atan2(s, t) for s in rise for t in run]
    low, high = corners[0], corners[0]
    for corner in corners[1:]:
        low, high = torch.minimum(low, corner), torch.maximum(high, corner)
    cut = (run.low <= 0) & b.contains(rise, 0.0)
    pi = upper(torch.tensor(torch.pi, dtype=torch.float64))
    value = Bounds(torch.where(cut, -pi, lower(low)), torch.where(cut, pi, upper(high)))
    value = b.passed_on(value, rise, run)
    if up is None and along is None:
        return interval(value)
    square = b.add(b.square(rise), b.square(run))
    safe = Bounds(torch.where(cut, 1.0, square.low), torch.where(cut, 1.0, square.high))
    dy = None if up is None else b.divide(b.multiply(up, run), safe)
    dx = None if along is None else b.divide(b.multiply(b.negate(along), rise), safe)
    result = combined(value, dy, dx)
    if isinstance(result, Jet):
        result.tangent = b.whole_where(result.tangent, cut)
    return result


def _over(reduce: Callable[..., Tensor]) -> Callable[..., Interval]:
    """`all` or `any` of the elements."""

    def rule(x: Any, *settings: Any) -> Interval:
        truth = _truth(x)
        return interval(Bounds(reduce(truth.low, *settings), reduce(truth.high, *settings)))

    return rule


ARITHMETIC: dict[Any, Callable[..., Any]] = {
    ATEN.add: _add,
    ATEN.sub: _subtract,
    ATEN.rsub: _subtract_from,
    ATEN.neg: _negate,
    ATEN.mul: multiply,
    ATEN.div: _divide,
    ATEN.remainder: _remainder,
    ATEN.fmod: _fmod,
    ATEN.pow: _power,
    ATEN.maximum: _maximum,
    ATEN.minimum: _minimum,
    ATEN.clamp: _clamp,
    ATEN.clamp_min: _clamp,
    ATEN.clamp_max: lambda x, most: _clamp(x, None, most),
    ATEN.where: _where,
    ATEN.masked_fill: _masked_fill,
    ATEN.atan2: _atan2,
    ATEN.gt: _compare(lambda x, y: x.low > y.high, lambda x, y: x.high > y.low),
    ATEN.ge: _compare(lambda x, y: x.low >= y.high, lambda x, y: x.high >= y.low),
    ATEN.lt: _compare(lambda x, y: x.high < y.low, lambda x, y: x.low < y.high),
    ATEN.le: _compare(lambda x, y: x.high <= y.low, lambda x, y: x.low <= y.high),
    ATEN.eq: _compare(
        lambda x, y: (x.low == y.high) & (x.high == y.low),
        lambda x, y: (x.low <= y.high) & (y.low <= x.high),
    ),
    ATEN.ne: _compare(
        lambda x, y: (x.low > y.high) | (y.low > x.high),
        lambda x, y: (x.low != y.high) | (x.high != y.low),
    ),
    ATEN.all: _over(torch.all),
    ATEN.any: _over(torch.any),
    ATEN.bitwise_and: _both,
    ATEN.logical_and: _both,
    ATEN.bitwise_or: _either,
    ATEN.logical_or: _either,
    ATEN.bitwise_not: _opposite,
    ATEN.logical_not: _opposite,
}
"""Rules for arithmetic and choices, by PyTorch's name."""
