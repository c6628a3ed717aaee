"""Following one branch of answers along a path of targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.domain import Box
from preimage.function import Function
from preimage.solve.levenberg_marquardt import levenberg_marquardt

SHORTEST = 2.0**-12
"""The smallest part of the way between two targets that is tried before a branch is given up."""

CONTRACTION = 0.3
"""How far, relative to the predicted step, the corrector may move; beyond it, branches mix."""


@final
@dataclass(frozen=True)
class Advance:
    """Where each branch got to, and whether it got all the way to the new target."""

    x: Float64[Tensor, "branches p"]
    arrived: Bool[Tensor, " branches"]


def advance(
    function: Function,
    x: Float64[Tensor, "branches p"],
    here: Float64[Tensor, " q"],
    there: Float64[Tensor, " q"],
    *,
    box: Box,
    scale: Float64[Tensor, " m"],
    tol: float,
) -> Advance:
    r"""Carries answers of one target to the next along the way between the targets.

    Each part of the way predicts $x + J^+ \Delta y$ and corrects by Levenberg-Marquardt. A part is
    accepted when the corrector confirms an answer and moves little against the prediction, so
    that it cannot have jumped to another branch; otherwise the part is halved. A branch that
    needs parts shorter than `SHORTEST` has ended: in a fold, at the edge of the box, or where
    the function is not defined.
    """
    x = x.clone()
    done = torch.zeros(len(x), dtype=torch.float64)
    part = torch.ones_like(done)
    while True:
        active = ((done < 1) & (part >= SHORTEST)).nonzero()[:, 0]
        if len(active) == 0:
            break
        goal = torch.minimum(done[active] + part[active], torch.ones_like(done[active]))
        target = function.space.between(here, there, goal)
        y, jacobian = function.linearize(x[active])
        gap = function.space.difference(target, y)
        slope = (jacobian * box.width / scale[:, None]).nan_to_num()
        step = torch.einsum("bpq,bq->bp", torch.linalg.pinv(slope), gap / scale)
        predicted = box.clip(x[active] + step * box.width)
        end = levenberg_marquardt(function, predicted, target, box=box, scale=scale, iterations=10)
        moved = box.difference(end.x, x[active]).norm(dim=1)
        corrected = box.difference(end.x, predicted).norm(dim=1)
        smooth = corrected <= CONTRACTION * moved + 1e-9
        good = (end.residual <= tol) & smooth & (moved < 0.1)
        took = active[good]
        x[took], done[took] = end.x[good], goal[good]
        part[active] = torch.where(good, part[active] * 2, part[active] / 2)
    return Advance(x, done >= 1)
