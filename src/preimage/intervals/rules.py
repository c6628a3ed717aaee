"""The table of all rules, and what happens to an operation that is not in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from preimage.intervals.arithmetic import ARITHMETIC, unary
from preimage.intervals.bounds import Bounds
from preimage.intervals.elementwise import ATEN, ELEMENTWISE
from preimage.intervals.enclosure import (
    NARROW,
    Enclosure,
    Jet,
    bounds_of,
    directions_of,
    enclosure,
    tangent_of,
)
from preimage.intervals.failures import UnsupportedOperation
from preimage.intervals.layers import LAYERS
from preimage.intervals.reductions import REDUCTIONS
from preimage.intervals.structure import COPIES, VIEWS, joined, moved, padded, viewed

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
"""Marks operations that PyTorch itself writes in others."""

REASONS = {
    "_local_scalar_dense": "it asks for the number behind x, as float(x), x.item() or if x > 0 do; "
    "write torch.where for choices",
    "empty_like": "it fills memory later, as dropout does in training mode; call .eval() on the "
    "module first, or build the result with torch.stack or torch.cat",
    "native_dropout": "it draws random numbers; call .eval() on the module first",
    "argmax": "an index depends on x",
    "sort": "an order depends on x",
    "topk": "an order depends on x",
}


def _converted(x: Any, *, dtype: torch.dtype | None = None, **_: Any) -> Any:
    if dtype not in (None, torch.float64, *NARROW):
        raise UnsupportedOperation(f"an interval cannot become {dtype}; it holds real numbers.")
    directions = directions_of(x)
    return enclosure(bounds_of(x), None if directions is None else tangent_of(x, directions))


def _copied(x: Any, source: Any, *_: Any) -> Enclosure:
    low, high = (side.expand(x.shape).clone() for side in bounds_of(source))
    directions = directions_of(x, source)
    if directions is None:
        return enclosure(Bounds(low, high), None)
    tangent = tangent_of(source, directions)
    shape = (directions, *x.shape)
    if tangent is None:
        zero = torch.zeros(shape, dtype=torch.float64)
        return enclosure(Bounds(low, high), Bounds(zero, zero))
    return enclosure(Bounds(low, high), Bounds(*(side.expand(shape) for side in tangent)))


def _plain(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Constants of the shape of an enclosure."""

    def made(x: Tensor, *settings: Any, **_: Any) -> Tensor:
        return make(*settings) if settings else make(x.shape)

    return made


def _zeros(size: Any) -> Tensor:
    return torch.zeros(size, dtype=torch.float64)


def _ones(size: Any) -> Tensor:
    return torch.ones(size, dtype=torch.float64)


RULES: dict[Any, Callable[..., Any]] = {
    **{name: partial(unary, rule) for name, rule in ELEMENTWISE.items()},
    **{name: partial(viewed, move) for name, move in VIEWS.items()},
    **{name: partial(moved, move) for name, move in COPIES.items()},
    **ARITHMETIC,
    **REDUCTIONS,
    **LAYERS,
    ATEN.cat: partial(joined, torch.cat),
    ATEN.stack: partial(joined, torch.stack),
    ATEN.constant_pad_nd: padded,
    ATEN._to_copy: _converted,
    ATEN.copy: _copied,
    ATEN.fill: _copied,
    ATEN.zero: lambda x: _copied(x, 0.0),
    ATEN.zeros_like: _plain(_zeros),
    ATEN.new_zeros: _plain(_zeros),
    ATEN.ones_like: _plain(_ones),
    ATEN.new_ones: _plain(_ones),
    ATEN.full_like: lambda x, value, **_: torch.full(x.shape, float(value), dtype=torch.float64),
    ATEN.new_full: lambda x, size, value, **_: torch.full(size, float(value), dtype=torch.float64),
}
"""What is done to enclosures, by PyTorch's name of the operation."""


def apply(operation: Any, args: Any, kwargs: Any) -> Any:
    """Carries out one of PyTorch's operations by its rule.

    Raises:
        UnsupportedOperation: If it has no rule; the message names it.
    """
    packet = operation.overloadpacket
    name = packet.__name__
    if operation._schema.is_mutable:
        return _in_place(name, args, kwargs)
    rule = RULES.get(packet)
    if rule is None and operation.has_kernel_for_dispatch_key(COMPOSITE):
        return operation.decompose(*args, **kwargs)
    if rule is None:
        reason = REASONS.get(name, "it has no rule for intervals")
        raise UnsupportedOperation(
            f"the function uses torch operation {name!r} ({operation.name()}): {reason}."
        )
    try:
        return rule(*args, **kwargs)
    except TypeError as error:
        raise UnsupportedOperation(
            f"torch operation {name!r} was used with settings that have no rule: {error}."
        ) from error


def _in_place(name: str, args: Any, kwargs: Any) -> Any:
    """Gives an enclosure that nothing else shares memory with a new value."""
    target = args[0] if args else None
    rule = RULES.get(getattr(ATEN, name.removesuffix("_"), None))
    if rule is None or not name.endswith("_"):
        raise UnsupportedOperation(f"the function uses {name!r}, which has no rule for intervals.")
    if not isinstance(target, Enclosure):
        raise UnsupportedOperation(
            f"the function writes x into a tensor of plain numbers ({name!r}); build the result "
            "with torch.stack or torch.cat instead."
        )
    if any(other() is not None for other in target.relatives):
        raise UnsupportedOperation(
            f"the function changes part of a tensor in place ({name!r}); build the result with "
            "torch.stack or torch.cat instead."
        )
    result = rule(*args, **kwargs)
    if type(result) is not type(target) or result.shape != target.shape:
        raise UnsupportedOperation(f"{name!r} would change the kind of a tensor in place.")
    target.bounds = result.bounds
    if isinstance(target, Jet):
        target.tangent = result.tangent
    return target
