"""The twin with the paper's five unlucky anchors on x^3 - x: its branches beside the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.papers.twin import demonstrations
from preimage.training.recipe import RECIPES

FORMULA, LOW, HIGH = "x^3 - x", -1.5, 1.5
"""The curve of the example."""


@final
@dataclass(frozen=True)
class Branches:
    """What the twin proposes from each of the five anchors.

    Attributes:
        anchors: Their inputs and outputs, `(5, 2)`.
        targets: Outputs over the range of the curve.
        proposed: An input for each target from each anchor.
        accepted: Which of them the function confirms, to 0.05.
    """

    anchors: Float64[Tensor, "anchors 2"]
    targets: Float64[Tensor, " targets"]
    proposed: Float64[Tensor, "targets anchors"]
    accepted: Bool[Tensor, "targets anchors"]

    def at(self, target: float) -> list[tuple[float, bool]]:
        """What is proposed for a target, and whether the function confirms it."""
        row = int((self.targets - target).abs().argmin())
        return list(zip(self.proposed[row].tolist(), self.accepted[row].tolist(), strict=True))


@cache
def branches() -> Branches:
    """Trains the network, which takes some seconds; later calls have the same answer at once."""
    found = demonstrations.few_anchors(RECIPES["default"])
    x, y = demonstrations.unlucky()
    anchors = torch.cat([x, y], dim=1)
    return Branches(anchors, found.targets, found.proposed.detach(), found.accepted)
