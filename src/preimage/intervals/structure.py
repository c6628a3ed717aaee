"""Operations that only move elements: applied to each bound, and to each derivative."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from preimage.intervals.bounds import Bounds
from preimage.intervals.elementwise import ATEN
from preimage.intervals.enclosure import (
    Enclosure,
    Interval,
    Jet,
    bounds_of,
    directions_of,
    enclosure,
    tangent_of,
)
from preimage.intervals.failures import UnsupportedOperation

Move = Callable[..., Any]
"""(tensor, number of leading dimensions that stay in front, further arguments) -> tensors."""


def _at(t: Tensor, lead: int, dim: int) -> int:
    return dim if dim < 0 else dim + lead


def _view(t: Tensor, lead: int, size: Sequence[int]) -> Tensor:
    return t.reshape(*t.shape[:lead], *size)


def _permute(t: Tensor, lead: int, dims: Sequence[int]) -> Tensor:
    return t.permute(*range(lead), *[lead + dim % len(dims) for dim in dims])


def _transpose(t: Tensor, lead: int, first: int, second: int) -> Tensor:
    return t.transpose(_at(t, lead, first), _at(t, lead, second))


def _t(t: Tensor, lead: int) -> Tensor:
    return t.transpose(-1, -2) if t.ndim - lead == 2 else t


def _expand(t: Tensor, lead: int, size: Sequence[int], *, implicit: bool = False) -> Tensor:
    inner = t.shape[lead:]
    t = t.reshape(*t.shape[:lead], *[1] * (len(size) - len(inner)), *inner)
    return t.expand(*t.shape[:lead], *size)


def _unsqueeze(t: Tensor, lead: int, dim: int) -> Tensor:
    return t.unsqueeze(_at(t, lead, dim))


def _squeeze(t: Tensor, lead: int, dims: int | Sequence[int] | None = None) -> Tensor:
    inner = t.ndim - lead
    if dims is None:
        dims = range(inner)
    places = [dims] if isinstance(dims, int) else dims
    return t.squeeze(tuple(lead + place % max(inner, 1) for place in places) if inner else ())


def _select(t: Tensor, lead: int, dim: int, index: int) -> Tensor:
    return t.select(_at(t, lead, dim), index)


def _slice(
    t: Tensor, lead: int, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Tensor:
    return ATEN.slice.Tensor(t, _at(t, lead, dim), start, end, step)


def _unbind(t: Tensor, lead: int, dim: int = 0) -> Sequence[Tensor]:
    return t.unbind(_at(t, lead, dim))


def _split(t: Tensor, lead: int, size: Any, dim: int = 0) -> Sequence[Tensor]:
    return t.split(size, _at(t, lead, dim))


def _repeat(t: Tensor, lead: int, repeats: Sequence[int]) -> Tensor:
    inner = t.shape[lead:]
    t = t.reshape(*t.shape[:lead], *[1] * (len(repeats) - len(inner)), *inner)
    return t.repeat(*[1] * lead, *repeats)


def _flip(t: Tensor, lead: int, dims: Sequence[int]) -> Tensor:
    return t.flip([_at(t, lead, dim) for dim in dims])


def _roll(t: Tensor, lead: int, shifts: Sequence[int], dims: Sequence[int] = ()) -> Tensor:
    if not dims:
        flat = t.reshape(*t.shape[:lead], -1).roll(list(shifts), [lead])
        return flat.reshape(t.shape)
    return t.roll(list(shifts), [_at(t, lead, dim) for dim in dims])


def _index(t: Tensor, lead: int, indices: Sequence[Tensor | None]) -> Tensor:
    given = [place for place, index in enumerate(indices) if index is not None]
    apart = given[-1] - given[0] + 1 > len(given)
    masks = [i is not None and i.dtype in (torch.bool, torch.uint8) for i in indices]
    if any(masks) and len(given) > 1:
        raise UnsupportedOperation("several masks in one index have no rule; use one at a time.")
    wanted = [slice(None) if index is None else index for index in indices]
    result = t[(*[slice(None)] * lead, *wanted)]
    if lead and apart:
        # The dimensions of the indices came out in front; ours belongs there.
        shape = torch.broadcast_shapes(*[i.shape for i in indices if i is not None])
        result = result.movedim(len(shape), 0)
    return result


def _index_select(t: Tensor, lead: int, dim: int, index: Tensor) -> Tensor:
    return t.index_select(_at(t, lead, dim), index)


def _gather(t: Tensor, lead: int, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    index = index.expand(*t.shape[:lead], *index.shape)
    return t.gather(_at(t, lead, dim), index)


def _unfold(t: Tensor, lead: int, dim: int, size: int, step: int) -> Tensor:
    return t.unfold(_at(t, lead, dim), size, step)


def _diagonal(t: Tensor, lead: int, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    return t.diagonal(offset, _at(t, lead, dim1), _at(t, lead, dim2))


def _like_batches(move: Callable[..., Tensor], inner: int) -> Move:
    """A move of the last `inner` dimensions that takes one batch dimension in front of them."""

    def moved(t: Tensor, lead: int, *settings: Any) -> Tensor:
        front = t.shape[: t.ndim - inner]
        flat = move(t.reshape(-1, *t.shape[t.ndim - inner :]), *settings)
        return flat.reshape(*front, *flat.shape[1:])

    return moved


def _same(t: Tensor, lead: int, *settings: Any) -> Tensor:
    return t


def _clone(t: Tensor, lead: int, **_: Any) -> Tensor:
    return t.clone()


VIEWS: dict[Any, Move] = {
    ATEN.view: _view,
    ATEN._unsafe_view: _view,
    ATEN.reshape: _view,
    ATEN.permute: _permute,
    ATEN.transpose: _transpose,
    ATEN.t: _t,
    ATEN.expand: _expand,
    ATEN.unsqueeze: _unsqueeze,
    ATEN.squeeze: _squeeze,
    ATEN.select: _select,
    ATEN.slice: _slice,
    ATEN.unbind: _unbind,
    ATEN.split: _split,
    ATEN.unsafe_split: _split,
    ATEN.split_with_sizes: _split,
    ATEN.unfold: _unfold,
    ATEN.diagonal: _diagonal,
    ATEN.detach: _same,
    ATEN.alias: _same,
    ATEN.lift_fresh: _same,
}
"""Moves whose result shares memory with their argument."""

COPIES: dict[Any, Move] = {
    ATEN.clone: _clone,
    ATEN.repeat: _repeat,
    ATEN.flip: _flip,
    ATEN.roll: _roll,
    ATEN.index: _index,
    ATEN.index_select: _index_select,
    ATEN.gather: _gather,
    ATEN.tril: lambda t, lead, k=0: t.tril(k),
    ATEN.triu: lambda t, lead, k=0: t.triu(k),
    ATEN.pixel_shuffle: lambda t, lead, factor: F.pixel_shuffle(t, factor),
    ATEN.pixel_unshuffle: lambda t, lead, factor: F.pixel_unshuffle(t, factor),
    ATEN.upsample_nearest1d: _like_batches(ATEN.upsample_nearest1d.default, 2),
    ATEN.upsample_nearest2d: _like_batches(ATEN.upsample_nearest2d.default, 3),
    ATEN.reflection_pad1d: _like_batches(ATEN.reflection_pad1d.default, 1),
    ATEN.reflection_pad2d: _like_batches(ATEN.reflection_pad2d.default, 2),
    ATEN.replication_pad1d: _like_batches(ATEN.replication_pad1d.default, 1),
    ATEN.replication_pad2d: _like_batches(ATEN.replication_pad2d.default, 2),
}
"""Moves into new memory."""


def moved(move: Move, x: Enclosure, *settings: Any, **named: Any) -> Any:
    """The same move of both bounds, and of the derivatives."""
    if not isinstance(x, Enclosure) or any(isinstance(s, Enclosure) for s in settings):
        raise UnsupportedOperation("an index or a size depends on the input of the function.")
    low = move(x.bounds.low, 0, *settings, **named)
    high = move(x.bounds.high, 0, *settings, **named)
    sides: list[Any] = [low, high]
    if isinstance(x, Jet):
        sides += [move(side, 1, *settings, **named) for side in x.tangent]
    if isinstance(low, Tensor):
        return _joined(*sides)
    return [_joined(*parts) for parts in zip(*sides, strict=True)]


def _joined(low: Tensor, high: Tensor, *tangent: Tensor) -> Enclosure:
    return enclosure(Bounds(low, high), Bounds(*tangent) if tangent else None)


def viewed(move: Move, x: Enclosure, *settings: Any, **named: Any) -> Any:
    """A move, after which both know that they share memory."""
    result = moved(move, x, *settings, **named)
    for part in result if isinstance(result, list) else [result]:
        family = [weakref.ref(x), *x.relatives]
        part.relatives = list(family)
        for relative in family:
            other = relative()
            if other is not None:
                other.relatives.append(weakref.ref(part))
    return result


def joined(operation: Any, parts: Sequence[Any], dim: int = 0) -> Enclosure:
    """`cat` and `stack`, of enclosures and constants."""
    bounds = [bounds_of(part) for part in parts]
    if all(isinstance(p, Interval) and p.dtype == torch.bool for p in parts):
        bounds = [part.bounds for part in parts]
    low = operation([b.low for b in bounds], dim)
    high = operation([b.high for b in bounds], dim)
    directions = directions_of(parts)
    if directions is None:
        return enclosure(Bounds(low, high), None)
    dim = dim if dim < 0 else dim + 1
    tangents = [tangent_of(part, directions) for part in parts]
    zeros = [torch.zeros(directions, *b.low.shape, dtype=torch.float64) for b in bounds]
    lows = [z if t is None else t.low for t, z in zip(tangents, zeros, strict=True)]
    highs = [z if t is None else t.high for t, z in zip(tangents, zeros, strict=True)]
    return enclosure(Bounds(low, high), Bounds(operation(lows, dim), operation(highs, dim)))


def padded(x: Enclosure, sizes: Sequence[int], value: float = 0.0) -> Enclosure:
    """Constant padding, whose derivatives are zero."""
    low, high = (ATEN.constant_pad_nd.default(side, sizes, value) for side in x.bounds)
    if not isinstance(x, Jet):
        return enclosure(Bounds(low, high), None)
    sides = (ATEN.constant_pad_nd.default(side, sizes, 0.0) for side in x.tangent)
    return enclosure(Bounds(low, high), Bounds(*sides))
