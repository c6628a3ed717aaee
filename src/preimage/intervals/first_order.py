"""Enclosures of a function and of its Jacobian on boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import InputError, PreimageError
from preimage.intervals import bounds as b
from preimage.intervals import products
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.enclosure import (
    Enclosure,
    Interval,
    Jet,
    bounds_of,
    interval,
    jet,
    tangent_of,
)
from preimage.intervals.failures import UnsupportedOperation, partial, undefined

Map = Callable[[Any], Any]
"""A callable on a batch `(batch, p)` that returns `(batch, q)`, or `(batch,)`, row by row."""


def enclose(f: Map, low: Float64[Tensor, "batch p"], high: Float64[Tensor, "batch p"]) -> Interval:
    r"""Bounds of every output of f on every box, $[f](X) \supseteq \{f(x) : x \in X\}$.

    f is evaluated once, with an `Interval` in place of its argument. The bounds are those of
    interval arithmetic: sound, and too wide by a factor that shrinks with the box.

    Args:
        f: A callable on a batch that treats its rows independently, written in torch operations.
        low: The lower corners of the boxes, in the units of x.
        high: The upper corners.

    Returns:
        Intervals of shape `(batch, q)`.

    Raises:
        UnsupportedOperation: If f uses an operation without a rule, which is named.
        UndefinedEnclosure: If f divides by zero or is otherwise undefined in a box; within
            `partial()`, such outputs get infinite bounds instead.
        InputError: If the corners are no boxes, or f returns something of a wrong shape.

    References:
        Moore, Kearfott and Cloud, Introduction to Interval Analysis, SIAM 2009, chapter 5.

    Example:
        >>> f = lambda x: x**3 - x
        >>> box = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[0.5], [2.0]]).double()
        >>> enclose(f, *box)
        Interval([-0.5, 0.125], [-1, 7], shape=(2, 1))
    """
    return interval(values(f, checked(low, high)))


def enclose_jacobian(
    f: Map, low: Float64[Tensor, "batch p"], high: Float64[Tensor, "batch p"]
) -> tuple[Interval, Interval]:
    r"""Bounds of the outputs and of all derivatives $\partial f_i / \partial x_j$ on every box.

    Derivatives are carried forward through f beside the values. At kinks they are enclosed by all
    of Clarke's generalized derivatives, row by row; where f may jump, by the whole line. For any
    two points of a box, $f(a) - f(b) \in [J](a - b)$.

    Args:
        f: As for `enclose`.
        low: The lower corners of the boxes, in the units of x.
        high: The upper corners.

    Returns:
        Intervals of shapes `(batch, q)` and `(batch, q, p)`.

    Raises:
        UnsupportedOperation: As for `enclose`.
        UndefinedEnclosure: As for `enclose`.
        InputError: As for `enclose`.

    References:
        Clarke, Optimization and Nonsmooth Analysis, SIAM 1990, proposition 2.6.5.

    Example:
        >>> corner = torch.tensor([[1.0]]).double()
        >>> value, jacobian = enclose_jacobian(torch.relu, -corner, corner)
        >>> jacobian
        Interval([0, 1], shape=(1, 1, 1))
    """
    value, jacobian = linearized(f, checked(low, high))
    return interval(value), interval(jacobian)


def enclose_mean_value(
    f: Map, low: Float64[Tensor, "batch p"], high: Float64[Tensor, "batch p"]
) -> Interval:
    r"""Tighter bounds on small boxes, $\bigl([f](m) + [J](X)\,(X - m)\bigr) \cap [f](X)$.

    Their excess shrinks with the square of the width of a box, that of `enclose` with the width.

    Args:
        f: As for `enclose`.
        low: The lower corners of the boxes, in the units of x.
        high: The upper corners.

    Returns:
        Intervals of shape `(batch, q)`.

    Raises:
        UnsupportedOperation: As for `enclose`.
        UndefinedEnclosure: As for `enclose`.
        InputError: As for `enclose`.

    Example:
        >>> low = torch.tensor([[1.0]]).double()
        >>> f = lambda x: x**2 - 2 * x
        >>> enclose(f, low, low + 0.125).bounds.width.item()
        0.51
        >>> enclose_mean_value(f, low, low + 0.125).bounds.width.item()
        0.03
    """
    box = checked(low, high)
    value, jacobian = linearized(f, box)
    return interval(b.intersect(value, mean_value(values(f, constant(box.mid)), jacobian, box)))


def mean_value(center: Bounds, jacobian: Bounds, box: Bounds) -> Bounds:
    """The mean value form, from the value at the middle of the box."""
    return b.add(center, times(jacobian, b.subtract(box, constant(box.mid))))


def times(matrix: Bounds, vector: Bounds) -> Bounds:
    """Matrix times vector, batched."""
    column = Bounds(vector.low.unsqueeze(-1), vector.high.unsqueeze(-1))
    if vector.constant:
        column = constant(vector.low.unsqueeze(-1))
    result = products.matmul(matrix, column)
    return Bounds(result.low.squeeze(-1), result.high.squeeze(-1))


def checked(low: Tensor, high: Tensor) -> Bounds:
    """Boxes from their corners."""
    if low.ndim != 2 or low.shape != high.shape:
        raise InputError(
            f"corners of shapes {tuple(low.shape)} and {tuple(high.shape)} were given; "
            "both must be (batch, p)."
        )
    if not bool((low <= high).all()):
        raise InputError("a box has low > high, or NaN; swap its corners, or mend them.")
    return Bounds(low.detach().double(), high.detach().double())


def values(f: Map, box: Bounds) -> Bounds:
    """The values of f, as bounds of shape `(batch, q)`."""
    x = interval(Bounds(box.low.clone(), box.high.clone()))
    return _defined(bounds_of(_called(f, x, len(box.low))))


def linearized(f: Map, box: Bounds) -> tuple[Bounds, Bounds]:
    """The values of f and its derivatives, as bounds of shape `(batch, q)` and `(batch, q, p)`."""
    rows, p = box.low.shape
    seed = torch.eye(p, dtype=torch.float64)[:, None].expand(p, rows, p)
    x = jet(Bounds(box.low.clone(), box.high.clone()), Bounds(seed, seed))
    y = _called(f, x, rows)
    value = _defined(bounds_of(y))
    tangent = tangent_of(y, p)
    if tangent is None:
        tangent = constant(torch.zeros(p, *value.low.shape, dtype=torch.float64))
    return value, Bounds(*(side.permute(1, 2, 0) for side in tangent))


def nowhere_defined(f: Map, box: Bounds) -> Tensor:
    """Whether f surely has no value anywhere in each box, `(batch,)`; errs towards no."""
    with partial():
        value = bounds_of(_called(f, interval(Bounds(box.low.clone(), box.high.clone())),
                                  len(box.low)))  # fmt: skip
    return (value.low > value.high).any(dim=1)


def _defined(value: Bounds) -> Bounds:
    """The value, where there is one; refuses NaN, or takes it for anything within `partial`."""
    undefined(~(value.low <= value.high), "the function is nowhere defined")
    return b.cleaned(value.low.clone(), value.high.clone())


def _called(f: Map, x: Enclosure, rows: int) -> Tensor:
    try:
        with torch.no_grad():
            y = f(x)
    except PreimageError:
        raise
    except Exception as error:
        raise UnsupportedOperation(
            f"the function failed when it was called with intervals ({type(error).__name__}: "
            f"{error}). It must be written in torch operations, on a float64 batch."
        ) from error
    if not isinstance(y, Tensor):
        raise UnsupportedOperation(f"the function returned a {type(y).__name__}, not a tensor.")
    if not isinstance(y, Interval | Jet):
        y = y.detach().to(torch.float64)
    y = y.unsqueeze(1) if y.ndim == 1 else y
    if y.ndim != 2 or len(y) != rows:
        raise InputError(
            f"the function returned shape {tuple(y.shape)} for {rows} boxes; it must return "
            f"({rows}, outputs) or ({rows},)."
        )
    return y
