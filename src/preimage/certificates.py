"""Proof about answers: a box in which exactly one true preimage lies, or that none is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.domain import Box
from preimage.errors import InputError
from preimage.function import Function
from preimage.intervals.failures import UnsupportedOperation
from preimage.intervals.rounding import above, below
from preimage.progress import progress

ROWS = 512
"""Answers that are proved at a time."""


@final
@dataclass(frozen=True, eq=False)
class Source:
    """What answers were checked with; it is code, and is neither saved nor pickled."""

    function: Function
    box: Box


@final
@dataclass(frozen=True, eq=False)
class Certificates:
    """What is proved about each answer, by Krawczyk's test in interval arithmetic.

    With `proved`, a true preimage of the target exists in the box from `low` to `high`: f(x) = y
    exactly, in real arithmetic, with the weights and constants of f as they are stored. For as
    many outputs as inputs, it is the only one within `isolation`. With fewer outputs, preimages
    form a continuum, and all of this holds on the plane through the answer that is orthogonal to
    it (the span of the rows of the Jacobian, in box widths).

    Attributes:
        proved: For which answers, `(targets, n)`; False means that nothing is proved, as where
            the Jacobian is singular.
        low: The lower corners of the boxes, `(targets, n, p)`, in the units of x; NaN where
            nothing is proved.
        high: Their upper corners.
        radius: The largest distance, in any one input, from the answer to the true preimage,
            `(targets, n)`, in the units of x.
        isolation: There is no other preimage within this distance of the answer in every input,
            `(targets, n)`, in box widths.
        within: Whether the true preimage surely lies in the searched box, `(targets, n)`. An answer
            on the border may belong to a preimage that is a rounding error outside.
        distinct: Which answers surely belong to another preimage than all earlier answers of their
            target that are proved, `(targets, n)`.
        same: For an answer that surely belongs to the same preimage as an earlier one, the place
            of that one; -1 for all others, `(targets, n)`.
    """

    proved: Any
    low: Any
    high: Any
    radius: Any
    isolation: Any
    within: Any
    distinct: Any
    same: Any

    def numpy(self) -> Certificates:
        """The same, as NumPy arrays."""
        return replace(self, **{name: np.asarray(value) for name, value in vars(self).items()})


@final
@dataclass(frozen=True, eq=False)
class Enumeration:
    """All preimages of each target in the searched box, counted with proof.

    Attributes:
        total: How many preimages are proved to exist, `(targets,)`; there may be more of them than
            answers were asked for.
        unsettled: For each target the boxes about which nothing is proved, `(boxes, 2, p)`: lower
            and upper corners in the units of x. Where there are none, no preimage is missing.
        boxes: How many boxes were looked at.
        seconds: How long that took.
    """

    total: np.ndarray
    unsettled: tuple[np.ndarray, ...]
    boxes: int
    seconds: float


def prove(
    source: Source,
    x: Float64[Tensor, "targets n p"],
    targets: Float64[Tensor, "targets q"],
    ok: Bool[Tensor, "targets n"],
) -> Certificates:
    """Certificates for the answers that are `ok`.

    Raises:
        UnsupportedOperation: If the function is not written in torch operations that have rules.
        InputError: If it has more outputs than inputs.
    """
    from preimage.intervals.krawczyk import certify

    count, n, p = x.shape
    if targets.shape[1] > p:
        raise InputError(
            f"the function has {targets.shape[1]} outputs and {p} inputs. More equations than "
            "unknowns have no solution that survives rounding, so that answers cannot be "
            f"certified; invert {p} of the outputs."
        )
    blank = _Sheet(count, n, p)
    owner, place = ok.nonzero(as_tuple=True)
    with progress("certifying", len(owner)) as bar:
        for part in torch.arange(len(owner)).split(ROWS):
            at = owner[part], place[part]
            try:
                found = certify(source.function.fn, x[at], targets[at[0]], scale=source.box.width)
            except UnsupportedOperation as error:
                raise cannot(error, "the answers cannot be certified") from error
            blank.fill(at, found.proved, found.low, found.high, found.radius, found.isolation)
            bar.update(int(part[-1]) + 1)
    return blank.certificates(x, source.box, square=targets.shape[1] == p)


def cannot(error: UnsupportedOperation, what: str) -> UnsupportedOperation:
    """The error that says what could not be done, and what would help."""
    return UnsupportedOperation(
        f"{what}: {error} Proofs need a function in plain torch operations; answers without proof "
        "need nothing of the kind."
    )


@final
class _Sheet:
    """Certificates in the making."""

    def __init__(self, count: int, n: int, p: int) -> None:
        nan = torch.nan
        self.proved = torch.zeros(count, n, dtype=torch.bool)
        self.low, self.high = torch.full((2, count, n, p), nan, dtype=torch.float64).unbind()
        self.radius = torch.full((count, n), nan, dtype=torch.float64)
        self.isolation = torch.zeros(count, n, dtype=torch.float64)

    def fill(self, at: Any, *values: Tensor) -> None:
        sheets = (self.proved, self.low, self.high, self.radius, self.isolation)
        for sheet, value in zip(sheets, values, strict=True):
            sheet[at] = value

    def certificates(self, x: Tensor, box: Box, *, square: bool) -> Certificates:
        inside = (self.low >= box.low) & (self.high <= box.high) | box.periodic
        distinct, same = self.proved.clone(), torch.full(self.proved.shape, -1)
        for i in range(1, x.shape[1]):
            for j in range(i):
                both = self.proved[:, i] & self.proved[:, j]
                if not bool(both.any()):
                    continue
                # Across the seam of a periodic input, both are looked at on the same side.
                turns = torch.where(box.periodic, ((x[:, i] - x[:, j]) / box.width).round(), 0.0)
                shift = turns * box.width
                low, high = self.low[:, i] - shift, self.high[:, i] - shift
                # Shifting rounds.
                margin = 2.0**-50 * (shift.abs() + self.low[:, i].abs() + self.high[:, i].abs())
                margin = torch.where(turns == 0, 0.0, margin)
                low, high = low - margin, high + margin
                meet = (low <= self.high[:, j]) & (high >= self.low[:, j])
                distinct[:, i] &= ~(both & meet.all(dim=1))
                reach = below(below(self.isolation[:, j, None] * box.width))
                held = (low >= above(x[:, j] - reach)) & (high <= below(x[:, j] + reach))
                again = both & held.all(dim=1) & (same[:, i] < 0)
                same[:, i] = torch.where(again & square, j, same[:, i])
        within = self.proved & inside.all(dim=2)
        boxes = (self.low, self.high, self.radius, self.isolation)
        return Certificates(self.proved, *boxes, within, distinct, same)
