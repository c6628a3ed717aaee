"""Gale and Nikaido's theorem: P-matrices everywhere on a box make an injective function."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.errors import PreimageError
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.boxes import rows
from preimage.intervals.first_order import linearized
from preimage.intervals.matrices import determinant_sign
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.halving import halved
from preimage.verdicts.passes import passed
from preimage.verdicts.problem import Problem
from preimage.verdicts.smoothness import smooth

CELLS = 2000
"""The most cells that are looked at."""

DEPTH = 40
"""How often a cell is cut at most."""

MINORS = 6
"""Up to how many inputs all principal minors are computed."""


def p_matrix(problem: Problem) -> list[Claim]:
    """All principal minors positive at every point of a box, cell by cell, where f is smooth."""
    if (
        not isinstance(problem.domain, Box)
        or problem.m != problem.n
        or not 2 <= problem.n <= MINORS
    ):
        return []
    graph = problem.graph
    if graph is None or not smooth(graph):
        problem.note("injective", "P-matrix: the function is not known to be differentiable")
        return []

    def hopes(cells: Bounds) -> Tensor:
        """1 where all minors are proved positive, 0 where the middle of the cell refutes it."""
        _, slope = linearized(problem.subject, cells)
        refuted = ~_positive_minors(constant(slope.mid)) | ~slope.finite.any(dim=2).any(dim=1)
        proved = _positive_minors(slope)
        return torch.where(proved, 1.0, torch.where(refuted, 0.0, 0.5))

    left = Bounds(problem.box.low, problem.box.high)
    looked = depth = 0
    while len(left.low):
        looked, depth = looked + len(left.low), depth + 1
        try:
            over = looked > CELLS or depth > DEPTH
            hope = None if over else passed(problem, hopes, left)
        except PreimageError:
            return []
        if hope is None:
            problem.note("injective", "P-matrix: some principal minors are not surely positive")
            return []
        if bool((hope == 0).any()):
            problem.note("injective", "P-matrix: a principal minor is not positive")
            return []
        left = halved(rows(left, hope < 1))
    reason = "All principal minors of the Jacobian are positive at every point of the box."
    return [problem.claim("injective", Status.PROVED, Level.INTERVAL, "P-matrix (Gale and Nikaido)",
                          reason, certificate={"kind": "p-matrix"})]  # fmt: skip


def _positive_minors(slope: Bounds) -> Tensor:
    """Whether all principal minors of all matrices are surely positive."""
    n = slope.low.shape[1]
    sound = slope.finite.all(dim=2).all(dim=1)
    for size in range(1, n + 1):
        for chosen in combinations(range(n), size):
            index = torch.tensor(chosen)
            minor = Bounds(*(side[:, index][:, :, index] for side in slope))
            sound = sound & (determinant_sign(minor) == 1)
    return sound
