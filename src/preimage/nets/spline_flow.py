"""A conditional neural spline flow, by zuko."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.nets.conditional import Conditional, ConditionalNet
from preimage.nets.mlp import ACTIVATIONS, Activation
from preimage.runtime import seeded

if TYPE_CHECKING:
    from zuko.distributions import NormalizingFlow


@final
@dataclass(frozen=True)
class Transported(Conditional):
    """The normal density, moved by an invertible map that depends on the condition."""

    flow: NormalizingFlow

    def log_prob(self, x: Float[Tensor, "rows p"]) -> Float[Tensor, " rows"]:
        """The log density of each row at its own x."""
        return self.flow.log_prob(x)

    def transport(self, u: Float[Tensor, "rows draws base"]) -> Float[Tensor, "rows draws p"]:
        """Samples: uniform numbers are made normal, and moved."""
        white = torch.special.ndtri(u).transpose(0, 1)
        return self._inverse(white).transpose(0, 1)

    def centres(self) -> Float[Tensor, "rows centres p"]:
        """Where the centre of the normal density is moved to."""
        return self._inverse(self.flow.base.mean)[:, None]

    @property
    def _inverse(self) -> Callable[[Tensor], Tensor]:
        return cast("Callable[[Tensor], Tensor]", self.flow.transform.inv)


@final
class SplineFlow(ConditionalNet):
    r"""$x = T_y^{-1}(\varepsilon)$ with monotone rational splines, $\varepsilon \sim N(0, I)$.

    Each transform is autoregressive: the spline of one input depends on the inputs before it and
    on the condition. Splines act on [-5, 5] and are the identity beyond.

    Args:
        inputs: The number of inputs, p.
        conditions: The number of conditions, q.
        transforms: How many maps follow each other.
        bins: Pieces of each spline.
        width: Units of a hidden layer.
        depth: Hidden layers of the network behind each transform.
        activation: Their non-linearity.
        seed: Decides the first weights.

    Source: Durkan, Bekasov, Murray, Papamakarios, Neural spline flows, 2019, with the code of
    zuko (Rozet and others).
    """

    def __init__(
        self,
        *,
        inputs: int,
        conditions: int,
        transforms: int,
        bins: int,
        width: int,
        depth: int,
        activation: Activation,
        seed: int,
    ) -> None:
        import zuko

        super().__init__()
        self.base = inputs
        with seeded(seed, torch.device("cpu")):
            self.flow = zuko.flows.NSF(
                inputs,
                conditions,
                bins=bins,
                transforms=transforms,
                hidden_features=[width] * depth,
                activation=ACTIVATIONS[activation],
            )

    def forward(self, condition: Float[Tensor, "rows q"]) -> Transported:
        """The density under each condition."""
        return Transported(self.flow(condition))
