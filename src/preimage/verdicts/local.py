"""Invertibility near one point: rank, condition, and how far injectivity is proved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.arraylike import float64
from preimage.domain import Box
from preimage.errors import InputError, PreimageError
from preimage.intervals.bounds import Bounds
from preimage.intervals.first_order import linearized
from preimage.intervals.matrices import left_inverse
from preimage.verdicts.subject import Subject

FIRST, LARGEST = 1e-10, 1e6
"""The radii between which the proof is tried, in the units of x."""

STEPS = 60
"""How often the radius is doubled, and then how often it is refined."""


@final
@dataclass(frozen=True, kw_only=True)
class Local:
    """What is known of a function near one point.

    Attributes:
        x: The point, `(p,)`.
        singular_values: Those of the Jacobian there, computed and not proved.
        rank: How many of them are above rounding.
        condition: The largest over the smallest, the factor by which relative errors may grow.
        radius: f is injective on the cube x ± radius, in the units of x; 0 where nothing is proved.
        inverse_lipschitz: A proved bound of the Lipschitz constant of the inverse on that cube,
            in maximum norms.
        reason: Why nothing is proved, where nothing is.
    """

    x: Float64[Tensor, " p"]
    singular_values: Float64[Tensor, " r"]
    rank: int
    condition: float
    radius: float
    inverse_lipschitz: float
    reason: str = ""

    @property
    def proved(self) -> bool:
        """Whether f is proved to be injective on some cube around the point."""
        return self.radius > 0

    def __str__(self) -> str:
        shown = f"Rank {self.rank}, condition {self.condition:.3g}. "
        if self.proved:
            return shown + f"Proved to be injective within {self.radius:.4g} of the point."
        return shown + f"Nothing is proved: {self.reason}"


def check_at(f: Any, x: Any) -> Local:
    r"""Is f injective near x, and how far?

    The cube $x \pm r$ is grown while $\|I - C[J]\|_\infty < 1$ for an enclosure [J] of the
    Jacobian on it, which proves that f is injective there and bounds the Lipschitz constant of its
    inverse.

    Args:
        f: A module, which is copied, or a callable on a batch `(batch, p)`.
        x: One point, p numbers.

    Raises:
        InputError: If x is no point.

    Example:
        >>> found = check_at(lambda x: x**2, [1.0])
        >>> found.rank, round(found.radius, 2)
        (1, 1.0)
    """
    point = float64(x).reshape(-1)
    if len(point) == 0 or not bool(point.isfinite().all()):
        raise InputError(f"x={x!r} is no point; give one finite number for each input.")
    subject = Subject(f, Box(point - 1, point + 1), 0)
    try:
        _, slope = subject.linearize(point[None])
    except RuntimeError as error:
        raise InputError(f"the function cannot be differentiated at x: {error}") from error
    values = torch.linalg.svdvals(slope[0])
    floor = float(values.amax()) * max(slope.shape[1:]) * 2.0**-52
    least = float(values[-1]) if slope.shape[1] >= len(point) else 0.0
    radius, bound, reason = _grown(subject, point)
    return Local(
        x=point, singular_values=values, rank=int((values > floor).sum()),
        condition=float(values.amax()) / least if least > 0 else float("inf"),
        radius=radius, inverse_lipschitz=bound, reason=reason,
    )  # fmt: skip


def _grown(subject: Subject, x: Tensor) -> tuple[float, float, str]:
    """The largest radius found, the bound there, and why there is none."""
    good, bound, reason = 0.0, float("inf"), "the Jacobian may be singular at the point."
    bad = LARGEST
    radius = FIRST
    for _ in range(STEPS):
        found, why = _bound(subject, x, radius)
        if found < float("inf"):
            good, bound = radius, found
        else:
            bad, reason = radius, why or reason
        if good == 0 or bad <= good * 1.01 or good >= LARGEST:
            break
        radius = min(2 * good, LARGEST) if bad == LARGEST else (good * bad) ** 0.5
    return good, bound, "" if good > 0 else reason


def _bound(subject: Subject, x: Tensor, radius: float) -> tuple[float, str]:
    try:
        _, slope = linearized(subject, Bounds((x - radius)[None], (x + radius)[None]))
    except PreimageError as error:
        return float("inf"), str(error)
    if slope.low.shape[1] < slope.low.shape[2]:
        return float("inf"), "there are fewer outputs than inputs."
    return float(left_inverse(slope).lipschitz), ""
