"""Lists of boxes: rows of them, which are the same solution, and which touch."""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.intervals.bounds import Bounds

JOINED = 1000
"""Up to how many undecided cells are joined where they touch."""


def rows(x: Bounds, row: Tensor | slice) -> Bounds:
    """The boxes at the given rows, or where a mask holds."""
    return Bounds(x.low[row], x.high[row])


def stacked(parts: list[Bounds]) -> Bounds:
    """All boxes in one list."""
    return Bounds(torch.cat([t.low for t in parts]), torch.cat([t.high for t in parts]))


def distinct(image: Bounds, alone: Bounds) -> tuple[Tensor, Tensor]:
    """The rows of one box for each solution; and of boxes where it is not proved which it holds.

    Args:
        image: Boxes that hold one solution each.
        alone: Boxes around them, which hold no other.
    """
    low, high = image
    meets = ((low[:, None] <= high) & (high[:, None] >= low)).all(dim=2).tolist()
    held = ((low[:, None] >= alone.low) & (high[:, None] <= alone.high)).all(dim=2).tolist()
    chosen: list[int] = []
    doubtful: list[int] = []
    for i in range(len(low)):
        rivals = [j for j in chosen if meets[i][j]]
        if not rivals:
            chosen.append(i)
        elif not any(held[i][j] for j in rivals):
            doubtful.append(i)
    return torch.tensor(chosen).long(), torch.tensor(doubtful).long()


def joined(cells: Bounds) -> Bounds:
    """The hulls of groups of cells that touch; of very many cells, the cells."""
    low, high = cells
    if not 1 < len(low) <= JOINED:
        return cells
    touch = ((low[:, None] <= high) & (low <= high[:, None])).all(dim=2)
    hulls: list[Bounds] = []
    left = torch.ones(len(low), dtype=torch.bool)
    while bool(left.any()):
        group = torch.zeros_like(left)
        group[left.nonzero()[0, 0]] = True
        while True:
            wider = touch[group].any(dim=0)
            if bool((wider == group).all()):
                break
            group = wider
        left &= ~group
        hulls.append(Bounds(low[group].amin(0, keepdim=True), high[group].amax(0, keepdim=True)))
    return stacked(hulls)
