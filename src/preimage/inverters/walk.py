"""Along a continuum of answers: from those that are known to others that cover it."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.domain import Box
from preimage.inverters.effort import enough
from preimage.inverters.pool import Pool
from preimage.inverters.problem import Problem
from preimage.runtime import generator
from preimage.solve.levenberg_marquardt import levenberg_marquardt
from preimage.solve.ragged import padded, position, repeats

STRIDES = (0.08, 0.04)
"""How far apart answers are set, in box widths: at first, and where that leaves too few."""

ROUNDS = 16
"""How many strides may follow one another."""

STEPS = 6
"""How many steps of Levenberg-Marquardt may lead from the tangent back to an answer."""

CLEARANCE = 0.7
"""How many strides a new answer must be away from all others."""

SPARE = 1.1
"""How many times more answers are looked for than wanted, so that there is a choice."""

FAR = 1e3
"""Where places without an answer are put: nowhere near anything."""

ROOM = 4_000_000
"""Pairs of answers that are compared at a time, which bounds memory."""


def walk(
    pool: Pool, problem: Problem, targets: Float64[Tensor, "targets q"], *, n: int, tol: float
) -> Pool:
    """Strides along the tangent of the set of answers, both ways, from every answer.

    Levenberg-Marquardt leads from the end of each stride back to the set; what it finds counts
    where no other answer is near, and is walked on from. Shorter strides follow for targets that
    still have few answers.

    Args:
        pool: What has been reached before.
        problem: What is to be inverted, with more inputs than a target has equations.
        targets: The wanted outputs.
        n: How many answers are wanted for each target.
        tol: The residual up to which an answer is confirmed.
    """
    answers = pool.rows((pool.residual <= tol).nonzero()[:, 0])
    answers = answers.rows(_apart(answers, problem.box, CLEARANCE * STRIDES[-1]))
    for part in torch.arange(len(targets)).split(max(1, ROOM // n**2)):
        first, last = int(part[0]), int(part[-1])
        mine = (answers.target >= first) & (answers.target <= last)
        known = answers.rows(mine.nonzero()[:, 0]).shifted(-first)
        new = _covering(known, problem, targets[part], n=n, tol=tol)
        pool = pool.join(new.shifted(first))
    return pool


def _covering(known: Pool, problem: Problem, targets: Tensor, *, n: int, tol: float) -> Pool:
    """The known answers of some targets and those found from them."""
    # All at once, so that no target's directions depend on how long others were walked.
    shape = len(STRIDES), ROUNDS, problem.input_dim
    directions = torch.randn(shape, generator=generator(0), dtype=torch.float64)
    for stride, ways in zip(STRIDES, directions, strict=True):
        front = known
        for direction in ways:
            few = torch.bincount(known.target, minlength=len(targets)) < SPARE * n
            front = front.rows(few[front.target].nonzero()[:, 0])
            if len(front.x) == 0:
                break
            front = _strides(front, known, problem, targets, direction, stride, tol)
            known = known.join(front)
    return known


def _strides(
    front: Pool,
    known: Pool,
    problem: Problem,
    targets: Tensor,
    direction: Float64[Tensor, " p"],
    stride: float,
    tol: float,
) -> Pool:
    """New answers, a stride from those in front and apart from all that are known."""
    box, reach, count = problem.box, CLEARANCE * stride, len(targets)
    target, start = _ahead(front, problem, direction, stride)
    free = _clear(known, target, start, box, reach, count)
    target, start = target[free], start[free]
    end = levenberg_marquardt(
        problem.function, start, targets[target], box=box, scale=problem.scale,
        iterations=STEPS, enough=enough(problem, tol, tol / 2),
    )  # fmt: skip
    new = Pool.empty(problem.input_dim, problem.output_dim).add(target, end)
    new = new.rows((new.residual <= tol).nonzero()[:, 0])
    new = new.rows(_clear(known, new.target, new.x, box, reach, count).nonzero()[:, 0])
    return new.rows(_apart(new, box, reach))


def _ahead(
    front: Pool, problem: Problem, direction: Float64[Tensor, " p"], stride: float
) -> tuple[Int64[Tensor, " starts"], Float64[Tensor, "starts p"]]:
    """A stride to both sides along the part of a direction that changes no output."""
    box = problem.box
    _, jacobian = problem.function.linearize(front.x)
    slope = (jacobian * box.width / problem.scale[:, None]).nan_to_num()
    normal = slope @ slope.mT
    diagonal = normal.diagonal(dim1=1, dim2=2)
    diagonal += 1e-12 * diagonal.sum(dim=1, keepdim=True) + 1e-300
    across = torch.linalg.solve_ex(normal, slope @ direction[:, None])[0]
    along = direction - (slope.mT @ across)[:, :, 0]
    along = (along / along.norm(dim=1, keepdim=True)).nan_to_num() * stride * box.width
    both = torch.stack([front.x + along, front.x - along], dim=1)
    return front.target.repeat_interleave(2), box.clip(both.flatten(0, 1))


def _clear(
    known: Pool, target: Tensor, x: Tensor, box: Box, reach: float, count: int
) -> Bool[Tensor, " rows"]:
    """Which rows have no known answer of their target within `reach`; `target` is sorted."""
    there = padded(_flat(known.x, box), known.target, count, FAR)
    here = padded(_flat(x, box), target, count, -FAR)
    away = torch.cdist(here, there, compute_mode="use_mm_for_euclid_dist").amin(dim=2)
    return away[target, position(target, count)] >= reach


def _apart(answers: Pool, box: Box, reach: float) -> Int64[Tensor, " kept"]:
    """Rows with no earlier row of their target within `reach`."""
    return (~repeats(answers.x, answers.target, box, reach)).nonzero()[:, 0]


def _flat(x: Tensor, box: Box) -> Float64[Tensor, "rows c"]:
    """Coordinates with distances in box widths; around periodic inputs, along the chord."""
    share = (x - box.low) / box.width
    angle = 2 * torch.pi * share[:, box.periodic]
    around = torch.cat([angle.cos(), angle.sin()], dim=1) / (2 * torch.pi)
    return torch.cat([share[:, ~box.periodic], around], dim=1)
