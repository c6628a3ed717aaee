"""A path of targets: one branch of answers followed along it, without jumps."""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.inverters.problem import Problem
from preimage.inverters.ranking import Answers
from preimage.preimages import Status
from preimage.solve.continuation import advance

BRANCHES = 16
"""How many branches are followed at a time, of which the one that lasts longest is kept."""


@runtime_checkable
class _Solve(Protocol):
    def __call__(self, some: Tensor, close: Tensor | None, most: int, /) -> Answers: ...


def follow(
    solve: _Solve, problem: Problem, targets: Float64[Tensor, "targets q"], *, tol: float
) -> Answers:
    """One answer a target, each continued from the one before it.

    All branches through the first target are carried along together; the answer is the branch
    that gets farthest, and of several the one that moves least. Where every branch ends, the
    answer nearest to the last one starts anew, and the target's status says so.
    """
    answers: list[Answers] = []
    while len(answers) < len(targets):
        first = len(answers)
        last = next((one.x[:, 0] for one in reversed(answers) if bool(one.ok[0, 0])), None)
        start = solve(targets[first, None], last, BRANCHES)
        branches = start.x[0][start.ok[0]]
        if len(branches) == 0:
            answers.append(_only(start, 0))
            continue
        if last is not None:
            branches = branches[:1]
        kept = _longest(problem, branches, targets[first:], tol)
        answers += [_answer(problem, x, y) for x, y in zip(kept, targets[first:], strict=False)]
        if first > 0:
            answers[first].status[0] = Status.NO_CONTINUOUS_BRANCH
    return _joined(answers)


def _longest(
    problem: Problem, branches: Tensor, targets: Tensor, tol: float
) -> Float64[Tensor, "steps p"]:
    """The branch that follows the targets farthest, as its states."""
    history = branches[:, None]
    motion = torch.zeros(len(branches), dtype=torch.float64)
    for here, there in pairwise(targets):
        step = advance(
            problem.function, history[:, -1], here, there,
            box=problem.box, scale=problem.scale, tol=tol,
        )  # fmt: skip
        if not bool(step.arrived.any()):
            break
        moved = problem.box.difference(step.x, history[:, -1]).norm(dim=1)
        history = torch.cat([history, step.x[:, None]], dim=1)[step.arrived]
        motion = (motion + moved)[step.arrived]
    return history[motion.argmin()]


def _answer(problem: Problem, x: Tensor, target: Tensor) -> Answers:
    point = x[None]
    y = problem.function(point)
    sd = None
    solved = Status.SOLVED
    if problem.surrogate is not None and problem.checker == "surrogate":
        sd = problem.surrogate.sd(point).detach()[:, None]
        solved = Status.WITHIN_SURROGATE
    residual = problem.space.distance(y, target)
    ok = torch.ones(1, 1, dtype=torch.bool)
    return Answers(point[:, None], y[:, None], residual[:, None], ok, sd, [solved])


def _only(answers: Answers, place: int) -> Answers:
    """The answer at one place, alone."""
    keep = slice(place, place + 1)
    return Answers(
        answers.x[:, keep],
        answers.y[:, keep],
        answers.residual[:, keep],
        answers.ok[:, keep],
        None if answers.sd is None else answers.sd[:, keep],
        answers.status,
    )


def _joined(answers: list[Answers]) -> Answers:
    sds = [one.sd for one in answers if one.sd is not None]
    return Answers(
        torch.cat([one.x for one in answers]),
        torch.cat([one.y for one in answers]),
        torch.cat([one.residual for one in answers]),
        torch.cat([one.ok for one in answers]),
        torch.cat(sds) if sds else None,
        [status for one in answers for status in one.status],
    )
