"""Cells cut in half."""

from __future__ import annotations

import torch

from preimage.intervals.bounds import Bounds


def halved(cells: Bounds) -> Bounds:
    """Both halves of every cell: first all lower ones, then all upper ones."""
    if len(cells.low) == 0:
        return cells
    axis = (cells.high - cells.low).argmax(dim=1, keepdim=True)
    middle = cells.mid.gather(1, axis)
    return Bounds(
        torch.cat([cells.low, cells.low.scatter(1, axis, middle)]),
        torch.cat([cells.high.scatter(1, axis, middle), cells.high]),
    )
