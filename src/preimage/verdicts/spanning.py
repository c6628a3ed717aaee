"""When is ReLU(Wx + b) injective? Exactly when the active rows span the space at every point."""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.intervals import bounds as b
from preimage.intervals import products
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.matrices import full_rank
from preimage.runtime import generator
from preimage.verdicts.linear import has_full_column_rank

CELLS = 4096
"""The most cells that are looked at."""


def spans_everywhere(weight: Tensor, bias: Tensor, box: Bounds | None) -> bool:
    r"""Whether, at every x, the rows with $w_i x + b_i \ge 0$ surely span $\mathbb{R}^n$.

    Pairs of rows $w$ and $-w$ of which one is always active count as one row that always is.
    Otherwise space is cut into cells, on which the rows that are active throughout must span. All
    of $\mathbb{R}^n$ is covered by rays $(x, 1) / \max(|x|, 1)$, on which the signs are the same.

    Args:
        weight: W, of shape `(m, n)`.
        bias: b.
        box: Where x lies; everywhere by default.

    References:
        Puthawala, Kothari, Lassas, Dokmanić and de Hoop, Globally Injective ReLU Networks, 2020,
        arXiv 2006.08464, theorem 2, here also with a bias.
    """
    always = _covered(weight, bias)
    if len(always) and has_full_column_rank(weight[always]):
        return True
    n = weight.shape[1]
    if n > 4 or len(weight) > 256:
        return False
    return _by_cells(weight, bias, box, always)


def _covered(weight: Tensor, bias: Tensor) -> list[int]:
    """One row of every pair w and -w of which one is always active."""
    found: list[int] = []
    for i, (row, shift) in enumerate(zip(weight, bias, strict=True)):
        pivot = int(row.abs().argmax())
        if row[pivot] == 0:
            continue
        for other, theirs in zip(weight, bias, strict=True):
            if other[pivot] == 0 or bool(other[pivot] * row[pivot] > 0):
                continue
            # Only c = 1, where nothing rounds.
            if bool((other == -row).all()) and float(shift) + float(theirs) >= 0:
                found.append(i)
                break
    return found


def _by_cells(weight: Tensor, bias: Tensor, box: Bounds | None, always: list[int]) -> bool:
    n = weight.shape[1]
    if box is not None and bool(box.finite.all()):
        lifted, cells = weight, Bounds(box.low.reshape(1, n), box.high.reshape(1, n))
        shift = bias
    elif bool((bias == 0).all()):
        lifted, shift, cells = weight, bias, _faces(n)
    else:
        lifted = torch.cat([weight, bias[:, None]], dim=1)
        shift, cells = torch.zeros_like(bias), _faces(n + 1)
        keep = cells.high[:, -1] > -1
        cells = Bounds(cells.low[keep], cells.high[keep])
        cells = Bounds(
            torch.cat([cells.low[:, :-1], cells.low[:, -1:].clamp(min=0)], 1), cells.high
        )
    if _fails_at_samples(lifted, shift, cells, n):
        return False
    spans: dict[bytes, bool] = {}
    looked = depth = 0
    while len(cells.low):
        looked, depth = looked + len(cells.low), depth + 1
        if looked > CELLS or depth > 40:
            return False
        active = _active(lifted, shift, cells)
        active[:, always] = True
        left = [i for i, row in enumerate(active) if not _spans(weight, row, spans)]
        if not left:
            return True
        cells = _halved(Bounds(cells.low[left], cells.high[left]))
    return True


def _fails_at_samples(lifted: Tensor, shift: Tensor, cells: Bounds, n: int) -> bool:
    """Whether at a corner, or inside a cell, too few rows are active to span anything."""
    unit = torch.rand(64, 1, cells.low.shape[1], generator=generator(0), dtype=torch.float64)
    x = (cells.low + unit * (cells.high - cells.low)).flatten(0, 1)
    return bool(((x @ lifted.T + shift >= 0).sum(dim=1) < n).any())


def _active(lifted: Tensor, shift: Tensor, cells: Bounds) -> Tensor:
    """Which rows are active throughout each cell."""
    value = products.matmul(cells, constant(lifted.T.contiguous()))
    return b.add(value, constant(shift)).low >= 0


def _spans(weight: Tensor, active: Tensor, known: dict[bytes, bool]) -> bool:
    """Whether the active rows surely span the space; asked once for each choice of rows."""
    key = active.numpy().tobytes()
    if key not in known:
        enough = int(active.sum()) >= weight.shape[1]
        known[key] = enough and bool(full_rank(constant(weight[active])))
    return known[key]


def _faces(n: int) -> Bounds:
    """The faces of the cube [-1, 1]^n."""
    low = -torch.ones(2 * n, n, dtype=torch.float64)
    high = torch.ones(2 * n, n, dtype=torch.float64)
    for axis in range(n):
        low[2 * axis, axis] = 1.0
        high[2 * axis + 1, axis] = -1.0
    return Bounds(low, high)


def _halved(cells: Bounds) -> Bounds:
    axis = (cells.high - cells.low).argmax(dim=1, keepdim=True)
    middle = (0.5 * cells.low + 0.5 * cells.high).gather(1, axis)
    return Bounds(
        torch.cat([cells.low, cells.low.scatter(1, axis, middle)]),
        torch.cat([cells.high.scatter(1, axis, middle), cells.high]),
    )
