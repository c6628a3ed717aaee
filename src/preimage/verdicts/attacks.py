"""Searches for where an inverse is worst: by gradient, within the domain."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.runtime import generator
from preimage.verdicts.subject import Subject

STEPS = 60
"""Steps of the ascent."""

STARTS = 8
"""How many points it starts from."""

CLOSEST = 1e-4
"""How close the points of a pair may come, in units of the domain."""


def within(subject: Subject, x: Tensor) -> Tensor:
    """The nearest points of the domain."""
    if not isinstance(subject.domain, Box):
        return x
    return torch.minimum(torch.maximum(x, subject.domain.low), subject.domain.high)


def unit_of(subject: Subject) -> Tensor:
    """What counts as a step of size one, in each dimension."""
    if isinstance(subject.domain, Box):
        return subject.domain.width
    return torch.ones(subject.dim, dtype=torch.float64)


def conditions(subject: Subject, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The largest and the smallest singular value of every Jacobian, and the direction of it."""
    _, slope = subject.linearize(x)
    slope = slope.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    decomposed = torch.linalg.svd(slope, full_matrices=slope.shape[1] < slope.shape[2])
    values = decomposed.S
    least = values[:, -1] if slope.shape[1] >= slope.shape[2] else torch.zeros(len(x)).double()
    return values[:, 0], least, decomposed.Vh[:, -1]


def amplification(subject: Subject, x: Tensor, least: Tensor) -> Tensor:
    r"""$\|J^{-1}\| \, \|f(x)\| / \|x\|$: how relative errors grow from f(x) to x.

    Near x = 0, where nothing is relative to x, a thousandth of the unit stands for its size.
    """
    size = x.norm(dim=1).clamp(min=1e-3 * float(unit_of(subject).norm()))
    grown = subject.raw(x).norm(dim=1) / size / least.clamp(min=1e-300)
    return torch.where(least > 0, grown, torch.inf)


def worst_condition(subject: Subject, starts: Tensor, deadline: float, seed: int) -> Tensor:
    r"""Points at which $\kappa(J)$ and the amplification are as large as an ascent finds them.

    Second derivatives are not asked of the function: the ascent tries random directions.
    """

    def score(x: Tensor) -> Tensor:
        largest, least, _ = conditions(subject, x)
        kappa = largest.clamp(min=1e-300) / least.clamp(min=1e-300)
        grown = amplification(subject, x, least)
        return torch.maximum(kappa, grown).clamp(max=1e300).log()

    return climb(subject, score, starts, deadline, seed)


def climb(
    subject: Subject,
    score: Callable[[Tensor], Tensor],
    starts: Tensor,
    deadline: float,
    seed: int,
) -> Tensor:
    """An ascent by random directions whose length adapts; the points reached, best first.

    References:
        Rechenberg's rule of one success in five, Evolutionsstrategie, 1973.
    """
    source = generator(seed)
    unit = unit_of(subject)
    value = score(starts)
    order = value.nan_to_num(nan=-torch.inf).argsort(descending=True)[:STARTS]
    x, value = starts[order], value[order]
    length = torch.full((len(x), 1), 0.1, dtype=torch.float64)
    for _ in range(STEPS):
        if time.monotonic() > deadline:
            break
        step = torch.randn(x.shape, generator=source, dtype=torch.float64)
        step = step / step.norm(dim=1, keepdim=True).clamp(min=1e-300)
        trial = within(subject, x + length * unit * step)
        new = score(trial)
        better = (new > value)[:, None]
        x, value = torch.where(better, trial, x), torch.where(better[:, 0], new, value)
        length = torch.where(better, length * 1.5, length * 0.9).clamp(1e-8, 1.0)
    return x[value.nan_to_num(nan=-torch.inf).argsort(descending=True)]


def worst_pair(subject: Subject, x: Tensor, deadline: float) -> tuple[Tensor, Tensor, float]:
    r"""Two points with a large $\|a - b\| / \|f(a) - f(b)\|$, by gradient ascent on both.

    The ratio is a lower bound of the Lipschitz constant of the inverse, and infinite for a
    collision.
    """
    unit = unit_of(subject)
    _, _, direction = conditions(subject, x)
    reach = torch.tensor([1e-3, 1e-2, 0.1, 0.5], dtype=torch.float64)[:, None, None]
    first = x.expand(len(reach), -1, -1).reshape(-1, subject.dim)
    second = within(subject, (x + reach * unit.amin() * direction).reshape(-1, subject.dim))
    both = torch.stack([first, second]).requires_grad_()
    best, value = both.detach().clone(), torch.full((len(first),), -torch.inf).double()
    moments = (torch.zeros_like(best), torch.zeros_like(best))
    for step in range(1, STEPS + 1):
        if time.monotonic() > deadline:
            break
        score = _log_ratio(subject, both, unit)
        if score is None:
            break
        now = score.detach()
        better = now > value
        best = torch.where(better[:, None], both.detach(), best)
        value = torch.where(better, now, value)
        (slope,) = torch.autograd.grad(score.nan_to_num(neginf=0.0, posinf=0.0).sum(), both)
        both = _stepped(subject, both, slope.nan_to_num(), moments, step, unit)
    place = int(value.argmax())
    a, c = best[0, place], best[1, place]
    gap = (subject.raw(a[None]) - subject.raw(c[None])).norm()
    ratio = float((a - c).norm() / gap) if float(gap) > 0 else float("inf")
    return a, c, ratio


def _stepped(
    subject: Subject, both: Tensor, slope: Tensor, moments: Any, step: int, unit: Tensor
) -> Tensor:
    """One step of Adam (Kingma and Ba 2015), kept in the domain."""
    mean, square = moments
    mean.mul_(0.9).add_(0.1 * slope)
    square.mul_(0.99).add_(0.01 * slope.square())
    scaled = (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-12)
    moved = both.detach() + 0.01 * unit * scaled
    return within(subject, moved).requires_grad_()


def _log_ratio(subject: Subject, both: Tensor, unit: Tensor) -> Tensor | None:
    """log |a − b| − log |f(a) − f(b)| for every pair; very close pairs count for nothing."""
    a, c = both
    try:
        with torch.enable_grad():
            x = torch.cat([a, c]).reshape(-1, *subject.shape).to(subject.dtype)
            y = subject.call(x).reshape(2, len(a), -1).double()
            apart = ((a - c) / unit).norm(dim=1)
            near = (a - c).norm(dim=1).clamp(min=1e-300).log()
            score = near - (y[0] - y[1]).norm(dim=1).clamp(min=1e-300).log()
            return torch.where(apart > CLOSEST, score, -torch.inf)
    except Exception:  # noqa: BLE001 - no derivatives, for whatever reason
        return None
