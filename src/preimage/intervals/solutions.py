"""All solutions in a box, and what could not be settled: the outcome of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.intervals.bounds import Bounds
from preimage.intervals.boxes import distinct, joined, rows, stacked


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
        isolation: Each is the only solution within this distance, in every input, of the middle of
            its box, in widths of the searched box.
        undecided_low: The lower corners of boxes about which nothing is proved.
        undecided_high: Their upper corners.
        boxes: How many boxes were looked at.
        seconds: How long that took after the first pass; for a group of targets, all together.
    """

    low: Float64[Tensor, "solutions p"]
    high: Float64[Tensor, "solutions p"]
    within: Bool[Tensor, " solutions"]
    isolation: Float64[Tensor, " solutions"]
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


def summed_up(
    box: Bounds, image: Bounds, alone: Bounds, undecided: Bounds, boxes: int, seconds: float
) -> Solutions:
    """One box for each solution, in order, from boxes that may hold the same one.

    Args:
        box: The searched box, `(1, p)`.
        image: Boxes that hold one solution each; some may hold the same.
        alone: Boxes around them that hold no other.
        undecided: Boxes about which nothing is proved.
        boxes: How many boxes were looked at.
        seconds: How long that took.
    """
    # Cells were widened a little, beyond the searched box too.
    near = ((image.high >= box.low) & (image.low <= box.high)).all(dim=1)
    image, alone = rows(image, near), rows(alone, near)
    chosen, doubtful = distinct(image, alone)
    undecided = (
        joined(stacked([undecided, rows(image, doubtful)]))
        if len(doubtful)
        else (joined(undecided))
    )
    chosen = chosen[image.low[chosen, 0].argsort()]
    image, alone = rows(image, chosen), rows(alone, chosen)
    within = ((image.low >= box.low) & (image.high <= box.high)).all(dim=1)
    center = image.mid
    gap = torch.minimum(center - alone.low, alone.high - center) / (box.high - box.low)
    isolation = (gap.amin(dim=1) * (1 - 1e-12)).clamp(min=0.0)
    return Solutions(*image, within, isolation, *undecided, boxes, seconds)
