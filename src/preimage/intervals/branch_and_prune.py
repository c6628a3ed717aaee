"""All solutions of a square system in a box, with proof that none is missing."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import InputError
from preimage.intervals.failures import partial
from preimage.intervals.first_order import Map, checked
from preimage.intervals.pruning import FIRST_CELLS, Search
from preimage.intervals.solutions import Solutions

GROUP = 256
"""Targets that are searched for at a time, which bounds memory."""


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
    After a thousand undecided cells the others are left too: solutions then seem to form a curve.

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
    options = {"width": width, "max_boxes": max_boxes, "seconds": seconds}
    return solve_each(f, y[None], low, high, **options, watch=watch)[0]


def solve_each(
    f: Map,
    y: Float64[Tensor, "targets q"],
    low: Float64[Tensor, " p"],
    high: Float64[Tensor, " p"],
    *,
    width: float = 1e-6,
    max_boxes: int = 1_000_000,
    seconds: float = math.inf,
    watch: Callable[[float], None] | None = None,
) -> list[Solutions]:
    """As `solve_all` for each of several targets, whose cells go through the passes together.

    Args:
        f: As for `solve_all`.
        y: The outputs wanted.
        low: The lower corner of the box to search, in the units of x.
        high: Its upper corner.
        width: Cells narrower than this part of the box are not cut further.
        max_boxes: The most cells that are looked at for one target.
        seconds: The most time that is spent on all of them. Targets with few cells so far go
            first, so that a hard one does not keep the others waiting.
        watch: Called after every pass with the part of all that is settled.

    Raises:
        UnsupportedOperation: As for `solve_all`.
        InputError: As for `solve_all`.

    Example:
        >>> bound = torch.tensor([2.0]).double()
        >>> y = torch.tensor([[0.2], [7.0]]).double()
        >>> [len(found) for found in solve_each(lambda x: x**3 - x, y, -bound, bound)]
        [3, 0]
    """
    box = checked(low[None], high[None])
    p = low.shape[0]
    if p not in FIRST_CELLS:
        raise InputError(f"the box has {p} dimensions; all solutions are found for 1 to 4.")
    if y.shape[1:] != (p,):
        raise InputError(f"y has shape {tuple(y.shape)} for {p} inputs; give {p} outputs.")
    found: list[Solutions] = []
    with partial(), torch.no_grad():
        for group in y.double().split(GROUP):
            before, share = len(found) / len(y), len(group) / len(y)

            def tell(part: float, before: float = before, share: float = share) -> None:
                if watch is not None:
                    watch(before + share * part)

            found += (done := Search(f, group, box, width).run(max_boxes, seconds, tell))
            seconds -= done[0].seconds
    return found
