"""One pass over many cells, that ends when the time is up."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from preimage.intervals.bounds import Bounds
from preimage.intervals.boxes import rows
from preimage.intervals.failures import partial
from preimage.verdicts.problem import Problem

ENTRIES = 1 << 19
"""About so many derivatives are carried between two looks at the clock."""


def passed(problem: Problem, judge: Callable[..., Tensor], *cells: Bounds) -> Tensor | None:
    """What `judge` says of every row of the cells, a part of the rows at a time.

    Args:
        problem: Knows how long there is, and how much a row costs.
        judge: From the same rows of all `cells` to one value a row.
        cells: Boxes, `(rows, n)` each.

    Returns:
        One value a row, or None if the time was up before all were judged.
    """
    part = max(16, ENTRIES // (problem.n * problem.size))
    judged = []
    for chosen in torch.arange(len(cells[0].low)).split(part):
        if problem.left < 0:
            return None
        with partial():
            judged.append(judge(*(rows(one, chosen) for one in cells)))
    return torch.cat(judged)
