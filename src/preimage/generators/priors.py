"""Where codes come from: the prior that a generator was trained with."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError

MARGIN = 1e-3
"""How close to a bound a code may come in free coordinates, in half-widths.

At the bound itself they are infinite; at this margin tanh still has 1/500 of its slope."""


@dataclass(frozen=True)
class Prior(ABC):
    """A distribution of codes, and coordinates without bounds on its support.

    Args:
        shape: The shape of one code; a number is a vector of that length.
    """

    kind: ClassVar[str]

    shape: tuple[int, ...] | int

    def __post_init__(self) -> None:
        shape = (self.shape,) if isinstance(self.shape, int) else tuple(self.shape)
        if not shape or any(side < 1 for side in shape):
            raise InputError(
                f"the shape of a code is {self.shape!r}; give a positive number such as 100, or a "
                "tuple of them such as (100, 1, 1)."
            )
        object.__setattr__(self, "shape", shape)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape of one code."""
        return (self.shape,) if isinstance(self.shape, int) else self.shape

    @property
    def dim(self) -> int:
        """How many numbers are in a code."""
        return math.prod(self.latent_shape)

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n ..."]:
        """Draws codes, on the device of the generator."""

    @abstractmethod
    def clamp(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The nearest codes that the prior can give."""

    @abstractmethod
    def to_free(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """Codes in coordinates without bounds, always finite."""

    @abstractmethod
    def from_free(self, free: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """Codes from coordinates without bounds."""

    def to_config(self) -> dict[str, Any]:
        """The prior as JSON values."""
        return {"kind": self.kind, "shape": list(self.latent_shape)}

    def state(self) -> dict[str, Tensor]:
        """What JSON cannot hold of it."""
        return {}

    @classmethod
    @abstractmethod
    def restore(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Self:
        """The prior that `to_config` and `state` wrote."""


@final
@dataclass(frozen=True)
class Uniform(Prior):
    r"""Independent numbers from U(low, high); $z = m + h \tanh u$ with centre m, half-width h.

    Args:
        shape: The shape of one code.
        low: The lower bound of each number.
        high: The upper bound.

    Example:
        >>> prior = Uniform(100)
        >>> z = prior.sample(2, torch.Generator().manual_seed(0))
        >>> z.shape, bool((prior.from_free(prior.to_free(z)) - z).abs().max() < 1e-3)
        (torch.Size([2, 100]), True)
    """

    kind: ClassVar[str] = "uniform"

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(
                f"Uniform has bounds {self.low} and {self.high}; low must be below high, and both "
                "finite."
            )

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n ..."]:
        """Draws codes, on the device of the generator."""
        u = torch.rand(n, *self.latent_shape, generator=generator, device=generator.device)
        return self.low + (self.high - self.low) * u

    def clamp(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The codes moved into the bounds."""
        return z.clamp(self.low, self.high)

    def to_free(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The artanh of the scaled codes; those at a bound are first moved in by `MARGIN`."""
        scaled = (z - self._centre) / self._half
        return scaled.clamp(MARGIN - 1, 1 - MARGIN).atanh()

    def from_free(self, free: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The scaled tanh."""
        return self._centre + self._half * free.tanh()

    @property
    def _centre(self) -> float:
        return (self.low + self.high) / 2

    @property
    def _half(self) -> float:
        return (self.high - self.low) / 2

    def to_config(self) -> dict[str, Any]:
        """The prior as JSON values."""
        return {**super().to_config(), "low": self.low, "high": self.high}

    @classmethod
    def restore(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Self:
        """The prior that `to_config` wrote."""
        return cls(tuple(config["shape"]), config["low"], config["high"])


@final
@dataclass(frozen=True)
class Normal(Prior):
    """Independent numbers from N(0, 1); they have no bounds, and free coordinates are the codes.

    Args:
        shape: The shape of one code.

    Example:
        >>> Normal((512, 1, 1)).sample(3, torch.Generator().manual_seed(0)).shape
        torch.Size([3, 512, 1, 1])
    """

    kind: ClassVar[str] = "normal"

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n ..."]:
        """Draws codes, on the device of the generator."""
        return torch.randn(n, *self.latent_shape, generator=generator, device=generator.device)

    def clamp(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The codes as they are."""
        return z

    def to_free(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The codes as they are."""
        return z

    def from_free(self, free: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The codes as they are."""
        return free

    @classmethod
    def restore(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Self:
        """The prior that `to_config` wrote."""
        return cls(tuple(config["shape"]))
