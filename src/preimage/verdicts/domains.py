"""The sets that a function maps from and to: boxes, all real tensors of a shape, finite sets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
import torch
from torch import Tensor

from preimage.domain import Box
from preimage.errors import InputError


@final
class Reals:
    r"""All real vectors $\mathbb{R}^n$, or all real tensors of one shape, such as images.

    Args:
        shape: The number n, or the shape of one sample, without the batch.

    Raises:
        InputError: If a size is not a positive whole number.

    Example:
        >>> Reals(3), Reals((3, 32, 32)).dim
        (Reals(3), 3072)
    """

    def __init__(self, shape: int | Sequence[int]) -> None:
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        if not sizes or any(not isinstance(size, int) or size < 1 for size in sizes):
            raise InputError(
                f"Reals({shape!r}) is no space; give a positive whole number, or the shape of one "
                "sample, such as (3, 32, 32)."
            )
        self.shape: tuple[int, ...] = sizes

    @property
    def dim(self) -> int:
        """How many real numbers a sample has."""
        return math.prod(self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reals) and self.shape == other.shape

    def __hash__(self) -> int:
        return hash(self.shape)

    def __repr__(self) -> str:
        return f"Reals({self.shape[0] if len(self.shape) == 1 else self.shape})"


@final
class Finite:
    """A finite set of samples, such as the indices of an embedding or the labels of a classifier.

    Args:
        values: A tensor `(count, ...)` whose rows are the members, or numbers.

    Raises:
        InputError: If there are no values, one is NaN, or one occurs twice.

    Example:
        >>> Finite(range(10))
        Finite(10 values)
    """

    def __init__(self, values: Tensor | Iterable[float]) -> None:
        given = values if isinstance(values, Tensor) else np.asarray(list(values))
        members = torch.as_tensor(given)
        members = members.detach().cpu()
        if members.dtype.is_floating_point:
            members = members.double()
        if members.ndim == 0 or len(members) == 0:
            raise InputError("Finite has no values; give at least one.")
        if bool(members.isnan().any()):
            raise InputError("Finite has NaN among its values; leave it out.")
        if len(members.unique(dim=0)) < len(members):
            raise InputError("Finite has a value twice; a set has each member once.")
        self.values: Tensor = members

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one member."""
        return tuple(self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finite) and torch.equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash(tuple(self.values.flatten().tolist()))

    def __repr__(self) -> str:
        return f"Finite({len(self)} values)"


Domain: TypeAlias = Box | Reals | Finite
"""What a function can be asked about."""


def as_domain(domain: Any) -> Domain:
    """The domain itself, or an error that says what one is."""
    if isinstance(domain, Box | Reals | Finite):
        return domain
    raise InputError(
        f"a domain was expected and a {type(domain).__name__} was given; write "
        "preimage.Box(low, high), preimage.Reals(n) or preimage.Finite(values)."
    )


def to_config(domain: Domain) -> dict[str, Any]:
    """The domain as plain JSON values."""
    match domain:
        case Box():
            return {"kind": "box", **domain.to_config()}
        case Reals():
            return {"kind": "reals", "shape": list(domain.shape)}
        case Finite():
            kind = "integer" if not domain.values.dtype.is_floating_point else "real"
            return {"kind": "finite", "type": kind, "values": domain.values.tolist()}


def from_config(config: Mapping[str, Any]) -> Domain:
    """The domain that `to_config` described."""
    match config["kind"]:
        case "box":
            return Box.from_config(config)
        case "reals":
            return Reals(config["shape"])
    kind = torch.int64 if config["type"] == "integer" else torch.float64
    return Finite(torch.tensor(config["values"], dtype=kind))
