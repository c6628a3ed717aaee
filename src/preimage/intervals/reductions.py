"""Rules for sums, extremes and matrix products: value and derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from preimage.intervals import bounds as b
from preimage.intervals import products
from preimage.intervals.arithmetic import combined, parts
from preimage.intervals.bounds import INF, Bounds
from preimage.intervals.elementwise import ATEN
from preimage.intervals.enclosure import Enclosure, Jet, bounds_of, enclosure
from preimage.intervals.failures import UnsupportedOperation


def _from_end(x: Enclosure, dims: int | Sequence[int] | None) -> list[int]:
    """Dimensions counted from the last, so that they serve for derivatives too."""
    if dims is None or (isinstance(dims, list | tuple) and len(dims) == 0):
        return list(range(-x.ndim, 0))
    places = [dims] if isinstance(dims, int) else dims
    return [place if place < 0 else place - max(x.ndim, 1) for place in places]


def _linear(rule: Callable[[Bounds], Bounds], x: Enclosure) -> Enclosure:
    """A linear map that leaves leading dimensions alone, of the value and of the derivatives."""
    return enclosure(rule(bounds_of(x)), rule(x.tangent) if isinstance(x, Jet) else None)


def _total(
    x: Enclosure, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Enclosure:
    if x.ndim == 0:
        return x
    places = _from_end(x, dims)
    return _linear(lambda t: products.total(t, places, keepdim), x)


def _mean(x: Enclosure, dims: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Enclosure:
    count = 1
    for place in _from_end(x, dims):
        count *= x.shape[place]
    return torch.div(_total(x, dims, keepdim), count)  # pyright: ignore[reportReturnType]


def _running_total(x: Enclosure, dim: int, *, dtype: Any = None) -> Enclosure:
    (place,) = _from_end(x, dim)
    return _linear(lambda t: products.running_total(t, place), x)


def _product(
    x: Enclosure, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Any:
    if dim is None:
        return _product(x.reshape(-1), 0)  # pyright: ignore[reportArgumentType]
    factors = x.unbind(dim)
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result.unsqueeze(dim) if keepdim else result


def largest(x: Enclosure, dims: Any = None, keepdim: bool = False) -> Enclosure:
    """The largest value over dimensions, and the derivatives of all that may be it."""
    places = _from_end(x, dims)
    source = bounds_of(x)
    low = source.low.amax(places, keepdim=keepdim)
    high = source.high.amax(places, keepdim=keepdim)
    value = Bounds(low, high)
    unknown = (source.low == -INF) & (source.high == INF)
    value = b.whole_where(value, unknown.sum(places, keepdim=keepdim) > 0)
    if not isinstance(x, Jet):
        return enclosure(value, None)
    # Whatever may be the largest has a say in the derivative.
    candidate = source.high >= source.low.amax(places, keepdim=True)
    tangent = Bounds(
        x.tangent.low.masked_fill(~candidate, INF).amin(places, keepdim=keepdim),
        x.tangent.high.masked_fill(~candidate, -INF).amax(places, keepdim=keepdim),
    )
    return enclosure(value, tangent)


def _smallest(x: Any, dims: Any = None, keepdim: bool = False) -> Any:
    return torch.neg(largest(-x, dims, keepdim))


def _largest_along(x: Enclosure, dim: int | None = None, keepdim: bool = False) -> Any:
    """`torch.max`, whose indices depend on the input and are not given."""
    return largest(x) if dim is None else (largest(x, dim, keepdim), None)


def _smallest_along(x: Enclosure, dim: int | None = None, keepdim: bool = False) -> Any:
    """`torch.min`, likewise."""
    return _smallest(x) if dim is None else (_smallest(x, dim, keepdim), None)


def matmul(x: Any, y: Any) -> Enclosure:
    """Matrix products, broadcast over leading dimensions, by the product rule."""
    first, second, one, other = parts(x, y)
    change = None if one is None else products.matmul(one, second)
    swapped = None if other is None else products.matmul(first, other)
    return combined(products.matmul(first, second), change, swapped)


def _matrix_vector(x: Any, y: Any) -> Any:
    return matmul(x, y.unsqueeze(-1)).squeeze(-1)


def _dot(x: Any, y: Any) -> Any:
    return (x * y).sum()


def _add_product(base: Any, x: Any, y: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    result = matmul(x, y)
    result = result if alpha == 1 else result * alpha
    return result if beta == 0 else result + (base if beta == 1 else base * beta)


def _add_matrix_vector(base: Any, x: Any, y: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    result = _matrix_vector(x, y)
    result = result if alpha == 1 else result * alpha
    return result if beta == 0 else result + (base if beta == 1 else base * beta)


def _convolution(x: Any, weight: Any, bias: Any, *settings: Any) -> Any:
    if isinstance(weight, Enclosure):
        raise UnsupportedOperation("a convolution whose kernel depends on x has no rule.")
    kernel = bounds_of(weight)
    inner = weight.ndim - 1

    def convolved(t: Bounds) -> Bounds:
        front = t.low.shape[: t.low.ndim - inner]
        flat = Bounds(*(side.reshape(-1, *side.shape[-inner:]) for side in t))
        result = products.convolution(flat, kernel, *settings)
        return Bounds(*(side.reshape(*front, *side.shape[-inner:]) for side in result))

    result = _linear(convolved, x)
    return result if bias is None else result + bias.reshape(-1, *[1] * (inner - 1))


REDUCTIONS: dict[Any, Callable[..., Any]] = {
    ATEN.sum: _total,
    ATEN.mean: _mean,
    ATEN.cumsum: _running_total,
    ATEN.prod: _product,
    ATEN.amax: largest,
    ATEN.amin: _smallest,
    ATEN.max: _largest_along,
    ATEN.min: _smallest_along,
    ATEN.mm: matmul,
    ATEN.bmm: matmul,
    ATEN.mv: _matrix_vector,
    ATEN.dot: _dot,
    ATEN.addmm: _add_product,
    ATEN.baddbmm: _add_product,
    ATEN.addmv: _add_matrix_vector,
    ATEN.convolution: _convolution,
}
"""Rules for sums, extremes and products, by PyTorch's name."""
