"""Learning from targets without inputs: answers to them must reproduce them."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from preimage.inverters.problem import Problem
from preimage.nets.twin import TwinNet
from preimage.surrogates import Surrogate

BATCH = 128
"""Targets in each step."""


@final
class Consistency:
    r"""How far the surrogate, at a network's answers to unlabelled targets, is from the targets.

    $$\operatorname{mean} \big| \hat f(x_a + F(y, y_a, x_a)) - y \big| / \Delta_y$$

    over random targets y, each with one of its nearest anchors, and over outputs. The review of
    twin regression in the paper (section 3, item v) names loop consistency for this purpose, steps
    that cancel; for steps in x that was measured to do harm, since the network may cancel a wrong
    step by a wrong step back.

    Args:
        network: The twin network in training.
        problem: Where anchors and surrogate come from.
        surrogate: The function learned from the measurements.
        targets: Outputs that an input is wanted for.
        neighbours: How many anchors propose for a target.
    """

    def __init__(
        self,
        network: TwinNet,
        problem: Problem,
        surrogate: Surrogate,
        targets: Tensor,
        neighbours: int,
    ) -> None:
        self._network, self._problem, self._surrogate = network, problem, surrogate
        self._targets = targets
        self._anchors = problem.nearest_anchors(targets, neighbours)

    def __call__(self, source: torch.Generator) -> Tensor:
        """The mean inconsistency on targets drawn from `source`."""
        rows = torch.randint(len(self._targets), (BATCH,), generator=source)
        which = torch.randint(self._anchors.shape[1], (BATCH,), generator=source)
        y, anchor = self._targets[rows], self._anchors[rows, which]
        y_anchor, x_anchor = self._problem.y[anchor], self._problem.x[anchor]
        x = x_anchor + self._network(y, y_anchor, x_anchor)
        gap = (self._surrogate.mean(x) - y) / self._network.get_buffer("y_step")
        return gap.abs().mean().float()
