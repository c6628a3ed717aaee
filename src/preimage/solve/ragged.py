"""Different numbers of rows for each target, as an index beside the rows, and as padding."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.domain import Box


def position(group: Int64[Tensor, " rows"], groups: int) -> Int64[Tensor, " rows"]:
    """The place of each row in its group; `group` is sorted.

    Example:
        >>> position(torch.tensor([0, 0, 2, 2, 2]), groups=3).tolist()
        [0, 1, 0, 1, 2]
    """
    counts = torch.bincount(group, minlength=groups)
    return torch.arange(len(group)) - (counts.cumsum(0) - counts)[group]


def thin(group: Int64[Tensor, " rows"], groups: int, most: int) -> Tensor:
    """A mask that keeps at most `most` rows of each group, evenly spread over its order.

    Example:
        >>> thin(torch.tensor([0, 0, 0, 0, 1]), groups=2, most=2).tolist()
        [True, False, True, False, True]
    """
    counts = torch.bincount(group, minlength=groups)[group]
    place = position(group, groups)
    spread = (place * most) // counts.clamp(min=1)
    before = ((place - 1) * most) // counts.clamp(min=1)
    return (counts <= most) | (spread != before)


def repeats(
    x: Float64[Tensor, "rows p"], group: Int64[Tensor, " rows"], box: Box, separation: float
) -> Bool[Tensor, " rows"]:
    """Rows within `separation` box widths of an earlier row of their group; `group` is sorted.

    Example:
        >>> x = torch.tensor([[0.5], [0.5], [0.9], [0.5]], dtype=torch.float64)
        >>> repeats(x, torch.tensor([0, 0, 0, 1]), Box(0, 1), 1e-6).tolist()
        [False, True, False, False]
    """
    seen = torch.zeros(len(x), dtype=torch.bool)
    seen[alike(x, group, box, separation)[1]] = True
    return seen


def alike(
    x: Float64[Tensor, "rows p"], group: Int64[Tensor, " rows"], box: Box, separation: float
) -> tuple[Int64[Tensor, " pairs"], Int64[Tensor, " pairs"]]:
    """All pairs of rows of one group within `separation` box widths, the earlier row first.

    Along one line, which no distance is longer on than it is, rows that are close stand together.

    Example:
        >>> x = torch.tensor([[0.5], [0.5], [0.9], [0.5]], dtype=torch.float64)
        >>> [rows.tolist() for rows in alike(x, torch.tensor([0, 0, 0, 1]), Box(0, 1), 1e-6)]
        [[0], [1]]
    """
    line = _on_a_line(x, box)
    order = line.argsort(stable=True)
    order = order[group[order].argsort(stable=True)]
    line, group = line[order], group[order]
    earlier, later = [order[:0]], [order[:0]]
    first = torch.arange(len(x))
    for lag in range(1, len(x)):
        first = first[first < len(x) - lag]
        first = first[group[first + lag] == group[first]]
        # With some room for rounding; the true distance decides.
        first = first[line[first + lag] - line[first] <= separation * 1.001 + 1e-12]
        if len(first) == 0:
            break
        a, b = order[first], order[first + lag]
        close = box.difference(x[a], x[b]).norm(dim=1) <= separation
        earlier.append(torch.minimum(a, b)[close])
        later.append(torch.maximum(a, b)[close])
    return torch.cat(earlier), torch.cat(later)


def _on_a_line(x: Tensor, box: Box) -> Float64[Tensor, " rows"]:
    """One number a row, no two of which are farther apart than the rows are in box widths."""
    share = (x - box.low) / box.width
    angle = 2 * torch.pi * share
    around = (angle.cos() + 2 * angle.sin()) / (2 * torch.pi * 5**0.5)
    weight = torch.arange(1, box.dim + 1, dtype=torch.float64).sqrt()
    return torch.where(box.periodic, around, share) @ (weight / weight.norm())


def padded(
    values: Tensor, group: Int64[Tensor, " rows"], groups: int, fill: float
) -> Tensor:  # (groups, most, *values.shape[1:])
    """The rows of each group side by side, with `fill` where a group has fewer; never no place."""
    place = position(group, groups)
    most = int(place.max()) + 1 if len(place) else 1
    out = values.new_full((groups, most, *values.shape[1:]), fill)
    out[group, place] = values
    return out
