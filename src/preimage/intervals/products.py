"""Sums, matrix products and convolutions: midpoint and radius, with an error term for rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from preimage.intervals.bounds import Bounds, around, up, whole_where
from preimage.intervals.rounding import gamma

Product = Callable[[Tensor, Tensor], Tensor]


def bilinear(product: Product, a: Bounds, b: Bounds, terms: int) -> Bounds:
    r"""An enclosure of a product whose entries are sums of `terms` products of entries.

    With midpoints $m$ and radii $r$,

    $$a b \in m_a m_b \pm \bigl( (|m_a| + r_a) r_b + r_a |m_b| + \gamma_n |m_a| |m_b| \bigr),$$

    and the bound on the error is itself rounded up. It holds for every order of summation, with
    or without fused multiply-add, which is all that BLAS promises.

    References:
        Rump, Fast and parallel interval arithmetic, BIT 39, 1999.
    """
    known_a, unknown_a = _known(a)
    known_b, unknown_b = _known(b)
    result = _midpoint_radius(product, known_a, known_b, terms)
    if unknown_a is not None:
        result = whole_where(result, product(unknown_a, torch.ones_like(b.low)) > 0)
    if unknown_b is not None:
        result = whole_where(result, product(torch.ones_like(a.low), unknown_b) > 0)
    return result


def _midpoint_radius(product: Product, a: Bounds, b: Bounds, terms: int) -> Bounds:
    if a.constant and not b.constant:
        return _midpoint_radius(lambda y, x: product(x, y), b, a, terms)
    rounding = gamma(terms)
    center, factor = a.mid, b.mid
    spread = rounding * center.abs() if a.constant else a.radius(center) + rounding * center.abs()
    error = product(spread, factor.abs())
    if not b.constant:
        error = error + product(center.abs() + spread, b.radius(factor))
    return around(product(center, factor), up(error, terms))


def _known(x: Bounds) -> tuple[Bounds, Tensor | None]:
    """Zero in place of infinite intervals, and where they were; None where there are none."""
    finite = x.finite
    if bool(finite.all()):
        return x, None
    zero = Bounds(x.low.where(finite, 0.0), x.high.where(finite, 0.0))
    return zero, (~finite).to(torch.float64)


def matmul(a: Bounds, b: Bounds) -> Bounds:
    """Matrix products, broadcast over leading dimensions."""
    return bilinear(torch.matmul, a, b, a.low.shape[-1])


def convolution(x: Bounds, weight: Bounds, *settings: Any) -> Bounds:
    """A convolution without its bias; `settings` are stride, padding, dilation, and so on."""
    *_, transposed, _, groups = settings
    kernel = weight.low
    terms = kernel.numel() // kernel.shape[1 if transposed else 0]
    terms = terms // groups if transposed else terms

    def convolved(signal: Tensor, filters: Tensor) -> Tensor:
        return torch.ops.aten.convolution.default(signal, filters, None, *settings)

    return bilinear(convolved, x, weight, terms)


def total(x: Bounds, dims: list[int], keepdim: bool) -> Bounds:
    """A sum over dimensions."""
    terms = 1
    for dim in dims:
        terms *= x.low.shape[dim]
    low, high = x.low.sum(dims, keepdim=keepdim), x.high.sum(dims, keepdim=keepdim)
    rounding = gamma(terms)
    if terms <= 1:
        return Bounds(low, high)
    error = up(rounding * x.magnitude.sum(dims, keepdim=keepdim), terms)
    return Bounds(around(low, error).low, around(high, error).high)


def running_total(x: Bounds, dim: int) -> Bounds:
    """Cumulative sums along a dimension."""
    rounding = gamma(x.low.shape[dim])
    error = up(rounding * x.magnitude.cumsum(dim), x.low.shape[dim])
    return Bounds(around(x.low.cumsum(dim), error).low, around(x.high.cumsum(dim), error).high)
