"""Tensors that stand for every value of a function on a box, accepted wherever tensors are."""

from __future__ import annotations

import weakref
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor

from preimage.errors import InputError
from preimage.intervals.bounds import INF, Bounds
from preimage.intervals.failures import UnsupportedOperation

NARROW = (torch.float32, torch.float16, torch.bfloat16)


class Enclosure(Tensor):
    """A tensor without memory, whose operations are carried out by the rules for intervals.

    Subclasses: `Interval` holds values, `Jet` values and derivatives. PyTorch's functions, modules
    and methods reach `__torch_dispatch__` broken down into its own basic operations; whatever has
    no rule raises `UnsupportedOperation`, since there is no memory that could be read by mistake.
    """

    bounds: Bounds
    tangent: Bounds
    relatives: list[weakref.ref[Enclosure]]

    def __init__(self, *_: Any) -> None:
        super().__init__()

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # Some functions insist on equal types before the rules are asked: constants are converted
        # to float64, which is exact.
        with torch._C.DisableTorchFunctionSubclass():
            if kwargs:
                kwargs = {name: _exact(value) for name, value in kwargs.items()}
                return func(*[_exact(value) for value in args], **kwargs)
            return func(*[_exact(value) for value in args])

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        from preimage.intervals.rules import apply

        return apply(func, args, kwargs or {})

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.clone()


@final
class Interval(Enclosure):
    r"""Intervals $[low_i, high_i]$, one for each element, that plain torch functions accept.

    An operation on intervals gives intervals that hold every value of the operation on numbers
    from them. Bounds are float64 and rounded outward. Constants, such as the weights of a module,
    are exact numbers whatever their type. Comparisons give intervals of booleans: `low` says where
    they surely hold and `high` where they may.

    Args:
        low: The lower bounds.
        high: The upper bounds, of the same shape.

    Raises:
        InputError: If shapes differ, a bound is NaN, or some `low > high`; check the order.

    Example:
        >>> x = Interval(torch.tensor([-1.0, 2.0]), torch.tensor([2.0, 3.0]))
        >>> x**2
        Interval([0, 4], [4, 9])
        >>> (x.relu() @ torch.tensor([1.0, -1.0])).low
        tensor(-3., dtype=torch.float64)
    """

    @staticmethod
    def __new__(cls, low: Tensor, high: Tensor) -> Interval:  # noqa: D102 - the class says it
        low, high = (torch.as_tensor(side, dtype=torch.float64) for side in (low, high))
        if low.shape != high.shape:
            raise InputError(f"low is {tuple(low.shape)} and high is {tuple(high.shape)}.")
        if not bool((low <= high).all()):
            raise InputError("an interval has low > high, or NaN; swap the bounds, or mend them.")
        return interval(Bounds(low.detach().clone(), high.detach().clone()))

    @property
    def low(self) -> Shaped[Tensor, "*shape"]:
        """The lower bounds; for booleans, where they surely hold."""
        return self.bounds.low

    @property
    def high(self) -> Shaped[Tensor, "*shape"]:
        """The upper bounds; for booleans, where they may hold."""
        return self.bounds.high

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        sides = zip(self.low.flatten().tolist(), self.high.flatten().tolist(), strict=True)
        shown = [f"[{low:g}, {high:g}]" for low, high in sides]
        shape = f", shape={tuple(self.shape)}" if self.ndim != 1 else ""
        return f"Interval({', '.join(shown[:8])}{', ...' if len(shown) > 8 else ''}{shape})"


@final
class Jet(Enclosure):
    """Intervals with intervals for their derivatives in p directions.

    Attributes:
        bounds: The values.
        tangent: The derivatives, of shape `(p, *shape)`.
    """

    tangent: Bounds

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Jet(shape={tuple(self.shape)}, directions={len(self.tangent.low)})"


def interval(bounds: Bounds) -> Interval:
    """Wraps bounds of floats or booleans, without checking or copying them."""
    low, high = bounds
    made = Tensor._make_wrapper_subclass(
        Interval, low.shape, strides=low.stride(), dtype=low.dtype, device=torch.device("cpu")
    )
    # Writing in place must never change one bound twice.
    made.bounds = Bounds(low, high.clone() if high is low else high)
    made.relatives = []
    return made


def jet(bounds: Bounds, tangent: Bounds) -> Jet:
    """Wraps bounds and their derivatives."""
    low, high = bounds
    made = Tensor._make_wrapper_subclass(
        Jet, low.shape, strides=low.stride(), dtype=low.dtype, device=torch.device("cpu")
    )
    made.bounds = Bounds(low, high.clone() if high is low else high)
    made.tangent = tangent
    made.relatives = []
    return made


def bounds_of(x: Any) -> Bounds:
    """The bounds of an enclosure, or those of a tensor or a number as a constant."""
    if isinstance(x, Enclosure):
        if x.bounds.low.dtype == torch.bool:
            return Bounds(x.bounds.low.double(), x.bounds.high.double())
        return x.bounds
    if isinstance(x, Tensor):
        if x.is_complex():
            raise UnsupportedOperation("complex numbers have no rules for intervals.")
        value = x.detach().to(torch.float64)
    elif isinstance(x, bool | int | float):
        value = torch.tensor(float(x), dtype=torch.float64)
    else:
        raise UnsupportedOperation(f"a {type(x).__name__} met an interval; give real numbers.")
    return Bounds(value, value)


def tangent_of(x: Any, directions: int) -> Bounds | None:
    """The derivatives of an enclosure; None for constants."""
    if isinstance(x, Jet):
        return x.tangent
    if not isinstance(x, Interval):
        return None
    # It came from a comparison: constant where it is decided, and possibly a jump elsewhere.
    low, high = bounds_of(x)
    jump = (low != high).expand(directions, *low.shape)
    zero = torch.zeros(jump.shape, dtype=torch.float64)
    return Bounds(zero.masked_fill(jump, -INF), zero.masked_fill(jump, INF))


def directions_of(*values: Any) -> int | None:
    """How many directions the derivatives among the arguments have; None where there are none."""
    for value in values:
        if isinstance(value, Jet):
            return len(value.tangent.low)
        if isinstance(value, list | tuple):
            inner = directions_of(*value)
            if inner is not None:
                return inner
    return None


def enclosure(bounds: Bounds, tangent: Bounds | None) -> Enclosure:
    """An `Interval`, or a `Jet` where there are derivatives."""
    return interval(bounds) if tangent is None else jet(bounds, tangent)


def _exact(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.double() if value.dtype in NARROW else value
    if isinstance(value, list | tuple) and any(isinstance(part, Tensor) for part in value):
        return type(value)(_exact(part) for part in value)
    return value
