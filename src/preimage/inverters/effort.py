"""How far starts are followed: a few of them where one answer will do, or all of them."""

from __future__ import annotations

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from preimage.inverters.pool import Pool
from preimage.inverters.problem import Problem
from preimage.solve.levenberg_marquardt import Polished, levenberg_marquardt
from preimage.solve.ragged import position

FIRST = 1
"""How many starts of a target run before all others."""

TRIAL = 8
"""How many steps they are given."""

PATIENCE = 12
"""How many steps a start is given to come close to its target."""

CLOSE = 1e-3
"""What is close, in spreads of y."""

FINISH = 50
"""How many steps a start is given that is close, or of a target without an answer."""


def race(
    pool: Pool,
    problem: Problem,
    target: Int64[Tensor, " starts"],
    start: Float64[Tensor, "starts p"],
    targets: Float64[Tensor, "targets q"],
    *,
    tol: float,
) -> Pool:
    """Polishes the starts of each target until one of them is an answer.

    Most targets are answered by their first start within a few steps, and what takes longer gives
    way to other starts. A target that has had starts before is a hard one, and all run at once.

    Args:
        pool: What has been reached before.
        problem: What is to be inverted.
        target: Which target each start is for, sorted; the most promising starts first.
        start: The starts.
        targets: The wanted outputs.
        tol: The residual up to which an answer is confirmed.
    """
    if len(pool.x):
        return _heat(pool, problem, target, start, targets, tol)
    first = position(target, len(targets)) < FIRST
    pool = _heat(pool, problem, target[first], start[first], targets, tol, steps=TRIAL)
    open_ = pool.confirmed(len(targets), tol) == 0
    rest = ~first & open_[target]
    return _heat(pool, problem, target[rest], start[rest], targets, tol)


def finish(pool: Pool, problem: Problem, targets: Float64[Tensor, "targets q"], tol: float) -> Pool:
    """Follows what was given up to its end, for targets without an answer."""
    open_ = pool.confirmed(len(targets), tol) == 0
    slow = ~pool.stationary & (pool.residual < torch.inf) & open_[pool.target]
    return _heat(pool, problem, pool.target[slow], pool.x[slow], targets, tol, steps=FINISH)


def _heat(
    pool: Pool,
    problem: Problem,
    target: Tensor,
    start: Tensor,
    targets: Tensor,
    tol: float,
    steps: int = PATIENCE,
) -> Pool:
    """The pool with the ends of some starts; those of a target stop when one has an answer."""
    if len(target) == 0:
        return pool
    end = levenberg_marquardt(
        problem.function, start, targets[target], box=problem.box, scale=problem.scale,
        iterations=steps, enough=enough(problem, tol, tol / 2), rivals=target,
    )  # fmt: skip
    return pool.add(target, end)


def polished(
    problem: Problem,
    start: Float64[Tensor, "rows p"],
    target: Float64[Tensor, "rows q"],
    tol: float,
) -> Polished:
    """Where each start leads; on a function, a start that is far off after a while is given up."""

    def run(x: Tensor, wanted: Tensor, steps: int) -> Polished:
        return levenberg_marquardt(
            problem.function, x, wanted, box=problem.box, scale=problem.scale,
            iterations=steps, enough=enough(problem, tol, problem.tol),
        )  # fmt: skip

    if problem.checker == "surrogate":
        return run(start, target, FINISH)
    end = run(start, target, PATIENCE)
    near = CLOSE * float(problem.scale.square().mean().sqrt())
    slow = (~end.stationary & (end.residual <= near)).nonzero()[:, 0]
    if len(slow) == 0:
        return end
    rest = run(end.x[slow], target[slow], FINISH - PATIENCE)
    return Polished(
        end.x.index_copy(0, slow, rest.x),
        end.y.index_copy(0, slow, rest.y),
        end.residual.index_copy(0, slow, rest.residual),
        end.stationary.index_copy(0, slow, rest.stationary),
    )


def enough(problem: Problem, tol: float, loose: float) -> float:
    """The residual at which polishing may stop: `loose`, if the tolerance was chosen loose too."""
    return loose if tol > 10 * problem.tol else 0.0
