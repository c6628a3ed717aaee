"""Krawczyk's test: proof that exactly one true solution lies in a small box around an answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.errors import InputError
from preimage.intervals import bounds as b
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.failures import partial
from preimage.intervals.first_order import Map, linearized, times
from preimage.intervals.matrices import left_inverse
from preimage.intervals.rounding import above, below, gamma

INFLATIONS = 8
"""How often a box that fails is widened and tried again."""

GROWTHS = (256.0, 4.0, 1.4)
"""By which factors the box of uniqueness is grown, one after the other, as long as it works."""

LARGEST = 1e12
"""No box of uniqueness is grown further than this, in units of `scale`."""


@final
@dataclass(frozen=True)
class Certified:
    """What is proved about each approximate solution.

    Attributes:
        proved: Whether exactly one true solution is near; False means that nothing is proved.
        low: The lower corner of a box that holds the true solution, in the units of x; NaN where
            nothing is proved.
        high: The upper corner.
        radius: The largest distance, in any one input, from the answer to the true solution.
        isolation: The true solution is the only one within this distance of the answer in every
            input, in units of `scale`; 0 where nothing is proved.
    """

    proved: Bool[Tensor, " batch"]
    low: Float64[Tensor, "batch p"]
    high: Float64[Tensor, "batch p"]
    radius: Float64[Tensor, " batch"]
    isolation: Float64[Tensor, " batch"]


@final
@dataclass(frozen=True)
class Image:
    r"""What Krawczyk's operator makes of boxes.

    Attributes:
        bounds: K(X).
        inverse: C, an approximate inverse of the middle of [J](X).
    """

    bounds: Bounds
    inverse: Float64[Tensor, "batch p p"]


def krawczyk(
    residual: Bounds,
    slope: Bounds,
    center: Float64[Tensor, "batch p"],
    radius: Float64[Tensor, "batch p"],
) -> Image:
    r"""Krawczyk's operator, $K(X) = m - C\,([f](m) - y) + (I - C[J](X))(X - m)$.

    Every solution in X lies in K(X). If K(X) lies in the interior of X, there is exactly one.
    It holds for Lipschitz functions with Clarke's derivatives, as the proof needs nothing but
    $f(a) - f(b) \in [J](a - b)$.

    With $\rho = [f](m) - y$ and $[J, \rho] = M \pm R$, middle and radius, two products are enough:

    $$C\,[J, \rho] \subseteq C M \pm \bigl(|C| (R + \gamma |M|)\bigr)$$

    and $\gamma$ pays for rounding in any order of summation. What multiplies $X - m$ is then
    bounded by its size, as $X - m$ is symmetric.

    Args:
        residual: An enclosure of f(m) - y.
        slope: [J](X), of shape `(batch, p, p)`.
        center: m, a point of X.
        radius: r, with X inside m ± r.

    References:
        Krawczyk, Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken, Computing
        4, 1969; Moore, A test for existence of solutions to nonlinear systems, SIAM Journal on
        Numerical Analysis 14, 1977; the products are Rump's (BIT 39, 1999).
    """
    p = center.shape[-1]
    low = torch.cat([slope.low, residual.low.unsqueeze(-1)], dim=-1)
    high = torch.cat([slope.high, residual.high.unsqueeze(-1)], dim=-1)
    middle = (0.5 * low + 0.5 * high).nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
    inverse = torch.linalg.inv_ex(middle[..., :-1]).inverse
    inverse = inverse.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
    spread = above(torch.maximum(high - middle, middle - low)) + gamma(p) * middle.abs()
    product = torch.matmul(inverse, middle)
    error = b.up(torch.matmul(inverse.abs(), spread), p)
    shrinking = (_identity(p) - product[..., :-1]).abs()
    defect = above(above(shrinking) + error[..., :-1])
    reach = b.up((defect * radius.unsqueeze(-2)).sum(dim=-1), p)
    reach = above(above(reach) + error[..., -1])
    # Nothing is known where a bound is infinite.
    reach = reach.nan_to_num_(nan=torch.inf)
    moved = product[..., -1]
    low, high = below(below(center - moved) - reach), above(above(center - moved) + reach)
    return Image(b.cleaned(low, high), inverse)


@cache
def _identity(p: int) -> Tensor:
    return torch.eye(p, dtype=torch.float64)


def inside(inner: Bounds, outer: Bounds) -> Bool[Tensor, " batch"]:
    """Whether each box lies in the interior of another; where f has no value there is no box."""
    there = inner.low <= inner.high
    return (there & (inner.low > outer.low) & (inner.high < outer.high)).all(dim=-1)


def certify(
    f: Map,
    x: Float64[Tensor, "batch p"],
    y: Float64[Tensor, "batch q"],
    *,
    scale: Float64[Tensor, " p"] | None = None,
) -> Certified:
    r"""Proves that a true solution of f(x) = y lies near each approximate one, and how near.

    A box around the answer, as wide as the Newton step and rounding suggest, is widened until
    Krawczyk's operator maps it into its own interior. Then the box of uniqueness is grown as long
    as the Jacobian on it is surely regular. With fewer outputs than inputs, solutions are not
    isolated; the proof is then about the affine subspace through the answer that is orthogonal to
    its fibre, and the radius of isolation is measured on it.

    Args:
        f: A callable on a batch that treats its rows independently, written in torch operations.
        x: Approximate solutions, in the units of x.
        y: What each should give; exact numbers.
        scale: The widths in which isolation is measured; one by default.

    Raises:
        UnsupportedOperation: If f uses an operation without a rule, which is named.
        InputError: If f has more outputs than inputs: rounding alone then leaves no solution.

    References:
        Rump, Verification methods, Acta Numerica 19, 2010, section 13 (epsilon-inflation).

    Example:
        >>> x = torch.tensor([[1.0880339]]).double()
        >>> found = certify(lambda x: x**3 - x, x, torch.tensor([[0.2]]).double())
        >>> found.proved.item(), found.radius.item() < 1e-7, found.isolation.item() > 0.2
        (True, True, True)
    """
    with partial(), torch.no_grad():
        _, slope = linearized(f, constant(x))
        q, p = slope.low.shape[1:]
        if q > p:
            raise InputError(
                f"f has {q} outputs and {p} inputs; a system with more equations than unknowns "
                "has no solution that survives rounding. Certify p of the outputs."
            )
        scale = torch.ones(p, dtype=torch.float64) if scale is None else scale
        if q == p:
            return _certify_square(f, x, y, scale)
        return _certify_across_fibres(f, x, y, slope.mid.nan_to_num(posinf=0, neginf=0), scale)


def tightened(
    f: Map,
    x: Float64[Tensor, "batch p"],
    y: Float64[Tensor, "*batch p"],
    radius: Float64[Tensor, "batch p"],
) -> tuple[Bounds, Bounds]:
    """Krawczyk's image of the boxes x ± radius, and these boxes, from one call of f."""
    box = Bounds(below(x - radius), above(x + radius))
    both = Bounds(torch.cat([x, box.low]), torch.cat([x, box.high]))
    value, slope = linearized(f, both)
    n = len(x)
    residual = b.subtract(Bounds(value.low[:n], value.high[:n]), constant(y))
    around = Bounds(slope.low[n:], slope.high[n:])
    return krawczyk(residual, around, x, box.radius(x)).bounds, box


def _first_radius(x: Tensor, step: Tensor) -> Tensor:
    return 2 * step + 2.0**-50 * x.abs() + 1e-200


def _certify_square(f: Map, x: Tensor, y: Tensor, scale: Tensor) -> Certified:
    value, slope = linearized(f, constant(x))
    residual = b.subtract(value, constant(y))
    point = left_inverse(slope)
    step = times(constant(point.matrix), residual).magnitude
    radius = _first_radius(x, step)
    proved = torch.zeros(len(x), dtype=torch.bool)
    low, high = torch.full_like(x, torch.nan), torch.full_like(x, torch.nan)
    for _ in range(INFLATIONS):
        # All rows are evaluated every time, as the function may depend on the place of a row.
        image, box = _image(f, x, radius, residual)
        good = inside(image, box) & ~proved
        proved |= good
        low, high = low.where(~good[:, None], image.low), high.where(~good[:, None], image.high)
        wider = 2 * image.radius(x) + radius
        grow = ~proved & wider.isfinite().all(dim=1)
        if not bool(grow.any()):
            break
        radius = radius.where(~grow[:, None], wider)
    isolation = _isolation(f, x, radius, proved, scale)
    size = Bounds(low, high).radius(x).amax(dim=1)
    return Certified(proved, low, high, size, isolation)


def _image(f: Map, x: Tensor, radius: Tensor, residual: Bounds) -> tuple[Bounds, Bounds]:
    box = Bounds(below(x - radius), above(x + radius))
    _, slope = linearized(f, box)
    return krawczyk(residual, slope, x, box.radius(x)).bounds, box


def _isolation(f: Map, x: Tensor, radius: Tensor, proved: Tensor, scale: Tensor) -> Tensor:
    """Grows the box around each solution while the Jacobian on it is surely regular."""
    size = above(radius / scale).amax(dim=1)
    isolation = torch.zeros(len(x), dtype=torch.float64)
    for factor in GROWTHS:
        growing = proved
        while bool(growing.any()):
            reach = size[:, None] * scale
            _, slope = linearized(f, Bounds(x - reach, x + reach))
            growing = growing & (left_inverse(slope).spectral_radius < 1) & (size < LARGEST)
            isolation = torch.where(growing, size, isolation)
            size = torch.where(growing, factor * size, size)
        size = torch.where(isolation > 0, isolation * factor**0.25, size)
    return isolation


def _certify_across_fibres(f: Map, x: Tensor, y: Tensor, slope: Tensor, scale: Tensor) -> Certified:
    """The same in coordinates u of the subspace x + B u, with B spanning the rows of J."""
    basis = torch.linalg.qr((slope * scale).mT).Q * scale[:, None]
    basis = basis.nan_to_num(nan=0.0)

    def across(u: Tensor) -> Tensor:
        return f(x + torch.matmul(basis, u.unsqueeze(-1)).squeeze(-1))

    start = torch.zeros(y.shape, dtype=torch.float64)
    found = _certify_square(across, start, y, torch.ones(y.shape[1], dtype=torch.float64))
    box = b.add(constant(x), times(constant(basis), Bounds(found.low, found.high)))
    unknown = ~found.proved[:, None]
    low, high = (side.masked_fill(unknown, torch.nan) for side in box)
    size = Bounds(low, high).radius(x).amax(dim=1)
    return Certified(found.proved, low, high, size, found.isolation)
