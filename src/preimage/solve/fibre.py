"""Along the fibre f(x) = y: the answer closest to a wanted state."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.domain import Box
from preimage.function import Function
from preimage.solve.levenberg_marquardt import Polished, levenberg_marquardt


def closest_on_fibre(
    function: Function,
    start: Polished,
    target: Float64[Tensor, "rows q"],
    near: Float64[Tensor, "rows p"],
    *,
    box: Box,
    scale: Float64[Tensor, " m"],
    tol: float,
    rounds: int = 30,
) -> Polished:
    r"""Slides answers along their fibre towards `near`, staying answers.

    Minimises $\|x - near\|$ in box widths subject to $f(x) = y$ by projected gradient: each round
    takes the step $(I - J^+ J)(near - x)$ along the tangent of the fibre, returns to the fibre by
    Levenberg-Marquardt, and keeps the result where it is an answer and closer. The next step is
    longer where that helped, and shorter where it did not.
    """
    best = Polished(start.x.clone(), start.y.clone(), start.residual.clone(), start.stationary)
    share = torch.ones(len(target), dtype=torch.float64)
    distance = box.difference(best.x, near).norm(dim=1)
    active = (best.residual <= tol).nonzero()[:, 0]
    for _ in range(rounds):
        if len(active) == 0:
            break
        x = best.x[active]
        slope = function.linearize(x)[1] * box.width / scale[:, None]
        wish = -box.difference(x, near[active])
        held = ((x <= box.low) & (wish < 0)) | ((x >= box.high) & (wish > 0))
        free = (~(held & ~box.periodic)).to(x.dtype)
        tangent = _along(slope.nan_to_num() * free[:, None], wish * free)
        moved = box.clip(x + share[active, None] * tangent * box.width)
        end = levenberg_marquardt(
            function, moved, target[active], box=box, scale=scale, iterations=12
        )
        reached = box.difference(end.x, near[active]).norm(dim=1)
        better = (end.residual <= tol) & (reached < distance[active] * (1 - 1e-14))
        took = active[better]
        best.x[took], best.y[took] = end.x[better], end.y[better]
        best.residual[took], distance[took] = end.residual[better], reached[better]
        share[active] = torch.where(better, share[active] * 1.5, share[active] / 3)
        settled = (tangent.norm(dim=1) < 1e-9) | (share[active] < 1e-3)
        active = active[~settled]
    return best


def _along(
    slope: Float64[Tensor, "rows q p"], wish: Float64[Tensor, "rows p"]
) -> Float64[Tensor, "rows p"]:
    """The part of `wish` that does not change the output to first order."""
    image = torch.einsum("bqp,bp->bq", slope, wish)
    return wish - torch.einsum("bpq,bq->bp", torch.linalg.pinv(slope), image)
