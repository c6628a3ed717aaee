"""From proposals to answers: polish, verify, drop repeats, rank. Written once, for every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.inverters.problem import Problem
from preimage.preimages import Status
from preimage.solve.distinct import distinct
from preimage.solve.fibre import closest_on_fibre
from preimage.solve.levenberg_marquardt import Polished, levenberg_marquardt
from preimage.solve.ragged import padded, repeats

ATTEMPTS = 4
"""How often a method is asked for proposals for a target before the target is given up."""


@final
@dataclass(frozen=True)
class Request:
    """What a method is asked: proposals for some targets.

    Attributes:
        problem: What is to be inverted, in the box where answers must lie.
        targets: The wanted outputs.
        near: States that answers should be close to, one a target, where the user gave any.
        attempt: 0 the first time; each later attempt should bring new proposals.
    """

    problem: Problem
    targets: Float64[Tensor, "targets q"]
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


@final
@dataclass(frozen=True)
class Answers:
    """The answers to a batch of targets, as many places as any has; the rest as in `Preimages`."""

    x: Float64[Tensor, "targets most p"]
    y: Float64[Tensor, "targets most q"]
    residual: Float64[Tensor, "targets most"]
    ok: Bool[Tensor, "targets most"]
    sd: Float64[Tensor, "targets most q"] | None
    status: list[Status]


@dataclass
class _Pool:
    """Everything reached so far for a batch of targets, sorted by target."""

    target: Tensor
    x: Tensor
    y: Tensor
    residual: Tensor
    stationary: Tensor

    def add(self, target: Tensor, end: Polished) -> _Pool:
        group = torch.cat([self.target, target])
        order = group.argsort(stable=True)
        both = _Pool(
            group,
            torch.cat([self.x, end.x]),
            torch.cat([self.y, end.y]),
            torch.cat([self.residual, end.residual.nan_to_num(nan=torch.inf)]),
            torch.cat([self.stationary, end.stationary]),
        )
        return both._rows(order)

    def without_repeats(self, problem: Problem) -> _Pool:
        """Of rows that are the same answer, the one of least residual."""
        order = self.residual.argsort(stable=True)
        order = order[self.target[order].argsort(stable=True)]
        group, x = self.target[order], self.x[order]
        return self._rows(order[~repeats(x, group, problem.box, problem.separation)])

    def without_dead_ends(self, count: int, tol: float) -> _Pool:
        """The rows that are answers and, for a target that has none, the closest."""
        least = self.residual.new_full((count,), torch.inf)
        least = least.scatter_reduce(0, self.target, self.residual, "amin")
        return self._rows((self.residual <= least[self.target].clamp(min=tol)).nonzero()[:, 0])

    def _rows(self, index: Tensor) -> _Pool:
        return _Pool(
            self.target[index],
            self.x[index],
            self.y[index],
            self.residual[index],
            self.stationary[index],
        )


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
    pool = _Pool(
        torch.zeros(0, dtype=torch.int64),
        targets.new_zeros(0, p),
        targets.new_zeros(0, q),
        targets.new_zeros(0),
        torch.zeros(0, dtype=torch.bool),
    )
    open_ = torch.arange(count)
    found = torch.zeros(count, dtype=torch.int64)
    for attempt in range(ATTEMPTS if polish else 1):
        close = None if near is None else near[open_]
        proposals = propose(Request(problem, targets[open_], close, attempt))
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
            confirmed = torch.zeros(count, dtype=torch.bool)
            confirmed[pool.target[pool.residual <= tol]] = True
            open_ = (~confirmed).nonzero()[:, 0]
        else:
            before, found = found, _count(pool, problem, count, n, tol)
            unsettled = (found == 0) | ((found > before) & (found < n))
            open_ = open_[unsettled[open_]]
        if len(open_) == 0:
            break
    return _ranked(pool, problem, targets, n=n, near=near, tol=tol, polish=polish)


def _reach(problem: Problem, start: Tensor, target: Tensor, polish: bool) -> Polished:
    """Where each proposal leads: to the end of its polish, or as it is."""
    if polish:
        return levenberg_marquardt(
            problem.function, start, target, box=problem.box, scale=problem.scale
        )
    y = problem.function(start)
    nowhere = torch.zeros(len(start), dtype=torch.bool)
    return Polished(start, y, (y - target).norm(dim=1), nowhere)


def _count(pool: _Pool, problem: Problem, count: int, n: int, tol: float) -> Tensor:
    """How many distinct confirmed answers each target has so far."""
    pool = pool.without_repeats(problem)
    x = padded(pool.x, pool.target, count, 0.0)
    residual = padded(pool.residual, pool.target, count, torch.inf)
    residual = residual.where(residual <= tol, torch.inf)
    chosen = distinct(
        x, residual, residual <= tol, box=problem.box, n=n, separation=problem.separation
    )
    return (chosen >= 0).sum(dim=1)


def _ranked(
    pool: _Pool,
    problem: Problem,
    targets: Tensor,
    *,
    n: int,
    near: Tensor | None,
    tol: float,
    polish: bool,
) -> Answers:
    """The n distinct answers of each target, the surest first, or the nearest to `near`."""
    count = len(targets)
    stuck = torch.zeros(count, dtype=torch.bool)
    stuck[pool.target[pool.stationary & pool.residual.isfinite()]] = True
    if polish and problem.checker == "function":
        pool = pool.without_dead_ends(count, tol)
    pool = pool.without_repeats(problem)
    x = padded(pool.x, pool.target, count, torch.nan)
    y = padded(pool.y, pool.target, count, torch.nan)
    residual = padded(pool.residual, pool.target, count, torch.inf)
    index = distinct(
        x, residual, residual <= tol,
        box=problem.box, n=n, separation=problem.separation, near=near,
    )  # fmt: skip
    absent = index < 0
    index = index.clamp(min=0)
    x, y = _take(x, index, absent), _take(y, index, absent)
    residual = residual.gather(1, index).masked_fill(absent, torch.nan)
    sd = _sd(problem, x)
    doubt = torch.zeros_like(residual) if sd is None else sd.norm(dim=2)
    ok = residual <= torch.maximum(2 * doubt, torch.full_like(doubt, tol))
    if polish:
        # A polished row that is not an answer is a dead end; only the closest one says anything.
        closest = residual.nan_to_num(nan=torch.inf).argsort(dim=1, stable=True).argsort(dim=1) == 0
        absent |= ~ok & (ok.any(dim=1, keepdim=True) | ~closest)
        residual = residual.masked_fill(absent, torch.nan)
        ok &= ~absent
    if near is not None:
        wish = problem.box.difference(x, near[:, None]).norm(dim=2)
    else:
        wish = ((residual - tol).clamp(min=0).square() + doubt.square()).sqrt()
    order = _order(x / problem.box.width, wish, residual, ok)
    absent = absent.gather(1, order)
    ok = ok.gather(1, order)
    return Answers(
        x=_take(x, order, absent),
        y=_take(y, order, absent),
        residual=residual.gather(1, order),
        ok=ok,
        sd=None if sd is None else _take(sd, order, absent),
        status=[
            _status(problem.checker, *flags)
            for flags in zip(ok.any(dim=1).tolist(), stuck.tolist(), strict=True)
        ],
    )


def _order(x: Tensor, wish: Tensor, residual: Tensor, ok: Tensor) -> Tensor:
    """Confirmed answers by `wish`, and by x where that is equal; then the others by residual."""
    order = torch.arange(x.shape[1]).expand(len(x), -1)
    keys = [column.round(decimals=9) for column in x.unbind(dim=2)]
    for key in (*reversed(keys), torch.where(ok, wish, residual), ~ok):
        order = order.gather(1, key.gather(1, order).argsort(dim=1, stable=True))
    return order


def _status(checker: str, answered: bool, stuck: bool) -> Status:
    if answered:
        return Status.SOLVED if checker == "function" else Status.WITHIN_SURROGATE
    return Status.UNREACHABLE if stuck else Status.NOT_FOUND


def _sd(problem: Problem, x: Float64[Tensor, "targets n p"]) -> Tensor | None:
    """The surrogate's predictive standard deviation where the surrogate is what checks."""
    if problem.surrogate is None or problem.checker != "surrogate":
        return None
    sd = x.new_full((*x.shape[:2], problem.output_dim), torch.nan)
    there = x.isfinite().all(dim=2)
    sd[there] = problem.surrogate.sd(x[there]).detach()
    return sd


def _take(values: Tensor, index: Tensor, absent: Tensor) -> Tensor:
    rows = torch.arange(len(values))[:, None]
    return values[rows, index].masked_fill(absent[:, :, None], torch.nan)
