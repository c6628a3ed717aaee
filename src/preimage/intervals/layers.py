"""Rules for layers of networks, written in operations that have rules of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from preimage.intervals import bounds as b
from preimage.intervals.arithmetic import known, multiply, unary
from preimage.intervals.bounds import Bounds, constant, number
from preimage.intervals.elementary import nearly, sqrt
from preimage.intervals.elementwise import (
    ATEN,
    GELU,
    LOG_SIGMOID,
    Elementwise,
    hull_of_signs,
)
from preimage.intervals.enclosure import Enclosure, bounds_of
from preimage.intervals.failures import UnsupportedOperation
from preimage.intervals.reductions import largest, matmul
from preimage.intervals.structure import padded

PAIRWISE = 256
"""Up to how many classes softmax is computed from all differences, which is tightest."""


def _gelu(x: Any, *, approximate: str = "none") -> Any:
    if approximate == "none":
        return unary(GELU, x)
    inner = multiply(known(nearly(math.sqrt(2 / math.pi)), x), x + 0.044715 * x**3)
    return 0.5 * x * (1 + torch.tanh(inner))


def _log_sigmoid(x: Any) -> tuple[Any, Tensor]:
    return unary(LOG_SIGMOID, x), torch.zeros(0, dtype=torch.float64)


def _prelu(x: Any, weight: Tensor) -> Any:
    slope = bounds_of(weight)
    if isinstance(weight, Enclosure) or bool((slope.low < 0).any()):
        raise UnsupportedOperation("prelu with a negative slope has no rule for intervals.")

    def slopes(t: Bounds) -> Bounds:
        one = torch.ones((), dtype=torch.float64)
        low, high = torch.minimum(slope.low, one), torch.maximum(slope.low, one)
        negative, positive = t.high < 0, t.low > 0
        return Bounds(
            torch.where(negative, slope.low, torch.where(positive, one, low)),
            torch.where(negative, slope.low, torch.where(positive, one, high)),
        )

    value = lambda t: hull_of_signs(t, lambda s: b.multiply(s, slope), lambda s: s)  # noqa: E731
    return unary(Elementwise(value, slopes), x)


def _glu(x: Any, dim: int = -1) -> Any:
    first, second = x.chunk(2, dim)
    return first * torch.sigmoid(second)


def _odds(x: Any, dim: int) -> Any:
    r"""$\sum_j e^{x_j - x_i}$, in which every difference occurs once."""
    x = x.movedim(dim, -1)
    if x.shape[-1] > PAIRWISE:
        top = bounds_of(x).mid.amax(dim=-1, keepdim=True)
        weights = torch.exp(x - top)
        return (weights.sum(-1, keepdim=True) / weights).movedim(-1, dim)
    differences = x.unsqueeze(-2) - x.unsqueeze(-1)
    same = torch.eye(x.shape[-1], dtype=torch.bool)
    return torch.exp(differences.masked_fill(same, 0.0)).sum(-1).movedim(-1, dim)


def _softmax(x: Any, dim: int, *_: Any, **__: Any) -> Any:
    return _odds(x, dim).reciprocal()


def _log_softmax(x: Any, dim: int, *_: Any) -> Any:
    return -torch.log(_odds(x, dim))


def _logsumexp(x: Any, dims: Any, keepdim: bool = False) -> Any:
    places = [dims] if isinstance(dims, int) else list(dims)
    top = bounds_of(x).mid.amax(places, keepdim=True)
    result = torch.log(torch.exp(x - top).sum(places, keepdim=True)) + top
    return result if keepdim else result.squeeze(places)


def _standardized(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    """(x - mean) / sd over the last dimension, times `weight`, plus `bias`."""
    n = x.shape[-1]
    share = b.divide(number(1.0), number(n))
    eye = torch.eye(n, dtype=torch.float64)
    centering = b.subtract(constant(eye), Bounds(*(side.expand(n, n) for side in share)))
    centered: Any = matmul(x, known(centering, x))
    result = centered / torch.sqrt((centered**2).mean(-1, keepdim=True) + eps)
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def _layer_norm(x: Any, shape: Sequence[int], weight: Any, bias: Any, eps: float) -> Any:
    inner = len(shape)
    flat = x.reshape(*x.shape[: x.ndim - inner], -1)
    scale, shift = (None if t is None else t.reshape(-1) for t in (weight, bias))
    return _standardized(flat, scale, shift, eps).reshape(x.shape), None, None


def _group_norm(
    x: Any, weight: Any, bias: Any, n: int, c: int, size: int, groups: int, eps: float
) -> Any:
    flat = _standardized(x.reshape(n, groups, -1), None, None, eps).reshape(x.shape)
    shape = (1, c, *[1] * (x.ndim - 2))
    flat = flat if weight is None else flat * weight.reshape(shape)
    return flat if bias is None else flat + bias.reshape(shape), None, None


def _batch_norm(
    x: Any, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, _: float, eps: float
) -> Any:
    if training or mean is None:
        raise UnsupportedOperation(
            "batch_norm in training mode mixes the rows of a batch, so it is no function of one "
            "input; call .eval() on the module first."
        )
    shape = (1, -1, *[1] * (x.ndim - 2))
    spread = sqrt(b.add(constant(variance), number(eps)))
    factor = b.divide(bounds_of(1.0 if weight is None else weight), spread)
    factor = Bounds(*(side.reshape(shape) for side in factor))
    result = (x - mean.double().reshape(shape)) * known(factor, x)
    return result if bias is None else result + bias.reshape(shape), None, None


def _windows(
    x: Any, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], fill: float
) -> Any:
    """All windows of the last dimensions, as trailing dimensions."""
    dims = len(kernel)
    kernel, padding = (list(v) * dims if len(v) == 1 else list(v) for v in (kernel, padding))
    stride = list(stride) or kernel
    stride = stride * dims if len(stride) == 1 else stride
    if any(padding):
        x = padded(x, [side for pad in reversed(padding) for side in (pad, pad)], fill)
    first = x.ndim - dims
    for place in range(dims):
        x = x.unfold(first + place, kernel[place], stride[place])
    return x


def _max_pool(
    x: Any,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> Any:
    if ceil_mode or any(step != 1 for step in dilation):
        raise UnsupportedOperation("max_pool with dilation or ceil_mode has no interval rule.")
    windows = _windows(x, kernel, stride, padding, -math.inf)
    return largest(windows, list(range(-len(kernel), 0))), None


def _avg_pool(
    x: Any,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Any:
    if ceil_mode or divisor or (any(padding) and not count_include_pad):
        raise UnsupportedOperation("avg_pool with these settings has no rule for intervals.")
    windows = _windows(x, kernel, stride, padding, 0.0)
    return windows.mean(list(range(-len(kernel), 0)))


def _adaptive_avg_pool2d(x: Any, size: Sequence[int]) -> Any:
    height, width = x.shape[-2:]
    if height % size[0] or width % size[1]:
        raise UnsupportedOperation("adaptive_avg_pool2d onto a size that does not divide evenly.")
    kernel = [height // size[0], width // size[1]]
    return _avg_pool(x, kernel, kernel)


def _variance(x: Any, dims: Any = None, *, correction: float = 1, keepdim: bool = False) -> Any:
    places = list(range(x.ndim)) if dims is None else list(dims)
    count = math.prod(x.shape[place] for place in places)
    centered = x - x.mean(places, keepdim=True)
    return (centered**2).sum(places, keepdim=keepdim) / (count - correction)


def _deviation(x: Any, dims: Any = None, *, correction: float = 1, keepdim: bool = False) -> Any:
    return torch.sqrt(_variance(x, dims, correction=correction, keepdim=keepdim))


def _vector_norm(
    x: Any, order: float = 2, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Any:
    places = list(range(x.ndim)) if dims is None else list(dims)
    if order == 2:
        return torch.sqrt((x**2).sum(places, keepdim=keepdim))
    if order == 1:
        return x.abs().sum(places, keepdim=keepdim)
    if order == math.inf:
        return x.abs().amax(places, keepdim=keepdim)
    raise UnsupportedOperation(f"a norm of order {order} has no rule for intervals.")


def _cross(x: Any, y: Any, *, dim: int = -1) -> Any:
    def turned(t: Any, by: int) -> Any:
        return t.roll([-by], [dim])

    return turned(x, 1) * turned(y, 2) - turned(x, 2) * turned(y, 1)


LAYERS: dict[Any, Callable[..., Any]] = {
    ATEN.gelu: _gelu,
    ATEN.log_sigmoid_forward: _log_sigmoid,
    ATEN._prelu_kernel: _prelu,
    ATEN.glu: _glu,
    ATEN._softmax: _softmax,
    ATEN._safe_softmax: _softmax,
    ATEN._log_softmax: _log_softmax,
    ATEN.logsumexp: _logsumexp,
    ATEN.native_layer_norm: _layer_norm,
    ATEN.native_group_norm: _group_norm,
    ATEN.native_batch_norm: _batch_norm,
    ATEN._native_batch_norm_legit_no_training: lambda x, w, c, m, v, momentum, eps: _batch_norm(
        x, w, c, m, v, False, momentum, eps
    ),
    ATEN.max_pool2d_with_indices: _max_pool,
    ATEN.max_pool3d_with_indices: _max_pool,
    ATEN.avg_pool2d: _avg_pool,
    ATEN.avg_pool3d: _avg_pool,
    ATEN._adaptive_avg_pool2d: _adaptive_avg_pool2d,
    ATEN.var: _variance,
    ATEN.std: _deviation,
    ATEN.linalg_vector_norm: _vector_norm,
    ATEN.norm: _vector_norm,
    ATEN.linalg_cross: _cross,
    ATEN.hypot: lambda x, y: torch.sqrt(x**2 + y**2),
    ATEN.addcmul: lambda x, y, z, *, value=1: x + value * (y * z),
    ATEN.addcdiv: lambda x, y, z, *, value=1: x + value * (y / z),
    ATEN.lerp: lambda x, y, weight: x + weight * (y - x),
    ATEN.deg2rad: lambda x: multiply(x, known(nearly(math.pi / 180), x)),
    ATEN.rad2deg: lambda x: multiply(x, known(nearly(180 / math.pi), x)),
}
"""Rules for layers, by PyTorch's name."""
