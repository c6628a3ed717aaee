"""From proposals to answers: polish, verify, drop repeats, rank. Written once, for every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from preimage.inverters.effort import finish, polished, race
from preimage.inverters.pool import Pool
from preimage.inverters.problem import Problem
from preimage.inverters.ranking import Answers, closest, ranked
from preimage.inverters.walk import walk
from preimage.solve.fibre import closest_on_fibre
from preimage.solve.levenberg_marquardt import Polished

ATTEMPTS = 4
"""How often a method is asked for proposals for a target before the target is given up."""


NEWS = 1 / 20
"""The chance of finding something new below which a target is not asked for again."""


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
    if not polish:
        pool = _as_proposed(propose(Request(problem, targets, n, near, 0)), problem, targets)
        return ranked(pool, problem, len(targets), n=n, near=near, tol=tol, polish=False)
    # Where a surrogate checks, or a state is given, answers compete and all are wanted.
    free = near is None and problem.checker == "function"
    if free and n == 1:
        pool = _until_first(propose, problem, targets, tol)
        return closest(pool, problem, len(targets), tol=tol)
    pool = _until_nothing_new(propose, problem, targets, n, near, tol)
    if problem.checker == "function":
        pool = finish(pool, problem, targets, tol)
    if free and problem.difference_dim < problem.input_dim:
        pool = walk(pool, problem, targets, n=n, tol=tol)
    return ranked(pool, problem, len(targets), n=n, near=near, tol=tol, polish=True)


def _as_proposed(proposals: Proposals, problem: Problem, targets: Tensor) -> Pool:
    """The proposals as they are, with what the function gives there."""
    x, target = problem.box.clip(proposals.x), targets[proposals.target]
    y = problem.function(x)
    nowhere = torch.zeros(len(x), dtype=torch.bool)
    end = Polished(x, y, problem.space.distance(y, target), nowhere)
    return Pool.empty(problem.input_dim, problem.output_dim).add(proposals.target, end)


def _until_first(
    propose: Callable[[Request], Proposals], problem: Problem, targets: Tensor, tol: float
) -> Pool:
    """What proposals lead to, up to one answer for each target."""
    pool = Pool.empty(problem.input_dim, problem.output_dim)
    open_ = torch.arange(len(targets))
    for attempt in range(ATTEMPTS):
        proposals = propose(Request(problem, targets[open_], 1, None, attempt))
        target, start = open_[proposals.target], problem.box.clip(proposals.x)
        pool = race(pool, problem, target, start, targets, tol=tol)
        open_ = (pool.confirmed(len(targets), tol) == 0).nonzero()[:, 0]
        if len(open_) == 0:
            return pool
    return finish(pool, problem, targets, tol)


def _until_nothing_new(
    propose: Callable[[Request], Proposals],
    problem: Problem,
    targets: Tensor,
    n: int,
    near: Tensor | None,
    tol: float,
) -> Pool:
    """What proposals lead to, for as long as they bring new answers and more are wanted."""
    continuum = problem.difference_dim < problem.input_dim
    pool = Pool.empty(problem.input_dim, problem.output_dim)
    open_ = torch.arange(len(targets))
    found = torch.zeros(len(targets), dtype=torch.int64)
    for attempt in range(ATTEMPTS):
        close = None if near is None else near[open_]
        proposals = propose(Request(problem, targets[open_], n, close, attempt))
        target, start = open_[proposals.target], problem.box.clip(proposals.x)
        if near is not None and attempt == 0:
            target = torch.cat([target, open_])
            start = torch.cat([start, problem.box.clip(near[open_])])
        end = polished(problem, start, targets[target], tol)
        pool = pool.add(target, end)
        if near is not None and continuum:
            along = closest_on_fibre(
                problem.function, end, targets[target], near[target],
                box=problem.box, scale=problem.scale, tol=tol,
            )  # fmt: skip
            pool = pool.add(target, along)
        if proposals.complete:
            open_ = (pool.confirmed(len(targets), tol) == 0).nonzero()[:, 0]
        else:
            before = found
            found, chance = pool.answers(problem, len(targets), tol)
            unsettled = (found == 0) | ((found > before) & (found < n) & (chance > NEWS))
            open_ = open_[unsettled[open_]]
        if len(open_) == 0:
            break
    return pool
