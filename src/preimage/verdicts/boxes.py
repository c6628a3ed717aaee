"""Proofs of injectivity by intervals: on the whole domain at once, and pair by pair."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.errors import PreimageError
from preimage.intervals import bounds as b
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.boxes import rows
from preimage.intervals.failures import partial
from preimage.intervals.first_order import linearized, mean_value, times, values
from preimage.intervals.matrices import left_inverse
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.domains import Reals
from preimage.verdicts.halving import halved
from preimage.verdicts.passes import passed
from preimage.verdicts.problem import Problem

JACOBIAN_SIZE = 256
"""Up to how many inputs Jacobians are enclosed."""

ENTRIES = 1 << 20
"""The most derivatives that are carried at once."""

PAIRS = 400_000
"""The most pairs of cells that are looked at."""


def jacobian(problem: Problem) -> list[Claim]:
    r"""One enclosure of the Jacobian on the whole domain: $\rho(|I - C[J]|) < 1$."""
    slope = whole_jacobian(problem)
    if slope is None:
        return []
    if problem.n == problem.m == 1:
        return _monotone(problem, float(slope.low), float(slope.high))
    if not bool(slope.finite.all()):
        problem.note("injective", "interval Jacobian: it is not bounded on the domain")
        return []
    found = left_inverse(slope)
    if not bool(found.spectral_radius < 1):
        problem.note("injective", "interval Jacobian: it is too wide on the whole domain")
        return []
    lipschitz = float(b.up(slope.magnitude.square().sum().sqrt(), slope.low.numel()))
    inverse = float(found.lipschitz) * math.sqrt(problem.n) * (1 + 1e-15)
    return bijection(
        problem, "interval Jacobian",
        "All matrices in an enclosure of the Jacobian on the whole domain have full column rank.",
        {"kind": "jacobian"}, {"lipschitz": lipschitz, "inverse lipschitz": inverse},
    )  # fmt: skip


def whole_jacobian(problem: Problem) -> Bounds | None:
    """An enclosure of the Jacobian on the whole domain, `(1, m, n)`, which may be unbounded."""
    if problem.m < problem.n:
        return None
    if problem.n > JACOBIAN_SIZE or problem.n * problem.size > ENTRIES:
        problem.note("injective", "interval Jacobian: the function is too large")
        return None
    if isinstance(problem.on_box, PreimageError):
        problem.note("injective", f"intervals: {problem.on_box}")
        return None
    return problem.on_box[1]


def _monotone(problem: Problem, low: float, high: float) -> list[Claim]:
    """A function of one number whose derivative keeps its sign."""
    least = low if low > 0 else -high
    if not least > 0:
        problem.note("injective", "interval Jacobian: the derivative may vanish on the domain")
        return []
    bounds = {"lipschitz": max(abs(low), abs(high)), "inverse lipschitz": 1 / least * (1 + 1e-15)}
    size = f"at least {least:.4g}" if low > 0 else f"at most {-least:.4g}"
    return bijection(problem, "monotony", f"The derivative is {size} on the whole domain.",
                      {"kind": "jacobian"}, bounds)  # fmt: skip


def bijection(
    problem: Problem, rule: str, reason: str, certificate: dict[str, str], bounds: dict[str, float]
) -> list[Claim]:
    """An injective function, which on all of R^n with n outputs is onto as well."""
    found = [problem.claim("injective", Status.PROVED, Level.INTERVAL, rule, reason,
                           certificate=certificate, bounds=bounds)]  # fmt: skip
    square = problem.n == problem.m and isinstance(problem.domain, Reals)
    if square and problem.onto_reals:
        onto = reason + " A uniformly expanding map of R^n into itself is onto (Banach)."
        found.append(problem.claim("surjective", Status.PROVED, Level.INTERVAL, rule, onto,
                                   certificate=certificate))  # fmt: skip
    return found


def pairs(problem: Problem) -> list[Claim]:
    """Branch and prune on pairs of cells: those that can have no value in common are dropped.

    A pair (A, B) is dropped if f(A) and f(B) are apart, by the mean value form too, or if the
    Jacobian has full rank on the hull of A and B. If none is left, f is injective.

    References:
        Lagrange, Delanoue and Jaulin, On sufficient conditions of the injectivity: development of
        a numerical test algorithm via interval analysis, Reliable Computing 13, 2007.
    """
    box = problem.domain
    if not isinstance(box, Box) or problem.n > 4 or problem.m < problem.n:
        return []
    first, second = _first_pairs(problem)
    looked = 0
    smallest = 0.5 * problem.resolution * box.width
    small_left = False

    def may_collide(one: Bounds, two: Bounds) -> Tensor:
        return _may_collide(problem, one, two)

    while len(first.low):
        looked += len(first.low)
        try:
            left = None if looked > PAIRS else passed(problem, may_collide, first, second)
        except PreimageError as error:
            problem.note("injective", f"branch and prune: {error}")
            return []
        if left is None:
            problem.note("injective", f"branch and prune: {len(first.low)} pairs of cells left")
            return []
        first, second = rows(first, left), rows(second, left)
        hull = b.hull(first, second)
        near = ((hull.high - hull.low) <= 2 * smallest).all(dim=1)
        far = ~near & ((first.high - first.low) <= 0.01 * smallest).all(dim=1)
        if bool(far.any()):
            problem.note("injective", "branch and prune: cells far apart may share a value")
            return []
        if bool(near.any()) and not _defined(problem, rows(hull, near)):
            problem.note("injective", "branch and prune: f may be undefined somewhere in the box")
            return []
        small_left = small_left or bool(near.any())
        first, second = _cut_pairs(rows(first, ~near), rows(second, ~near))
    if small_left:
        reason = (
            f"No two points further apart than {problem.resolution:g} of the box have one value; "
            "closer ones could not be excluded."
        )
        return [problem.claim("injective", Status.NO_COLLISION, Level.INTERVAL, "branch and prune",
                              reason, certificate={"kind": "pairs"})]  # fmt: skip
    reason = "No two cells of the domain have a value in common, and on each f is injective."
    return [problem.claim("injective", Status.PROVED, Level.INTERVAL, "branch and prune", reason,
                          certificate={"kind": "pairs"})]  # fmt: skip


def _defined(problem: Problem, cells: Bounds) -> bool:
    with partial():
        return bool(values(problem.subject, cells).finite.all())


def _first_pairs(problem: Problem) -> tuple[Bounds, Bounds]:
    side = {1: 32, 2: 8, 3: 4, 4: 2}[problem.n]
    unit = torch.linspace(0, 1, side + 1, dtype=torch.float64)
    low, high = problem.box.low[0], problem.box.high[0]
    cuts = low[:, None] + (high - low)[:, None] * unit
    cuts[:, -1] = high
    lows = torch.cartesian_prod(*cuts[:, :-1]).reshape(-1, problem.n)
    highs = torch.cartesian_prod(*cuts[:, 1:]).reshape(-1, problem.n)
    i, j = torch.triu_indices(len(lows), len(lows))
    return Bounds(lows[i], highs[i]), Bounds(lows[j], highs[j])


def _may_collide(problem: Problem, first: Bounds, second: Bounds) -> Tensor:
    """Which pairs are neither apart in value nor in a hull on which f is injective."""
    one, slope_one = linearized(problem.subject, first)
    two, slope_two = linearized(problem.subject, second)
    # Where f may be undefined, nothing is dropped.
    known = (one.finite & two.finite).all(dim=1)
    meets = ((one.low <= two.high) & (two.low <= one.high)).all(dim=1)
    collide = meets | ~known
    keep = collide.nonzero()[:, 0]
    first, second = rows(first, keep), rows(second, keep)
    if len(keep) == 0:
        return collide
    center = b.subtract(
        values(problem.subject, constant(first.mid)), values(problem.subject, constant(second.mid))
    )
    step = times(rows(slope_two, keep), b.subtract(second, constant(second.mid)))
    gap = b.subtract(mean_value(center, rows(slope_one, keep), first), step)
    held = b.contains(gap, 0.0).all(dim=1) | ~known[keep]
    hull = b.hull(first, second)
    _, slope = linearized(problem.subject, hull)
    found = left_inverse(slope)
    injective = (found.spectral_radius < 1) & slope.finite.all(dim=2).all(dim=1)
    collide[keep] = held & ~injective
    return collide


def _cut_pairs(first: Bounds, second: Bounds) -> tuple[Bounds, Bounds]:
    """Every cell of a pair cut in half along its widest side; pairs that repeat are left out."""
    one, two = halved(first), halved(second)
    count = len(first.low)
    if count == 0:
        return first, second
    same = ((first.low == second.low) & (first.high == second.high)).all(dim=1)
    left, right = torch.arange(count), torch.arange(count, 2 * count)
    i = torch.cat([left, right, left, right[~same]])
    j = torch.cat([left, right, right, left[~same]])
    return rows(one, i), rows(two, j)
