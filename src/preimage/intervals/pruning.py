"""Branch and prune: cells are narrowed, proved, thrown away, or cut."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int64
from torch import Tensor

from preimage.errors import InputError
from preimage.intervals import bounds as b
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.boxes import rows, stacked
from preimage.intervals.first_order import Map, linearized, values
from preimage.intervals.krawczyk import certify, inside, krawczyk, tightened
from preimage.intervals.rounding import above, below
from preimage.intervals.solutions import Solutions, summed_up

FIRST_CELLS = {1: 32, 2: 64, 3: 216, 4: 625}
"""Into how many cells the box is cut before the first pass, by its dimension."""

FEW = 128
"""Fewer cells than this are cut into more parts at once: a pass costs the same."""

PASS = 4096
"""The most cells in one pass."""

HOPELESS = 1000
"""A target with more undecided cells than this is given up: its solutions seem to form a curve."""

INFLATION = 0.1
"""By how many of its widths a cell is widened, so that a solution on its border is inside."""

NEWTON_STEPS = 8
"""The most steps from the middle of the box that holds a solution to the solution itself."""

SHRUNK = 0.6
"""A cell that kept less than this of its width is tried again before it is cut."""


@final
@dataclass(frozen=True)
class Cells:
    """Boxes, and which target each is for."""

    box: Bounds
    owner: Int64[Tensor, " cells"]

    def __len__(self) -> int:
        return len(self.owner)

    def at(self, row: Tensor | slice) -> Cells:
        """Some of them."""
        return Cells(Bounds(self.box.low[row], self.box.high[row]), self.owner[row])

    def join(self, other: Cells) -> Cells:
        """These and others."""
        return Cells(stacked([self.box, other.box]), torch.cat([self.owner, other.owner]))


@final
@dataclass(frozen=True)
class Found:
    """Boxes that hold one solution each, and boxes around them that hold no other."""

    owner: Int64[Tensor, " found"]
    image: Bounds
    alone: Bounds


@final
class Search:
    """The state of one search: cells still to look at, solutions, and what is undecided."""

    def __init__(self, f: Map, y: Tensor, box: Bounds, width: float) -> None:
        self.f, self.y, self.box, self.width = f, y, box, width
        self.span = box.high - box.low
        self.found: list[Found] = []
        self.undecided: list[Cells] = []
        self.boxes = torch.zeros(len(y), dtype=torch.int64)
        self.stuck = torch.zeros(len(y), dtype=torch.int64)
        self.plain = True

    def run(
        self, max_boxes: int, seconds: float, watch: Callable[[float], None]
    ) -> list[Solutions]:
        """Looks at cells until none is left, or the budget is spent.

        Args:
            max_boxes: Looked at for each target.
            seconds: For all of them.
            watch: Is told the share of the box that is settled.
        """
        cells = self._first_pass()
        # From here on, as the very first call may spend seconds on loading parts of PyTorch.
        begin = time.monotonic()
        while len(cells):
            cells = self._within_budget(cells, max_boxes, time.monotonic() - begin > seconds)
            if len(self.y) > 1 and len(cells) > PASS:
                cells = cells.at(self.boxes[cells.owner].argsort(descending=True, stable=True))
            cells = cells.at(slice(None, -PASS)).join(self._pass(cells.at(slice(-PASS, None))))
            volume = ((cells.box.high - cells.box.low) / self.span).prod(dim=1).sum()
            watch(1 - float(volume) / len(self.y))
        return self._result(begin)

    def _within_budget(self, cells: Cells, max_boxes: int, late: bool) -> Cells:
        """The cells that may still be looked at; the others are undecided."""
        spent = (self.boxes >= max_boxes) | (self.stuck > HOPELESS)
        if not late and not bool(spent.any()):
            return cells
        out = spent[cells.owner] | late
        self.undecided.append(cells.at(out))
        return cells.at(~out)

    def _first_pass(self) -> Cells:
        """One grid of cells serves all targets: each takes those whose image may hold it."""
        p = self.box.low.shape[1]
        side = round(FIRST_CELLS[p] ** (1 / p))
        unit = torch.linspace(0, 1, side + 1, dtype=torch.float64)
        cuts = self.box.low.T + self.span.T * unit
        cuts[:, -1] = self.box.high[0]
        low = torch.cartesian_prod(*cuts[:, :-1]).reshape(-1, p)
        high = torch.cartesian_prod(*cuts[:, 1:]).reshape(-1, p)
        cells = Bounds(low, high)
        wide = self._widened(cells)
        value, slope, middle = self._evaluated(wide)
        self._check(value)
        self.boxes += len(low)
        near = (value.low <= self.y[:, None]) & (value.high >= self.y[:, None])
        owner, cell = near.all(dim=2).nonzero(as_tuple=True)
        left = Cells(Bounds(low[:0], high[:0]), owner[:0])
        for part in torch.arange(len(owner)).split(PASS):
            at = cell[part]
            some = Cells(rows(cells, at), owner[part])
            left = left.join(self._settle(some, *(rows(t, at) for t in (wide, slope, middle))))
        return left

    def _evaluated(self, wide: Bounds) -> tuple[Bounds, Bounds, Bounds]:
        """Values and Jacobians on boxes, and the values in their middles."""
        n, center = len(wide.low), wide.mid
        if n > FEW:
            return *linearized(self.f, wide), values(self.f, constant(center))
        # A call costs more than so few rows.
        both = Bounds(torch.cat([wide.low, center]), torch.cat([wide.high, center]))
        value, slope = linearized(self.f, both)
        return rows(value, slice(n)), rows(slope, slice(n)), rows(value, slice(n, None))

    def _widened(self, cells: Bounds) -> Bounds:
        margin = INFLATION * (cells.high - cells.low)
        return Bounds(cells.low - margin, cells.high + margin)

    def _pass(self, cells: Cells) -> Cells:
        """Drops, settles, shrinks or cuts each cell, and returns those still to look at."""
        self.boxes += torch.bincount(cells.owner, minlength=len(self.y))
        wide = self._widened(cells.box)
        value, slope, middle = self._evaluated(wide)
        keep = b.contains(value, self.y[cells.owner]).all(dim=1).nonzero()[:, 0]
        return self._settle(cells.at(keep), *(rows(t, keep) for t in (wide, slope, middle)))

    def _settle(self, cells: Cells, wide: Bounds, slope: Bounds, middle: Bounds) -> Cells:
        """The same for cells whose image may hold their target."""
        if len(cells) == 0:
            return cells
        center = wide.mid
        residual = b.subtract(middle, constant(self.y[cells.owner]))
        radius = wide.radius(center)
        holds = _may_vanish(residual, slope, radius)
        made = krawczyk(residual, slope, center, radius)
        settled = inside(made.bounds, wide) & holds
        if bool(settled.any()):
            image, alone = rows(made.bounds, settled), rows(wide, settled)
            self.found.append(Found(cells.owner[settled], image, alone))
        left = b.intersect(cells.box, made.bounds)
        keep = (holds & ~settled & (left.low <= left.high).all(dim=1)).nonzero()[:, 0]
        shrunk = Cells(rows(left, keep), cells.owner[keep])
        return self._cut(shrunk, rows(cells.box, keep), rows(slope, keep))

    def _cut(self, cells: Cells, before: Bounds, slope: Bounds) -> Cells:
        """Sets small cells aside, keeps those that shrank, and cuts the others."""
        if len(cells) == 0:
            return cells
        size = cells.box.high - cells.box.low
        small = ((size / self.span) <= self.width).all(dim=1)
        if bool(small.any()):
            self._settle_small(cells.at(small))
        shrank = (size / (before.high - before.low)).amin(dim=1) < SHRUNK
        again, whole = cells.at(~small & shrank), ~small & ~shrank
        cells, smear = cells.at(whole), _smear(rows(slope, whole), size[whole], self.span)
        cuts = max(1, math.floor(math.log2(FEW / max(1, len(cells)))))
        low, high, owner = *cells.box, cells.owner
        for _ in range(min(cuts, 2 * size.shape[1]) if len(cells) else 0):
            axis = smear.argmax(dim=1, keepdim=True)
            middle = Bounds(low, high).mid.gather(1, axis)
            low, high = (
                torch.cat([low, low.scatter(1, axis, middle)]),
                torch.cat([high.scatter(1, axis, middle), high]),
            )
            smear = smear.scatter(1, axis, smear.gather(1, axis) / 2).repeat(2, 1)
            owner = owner.repeat(2)
        return again.join(Cells(Bounds(low, high), owner))

    def _settle_small(self, cells: Cells) -> None:
        """Tries to prove the solution in a small cell, which may lie on the border of the box."""
        center = cells.box.mid
        found = certify(self.f, center, self.y[cells.owner], scale=self.span[0])
        reach = found.isolation[:, None] * self.span
        alone = Bounds(center - reach, center + reach)
        low, high = cells.box
        sure = found.proved & ((low >= alone.low) & (high <= alone.high)).all(dim=1)
        image = Bounds(found.low[sure], found.high[sure])
        self.found.append(Found(cells.owner[sure], image, rows(alone, sure)))
        self.undecided.append(cells.at(~sure))
        self.stuck += torch.bincount(cells.owner[~sure], minlength=len(self.y))

    def _result(self, begin: float) -> list[Solutions]:
        p = self.box.low.shape[1]
        nothing = Bounds(torch.zeros(0, p).double(), torch.zeros(0, p).double())
        none = torch.zeros(0, dtype=torch.int64)
        owner = torch.cat([none, *(found.owner for found in self.found)])
        image = stacked([nothing, *(found.image for found in self.found)])
        alone = stacked([nothing, *(found.alone for found in self.found)])
        if len(owner):
            image = self._sharpened(owner, image, alone)
        open_cells = stacked([nothing, *(cells.box for cells in self.undecided)])
        holder = torch.cat([none, *(cells.owner for cells in self.undecided)])
        spent = time.monotonic() - begin
        each = []
        for target, boxes in enumerate(self.boxes.tolist()):
            mine = owner == target
            settled = rows(image, mine), rows(alone, mine)
            left = rows(open_cells, holder == target)
            each.append(summed_up(self.box, *settled, left, boxes, spent))
        return each

    def _sharpened(self, owner: Tensor, image: Bounds, alone: Bounds) -> Bounds:
        """The boxes of the solutions, to rounding: some Newton steps and one more proof."""
        x, y = image.mid, self.y[owner]
        _, slope = linearized(self.f, constant(x))
        inverse = torch.linalg.inv_ex(slope.mid).inverse.nan_to_num(posinf=0.0, neginf=0.0)
        step = torch.zeros_like(x)
        for _ in range(NEWTON_STEPS):
            # With the Jacobian held, each step is a small part of the one before it.
            step = (inverse @ (self._computed(x) - y).unsqueeze(-1)).squeeze(-1)
            x = torch.minimum(torch.maximum(x - step, image.low), image.high)
            if bool((step.abs() <= 1e-12 * self.span).all()):
                break
        size = (inverse.abs() @ y.abs().unsqueeze(-1)).squeeze(-1) + x.abs()
        radius = 2 * step.abs() + 2.0**-49 * size + 1e-200
        for _ in range(2):
            small, box = tightened(self.f, x, y, radius)
            proved = (inside(small, box) & inside(box, alone))[:, None]
            better = b.intersect(image, small)
            image = Bounds(
                torch.where(proved, better.low, image.low),
                torch.where(proved, better.high, image.high),
            )
            if bool(proved.all()):
                break
            radius = torch.where(proved, radius, 2 * small.radius(x) + radius)
        return image

    def _computed(self, x: Tensor) -> Tensor:
        """f(x) as PyTorch computes it, or where it insists on another type, nearly."""
        if self.plain:
            try:
                y = self.f(x.clone())
            except Exception:  # noqa: BLE001 - it is the user's code, and may raise anything
                self.plain = False
            else:
                return y.detach().double().reshape(len(x), -1)
        return values(self.f, constant(x)).mid

    def _check(self, value: Bounds) -> None:
        if value.low.shape[1] != self.y.shape[1]:
            raise InputError(
                f"f has {value.low.shape[1]} outputs for {self.y.shape[1]} inputs; all solutions "
                "are found for square systems. Fix some inputs, or leave out some outputs."
            )


def _may_vanish(residual: Bounds, slope: Bounds, radius: Tensor) -> Tensor:
    """Whether the mean value form, [f](m) - y + [J](X)(X - m), holds zero."""
    reach = b.up((slope.magnitude * radius.unsqueeze(-2)).sum(dim=-1), radius.shape[-1])
    reach = reach.nan_to_num(nan=torch.inf)
    return ((below(residual.low - reach) <= 0) & (above(residual.high + reach) >= 0)).all(dim=1)


def _smear(slope: Bounds, size: Tensor, span: Tensor) -> Tensor:
    """How much of the change of the outputs is due to each input."""
    change = slope.magnitude * size[:, None]
    share = change / change.sum(dim=2, keepdim=True)
    usable = share.isfinite().all(dim=2).all(dim=1, keepdim=True)
    return torch.where(usable, share.sum(dim=1), size / span)
