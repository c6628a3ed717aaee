"""What a network that predicts a distribution over inputs can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn


class Conditional(ABC):
    """A density over x for each row of a batch."""

    @abstractmethod
    def log_prob(self, x: Float[Tensor, "rows p"]) -> Float[Tensor, " rows"]:
        """The log density of each row at its own x."""

    @abstractmethod
    def transport(self, u: Float[Tensor, "rows draws base"]) -> Float[Tensor, "rows draws p"]:
        """The samples that uniform numbers in (0, 1) stand for."""

    @abstractmethod
    def centres(self) -> Float[Tensor, "rows centres p"]:
        """Places of high density, the first ones to try."""


class ConditionalNet(nn.Module, ABC):
    """A network from conditions to a density over x.

    Attributes:
        base: How many uniform numbers make one sample.
    """

    base: int

    @abstractmethod
    def forward(self, condition: Float[Tensor, "rows q"]) -> Conditional:
        """The density under each condition."""
