"""Hadamard's theorem: a Jacobian whose inverse is bounded on all of R^n makes a diffeomorphism."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from preimage.errors import PreimageError
from preimage.intervals.bounds import Bounds
from preimage.intervals.boxes import rows
from preimage.intervals.first_order import linearized
from preimage.intervals.matrices import left_inverse
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.domains import Reals
from preimage.verdicts.passes import passed
from preimage.verdicts.problem import Problem
from preimage.verdicts.smoothness import smooth

CELLS = 20_000
"""The most cells that are looked at."""

INPUTS = 4
"""Up to how many inputs space is cut into cells."""

FURTHEST = 1e6
"""Cells that are unbounded are cut up to here."""


def hadamard(problem: Problem) -> list[Claim]:
    r"""Cells, some of them unbounded, that cover $\mathbb{R}^n$, with $\|J^{-1}\|$ bounded on each.

    A continuously differentiable map of $\mathbb{R}^n$ to itself with $\sup \|J^{-1}\| < \infty$ is
    a diffeomorphism, and the supremum bounds the Lipschitz constant of its inverse.

    References:
        Hadamard, Sur les transformations ponctuelles, Bulletin de la Société Mathématique de
        France 34, 1906; Plastock, Transactions of the AMS 200, 1974.
    """
    graph = problem.graph
    if not isinstance(problem.domain, Reals) or problem.n != problem.m or problem.n > INPUTS:
        return []
    if graph is None or not smooth(graph) or isinstance(problem.on_box, PreimageError):
        problem.note("injective", "Hadamard: the function is not known to be differentiable")
        return []
    left, looked, inverse = problem.box, 0, 0.0

    def inverse_lipschitz(cells: Bounds) -> Tensor:
        _, slope = linearized(problem.subject, cells)
        finite = slope.finite.all(dim=2).all(dim=1)
        return torch.where(finite, left_inverse(slope).lipschitz, torch.inf)

    while len(left.low):
        looked += len(left.low)
        try:
            bound = None if looked > CELLS else passed(problem, inverse_lipschitz, left)
        except PreimageError:
            return []
        if bound is None:
            problem.note("injective", "Hadamard: the inverse of the Jacobian may be unbounded")
            return []
        done = bound.isfinite()
        if bool(done.any()):
            inverse = max(inverse, float(bound[done].amax()))
        left = _halved(rows(left, ~done))
        if bool((left.low.abs().clamp(max=2 * FURTHEST) > FURTHEST).all()):
            break
    if len(left.low):
        return []
    reason = (
        "The function is continuously differentiable and the inverse of its Jacobian is bounded on "
        "cells that cover the whole space."
    )
    bounds = {"inverse lipschitz": inverse * math.sqrt(problem.n) * (1 + 1e-15)}
    found = [problem.claim("injective", Status.PROVED, Level.INTERVAL, "Hadamard", reason,
                           certificate={"kind": "hadamard"}, bounds=bounds)]  # fmt: skip
    if problem.onto_reals:
        found.append(problem.claim("surjective", Status.PROVED, Level.INTERVAL, "Hadamard", reason,
                                   certificate={"kind": "hadamard"}))  # fmt: skip
    return found


def _halved(cells: Bounds) -> Bounds:
    """Both halves of every cell; a side without end is cut beyond its finite end."""
    if len(cells.low) == 0:
        return cells
    low, high = cells.low, cells.high
    inner = 0.5 * (low.clamp(min=-1e300) + high.clamp(max=1e300))
    up, down = low.isfinite() & ~high.isfinite(), high.isfinite() & ~low.isfinite()
    middle = torch.where(up, torch.maximum(2 * low, low + 1), inner)
    middle = torch.where(down, torch.minimum(2 * high, high - 1), middle)
    # Sides without end count by how far their finite end still is from infinity.
    width = torch.where(up, 4 / (1 + low.clamp(min=0)), high - low)
    width = torch.where(down, 4 / (1 + (-high).clamp(min=0)), width)
    axis = width.argmax(dim=1, keepdim=True)
    cut = middle.gather(1, axis)
    return Bounds(
        torch.cat([low, low.scatter(1, axis, cut)]), torch.cat([high.scatter(1, axis, cut), high])
    )
