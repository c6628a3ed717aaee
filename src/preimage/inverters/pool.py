"""Everything that proposals for a batch of targets have led to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.inverters.problem import Problem
from preimage.solve.levenberg_marquardt import Polished
from preimage.solve.ragged import alike, repeats


@final
@dataclass(frozen=True)
class Pool:
    """Points reached, sorted by target, with their residuals and whether they are dead ends."""

    target: Int64[Tensor, " rows"]
    x: Float64[Tensor, "rows p"]
    y: Float64[Tensor, "rows q"]
    residual: Float64[Tensor, " rows"]
    stationary: Bool[Tensor, " rows"]

    @staticmethod
    def empty(p: int, q: int) -> Pool:
        """Nothing reached yet."""
        none = torch.zeros(0, dtype=torch.int64)
        return Pool(none, _no_rows(p), _no_rows(q), _no_rows(1)[:, 0], none.bool())

    def add(self, target: Int64[Tensor, " rows"], end: Polished) -> Pool:
        """The pool with the ends of some proposals."""
        residual = end.residual.nan_to_num(nan=torch.inf)
        return self.join(Pool(target, end.x, end.y, residual, end.stationary))

    def join(self, other: Pool) -> Pool:
        """Both pools in one."""
        both = Pool(
            torch.cat([self.target, other.target]),
            torch.cat([self.x, other.x]),
            torch.cat([self.y, other.y]),
            torch.cat([self.residual, other.residual]),
            torch.cat([self.stationary, other.stationary]),
        )
        return both.rows(both.target.argsort(stable=True))

    def without_repeats(
        self, problem: Problem, worth: Float64[Tensor, " rows"]
    ) -> Int64[Tensor, " kept"]:
        """The rows that stay: of those that are the same answer, the one of least `worth`."""
        order = worth.argsort(stable=True)
        order = order[self.target[order].argsort(stable=True)]
        group, x = self.target[order], self.x[order]
        kept = order[~repeats(x, group, problem.box, problem.separation)]
        # In the order in which they were found: that of their residuals is left to rounding.
        return kept.sort().values

    def confirmed(self, count: int, tol: float) -> Int64[Tensor, " targets"]:
        """How many rows of each target are answers, repeats included."""
        return torch.bincount(self.target[self.residual <= tol], minlength=count)

    def answers(
        self, problem: Problem, count: int, tol: float
    ) -> tuple[Int64[Tensor, " targets"], Float64[Tensor, " targets"]]:
        """How many distinct answers each target has, and how likely the next one is new.

        The chance is that of Good (*Biometrika*, 1953): the share of those met only once among all
        that were met, with one of each added so that few of them prove little.
        """
        sure = self.rows((self.residual <= tol).nonzero()[:, 0])
        earlier, later = alike(sure.x, sure.target, problem.box, problem.separation)
        distinct, once = torch.ones(2, len(sure.x), dtype=torch.bool).unbind()
        distinct[later] = False
        once[earlier] = once[later] = False
        total, new, single = (
            torch.bincount(sure.target[rows], minlength=count)
            for rows in (torch.ones_like(once), distinct, once)
        )
        return new, (single + 1).double() / (total + 1)

    def without_dead_ends(self, count: int, tol: float) -> Pool:
        """The rows that are answers and, for a target that has none, the closest."""
        least = self.residual.new_full((count,), torch.inf)
        least = least.scatter_reduce(0, self.target, self.residual, "amin")
        return self.rows((self.residual <= least[self.target].clamp(min=tol)).nonzero()[:, 0])

    def shifted(self, by: int) -> Pool:
        """The same rows, for targets that are counted from another one."""
        return Pool(self.target + by, self.x, self.y, self.residual, self.stationary)

    def rows(self, index: Int64[Tensor, " kept"]) -> Pool:
        """Some of the rows, in this order."""
        return Pool(
            self.target[index],
            self.x[index],
            self.y[index],
            self.residual[index],
            self.stationary[index],
        )


def _no_rows(columns: int) -> Tensor:
    return torch.zeros(0, columns, dtype=torch.float64)
