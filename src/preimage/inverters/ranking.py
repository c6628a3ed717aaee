"""From everything reached to the answers: distinct, checked, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.inverters.pool import Pool
from preimage.inverters.problem import Problem
from preimage.preimages import Status
from preimage.solve.distinct import distinct
from preimage.solve.ragged import padded, position


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


def ranked(
    pool: Pool,
    problem: Problem,
    count: int,
    *,
    n: int,
    near: Tensor | None,
    tol: float,
    polish: bool,
) -> Answers:
    """The n distinct answers of each target, the surest first, or the nearest to `near`."""
    stuck = torch.zeros(count, dtype=torch.bool)
    stuck[pool.target[pool.stationary & pool.residual.isfinite()]] = True
    if polish and problem.checker == "function":
        pool = pool.without_dead_ends(count, tol)
    worth = _worth(pool, problem, near, tol)
    kept = pool.without_repeats(problem, worth)
    pool, worth = pool.rows(kept), worth[kept]
    x = padded(pool.x, pool.target, count, torch.nan)
    y = padded(pool.y, pool.target, count, torch.nan)
    residual = padded(pool.residual, pool.target, count, torch.inf)
    index = distinct(
        x, padded(worth, pool.target, count, torch.inf), residual <= tol,
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
        # Standard deviations that differ by less than a tenth of a decade say the same.
        wish = ((residual - tol).clamp(min=0).square() + doubt.square()).sqrt().log10()
        wish = wish.round(decimals=1)
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


def closest(pool: Pool, problem: Problem, count: int, *, tol: float) -> Answers:
    """The one point of each target that came closest; as `ranked` where one answer will do."""
    pool = pool.rows(pool.residual.isfinite().nonzero()[:, 0])
    stuck = torch.zeros(count, dtype=torch.bool)
    stuck[pool.target[pool.stationary]] = True
    order = pool.residual.argsort(stable=True)
    order = order[pool.target[order].argsort(stable=True)]
    pool = pool.rows(order[position(pool.target, count) == 0])
    x = torch.full((count, 1, problem.input_dim), torch.nan, dtype=torch.float64)
    y = torch.full((count, 1, problem.output_dim), torch.nan, dtype=torch.float64)
    residual = torch.full((count, 1), torch.nan, dtype=torch.float64)
    x[pool.target, 0], y[pool.target, 0] = pool.x, pool.y
    residual[pool.target, 0] = pool.residual
    ok = residual <= tol
    status = [
        _status(problem.checker, *flags)
        for flags in zip(ok[:, 0].tolist(), stuck.tolist(), strict=True)
    ]
    return Answers(x, y, residual, ok, None, status)


def _worth(pool: Pool, problem: Problem, near: Tensor | None, tol: float) -> Tensor:
    """What decides between rows that are the same answer: the residual, or the way from `near`."""
    if near is None:
        return pool.residual
    away = problem.box.difference(pool.x, near[pool.target]).norm(dim=1)
    # Negative, so that whatever is confirmed comes before all that is not.
    return torch.where(pool.residual <= tol, -1 / (1 + away), pool.residual)


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
