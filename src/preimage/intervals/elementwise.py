"""The table of functions of one number: an enclosure of the value, and one of the slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch

from preimage.intervals import elementary as e
from preimage.intervals.bounds import (
    INF,
    Bounds,
    absolute,
    add,
    constant,
    divide,
    hull,
    multiply,
    negate,
    number,
    power,
    reciprocal,
    scale,
    square,
    subtract,
    whole_where,
)
from preimage.intervals.failures import UnsupportedOperation

ATEN = torch.ops.aten
"""PyTorch's own names of its operations."""


@final
@dataclass(frozen=True)
class Elementwise:
    """A function of one number.

    Attributes:
        value: Encloses its values on intervals.
        slope: Encloses its derivative; at kinks, all between the derivatives on both sides
            (Clarke's generalized derivative); at jumps, the whole line.
    """

    value: Callable[..., Bounds]
    slope: Callable[..., Bounds]


def pieces(x: Bounds, knots: list[float], slopes: list[float]) -> Bounds:
    """The slopes of a piecewise linear function on the pieces that an interval touches."""
    low, high = torch.full_like(x.low, INF), torch.full_like(x.low, -INF)
    edges = [-INF, *knots, INF]
    for left, right, slope in zip(edges[:-1], edges[1:], slopes, strict=True):
        touches = (x.low <= right) & (x.high >= left)
        low = torch.where(touches, low.clamp(max=slope), low)
        high = torch.where(touches, high.clamp(min=slope), high)
    return Bounds(low, high)


def _leaky(x: Bounds, slope: float = 0.01) -> Bounds:
    if slope < 0:
        raise UnsupportedOperation("leaky_relu with a negative slope has no rule for intervals.")
    return hull_of_signs(x, lambda t: scale(t, slope), lambda t: t)


def hull_of_signs(
    x: Bounds, negative: Callable[[Bounds], Bounds], positive: Callable[[Bounds], Bounds]
) -> Bounds:
    """A growing function with one formula below zero and another above, joined at zero."""
    below = negative(Bounds(x.low.clamp(max=0), x.high.clamp(max=0)))
    above = positive(Bounds(x.low.clamp(min=0), x.high.clamp(min=0)))
    return Bounds(
        torch.where(x.low < 0, below.low, above.low),
        torch.where(x.high > 0, above.high, below.high),
    )


def _joined_slopes(
    x: Bounds, negative: Callable[[Bounds], Bounds], positive: Callable[[Bounds], Bounds]
) -> Bounds:
    """Slopes of such a function, with both sides where the interval holds zero."""
    below = negative(Bounds(x.low.clamp(max=0), x.high.clamp(max=0)))
    above = positive(Bounds(x.low.clamp(min=0), x.high.clamp(min=0)))
    both = hull(below, above)
    low = torch.where(x.high < 0, below.low, torch.where(x.low > 0, above.low, both.low))
    high = torch.where(x.high < 0, below.high, torch.where(x.low > 0, above.high, both.high))
    return Bounds(low, high)


def _elu(x: Bounds, alpha: float = 1.0, scaling: float = 1.0, inner: float = 1.0) -> Bounds:
    if min(alpha, scaling, inner) <= 0:
        raise UnsupportedOperation("elu with a factor that is not positive has no interval rule.")
    return hull_of_signs(
        x,
        lambda t: scale(scale(e.expm1(scale(t, inner)), alpha), scaling),
        lambda t: scale(t, scaling),
    )


def _elu_slope(x: Bounds, alpha: float = 1.0, scaling: float = 1.0, inner: float = 1.0) -> Bounds:
    def negative(t: Bounds) -> Bounds:
        return scale(scale(scale(e.exp(scale(t, inner)), inner), alpha), scaling)

    return _joined_slopes(x, negative, lambda t: constant(torch.full_like(t.low, scaling)))


def _celu(x: Bounds, alpha: float = 1.0) -> Bounds:
    if alpha <= 0:
        raise UnsupportedOperation("celu with a factor that is not positive has no interval rule.")
    return hull_of_signs(x, lambda t: scale(e.expm1(divide(t, number(alpha))), alpha), lambda t: t)


def _celu_slope(x: Bounds, alpha: float = 1.0) -> Bounds:
    return _joined_slopes(
        x,
        lambda t: e.exp(divide(t, number(alpha))),
        lambda t: constant(torch.ones_like(t.low)),
    )


def _softplus(x: Bounds, beta: float = 1.0, threshold: float = 20.0) -> Bounds:
    if beta <= 0:
        raise UnsupportedOperation("softplus with beta <= 0 has no rule for intervals.")
    smooth = divide(e.softplus(scale(x, beta)), number(beta))
    # From its threshold on PyTorch returns x itself: a jump, of the tenth digit by default.
    edge, near = threshold / beta, 1e-12 * abs(threshold / beta)
    linear = torch.minimum(smooth.low, x.low.clamp(min=edge - near))
    low = torch.where(x.high >= edge - near, linear, smooth.low)
    beyond = x.low > edge + near
    return Bounds(low, torch.where(beyond & (threshold < 20), x.high, smooth.high))


def _softplus_slope(x: Bounds, beta: float = 1.0, threshold: float = 20.0) -> Bounds:
    smooth, one = e.sigmoid(scale(x, beta)), torch.ones_like(x.low)
    edge, near = threshold / beta, 1e-12 * abs(threshold / beta)
    reached, beyond = x.high >= edge - near, x.low > edge + near
    slope = Bounds(smooth.low, torch.where(reached, one, smooth.high))
    if threshold >= 20:
        return slope
    slope = Bounds(torch.where(beyond, one, slope.low), slope.high)
    return whole_where(slope, reached & ~beyond)


def _log_sigmoid(x: Bounds) -> Bounds:
    return negate(e.softplus(negate(x)))


def _gelu(x: Bounds) -> Bounds:
    lowest = (-0.7517915246935644574579, -0.169971207479903661693868)
    return e.between(lambda t: multiply(t, e.normal_cdf(t)), x, (lowest,))


def _gelu_slope(x: Bounds) -> Bounds:
    root = 1.414213562373095048802
    return e.between(
        lambda t: add(e.normal_cdf(t), multiply(t, e.normal_pdf(t))),
        x,
        ((-root, -0.1289041451851547863407444), (root, 1.128904145185154786340744)),
    )


def _silu(x: Bounds) -> Bounds:
    lowest = (-1.278464542761073795109, -0.278464542761073795109)
    return e.between(lambda t: multiply(t, e.sigmoid(t)), x, (lowest,))


def _silu_slope(x: Bounds) -> Bounds:
    place = 2.39935728051546766783
    return e.between(
        lambda t: add(e.sigmoid(t), multiply(t, e.logistic_slope(t))),
        x,
        ((-place, -0.09983932012886691695818492), (place, 1.099839320128866916958185)),
    )


def _mish(x: Bounds) -> Bounds:
    lowest = (-1.192431214515495212138, -0.30884341301725040662876)
    return e.between(lambda t: multiply(t, e.tanh(e.softplus(t))), x, (lowest,))


def _mish_slope(x: Bounds) -> Bounds:
    def slope(t: Bounds) -> Bounds:
        inner = e.softplus(t)
        return add(e.tanh(inner), multiply(multiply(t, e.sigmoid(t)), e.sech2(inner)))

    low = (-2.256376396360793120005749, -0.1125261223894625564073279)
    high = (1.490571179485428459294419, 1.088498161251727861228294)
    return e.between(slope, x, (low, high))


def _hardswish(x: Bounds) -> Bounds:
    def value(t: Bounds) -> Bounds:
        inner = add(t, number(3.0))
        factor = Bounds(inner.low.clamp(0, 6), inner.high.clamp(0, 6))
        return divide(multiply(t, factor), number(6.0))

    return e.between(value, x, ((-1.5, -0.375),))


def _hardswish_slope(x: Bounds) -> Bounds:
    middle = Bounds(x.low.clamp(-3, 3), x.high.clamp(-3, 3))
    inside = divide(add(scale(middle, 2.0), number(3.0)), number(6.0))
    zero, one = constant(torch.zeros_like(x.low)), constant(torch.ones_like(x.low))
    touched = ((zero, x.low <= -3), (inside, (x.low <= 3) & (x.high >= -3)), (one, x.high >= 3))
    low, high = torch.full_like(x.low, INF), torch.full_like(x.low, -INF)
    for slope, here in touched:
        low = torch.where(here, torch.minimum(low, slope.low), low)
        high = torch.where(here, torch.maximum(high, slope.high), high)
    return Bounds(low, high)


def _hard(x: Bounds, least: float = -1.0, most: float = 1.0) -> Bounds:
    return Bounds(x.low.clamp(least, most), x.high.clamp(least, most))


def _hardsigmoid(x: Bounds) -> Bounds:
    inner = divide(_hard(add(x, number(3.0)), 0.0, 6.0), number(6.0))
    return Bounds(inner.low.clamp(min=0), inner.high.clamp(max=1))


def _softshrink(x: Bounds, size: float = 0.5) -> Bounds:
    left = add(x, number(size))
    right = subtract(x, number(size))
    return Bounds(
        left.low.clamp(max=0) + right.low.clamp(min=0),
        left.high.clamp(max=0) + right.high.clamp(min=0),
    )


def _steps(f: Callable[..., torch.Tensor]) -> Elementwise:
    """A function that is constant between jumps."""

    def value(x: Bounds, *settings: Any) -> Bounds:
        return Bounds(f(x.low, *settings), f(x.high, *settings))

    def slope(x: Bounds, *settings: Any) -> Bounds:
        flat = torch.zeros_like(x.low)
        ends = value(x, *settings)
        return whole_where(Bounds(flat, flat), ends.low != ends.high)

    return Elementwise(value, slope)


def _same_sign_slope(x: Bounds) -> Bounds:
    return pieces(x, [0.0], [-1.0, 1.0])


def _inverse_root(x: Bounds) -> Bounds:
    """1 / √(1 - x²), infinite at ±1."""
    inside = multiply(subtract(number(1.0), x), add(number(1.0), x))
    inside = Bounds(inside.low.clamp(min=0), inside.high.clamp(max=1))
    root = e.sqrt(inside)
    # Not a hole in the function: only its slope is unbounded here.
    return _unbounded_reciprocal(root)


def _unbounded_reciprocal(x: Bounds) -> Bounds:
    """1 / x for x ≥ 0, up to infinity where x reaches zero."""
    safe = Bounds(x.low.clamp(min=0) + 2.0**-1000, x.high.clamp(min=0) + 2.0**-1000)
    values = reciprocal(safe)
    return Bounds(values.low, values.high.masked_fill(x.low <= 0, INF))


def _power_slope(x: Bounds, exponent: float) -> Bounds:
    if exponent == 0:
        return constant(torch.zeros_like(x.low))
    if exponent == int(exponent):
        return scale(power(x, int(exponent) - 1), exponent)
    if exponent < 1:
        size = Bounds(x.low.clamp(min=0), x.high.clamp(min=0))
        return scale(_unbounded_reciprocal(e.real_power(size, 1 - exponent)), exponent)
    return scale(e.real_power(x, exponent - 1), exponent)


def _log_slope(factor: float) -> Callable[[Bounds], Bounds]:
    return lambda x: multiply(reciprocal(x), e.nearly(factor))


def _one_plus_square(x: Bounds) -> Bounds:
    return add(square(x), number(1.0))


ELEMENTWISE: dict[Any, Elementwise] = {
    ATEN.abs: Elementwise(absolute, _same_sign_slope),
    ATEN.exp: Elementwise(e.exp, e.exp),
    ATEN.expm1: Elementwise(e.expm1, e.exp),
    ATEN.exp2: Elementwise(e.exp2, lambda x: multiply(e.exp2(x), e.nearly(math.log(2)))),
    ATEN.log: Elementwise(e.log, reciprocal),
    ATEN.log2: Elementwise(e.log2, _log_slope(1 / math.log(2))),
    ATEN.log10: Elementwise(e.log10, _log_slope(1 / math.log(10))),
    ATEN.log1p: Elementwise(e.log1p, lambda x: reciprocal(add(x, number(1.0)))),
    ATEN.sqrt: Elementwise(e.sqrt, lambda x: _unbounded_reciprocal(scale(e.sqrt(x), 2.0))),
    ATEN.rsqrt: Elementwise(e.rsqrt, lambda x: scale(reciprocal(multiply(x, e.sqrt(x))), -0.5)),
    ATEN.reciprocal: Elementwise(reciprocal, lambda x: negate(reciprocal(square(x)))),
    ATEN.square: Elementwise(square, lambda x: scale(x, 2.0)),
    ATEN.sin: Elementwise(e.sin, e.cos),
    ATEN.cos: Elementwise(e.cos, lambda x: negate(e.sin(x))),
    ATEN.tan: Elementwise(e.tan, lambda x: _one_plus_square(e.tan(x))),
    ATEN.asin: Elementwise(e.asin, _inverse_root),
    ATEN.acos: Elementwise(e.acos, lambda x: negate(_inverse_root(x))),
    ATEN.atan: Elementwise(e.atan, lambda x: reciprocal(_one_plus_square(x))),
    ATEN.sinh: Elementwise(e.sinh, e.cosh),
    ATEN.cosh: Elementwise(e.cosh, e.sinh),
    ATEN.tanh: Elementwise(e.tanh, e.sech2),
    ATEN.asinh: Elementwise(e.asinh, lambda x: reciprocal(e.sqrt(_one_plus_square(x)))),
    ATEN.acosh: Elementwise(
        e.acosh,
        lambda x: _unbounded_reciprocal(
            e.sqrt(multiply(_hard(subtract(x, number(1.0)), 0.0, INF), add(x, number(1.0))))
        ),
    ),
    ATEN.atanh: Elementwise(
        e.atanh,
        lambda x: reciprocal(multiply(subtract(number(1.0), x), add(number(1.0), x))),
    ),
    ATEN.sigmoid: Elementwise(e.sigmoid, e.logistic_slope),
    ATEN.erf: Elementwise(
        e.erf, lambda x: multiply(e.exp(negate(square(x))), e.nearly(2 / math.sqrt(math.pi)))
    ),
    ATEN.erfc: Elementwise(
        e.erfc, lambda x: multiply(e.exp(negate(square(x))), e.nearly(-2 / math.sqrt(math.pi)))
    ),
    ATEN.softplus: Elementwise(_softplus, _softplus_slope),
    ATEN.relu: Elementwise(lambda x: _hard(x, 0.0, INF), lambda x: pieces(x, [0.0], [0.0, 1.0])),
    ATEN.relu6: Elementwise(
        lambda x: _hard(x, 0.0, 6.0), lambda x: pieces(x, [0.0, 6.0], [0.0, 1.0, 0.0])
    ),
    ATEN.leaky_relu: Elementwise(
        _leaky, lambda x, slope=0.01: pieces(x, [0.0], [float(slope), 1.0])
    ),
    ATEN.elu: Elementwise(_elu, _elu_slope),
    ATEN.celu: Elementwise(_celu, _celu_slope),
    ATEN.silu: Elementwise(_silu, _silu_slope),
    ATEN.mish: Elementwise(_mish, _mish_slope),
    ATEN.hardtanh: Elementwise(
        _hard,
        lambda x, least=-1.0, most=1.0: pieces(x, [float(least), float(most)], [0.0, 1.0, 0.0]),
    ),
    ATEN.hardsigmoid: Elementwise(
        _hardsigmoid,
        lambda x: divide(pieces(x, [-3.0, 3.0], [0.0, 1.0, 0.0]), number(6.0)),
    ),
    ATEN.hardswish: Elementwise(_hardswish, _hardswish_slope),
    ATEN.softshrink: Elementwise(
        _softshrink,
        lambda x, size=0.5: pieces(x, [-float(size), float(size)], [1.0, 0.0, 1.0]),
    ),
    ATEN.floor: _steps(torch.floor),
    ATEN.ceil: _steps(torch.ceil),
    ATEN.trunc: _steps(torch.trunc),
    ATEN.round: _steps(torch.round),
    ATEN.sign: _steps(torch.sign),
    ATEN.sgn: _steps(torch.sign),
}
"""Functions of one number, by PyTorch's name; what follows x in a call is passed on."""

GELU = Elementwise(_gelu, _gelu_slope)
"""The exact form, x Φ(x)."""

LOG_SIGMOID = Elementwise(_log_sigmoid, lambda x: e.sigmoid(negate(x)))
"""log σ(x)."""

POWER = Elementwise(e.real_power, _power_slope)
"""x to a fixed power."""
