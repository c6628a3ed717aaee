"""Counterexamples: two points with one value, each proved to be there before it is believed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.errors import PreimageError
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.enclosure import bounds_of, jet, tangent_of
from preimage.intervals.first_order import linearized
from preimage.intervals.krawczyk import certify
from preimage.intervals.matrices import determinant_sign
from preimage.intervals.rounding import above, below
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.problem import Problem

SAMPLES = 192
"""How many points determinants are computed at."""

STEPS = 60
"""The most steps towards a second point."""

NEAR = 1e-6
"""How close to a witness the true point is, relative to its size."""

HOPS = (0.5, 0.2, 0.05, 0.01, 0.002, 1e-4)
"""How far from a fold the first point of a pair is put, in units of the distance of two samples."""


def orientation(problem: Problem) -> list[Claim]:
    """Two points at which the determinant of the Jacobian has opposite signs."""
    if problem.n != problem.m or problem.n > 256:
        return []
    x = _samples(problem)
    try:
        _, slope = problem.subject.linearize(x)
    except Exception:  # noqa: BLE001 - no derivatives, for whatever reason
        problem.note("injective", "orientation: the function cannot be differentiated")
        return []
    sign, size = torch.linalg.slogdet(slope)
    size = size.nan_to_num(nan=-torch.inf, posinf=-torch.inf)
    least = torch.linalg.svdvals(slope.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0))[:, -1]
    for choice in range(3):
        ends = []
        for wanted in (1, -1):
            rows = (sign == wanted).nonzero()[:, 0]
            if len(rows) <= choice:
                problem.note("injective", "orientation: no two determinants of opposite sign found")
                return []
            ends.append(x[rows[least[rows].argsort(descending=True)[choice]]])
        if opposite_signs(problem, *ends):
            pair = _fold(problem, *ends)
            a, c = (end.tolist() for end in ends)
            return [_folded(problem, a, c, pair)]
    problem.note("injective", "orientation: the signs of determinants could not be verified")
    return []


def _folded(problem: Problem, a: list[float], c: list[float], pair: Any) -> Claim:
    reason = (
        "The determinant of the Jacobian is positive at one point and negative at another, and an "
        "injective continuous map keeps one orientation (invariance of domain)."
    )
    certificate = {"kind": "orientation", "a": a, "b": c}
    witness = {"positive determinant at": a, "negative determinant at": c}
    if pair is not None:
        certificate = {"kind": "pair", **pair}
        reason += " Near the fold between them, two points have one value, by Krawczyk's test."
        witness = {"a": pair["a"], "b": pair["b"], "y": pair["y"]}
    return problem.claim("injective", Status.REFUTED, Level.INTERVAL, "orientation", reason,
                         certificate=certificate, witness=witness)  # fmt: skip


def opposite_signs(problem: Problem, a: Tensor, c: Tensor) -> bool:
    """Whether two interior points surely have determinants of opposite sign, f continuous."""
    points = torch.stack([a, c])
    if not _interior(problem, points):
        return False
    try:
        _, slope = linearized(problem.subject, constant(points))
    except PreimageError:
        return False
    if slope.low.shape[1] != slope.low.shape[2]:
        return False
    signs = determinant_sign(slope).tolist()
    if signs[0] * signs[1] != -1:
        return False
    from preimage.verdicts.structure import chain_of

    low, high = torch.minimum(a, c), torch.maximum(a, c)
    margin = 1e-9 * (1 + (high - low))
    if isinstance(problem.domain, Box):
        margin = torch.minimum(margin, _gap(problem.domain, low, high) / 2)
    # Lipschitz on a box around both points is enough; so is continuity everywhere.
    if problem.lipschitz_on(low - margin, high + margin):
        return True
    chain = chain_of(problem)
    return chain is not None and all(piece.continuous for piece in chain.pieces)


def _gap(box: Box, low: Tensor, high: Tensor) -> Tensor:
    return torch.minimum(low - box.low, box.high - high)


def _interior(problem: Problem, x: Tensor) -> bool:
    if not isinstance(problem.domain, Box):
        return bool(x.isfinite().all())
    return bool(((x > problem.domain.low) & (x < problem.domain.high)).all())


def _samples(problem: Problem) -> Tensor:
    return problem.subject.points(max(24, min(SAMPLES, 4096 // problem.n)), salt=7)


def _fold(problem: Problem, a: Tensor, c: Tensor) -> dict[str, Any] | None:
    """A pair of points with one value near the fold between a and c."""
    subject = problem.subject
    low, high = a, c
    try:
        for _ in range(50):
            middle = 0.5 * low + 0.5 * high
            sign = torch.linalg.slogdet(subject.linearize(middle[None])[1][0]).sign
            low, high = (middle, high) if sign > 0 else (low, middle)
        _, slope = subject.linearize(torch.stack([low, high]))
        across = torch.linalg.svd(slope[0]).Vh[-1]
    except Exception:  # noqa: BLE001 - no derivatives, for whatever reason
        return None
    across = torch.where((across * (low - high)).sum() < 0, -across, across)
    reach = (a - c).norm()
    # Where pieces meet, J₂⁻¹ J₁ carries a step on one side to the step on the other.
    steps = [(hop * reach * across, -hop * reach * across) for hop in HOPS]
    for one in (low - high, across):
        other = torch.linalg.lstsq(slope[1], (slope[0] @ one)[:, None]).solution[:, 0]
        steps += [(hop * reach * one / one.norm(), hop * reach * other / one.norm())
                  for hop in HOPS[2:] if one.norm() > 0]  # fmt: skip
    first = torch.stack([low + step for step, _ in steps])
    second = torch.stack([low + step for _, step in steps])
    return proved_pair(problem, first, second)


def pair(problem: Problem) -> list[Claim]:
    """Two far points with one value: from samples, by Newton's method, then Krawczyk's test."""
    if problem.m > problem.n or problem.n > 256:
        return []
    x = _samples(problem)[:48]
    try:
        y = problem.subject(x)
    except Exception:  # noqa: BLE001 - whatever a user's function raises
        return []
    # The other point whose output is nearest, for how far away it is.
    ratio = torch.cdist(y, y) / torch.cdist(x, x)
    order = ratio.fill_diagonal_(torch.inf).nan_to_num(nan=torch.inf).argmin(dim=1)
    found = proved_pair(problem, x, x[order]) or proved_pair(problem, x, x.roll(1, 0))
    if found is None:
        problem.note("injective", "pair: no two points with one value found")
        return []
    reason = "Two different points have one value; Krawczyk's test proves both."
    witness = {"a": found["a"], "b": found["b"], "y": found["y"]}
    return [problem.claim("injective", Status.REFUTED, Level.INTERVAL, "pair", reason,
                          certificate={"kind": "pair", **found}, witness=witness)]  # fmt: skip


def proved_pair(problem: Problem, first: Tensor, second: Tensor) -> dict[str, Any] | None:
    """The first pair that survives Newton's method on the second points, and the proof."""
    inside = _inside(problem, first)
    first, second = first[inside], second[inside]
    if len(first) == 0:
        return None
    try:
        y = problem.subject(first)
        second = _newton(problem, second, y)
        miss = ((problem.subject(second) - y).abs() / (1 + y.abs())).amax(dim=1)
    except Exception:  # noqa: BLE001 - whatever a user's function raises
        return None
    apart = (first - second).abs().amax(dim=1)
    good = (miss <= 1e-9) & (apart > 1e-6) & _inside(problem, second)
    rows = good.nonzero()[:, 0]
    for row in rows[apart[rows].argsort(descending=True)][:6].tolist():
        if verified_pair(problem, first[row], second[row], y[row]):
            return {"a": first[row].tolist(), "b": second[row].tolist(), "y": y[row].tolist()}
    return None


def verified_pair(problem: Problem, a: Tensor, c: Tensor, y: Tensor) -> bool:
    """Whether true solutions of f(x) = y lie near a and near c, apart and in the domain."""
    points = torch.stack([a, c])
    try:
        found = certify(problem.subject, points, y.expand(2, -1))
    except PreimageError:
        return False
    near = found.radius <= NEAR * (1 + points.abs().amax(dim=1))
    if not bool((found.proved & near).all()):
        return False
    apart = (found.high[0] < found.low[1]) | (found.high[1] < found.low[0])
    if not bool(apart.any()):
        return False
    if not isinstance(problem.domain, Box):
        return True
    return bool(((found.low >= problem.domain.low) & (found.high <= problem.domain.high)).all())


def _inside(problem: Problem, x: Tensor) -> Tensor:
    if isinstance(problem.domain, Box):
        return ((x > problem.domain.low) & (x < problem.domain.high)).all(dim=1)
    return x.isfinite().all(dim=1)


def _newton(problem: Problem, x: Tensor, y: Tensor) -> Tensor:
    """Levenberg and Marquardt's method for f(x) = y, row by row, kept inside a box."""
    damping = torch.full((len(x), 1, 1), 1e-3, dtype=torch.float64)
    value, slope = problem.subject.linearize(x)
    residual = value - y
    eye = torch.eye(problem.n, dtype=torch.float64)
    for _ in range(STEPS):
        normal = slope.mT @ slope
        size = normal.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None].clamp(min=1e-12)
        right = slope.mT @ residual[:, :, None]
        step = torch.linalg.solve_ex(normal + damping * size * eye, right).result
        trial = x - step.squeeze(-1).nan_to_num(0.0, 0.0, 0.0)
        if isinstance(problem.domain, Box):
            inner = 1e-6 * problem.domain.width
            trial = torch.maximum(trial, problem.domain.low + inner)
            trial = torch.minimum(trial, problem.domain.high - inner)
        value, new_slope = problem.subject.linearize(trial)
        new = value - y
        better = new.norm(dim=1) < residual.norm(dim=1)
        x = torch.where(better[:, None], trial, x)
        residual = torch.where(better[:, None], new, residual)
        slope = torch.where(better[:, None, None], new_slope, slope)
        damping = torch.where(better[:, None, None], damping / 4, damping * 6).clamp(1e-14, 1e8)
        if bool((residual.norm(dim=1) < 1e-13).all()) or problem.left < 0:
            break
    return x


def flat(problem: Problem) -> list[Claim]:
    """A small box that passes through fewer varying numbers than it has dimensions."""
    x = problem.subject.points(512 if problem.n <= 64 else 16, salt=3)
    if isinstance(problem.domain, Box):
        radius = 1e-4 * problem.domain.width.expand(len(x), -1)
        inside = ((x - radius > problem.domain.low) & (x + radius < problem.domain.high)).all(1)
        x, radius = x[inside], radius[inside]
    else:
        x = torch.cat([torch.zeros(1, problem.n, dtype=torch.float64), x])
        radius = torch.full_like(x, 1e-4)
    if len(x) == 0 or problem.n > 128 or problem.n * problem.size > 1 << 18:
        return []
    widths = _varying(problem, x, radius)
    if widths is None or int(widths.amin()) >= problem.n:
        problem.note("injective", "local dimension: no small box that loses one was found")
        return []
    row = int(widths.argmin())
    center, size = x[row].tolist(), radius[row].tolist()
    reason = (
        f"On a small box around a point, all {problem.n} dimensions pass continuously through "
        f"{int(widths[row])} varying numbers, and no such map is injective (invariance of domain)."
    )
    return [problem.claim(
        "injective", Status.REFUTED, Level.INTERVAL, "local dimension", reason,
        certificate={"kind": "flat", "center": center, "radius": size}, witness={"around": center},
    )]  # fmt: skip


def verified_flat(problem: Problem, center: Tensor, radius: Tensor) -> bool:
    """Whether a box surely loses a dimension."""
    if not bool((radius > 0).all()) or not _interior(
        problem, torch.stack([center - radius, center + radius])
    ):
        return False
    widths = _varying(problem, center[None], radius[None])
    return widths is not None and int(widths[0]) < problem.n


def _varying(problem: Problem, x: Tensor, radius: Tensor) -> Tensor | None:
    """Through how few varying numbers each box passes, by Lipschitz maps."""
    box = Bounds(below(x - radius), above(x + radius))
    p = problem.n
    counts = torch.full((len(x),), p)
    seed = torch.eye(p, dtype=torch.float64)[:, None].expand(p, len(x), p)
    start = jet(box, Bounds(seed, seed))
    graph = problem.graph
    try:
        with torch.no_grad():
            if graph is None:
                found = [problem.subject(start)]
            else:
                cuts = graph.cuts(graph.start, graph.end) or []
                kept = graph.run(start.reshape(len(x), *problem.subject.shape))
                found = [kept[cut] for cut in cuts[1:]]
    except Exception:  # noqa: BLE001 - whatever a user's function does with intervals
        return None
    for value in found:
        inner, slope = bounds_of(value), tangent_of(value, p)
        if slope is None:
            continue
        known = slope.finite.transpose(0, 1).flatten(1).all(dim=1)
        varying = (inner.low < inner.high).reshape(len(x), -1).sum(dim=1)
        counts = torch.where(known, torch.minimum(counts, varying), counts)
    return counts
