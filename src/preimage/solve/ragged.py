"""Different numbers of rows for each target, as an index beside the rows, and as padding."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor


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


def padded(
    values: Tensor, group: Int64[Tensor, " rows"], groups: int, fill: float
) -> Tensor:  # (groups, most, *values.shape[1:])
    """The rows of each group side by side, with `fill` where a group has fewer."""
    place = position(group, groups)
    most = int(place.max()) + 1 if len(place) else 0
    out = values.new_full((groups, most, *values.shape[1:]), fill)
    out[group, place] = values
    return out
