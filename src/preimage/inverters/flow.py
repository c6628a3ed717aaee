"""From proposals to answers: polish, verify, drop repeats, rank. Written once, for every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from preimage.inverters.pool import Pool
from preimage.inverters.problem import Problem
from preimage.inverters.ranking import Answers, ranked
from preimage.solve.fibre import closest_on_fibre
from preimage.solve.levenberg_marquardt import Polished, levenberg_marquardt

ATTEMPTS = 4
"""How often a method is asked for proposals for a target before the target is given up."""


@final
@dataclass(frozen=True)
class Request:
    """What a method is asked: proposals for some targets.

    Attributes:
        problem: What is to be inverted, in the box where answers must lie.
        targets: The wanted outputs.
        n: The most answers wanted for a target.
        near: States that answers should be close to, one a target, where the user gave any.
        attempt: 0 the first time; each later attempt should bring new proposals.
    """

    problem: Problem
    targets: Float64[Tensor, "targets q"]
    n: int
    near: Float64[Tensor, "targets p"] | None
    attempt: int


@final
@dataclass(frozen=True)
class Proposals:
    """Starts or answers proposed by a method.

    Attributes:
        target: Which target each is for, sorted.
        x: The proposed inputs.
        complete: Whether these are all that the method has reason to try for a target that they
            answer. Otherwise it is asked again for as long as new answers turn up.
    """

    target: Int64[Tensor, " proposals"]
    x: Float64[Tensor, "proposals p"]
    complete: bool = True

    @staticmethod
    def from_grid(x: Float64[Tensor, "targets k p"], *, complete: bool = True) -> Proposals:
        """As many proposals for every target."""
        targets, k, p = x.shape
        target = torch.arange(targets).repeat_interleave(k)
        return Proposals(target, x.reshape(-1, p), complete)


def answer(
    propose: Callable[[Request], Proposals],
    problem: Problem,
    targets: Float64[Tensor, "targets q"],
    *,
    n: int,
    near: Float64[Tensor, "targets p"] | None,
    tol: float,
    polish: bool,
) -> Answers:
    """Asks a method for proposals until the targets are answered, and makes answers of them."""
    p, q, count = problem.input_dim, problem.output_dim, len(targets)
    pool = Pool.empty(p, q)
    open_ = torch.arange(count)
    found = torch.zeros(count, dtype=torch.int64)
    for attempt in range(ATTEMPTS if polish else 1):
        close = None if near is None else near[open_]
        proposals = propose(Request(problem, targets[open_], n, close, attempt))
        target, start = open_[proposals.target], problem.box.clip(proposals.x)
        if near is not None and polish and attempt == 0:
            target = torch.cat([target, open_])
            start = torch.cat([start, problem.box.clip(near[open_])])
        end = _reach(problem, start, targets[target], polish)
        pool = pool.add(target, end)
        if near is not None and polish and q < p:
            closest = closest_on_fibre(
                problem.function, end, targets[target], near[target],
                box=problem.box, scale=problem.scale, tol=tol,
            )  # fmt: skip
            pool = pool.add(target, closest)
        if proposals.complete:
            found = torch.bincount(pool.target[pool.residual <= tol], minlength=count)
            open_ = (found == 0).nonzero()[:, 0]
        else:
            before, found = found, pool.answers(problem, count, tol)
            unsettled = (found == 0) | ((found > before) & (found < n))
            open_ = open_[unsettled[open_]]
        if len(open_) == 0:
            break
    return ranked(pool, problem, count, n=n, near=near, tol=tol, polish=polish)


def _reach(problem: Problem, start: Tensor, target: Tensor, polish: bool) -> Polished:
    """Where each proposal leads: to the end of its polish, or as it is."""
    if polish:
        return levenberg_marquardt(
            problem.function, start, target, box=problem.box, scale=problem.scale
        )
    y = problem.function(start)
    nowhere = torch.zeros(len(start), dtype=torch.bool)
    return Polished(start, y, (y - target).norm(dim=1), nowhere)
