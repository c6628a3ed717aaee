"""All solutions of a square system in a box, with proof that none is missing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.errors import InputError
from preimage.intervals import bounds as b
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.boxes import distinct, joined, rows, stacked
from preimage.intervals.failures import partial
from preimage.intervals.first_order import Map, checked, linearized, mean_value, values
from preimage.intervals.krawczyk import certify, inside, krawczyk, tightened
from preimage.intervals.matrices import left_inverse

FIRST_CELLS = {1: 32, 2: 64, 3: 216, 4: 625}
"""Into how many cells the box is cut before the first pass, by its dimension."""

FEW = 128
"""Fewer cells than this are cut into more parts at once: a pass costs the same."""

PASS = 4096
"""The most cells in one pass."""

INFLATION = 0.1
"""By how many of its widths a cell is widened, so that a solution on its border is inside."""

NEWTON_STEPS = 4
"""The most steps from the middle of the box that holds a solution to the solution itself."""

SHRUNK = 0.6
"""A cell that kept less than this of its width is tried again before it is cut."""


@final
@dataclass(frozen=True)
class Solutions:
    """All solutions in a box, and what could not be settled.

    Every solution in the box lies in one of the boxes `low` to `high`, each of which holds exactly
    one, or in one of the undecided boxes.

    Attributes:
        low: The lower corners of the boxes that hold one solution each, in the units of x.
        high: Their upper corners.
        within: Whether each solution is surely in the searched box; False for one on its border,
            closer to it than rounding can tell.
        undecided_low: The lower corners of boxes about which nothing is proved.
        undecided_high: Their upper corners.
        boxes: How many boxes were looked at.
        seconds: How long that took.
    """

    low: Float64[Tensor, "solutions p"]
    high: Float64[Tensor, "solutions p"]
    within: Bool[Tensor, " solutions"]
    undecided_low: Float64[Tensor, "undecided p"]
    undecided_high: Float64[Tensor, "undecided p"]
    boxes: int
    seconds: float

    def __len__(self) -> int:
        return len(self.low)

    @property
    def x(self) -> Float64[Tensor, "solutions p"]:
        """The middle of each box that holds a solution, in the units of x."""
        return Bounds(self.low, self.high).mid

    @property
    def complete(self) -> bool:
        """Whether it is proved that there are no other solutions."""
        return len(self.undecided_low) == 0

    @property
    def none(self) -> bool:
        """Whether it is proved that the box holds no solution at all."""
        return self.complete and len(self.low) == 0


def solve_all(
    f: Map,
    y: Float64[Tensor, " q"],
    low: Float64[Tensor, " p"],
    high: Float64[Tensor, " p"],
    *,
    width: float = 1e-6,
    max_boxes: int = 1_000_000,
    seconds: float = math.inf,
    watch: Callable[[float], None] | None = None,
) -> Solutions:
    r"""Finds every solution of f(x) = y in a box, each with proof, for up to four inputs.

    The box is cut into cells, and thousands of cells go through each pass at once. A cell is
    dropped if y is not in the enclosure of f on it, by interval arithmetic, by the mean value form
    or by Krawczyk's operator. A cell (widened a little) that Krawczyk's operator maps into itself
    holds exactly one solution. A cell that the operator cuts down is replaced by what is left;
    any other is cut in half along the input that moves the outputs most. Cells narrower than
    `width` and those left when the budget ends are undecided; they are joined where they touch.

    Where f is undefined in a part of the box, cells that reach into it stay undecided.

    Args:
        f: A callable on a batch `(batch, p)` that returns `(batch, p)`, row by row, written in
            torch operations.
        y: The output wanted, taken as exact numbers, in the units of y.
        low: The lower corner of the box to search, in the units of x.
        high: Its upper corner.
        width: Cells narrower than this part of the box are not cut further.
        max_boxes: The most cells that are looked at.
        seconds: The most time that is spent.
        watch: Called after every pass with the part of the volume that is settled.

    Raises:
        UnsupportedOperation: If f uses an operation without a rule, which is named.
        InputError: If the box has more than four dimensions, or f another number of outputs.

    References:
        Neumaier, Interval Methods for Systems of Equations, Cambridge 1990, chapter 5. We cut by
        the sum of relative smears (Trombettoni et al., IJCAI 2011) and treat cells in batches.

    Example:
        >>> f = lambda x: x**3 - x
        >>> bound = torch.tensor([2.0]).double()
        >>> found = solve_all(f, torch.tensor([0.2]).double(), -bound, bound)
        >>> found.x.flatten().round(decimals=6).tolist(), found.complete
        ([-0.878885, -0.209149, 1.088034], True)
        >>> solve_all(f, torch.tensor([7.0]).double(), -bound, bound).none
        True
    """
    box = checked(low[None], high[None])
    p = low.shape[0]
    if p not in FIRST_CELLS:
        raise InputError(f"the box has {p} dimensions; all solutions are found for 1 to 4.")
    if y.shape != (p,):
        raise InputError(f"y has shape {tuple(y.shape)} for {p} inputs; give {p} outputs.")
    with partial(), torch.no_grad():
        search = _Search(f, y.double(), box, width)
        return search.run(max_boxes, seconds, watch)


@final
class _Search:
    """The state of one search: cells still to look at, solutions, and what is undecided."""

    def __init__(self, f: Map, y: Tensor, box: Bounds, width: float) -> None:
        self.f, self.y, self.box, self.width = f, y, box, width
        self.span = box.high - box.low
        self.found: list[tuple[Bounds, Bounds]] = []
        self.undecided: list[Bounds] = []
        self.boxes = 0

    def run(
        self, max_boxes: int, seconds: float, watch: Callable[[float], None] | None
    ) -> Solutions:
        begin = time.monotonic()
        cells = self._first_cells()
        while len(cells.low):
            if self.boxes >= max_boxes or time.monotonic() - begin > seconds:
                self.undecided.append(cells)
                break
            batch = Bounds(cells.low[-PASS:], cells.high[-PASS:])
            new = self._pass(batch)
            cells = stacked([Bounds(cells.low[:-PASS], cells.high[:-PASS]), new])
            if watch is not None:
                watch(1 - float(((cells.high - cells.low) / self.span).prod(dim=1).sum()))
        return self._result(begin)

    def _first_cells(self) -> Bounds:
        p = self.box.low.shape[1]
        side = round(FIRST_CELLS[p] ** (1 / p))
        unit = torch.linspace(0, 1, side + 1, dtype=torch.float64)
        cuts = self.box.low.T + self.span.T * unit
        cuts[:, -1] = self.box.high[0]
        low = torch.cartesian_prod(*cuts[:, :-1]).reshape(-1, p)
        high = torch.cartesian_prod(*cuts[:, 1:]).reshape(-1, p)
        return Bounds(low, high)

    def _pass(self, cells: Bounds) -> Bounds:
        """Drops, settles, shrinks or cuts each cell, and returns those still to look at."""
        self.boxes += len(cells.low)
        margin = INFLATION * (cells.high - cells.low)
        wide = Bounds(
            torch.maximum(cells.low - margin, self.box.low),
            torch.minimum(cells.high + margin, self.box.high),
        )
        value, slope = linearized(self.f, wide)
        self._check(value)
        keep = b.contains(value, self.y).all(dim=1).nonzero()[:, 0]
        cells, wide, slope = (rows(t, keep) for t in (cells, wide, slope))
        if len(keep) == 0:
            return cells
        center = wide.mid
        residual = b.subtract(values(self.f, constant(center)), constant(self.y))
        keep = b.contains(mean_value(residual, slope, wide), 0.0).all(dim=1)
        inverse = left_inverse(slope)
        image = krawczyk(residual, inverse, wide, center)
        settled = inside(image, wide) & keep
        if bool(settled.any()):
            self.found.append((rows(image, settled), rows(wide, settled)))
        left = b.intersect(cells, image)
        keep = (keep & ~settled & (left.low <= left.high).all(dim=1)).nonzero()[:, 0]
        shrunk = rows(left, keep)
        return self._cut(shrunk, rows(cells, keep), rows(slope, keep))

    def _cut(self, cells: Bounds, before: Bounds, slope: Bounds) -> Bounds:
        """Sets small cells aside, keeps those that shrank, and cuts the others."""
        size = cells.high - cells.low
        small = ((size / self.span) <= self.width).all(dim=1)
        if bool(small.any()):
            self._settle_small(rows(cells, small))
        shrank = (size / (before.high - before.low)).amin(dim=1) < SHRUNK
        again = rows(cells, ~small & shrank)
        whole = ~small & ~shrank
        cells, smear = rows(cells, whole), _smear(rows(slope, whole), size[whole], self.span)
        cuts = max(1, math.floor(math.log2(FEW / max(1, len(cells.low)))))
        for _ in range(min(cuts, 2 * size.shape[1]) if len(cells.low) else 0):
            axis = smear.argmax(dim=1, keepdim=True)
            middle = cells.mid.gather(1, axis)
            cells = stacked([
                Bounds(cells.low, cells.high.scatter(1, axis, middle)),
                Bounds(cells.low.scatter(1, axis, middle), cells.high),
            ])  # fmt: skip
            smear = smear.scatter(1, axis, smear.gather(1, axis) / 2).repeat(2, 1)
        return stacked([again, cells])

    def _settle_small(self, cells: Bounds) -> None:
        """Tries to prove the solution in a small cell, which may lie on the border of the box."""
        center = cells.mid
        found = certify(self.f, center, self.y.expand(len(center), -1), scale=self.span[0])
        reach = found.isolation[:, None] * self.span
        alone = Bounds(center - reach, center + reach)
        sure = found.proved & ((cells.low >= alone.low) & (cells.high <= alone.high)).all(dim=1)
        image = Bounds(found.low[sure], found.high[sure])
        touches = ((image.low <= self.box.high) & (image.high >= self.box.low)).all(dim=1)
        self.found.append((rows(image, touches), rows(rows(alone, sure), touches)))
        self.undecided.append(rows(cells, ~sure))

    def _result(self, begin: float) -> Solutions:
        p = self.box.low.shape[1]
        empty = Bounds(torch.zeros(0, p).double(), torch.zeros(0, p).double())
        image = stacked([empty, *(image for image, _ in self.found)])
        alone = stacked([empty, *(alone for _, alone in self.found)])
        undecided = stacked([empty, *self.undecided])
        image = self._sharpened(image, alone)
        image, doubtful = distinct(image, alone)
        undecided = joined(stacked([undecided, doubtful]))
        order = image.mid[:, 0].argsort()
        image = rows(image, order)
        within = ((image.low >= self.box.low) & (image.high <= self.box.high)).all(dim=1)
        spent = time.monotonic() - begin
        return Solutions(*image, within, *undecided, self.boxes, spent)

    def _sharpened(self, image: Bounds, alone: Bounds) -> Bounds:
        """The boxes of the solutions, to rounding: a few Newton steps and one more proof."""
        if len(image.low) == 0:
            return image
        x = image.mid
        inverse = torch.zeros(0)
        for _ in range(NEWTON_STEPS):
            value, slope = linearized(self.f, constant(x))
            inverse = left_inverse(slope).matrix
            step = (inverse @ (value.mid - self.y).unsqueeze(-1)).squeeze(-1)
            x = x - step
            # The next step is of the size of this one squared, and the proof takes it.
            if bool((step.abs() <= 1e-5 * self.span).all()):
                break
        small, box = tightened(self.f, x, self.y, inverse)
        proved = inside(small, box) & inside(box, alone)
        better = b.intersect(image, small)
        return Bounds(
            torch.where(proved[:, None], better.low, image.low),
            torch.where(proved[:, None], better.high, image.high),
        )

    def _check(self, value: Bounds) -> None:
        if value.low.shape[1:] != self.y.shape:
            raise InputError(
                f"f has {value.low.shape[1]} outputs for {len(self.y)} inputs; all solutions are "
                "found for square systems. Fix some inputs, or leave out some outputs."
            )


def _smear(slope: Bounds, size: Tensor, span: Tensor) -> Tensor:
    """How much of the change of the outputs is due to each input."""
    change = slope.magnitude * size[:, None]
    share = change / change.sum(dim=2, keepdim=True)
    usable = share.isfinite().all(dim=2).all(dim=1, keepdim=True)
    return torch.where(usable, share.sum(dim=1), size / span)
