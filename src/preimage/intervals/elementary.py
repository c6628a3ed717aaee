"""The elementary functions on intervals, from their values at the ends and at turning points."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from preimage.intervals.bounds import (
    INF,
    Bounds,
    absolute,
    add,
    cleaned,
    constant,
    divide,
    multiply,
    negate,
    number,
    power,
    reciprocal,
    scale,
    square,
    subtract,
    whole_where,
    with_holes,
)
from preimage.intervals.failures import undefined
from preimage.intervals.rounding import UNIT, lower, upper

Point = Callable[[Tensor], Tensor]


def increasing(f: Point, x: Bounds, least: float = -INF, most: float = INF) -> Bounds:
    """A function that grows, computed by PyTorch to within `LIBM_ULPS`, with its known range."""
    bounds = cleaned(lower(f(x.low)), upper(f(x.high)))
    return Bounds(bounds.low.clamp(min=least), bounds.high.clamp(max=most))


def decreasing(f: Point, x: Bounds, least: float = -INF, most: float = INF) -> Bounds:
    """Likewise, a function that falls."""
    return increasing(f, Bounds(x.high, x.low), least, most)


def between(
    f: Callable[[Bounds], Bounds], x: Bounds, turns: tuple[tuple[float, float], ...]
) -> Bounds:
    """A function that is monotone between turning points, each given as a place and a value.

    Place and value are decimals of more digits than float64 has; they are rounded outward here.
    """
    ends = f(constant(torch.stack([x.low, x.high])))
    low, high = ends.low.amin(dim=0), ends.high.amax(dim=0)
    for place, value in turns:
        nearby = (x.low <= place + 1e-15 * abs(place)) & (x.high >= place - 1e-15 * abs(place))
        error = 1e-15 * abs(value)
        low = torch.where(nearby, low.clamp(max=value - error), low)
        high = torch.where(nearby, high.clamp(min=value + error), high)
    return Bounds(low, high)


def nearly(value: float) -> Bounds:
    """A number that Python computed to within a few units in the last place."""
    middle = torch.tensor(value, dtype=torch.float64)
    return Bounds(lower(middle), upper(middle))


def exp(x: Bounds) -> Bounds:
    """e to the power x."""
    return increasing(torch.exp, x, least=0.0)


def expm1(x: Bounds) -> Bounds:
    """e to the power x, less one."""
    return increasing(torch.expm1, x, least=-1.0)


def exp2(x: Bounds) -> Bounds:
    """Two to the power x."""
    return increasing(torch.exp2, x, least=0.0)


def log(x: Bounds) -> Bounds:
    """The natural logarithm."""
    return _logarithm(torch.log, x, 0.0)


def log2(x: Bounds) -> Bounds:
    """The logarithm to base two."""
    return _logarithm(torch.log2, x, 0.0)


def log10(x: Bounds) -> Bounds:
    """The logarithm to base ten."""
    return _logarithm(torch.log10, x, 0.0)


def log1p(x: Bounds) -> Bounds:
    """The logarithm of 1 + x."""
    return _logarithm(torch.log1p, x, -1.0)


def _logarithm(f: Point, x: Bounds, pole: float) -> Bounds:
    holes = undefined(x.low <= pole, "a logarithm of an interval that reaches its pole")
    return with_holes(increasing(f, x), holes, x.high <= pole)


def sqrt(x: Bounds) -> Bounds:
    """The square root."""
    holes = undefined(x.low < 0, "a square root of an interval with negative numbers")
    return with_holes(increasing(torch.sqrt, x, least=0.0), holes, x.high < 0)


def rsqrt(x: Bounds) -> Bounds:
    """One over the square root."""
    return reciprocal(sqrt(x))


def cos(x: Bounds) -> Bounds:
    """The cosine."""
    return _wave(torch.cos, x, 0.0)


def sin(x: Bounds) -> Bounds:
    """The sine."""
    return _wave(torch.sin, x, math.pi / 2)


def _wave(f: Point, x: Bounds, crest: float) -> Bounds:
    ends = f(torch.stack([x.low, x.high]))
    low = lower(ends.amin(dim=0)).clamp(min=-1)
    high = upper(ends.amax(dim=0)).clamp(max=1)
    # Crests are at even multiples of π from the first one, troughs at odd ones.
    first, last = _multiples(x, crest, math.pi)
    some, one = ~(first > last), first == last
    even = torch.remainder(first, 2) == 0
    low = low.masked_fill(some & ~(one & even), -1.0)
    high = high.masked_fill(some & ~(one & ~even), 1.0)
    return cleaned(low, high)


def _multiples(x: Bounds, place: float, period: float) -> tuple[Tensor, Tensor]:
    """The first and the last k for which `place` + k `period` may lie in x; errs outward."""
    first, last = (x.low - place) / period, (x.high - place) / period
    first = (first - 16 * UNIT * (first.abs() + 1)).ceil()
    return first, (last + 16 * UNIT * (last.abs() + 1)).floor()


def _pole(x: Bounds, place: float, period: float) -> Tensor:
    """Whether an interval may hold one of the points `place` + k `period`; errs towards yes."""
    first, last = _multiples(x, place, period)
    return ~(first > last)


def tan(x: Bounds) -> Bounds:
    """The tangent, undefined at its poles."""
    holes = undefined(_pole(x, math.pi / 2, math.pi), "a tangent of an interval with a pole")
    return whole_where(increasing(torch.tan, x), holes)


def asin(x: Bounds) -> Bounds:
    """The arcsine."""
    holes = _outside_unit(x, "an arcsine")
    return with_holes(increasing(torch.asin, x), holes, _beyond_unit(x))


def acos(x: Bounds) -> Bounds:
    """The arccosine."""
    holes = _outside_unit(x, "an arccosine")
    return with_holes(decreasing(torch.acos, x, least=0.0), holes, _beyond_unit(x))


def _outside_unit(x: Bounds, what: str) -> Tensor:
    return undefined((x.low < -1) | (x.high > 1), f"{what} of an interval that leaves [-1, 1]")


def _beyond_unit(x: Bounds) -> Tensor:
    return (x.low > 1) | (x.high < -1)


def atan(x: Bounds) -> Bounds:
    """The arctangent."""
    return increasing(torch.atan, x)


def sinh(x: Bounds) -> Bounds:
    """The hyperbolic sine."""
    return increasing(torch.sinh, x)


def cosh(x: Bounds) -> Bounds:
    """The hyperbolic cosine."""
    return increasing(torch.cosh, absolute(x), least=1.0)


def tanh(x: Bounds) -> Bounds:
    """The hyperbolic tangent."""
    return increasing(torch.tanh, x, least=-1.0, most=1.0)


def asinh(x: Bounds) -> Bounds:
    """The inverse hyperbolic sine."""
    # log1p(t + t² / (1 + √(1 + t²))) keeps its digits near zero, and t ≥ 0 keeps them elsewhere.
    t = constant(torch.stack([x.low.abs(), x.high.abs()]))
    small = constant(t.low.clamp(max=1e8))
    root = add(sqrt(add(square(small), number(1.0))), number(1.0))
    near = log1p(add(small, divide(square(small), root)))
    # Beyond, asinh t exceeds log 2t by less than 1 / 4t².
    far = add(add(log(constant(t.low.clamp(min=1e8))), nearly(math.log(2))), nearly(1e-17))
    large = t.low > 1e8
    size = Bounds(
        torch.where(large, far.low - 1e-16, near.low), torch.where(large, far.high, near.high)
    )
    low = torch.where(x.low >= 0, size.low[0], -size.high[0])
    return Bounds(low, torch.where(x.high >= 0, size.high[1], -size.low[1]))


def acosh(x: Bounds) -> Bounds:
    """The inverse hyperbolic cosine."""
    holes = undefined(x.low < 1, "an inverse hyperbolic cosine of an interval below 1")
    t = constant(torch.stack([x.low.clamp(min=1), x.high.clamp(min=1)]))
    past = subtract(t, number(1.0))
    root = sqrt(multiply(past, add(t, number(1.0))))
    value = log1p(add(past, root))
    return with_holes(Bounds(value.low[0].clamp(min=0), value.high[1]), holes, x.high < 1)


def atanh(x: Bounds) -> Bounds:
    """The inverse hyperbolic tangent."""
    holes = undefined((x.low <= -1) | (x.high >= 1), "an inverse hyperbolic tangent at its pole")
    t = constant(torch.stack([x.low, x.high]).masked_fill(holes, 0.0))
    value = scale(subtract(log1p(t), log1p(negate(t))), 0.5)
    nowhere = (x.high <= -1) | (x.low >= 1)
    return with_holes(Bounds(value.low[0], value.high[1]), holes, nowhere)


def sigmoid(x: Bounds) -> Bounds:
    """The logistic function."""
    return increasing(torch.sigmoid, x, least=0.0, most=1.0)


def erf(x: Bounds) -> Bounds:
    """The error function."""
    return increasing(torch.erf, x, least=-1.0, most=1.0)


def erfc(x: Bounds) -> Bounds:
    """One less the error function."""
    return decreasing(torch.erfc, x, least=0.0, most=2.0)


def softplus(x: Bounds) -> Bounds:
    """log(1 + e^x)."""
    return increasing(_softplus, x, least=0.0)


def _softplus(x: Tensor) -> Tensor:
    return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))


def sech2(x: Bounds) -> Bounds:
    """1 / cosh², the slope of tanh: it falls with |x|."""
    return decreasing(lambda t: torch.cosh(t).square().reciprocal(), absolute(x), 0.0, 1.0)


def logistic_slope(x: Bounds) -> Bounds:
    """σ(x) σ(-x), which falls with |x|."""
    return decreasing(lambda t: torch.sigmoid(t) * torch.sigmoid(-t), absolute(x), 0.0, 0.25)


def normal_cdf(x: Bounds) -> Bounds:
    """Φ, the distribution function of the standard normal."""
    return scale(erfc(multiply(x, nearly(-(2**-0.5)))), 0.5)


def normal_pdf(x: Bounds) -> Bounds:
    """Φ', its density."""
    return multiply(exp(scale(square(x), -0.5)), nearly((2 * math.pi) ** -0.5))


def real_power(x: Bounds, exponent: float) -> Bounds:
    """x to a power; where the power is not whole, x must not be negative."""
    if exponent == int(exponent) and abs(exponent) < 1024:
        return power(x, int(exponent))
    if exponent == 0.5:
        return sqrt(x)
    if exponent < 0:
        return reciprocal(real_power(x, -exponent))
    holes = undefined(x.low < 0, f"a negative number to the power {exponent:g}")
    raised = increasing(lambda t: torch.pow(t, exponent), x, least=0.0)
    return with_holes(raised, holes, x.high < 0)
