"""Many starts and Levenberg-Marquardt: the method of choice where the function is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.inverters.base import Inverter
from preimage.inverters.flow import ATTEMPTS, Proposals, Request
from preimage.inverters.problem import Problem
from preimage.solve.cells import CellTable
from preimage.solve.ragged import position, thin

GRID_DIMENSIONS = 4
"""Up to here a grid with thousands of cells resolves the box; beyond, anchors are scattered."""

ISOLATED = 8
"""How many times more starts are made where answers are isolated points."""

RANKED = 512
"""Anchors near in y that are ranked by their Gauss-Newton step."""

FEW = 8
"""Starts in the first attempt where one answer will do."""

SLACK = 2.0
"""How much farther than the nearest anchors those may be that are ranked."""

REACH = 0.3
"""How far, in box widths, a Gauss-Newton step is followed."""

OUTSIDE = 2.0
"""How much longer a Gauss-Newton step counts as for the part of it that leaves the box."""

SPLIT = 256
"""Targets whose anchors are ranked at a time, which bounds memory."""


@final
@dataclass(kw_only=True)
class GradientInverter(Inverter):
    r"""Starts near every branch and solves for the target by Levenberg-Marquardt.

    Up to four inputs, a grid of about `anchors` cells is laid over the domain once, and the
    starts for a target are all cells whose image may contain it, so that every branch that the
    grid resolves is found. With more inputs the starts are where Gauss-Newton steps
    $J_a^+ (y - y_a)$ lead from anchors near in y, those of the shortest steps first, and more are
    tried for as long as they bring new answers. Works on the exact function or, after `fit`, on
    the surrogate.

    Args:
        starts: How many starts a target gets in one attempt, at most: where answers are isolated
            and the grid shows more places, up to eight times as many, and out of a continuum
            one and a half or two for each answer wanted.
        anchors: How many points of the domain are known in advance; more of them resolve
            functions with more wiggles.

    Example:
        >>> from preimage.domain import Box
        >>> inverter = GradientInverter().fit_function(lambda x: x**3 - x, Box(-2, 2))
        >>> print(inverter.invert(0.0))
        1 of 1 targets answered; checked by the function, derivatives by autodiff
        0: solved (3 answers, residual 0)
          x = -1
          x = 0
          x = 1
    """

    kind: ClassVar[str] = "gradient"

    starts: int = 64

    def _train(self, problem: Problem) -> None:
        if problem.input_dim <= GRID_DIMENSIONS:
            self.cells_ = CellTable.sample(problem.function, problem.box, self.anchors)
        else:
            # Made now, so that the first targets cost no more than others.
            _ = problem.neighbours, problem.newton, problem.lifted

    def _propose(self, request: Request) -> Proposals:
        if request.problem.input_dim > GRID_DIMENSIONS:
            return self._from_anchors(request)
        if request.attempt == 0:
            return self._from_cells(request)
        if request.attempt == 1:
            index = request.problem.nearest_anchors(request.targets, self.starts, request.near)
            return Proposals.from_grid(request.problem.x[index])
        return self._from_box(request)

    def _from_cells(self, request: Request) -> Proposals:
        """A start in every cell that may hold an answer, thinned where a continuum has many."""
        box, count = request.problem.box, len(request.targets)
        target, x = self.cells_.starts(request.targets)
        inside = box.contains(x, slack=float((self.cells_.width / box.width).max()))
        target, x = target[inside], x[inside]
        # Out of a continuum some are enough; of isolated answers every one has its own cells.
        continuum = request.problem.difference_dim < request.problem.input_dim
        most = max(self.starts, 2 * request.n) * (1 if continuum else ISOLATED)
        if request.near is not None:
            away = box.difference(x, request.near[target]).norm(dim=1)
            order = away.argsort(stable=True)
            order = order[target[order].argsort(stable=True)]
            target, x = target[order], x[order]
            keep = position(target, count) < most
        else:
            keep = thin(target, count, most)
        return Proposals(target[keep], x[keep])

    def _from_anchors(self, request: Request) -> Proposals:
        """Where a Gauss-Newton step leads from anchors near in y, the shortest steps first."""
        if request.attempt == ATTEMPTS - 1:
            return self._from_box(request)
        if request.attempt > 0:
            # Deeper in the same order, with more anchors to choose from.
            ranked = predictions(request, RANKED)[:, request.attempt * self.starts :]
            return Proposals.from_grid(ranked[:, : self.starts], complete=False)
        if request.n == 1 and request.near is None:
            return Proposals.from_grid(predictions(request, FEW), complete=False)
        if request.problem.difference_dim < request.problem.input_dim:
            most = max(self.starts, 3 * request.n // 2)
            return Proposals.from_grid(predictions(request, max(2 * self.starts, most))[:, :most])
        return Proposals.from_grid(predictions(request, self.starts), complete=False)

    def _from_box(self, request: Request) -> Proposals:
        """Starts from everywhere, where what is known did not help."""
        spread = request.problem.box.sobol(self.starts, self.seed + request.attempt)
        return Proposals.from_grid(spread.expand(len(request.targets), -1, -1))


def predictions(request: Request, k: int) -> Float64[Tensor, "targets k p"]:
    """Where a Gauss-Newton step leads from each of k anchors near in y, the shortest first.

    A step is longer by `OUTSIDE` times the way that it leads out of the box, and none is followed
    further than `REACH` box widths.
    """
    problem, box = request.problem, request.problem.box
    near = problem.neighbours.query(problem.space.coordinates(request.targets), k, SLACK)
    low = box.low.masked_fill(box.periodic, -torch.inf)
    high = box.high.masked_fill(box.periodic, torch.inf)
    targets = problem.space.lift(request.targets)
    found = []
    for index, target in zip(near.split(SPLIT), targets.split(SPLIT), strict=True):
        wanted = target.repeat_interleave(index.shape[1], dim=0)
        # As seen from the anchor, where the Jacobian was taken.
        gap = -problem.space.gap(problem.lifted[index.flatten()], wanted) / problem.scale
        step = (problem.newton[index] @ gap.view(*index.shape, -1, 1))[:, :, :, 0]
        length = step.norm(dim=2)
        step *= (REACH / length.clamp(min=REACH))[:, :, None]
        there = problem.x[index] + step * box.width
        outside = ((there - there.clamp(low, high)) / box.width).norm(dim=2)
        order = (length + OUTSIDE * outside).argsort(dim=1, stable=True)
        found.append(there.gather(1, order[:, :, None].expand_as(there)))
    return torch.cat(found)
