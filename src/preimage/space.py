"""Where outputs live: how far two of them are apart, and in which coordinates they are near."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

from jaxtyping import Float64
from torch import Tensor


class OutputSpace(ABC):
    r"""A set of outputs, written as rows of q numbers, with a difference of two of them.

    The difference is a vector of m numbers that vanishes where both are the same output. It need
    not be the difference of the numbers: two rotations are a rotation apart.
    """

    @abstractmethod
    def difference(
        self, y: Float64[Tensor, "*batch q"], target: Float64[Tensor, "*#batch q"]
    ) -> Float64[Tensor, "*batch m"]:
        """How to get from `target` to y; differentiable by both."""

    @abstractmethod
    def coordinates(self, y: Float64[Tensor, "batch q"]) -> Float64[Tensor, "batch c"]:
        """Coordinates in which near outputs are near, for tables of neighbours."""


@final
class Euclidean(OutputSpace):
    """Plain numbers: the difference is y - target."""

    def difference(
        self, y: Float64[Tensor, "*batch q"], target: Float64[Tensor, "*#batch q"]
    ) -> Float64[Tensor, "*batch q"]:
        """The difference of the numbers."""
        return y - target

    def coordinates(self, y: Float64[Tensor, "batch q"]) -> Float64[Tensor, "batch q"]:
        """The numbers themselves."""
        return y
