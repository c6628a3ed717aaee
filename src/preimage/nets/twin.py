"""The twin network: from two outputs and one input to the step between two inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn


@final
@dataclass(frozen=True)
class TwinScales:
    """What a twin network takes as the centre and the size of x, of y, and of their steps.

    Attributes:
        x_center, x_scale: Of the anchors' inputs.
        y_center, y_scale: Of the anchors' outputs.
        x_step, y_step: The size of the differences between the two points of a pair.
        y_share: How much of the anchor's output is taken off the new one: one shows the network
            the difference y - y_a, zero the new output itself, as published.
    """

    x_center: Tensor
    x_scale: Tensor
    y_center: Tensor
    y_scale: Tensor
    x_step: Tensor
    y_step: Tensor
    y_share: Tensor

    @staticmethod
    def of(x: Tensor, y: Tensor, x_step: Tensor, y_step: Tensor) -> TwinScales:
        """The scales of these anchors and of these differences between pairs."""
        return TwinScales(
            x.mean(0), _spread(x), y.mean(0), _spread(y), _spread(x_step), _spread(y_step), _one(1)
        )

    @staticmethod
    def raw(p: int, q: int) -> TwinScales:
        """No scaling: the network sees the units of x and y."""
        zero_x, one_x = torch.zeros(p).double(), torch.ones(p).double()
        zero_y, one_y = torch.zeros(q).double(), torch.ones(q).double()
        return TwinScales(zero_x, one_x, zero_y, one_y, one_x, one_y, _one(0))


@final
class TwinNet(nn.Module):
    r"""$F(y, y_a, x_a) \approx x - x_a$, in scaled coordinates.

    The body sees $(y - y_a) / \Delta_y$, $(y_a - \bar y) / s_y$ and $(x_a - \bar x) / s_x$ and
    predicts $(x - x_a) / \Delta_x$, where $\Delta$ is the typical difference within a pair:
    without that, the small differences that carry the answer drown beside the rest.

    Args:
        body: The trainable network, from 2 q + p columns to p.
        scales: What is scaled by what; kept with the weights.

    Source: Wetzel 2026, equations 5 and 6; the scaling is ours.
    """

    def __init__(self, body: nn.Module, scales: TwinScales) -> None:
        super().__init__()
        self.body = body
        for name, values in vars(scales).items():
            # Loading writes into buffers, which must not share their memory.
            self.register_buffer(name, values.clone())

    def features(self, y: Tensor, y_a: Tensor, x_a: Tensor) -> Float[Tensor, "batch inputs"]:
        """What the body sees, in single precision."""
        new = (y - self._of("y_share") * y_a) / self._of("y_step")
        known_y = (y_a - self._of("y_center")) / self._of("y_scale")
        known_x = (x_a - self._of("x_center")) / self._of("x_scale")
        return torch.cat([new, known_y, known_x], dim=1).float()

    def target(self, step: Tensor) -> Float[Tensor, "batch p"]:
        """What the body should predict for a step x - x_a."""
        return (step / self._of("x_step")).float()

    def forward(self, y: Tensor, y_a: Tensor, x_a: Tensor) -> Float[Tensor, "batch p"]:
        """The step from x_a to a preimage of y, in the units of x."""
        return self.body(self.features(y, y_a, x_a)).double() * self._of("x_step")

    def _of(self, name: str) -> Tensor:
        return self.get_buffer(name)


def _spread(values: Tensor) -> Tensor:
    spread = values.std(dim=0)
    return torch.where(spread > 0, spread, 1.0)


def _one(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)
