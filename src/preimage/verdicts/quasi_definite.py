r"""Quasi-definite Jacobians: $v^\top C J(x)\,v > 0$ everywhere, with one matrix C."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.domain import Box
from preimage.errors import PreimageError
from preimage.intervals import bounds as b
from preimage.intervals import products
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.boxes import rows
from preimage.intervals.failures import partial
from preimage.intervals.first_order import linearized
from preimage.intervals.matrices import least_eigenvalue, left_inverse
from preimage.verdicts.boxes import bijection, whole_jacobian
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.halving import halved
from preimage.verdicts.passes import passed
from preimage.verdicts.problem import Problem

CELLS = 20_000
"""The most cells that are looked at."""

DEPTH = 40
"""How often a cell is cut at most."""


def quasi_definite(problem: Problem) -> list[Claim]:
    r"""One enclosure of the Jacobian on the whole domain: $v^\top C J v \ge \mu |v|^2$, $\mu > 0$.

    Then $(x - x')^\top C (f(x) - f(x')) \ge \mu |x - x'|^2$ on the domain, which is convex: f is
    injective, with $|x - x'| \le \|C\| / \mu \cdot |f(x) - f(x')|$. On all of $\mathbb{R}^n$ a
    continuous map that is so monotone is onto (Browder and Minty). Antisymmetric parts of J may be
    as large as they like, on which the interval Jacobian fails.

    References:
        Minty, Monotone (nonlinear) operators in Hilbert space, Duke Mathematical Journal 29, 1962.
    """
    slope = whole_jacobian(problem)
    if slope is None or problem.m != problem.n or not bool(slope.finite.all()):
        return []
    for choice in _preconditioners(slope):
        least = float(least_eigenvalue(_times(choice, slope)))
        if least > 0:
            size = float(b.up(choice.square().sum().sqrt(), choice.numel()))
            identity = torch.equal(choice, torch.eye(problem.n, dtype=torch.float64))
            inverse = (1.0 if identity else size) / least * (1 + 1e-15)
            lipschitz = float(b.up(slope.magnitude.square().sum().sqrt(), slope.low.numel()))
            form, chosen = ("vᵀJv", "") if identity else ("vᵀCJv", " with one matrix C")
            return bijection(
                problem, "quasi-definite",
                f"The Jacobian J has {form} ≥ {least:.4g} |v|² on the whole domain{chosen}.",
                {"kind": "quasi-definite"},
                {"lipschitz": lipschitz, "inverse lipschitz": inverse},
            )  # fmt: skip
    problem.note("injective", "quasi-definite: not on the whole domain at once")
    return []


def quasi_definite_cells(problem: Problem) -> list[Claim]:
    r"""Cell by cell with one preconditioner C: $C J(x)$ positive definite.

    Where $v^\top C J v > 0$ for every matrix in every cell, $(x - x')^\top C (f(x) - f(x')) > 0$,
    since the mean of J between two points of a convex set is a mean of such matrices.
    """
    if not isinstance(problem.domain, Box) or problem.m != problem.n or problem.n > 6:
        return []
    try:
        with partial():
            _, slope = linearized(problem.subject, constant(problem.domain.center[None]))
    except PreimageError:
        return []
    for choice in _preconditioners(slope):
        if _definite_everywhere(problem, choice):
            reason = (
                "With one preconditioner, the Jacobian is positive definite on every cell of the "
                "domain, which is convex."
            )
            return [problem.claim("injective", Status.PROVED, Level.INTERVAL, "quasi-definite",
                                  reason, certificate={"kind": "cells"})]  # fmt: skip
    problem.note("injective", "quasi-definite: not with the preconditioners that were tried")
    return []


def _preconditioners(slope: Bounds) -> list[Float64[Tensor, "n n"]]:
    """The identity, and what takes the middle of the Jacobian to it."""
    inverse = left_inverse(slope).matrix[0]
    return [torch.eye(len(inverse), dtype=torch.float64), inverse]


def _definite_everywhere(problem: Problem, choice: Tensor) -> bool:
    def hopes(cells: Bounds) -> Tensor:
        """1 where definiteness is proved, 0 where the middle of the cell refutes it."""
        _, slope = linearized(problem.subject, cells)
        product = _times(choice, slope)
        refuted = (product.mid.diagonal(dim1=1, dim2=2) <= 0).any(dim=1)
        proved = least_eigenvalue(product) > 0
        return torch.where(proved, 1.0, torch.where(refuted, 0.0, 0.5))

    left = Bounds(problem.box.low, problem.box.high)
    looked = 0
    for _ in range(DEPTH):
        looked += len(left.low)
        hope = None if looked > CELLS else passed(problem, hopes, left)
        if hope is None or (looked > 64 and bool((hope == 0).any())):
            return False
        left = halved(rows(left, hope < 1))
        if len(left.low) == 0:
            return True
    return False


def _times(choice: Tensor, slope: Bounds) -> Bounds:
    return products.matmul(constant(choice.expand(len(slope.low), -1, -1)), slope)
