"""Many starts and Levenberg-Marquardt: the method of choice where the function is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from preimage.inverters.base import Inverter
from preimage.inverters.flow import Proposals, Request
from preimage.inverters.problem import Problem
from preimage.solve.cells import CellTable
from preimage.solve.ragged import position, thin

GRID_DIMENSIONS = 4
"""Up to here a grid with thousands of cells resolves the box; beyond, anchors are scattered."""

ISOLATED = 8
"""How many times more starts are made where answers are isolated points."""

RANKED = 512
"""Anchors nearest in y that are ranked by their Gauss-Newton step."""


@final
@dataclass(kw_only=True)
class GradientInverter(Inverter):
    r"""Starts near every branch and solves for the target by Levenberg-Marquardt.

    Up to four inputs, a grid of about `anchors` cells is laid over the domain once, and the
    starts for a target are all cells whose image may contain it, so that every branch that the
    grid resolves is found. With more inputs the starts are, among the anchors nearest in y, those
    with the shortest Gauss-Newton step $\|J_a^+ (y - y_a)\|$, and more are tried for as long as
    they bring new answers. Works on the exact function or, after `fit`, on the surrogate.

    Args:
        starts: How many starts a target gets in one attempt, at most: where answers are isolated
            and the grid shows more places, up to eight times as many.
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
        continuum = request.problem.output_dim < request.problem.input_dim
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
        """Among the anchors nearest in y, those that a Gauss-Newton step moves least."""
        problem, first = request.problem, request.attempt * self.starts
        index = problem.neighbours.query(request.targets, RANKED)
        chosen = []
        for near_y, target in zip(index.split(64), request.targets.split(64), strict=True):
            gap = (target[:, None] - problem.y[near_y]) / problem.scale
            step = torch.einsum("tkpq,tkq->tkp", problem.newton[near_y], gap).norm(dim=2)
            rank = step.argsort(dim=1, stable=True)[:, first : first + self.starts]
            chosen.append(near_y.gather(1, rank))
        return Proposals.from_grid(problem.x[torch.cat(chosen)], complete=False)

    def _from_box(self, request: Request) -> Proposals:
        """Starts from everywhere, where what is known did not help."""
        spread = request.problem.box.sobol(self.starts, self.seed + request.attempt)
        return Proposals.from_grid(spread.expand(len(request.targets), -1, -1))
