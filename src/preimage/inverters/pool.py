"""Everything that proposals for a batch of targets have led to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.inverters.problem import Problem
from preimage.solve.levenberg_marquardt import Polished
from preimage.solve.ragged import repeats


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
        group = torch.cat([self.target, target])
        order = group.argsort(stable=True)
        both = Pool(
            group,
            torch.cat([self.x, end.x]),
            torch.cat([self.y, end.y]),
            torch.cat([self.residual, end.residual.nan_to_num(nan=torch.inf)]),
            torch.cat([self.stationary, end.stationary]),
        )
        return both.rows(order)

    def without_repeats(
        self, problem: Problem, worth: Float64[Tensor, " rows"]
    ) -> Int64[Tensor, " kept"]:
        """The rows that stay: of those that are the same answer, the one of least `worth`."""
        order = worth.argsort(stable=True)
        order = order[self.target[order].argsort(stable=True)]
        group, x = self.target[order], self.x[order]
        return order[~repeats(x, group, problem.box, problem.separation)]

    def answers(self, problem: Problem, count: int, tol: float) -> Int64[Tensor, " targets"]:
        """How many distinct answers each target has."""
        distinct = self.rows(self.without_repeats(problem, self.residual))
        return torch.bincount(distinct.target[distinct.residual <= tol], minlength=count)

    def without_dead_ends(self, count: int, tol: float) -> Pool:
        """The rows that are answers and, for a target that has none, the closest."""
        least = self.residual.new_full((count,), torch.inf)
        least = least.scatter_reduce(0, self.target, self.residual, "amin")
        return self.rows((self.residual <= least[self.target].clamp(min=tol)).nonzero()[:, 0])

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
