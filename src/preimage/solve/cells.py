"""A grid over the input box, indexed by output: which cells could hold a preimage of y?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.domain import Box
from preimage.function import Function
from preimage.space import OutputSpace

SLACK = 0.25
"""By how many ranges of its neighbourhood the image of a cell is widened beyond its corners."""

MARGIN = 0.1
"""How far outside a cell, in cell widths, its own linear model may place a preimage."""

FOLDED = 0.25
"""The error, in cell widths, of a linear model whose slope changes sign within the cell."""

BINNED_OUTPUTS = 3
"""Outputs that are binned; the others are only compared."""


@final
@dataclass(frozen=True)
class CellTable:
    """Cells of a regular grid with an outer estimate of the image of each.

    Outputs are seen through the coordinates of their space, which for numbers are the numbers.
    The image of a cell is taken to lie in the bounding box of the outputs at its corners, widened
    by `SLACK` times the largest range among the cell and its neighbours: at a fold, where the
    corners of a cell can agree, the neighbours still show how much the function bends. The boxes
    are found again from an output by uniform bins, so that a look-up does not depend on the
    number of cells. Of the cells found, those stay whose linear model places the preimage in the
    cell, give or take `MARGIN` and the model's own error, estimated from its corners and from its
    neighbours; that model also moves the start from the middle of the cell. This is a sampled
    estimate and proves nothing; a function that wiggles inside a cell needs more cells.
    """

    width: Float64[Tensor, " p"]
    center: Float64[Tensor, "cells p"]
    low: Float64[Tensor, "cells c"]
    high: Float64[Tensor, "cells c"]
    model: _LinearModels
    space: OutputSpace
    _bins: _Bins

    @staticmethod
    def sample(function: Function, box: Box, count: int) -> CellTable:
        """Evaluates `function` at the corners of about `count` cells of `box`."""
        p = box.dim
        side = max(2, round(count ** (1 / p)))
        unit = torch.linspace(0, 1, side + 1, dtype=torch.float64)
        corners = torch.cartesian_prod(*[unit] * p).reshape(-1, p)
        grid = function.space.coordinates(function(box.low + box.width * corners))
        grid = grid.reshape(*[side + 1] * p, -1)
        low = _over_corners(grid.nan_to_num(nan=torch.inf), p)
        high = -_over_corners((-grid).nan_to_num(nan=torch.inf), p)
        reach = SLACK * _over_neighbours((high - low).clamp(min=0), p)
        middle = (torch.arange(side, dtype=torch.float64) + 0.5) / side
        center = box.low + box.width * torch.cartesian_prod(*[middle] * p).reshape(-1, p)
        low, high = (low - reach).reshape(side**p, -1), (high + reach).reshape(side**p, -1)
        defined = low.isfinite().all(dim=1) & high.isfinite().all(dim=1)
        center, low, high = center[defined], low[defined], high[defined]
        width = box.width / side
        model = _LinearModels.fit(grid, p, defined)
        return CellTable(width, center, low, high, model, function.space, _Bins.build(low, high))

    def starts(
        self, y: Float64[Tensor, "targets q"]
    ) -> tuple[Int64[Tensor, " pairs"], Float64[Tensor, "pairs p"]]:
        """Pairs (target, x): a start in every cell that may hold a preimage of the target."""
        y = self.space.coordinates(y)
        target, cell = self._bins.lookup(y)
        inside = ((y[target] >= self.low[cell]) & (y[target] <= self.high[cell])).all(dim=1)
        target, cell = target[inside], cell[inside]
        step, plausible = self.model.predict(cell, y[target])
        target, cell, step = target[plausible], cell[plausible], step[plausible]
        # A cell with a fold can hold a pair of preimages; the model sees one side of it.
        other = self.model.folded[cell].nonzero()[:, 0]
        target, cell = torch.cat([target, target[other]]), torch.cat([cell, cell[other]])
        step = torch.cat([step, -step[other]])
        order = target.argsort(stable=True)
        return target[order], (self.center[cell] + step * self.width)[order]


@final
@dataclass(frozen=True)
class _LinearModels:
    """The linear model of each cell, through its corners, and where it can be trusted.

    Steps are in cell widths. `reach` is how far from the middle a preimage can be predicted
    while it truly lies in the cell; it is infinite where the model is singular or unknown. A cell
    is `folded` where preimages may come in pairs.
    """

    middle: Float64[Tensor, "cells q"]
    inverse: Float64[Tensor, "cells p q"]
    reach: Float64[Tensor, " cells"]
    folded: Bool[Tensor, " cells"]

    @staticmethod
    def fit(grid: Tensor, p: int, defined: Tensor) -> _LinearModels:
        middle = _corner_mean(grid, range(p), p)[defined]
        slope = torch.stack([_corner_mean(grid.diff(dim=j), _others(j, p), p) for j in range(p)], 2)
        bend = _bend(slope.nan_to_num().reshape(*[grid.shape[0] - 1] * p, -1, p), p)[defined]
        slope = slope[defined]
        usable = slope.isfinite().all(dim=2).all(dim=1) & middle.isfinite().all(dim=1)
        inverse = torch.linalg.pinv(torch.where(usable[:, None, None], slope, 0.0), rtol=1e-8)
        projection = inverse @ torch.where(usable[:, None, None], slope, 0.0)
        full = slope.shape[1] >= p
        error = _length(torch.einsum("cpq,cq->cp", inverse.abs(), bend), full)
        twist = torch.zeros_like(error)
        for corner in range(2**p):
            sides = [(corner >> axis) & 1 for axis in range(p)]
            y = _at_corner(grid, sides, p)[defined]
            offset = torch.tensor(sides, dtype=torch.float64) - 0.5
            miss = torch.einsum("cpq,cq->cp", inverse, y - middle) - projection @ offset
            twist = torch.maximum(twist, _length(miss, full))
        full_rank = torch.linalg.matrix_rank(slope.nan_to_num(), rtol=1e-8) == min(slope.shape[1:])
        reach = 0.5 * (1.0 if full else p**0.5) + MARGIN + error + 2 * twist
        reach = reach.where(usable & full_rank, torch.inf)
        folded = (error > FOLDED) | ~usable | ~full_rank if full else torch.zeros_like(usable)
        return _LinearModels(middle.nan_to_num(), inverse, reach, folded)

    def predict(self, cell: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The step from the middle of the cell, and whether it is plausible."""
        step = torch.einsum("cpq,cq->cp", self.inverse[cell], y - self.middle[cell])
        length = _length(step, y.shape[1] >= step.shape[1])
        # Never start further out than the corners of the next cells.
        step = step * (1.5 / length.clamp(min=1.5))[:, None]
        return step, length <= self.reach[cell]


@final
@dataclass(frozen=True)
class _Bins:
    """Boxes listed by the uniform bins that they touch, in compressed rows."""

    origin: Tensor
    size: Tensor
    shape: Tensor
    start: Tensor
    member: Tensor

    @staticmethod
    def build(low: Tensor, high: Tensor) -> _Bins:
        low, high = low[:, :BINNED_OUTPUTS], high[:, :BINNED_OUTPUTS]
        q = low.shape[1]
        if len(low) == 0:
            one = torch.ones(q, dtype=torch.int64)
            return _Bins(
                torch.zeros(q).double(), torch.ones(q).double(), one, *_rows_of(one[:0], 1)
            )
        origin = low.amin(dim=0)
        span = (high.amax(dim=0) - origin).clamp(min=1e-300)
        # Narrower bins list a box more often, wider ones more boxes that miss the target.
        typical = (high - low).median(dim=0).values.clamp(min=1e-300) / 2
        most = int((16 * len(low)) ** (1 / q)) + 1
        shape = (span / typical).ceil().clamp(1, most).to(torch.int64)
        size = span / shape
        first = ((low - origin) / size).floor().to(torch.int64).clamp(min=0).minimum(shape - 1)
        last = ((high - origin) / size).floor().to(torch.int64).clamp(min=0).minimum(shape - 1)
        extent = last - first + 1
        count = extent.prod(dim=1)
        box = torch.arange(len(low)).repeat_interleave(count)
        offset = torch.arange(len(box)) - (count.cumsum(0) - count).repeat_interleave(count)
        index = torch.zeros_like(box)
        for axis in range(q):
            here = first[box, axis] + offset % extent[box, axis]
            offset = offset // extent[box, axis]
            index = index * shape[axis] + here
        order = index.argsort(stable=True)
        start, _ = _rows_of(index, int(shape.prod()))
        return _Bins(origin, size, shape, start, box[order])

    def lookup(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs (row of y, box) that share a bin."""
        place = ((y[:, :BINNED_OUTPUTS] - self.origin) / self.size).floor()
        within = ((place >= 0) & (place <= self.shape)).all(dim=1)
        place = place.clamp(min=0).minimum(self.shape.double() - 1).to(torch.int64)
        index = torch.zeros(len(y), dtype=torch.int64)
        for axis in range(len(self.shape)):
            index = index * self.shape[axis] + place[:, axis]
        begin = self.start[index]
        count = torch.where(within, self.start[index + 1] - begin, 0)
        row = torch.arange(len(y)).repeat_interleave(count)
        offset = torch.arange(len(row)) - (count.cumsum(0) - count).repeat_interleave(count)
        return row, self.member[begin.repeat_interleave(count) + offset]


def _rows_of(index: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    counts = torch.bincount(index, minlength=rows)
    return torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)]), index


def _bend(slope: Tensor, p: int) -> Float64[Tensor, "cells q"]:
    """How wrong a linear interpolant is in each cell: an eighth of the change of its slope.

    Along every axis, the slope changes twice as much from the cell before to the cell after.
    """
    total = torch.zeros_like(slope[..., 0])
    for axis in range(p):
        along, last = slope[..., axis], slope.shape[axis] - 1
        after = along.index_select(axis, torch.arange(1, last + 2).clamp(max=last))
        before = along.index_select(axis, torch.arange(-1, last).clamp(min=0))
        total += (after - before).abs() / 16
    return total.flatten(0, p - 1)


def _length(step: Tensor, full: bool) -> Tensor:
    """The largest component; or, where outputs do not fix x, the norm, which is what is least."""
    return step.abs().amax(dim=1) if full else step.norm(dim=1)


def _others(axis: int, p: int) -> list[int]:
    return [other for other in range(p) if other != axis]


def _corner_mean(grid: Tensor, axes: Iterable[int], p: int) -> Float64[Tensor, "cells q"]:
    """The mean over the two sides of each cell along `axes`."""
    for axis in axes:
        side = grid.shape[axis] - 1
        grid = (grid.narrow(axis, 0, side) + grid.narrow(axis, 1, side)) / 2
    return grid.flatten(0, p - 1)


def _at_corner(grid: Tensor, sides: list[int], p: int) -> Float64[Tensor, "cells q"]:
    """The value at one corner of each cell: side 0 or 1 along every axis."""
    for axis, side in enumerate(sides):
        grid = grid.narrow(axis, side, grid.shape[axis] - 1)
    return grid.flatten(0, p - 1)


def _over_corners(grid: Tensor, p: int) -> Tensor:
    """The smallest value over the corners of each cell."""
    for axis in range(p):
        side = grid.shape[axis] - 1
        grid = torch.minimum(grid.narrow(axis, 0, side), grid.narrow(axis, 1, side))
    return grid


def _over_neighbours(grid: Tensor, p: int) -> Tensor:
    """The largest finite value over each cell and the cells that touch it."""
    grid = grid.nan_to_num(posinf=0.0)
    for axis in range(p):
        side = grid.shape[axis]
        widest = grid.clone()
        widest.narrow(axis, 1, side - 1).copy_(
            torch.maximum(grid.narrow(axis, 1, side - 1), grid.narrow(axis, 0, side - 1))
        )
        widest.narrow(axis, 0, side - 1).copy_(
            torch.maximum(widest.narrow(axis, 0, side - 1), grid.narrow(axis, 1, side - 1))
        )
        grid = widest
    return grid
