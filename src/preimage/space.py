"""Where outputs live: how far two of them are apart, and in which coordinates they are near."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor


class OutputSpace(ABC):
    r"""A set of outputs, written as rows of q numbers, with a difference of two of them.

    The difference is a vector of m numbers that vanishes where both are the same output. It need
    not be the difference of the numbers: two rotations are a rotation apart. Of an output that is
    NaN, the difference and the coordinates are NaN.
    """

    @abstractmethod
    def difference(
        self, y: Float64[Tensor, "*#batch q"], target: Float64[Tensor, "*#batch q"]
    ) -> Float64[Tensor, "*batch m"]:
        """How to get from `target` to y; differentiable by both."""

    @abstractmethod
    def coordinates(self, y: Float64[Tensor, "batch q"]) -> Float64[Tensor, "batch c"]:
        """Coordinates in which near outputs are near, for tables of neighbours; continuous in y."""

    def lift(self, y: Float64[Tensor, "batch q"]) -> Float64[Tensor, "batch l"]:
        """A form of outputs from which differences are quick to take; y itself where there is none.

        Solvers work with this form. A space that has one defines `lift`, `lower` and `gap`.
        """
        return y

    def lower(self, lifted: Float64[Tensor, "batch l"]) -> Float64[Tensor, "batch q"]:
        """The outputs again."""
        return lifted

    def gap(
        self, lifted: Float64[Tensor, "batch l"], target: Float64[Tensor, "batch l"]
    ) -> Float64[Tensor, "batch m"]:
        """The difference of two outputs, both lifted."""
        return self.difference(lifted, target)

    @final
    def distance(
        self, y: Float64[Tensor, "*#batch q"], target: Float64[Tensor, "*#batch q"]
    ) -> Float64[Tensor, "*batch"]:
        """The norm of the difference: the residual of an answer."""
        return self.difference(y, target).norm(dim=-1)

    def spread(self, y: Float64[Tensor, "rows q"]) -> Float64[Tensor, " m"]:
        r"""The typical size of each component of a difference; one where it is always zero.

        $\sqrt{\operatorname{mean} d^2 / 2}$ over pairs of rows half the table apart, which for
        plain numbers estimates the standard deviation.
        """
        pairs = self.difference(y, y.roll(max(1, len(y) // 2), dims=0))
        return _or_one((pairs.square().mean(dim=0) / 2).sqrt(), pairs)

    def between(
        self, start: Float64[Tensor, " q"], end: Float64[Tensor, " q"], share: Float64[Tensor, " n"]
    ) -> Float64[Tensor, "n q"]:
        """The outputs at some shares of a way from `start` to `end`.

        The way here is the straight line between the numbers; a space where that is no way, or a
        long one, has its own.
        """
        return start + share[:, None] * (end - start)


@final
class Euclidean(OutputSpace):
    """Plain numbers: the difference is y - target."""

    def difference(
        self, y: Float64[Tensor, "*#batch q"], target: Float64[Tensor, "*#batch q"]
    ) -> Float64[Tensor, "*batch q"]:
        """The difference of the numbers."""
        return y - target

    def coordinates(self, y: Float64[Tensor, "batch q"]) -> Float64[Tensor, "batch q"]:
        """The numbers themselves."""
        return y

    def spread(self, y: Float64[Tensor, "rows q"]) -> Float64[Tensor, " q"]:
        """The standard deviation of each output; one where it is constant."""
        return _or_one(y.std(dim=0), y)


EUCLIDEAN = Euclidean()
"""The space of outputs that are plain numbers."""


def _or_one(size: Tensor, values: Tensor) -> Tensor:
    """`size`, or one in the columns where it is nothing but rounding."""
    return torch.where(size > 1e-12 * (1 + values.abs().amax(dim=0)), size, 1.0)
