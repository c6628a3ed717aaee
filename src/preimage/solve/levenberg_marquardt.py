"""Batched Levenberg-Marquardt in a box: every row is its own small problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.domain import Box
from preimage.function import Function

FLOOR = 1e-13
"""A residual, in spreads of y, that float64 cannot improve on."""

MAX_DAMPING = 1e10


@final
@dataclass(frozen=True)
class Polished:
    """Where each row ended: the point, the function there, and its residual in units of y.

    `stationary` marks rows that stopped because no step inside the box lowers the residual, and
    not because the iterations ran out.
    """

    x: Float64[Tensor, "rows p"]
    y: Float64[Tensor, "rows q"]
    residual: Float64[Tensor, " rows"]
    stationary: Bool[Tensor, " rows"]


def levenberg_marquardt(
    function: Function,
    x: Float64[Tensor, "rows p"],
    target: Float64[Tensor, "rows q"],
    *,
    box: Box,
    scale: Float64[Tensor, " q"],
    iterations: int = 50,
) -> Polished:
    r"""Lowers $\|(f(x) - y) / scale\|$ from each start, inside the box.

    With $J$ in box widths per spread of y, each step solves
    $(J^\top J + \lambda I)\,\delta = J^\top r$, or its dual $\delta = J^\top (J J^\top + \lambda
    I)^{-1} r$ where there are fewer outputs than inputs. The damping is $\lambda = \mu \|r\|^2$
    [1], which keeps convergence quadratic at solutions that are not isolated; $\mu$ falls after
    an accepted step and rises after a rejected one. Inputs that sit on a bound and would leave
    the box are held there for the step; periodic inputs are never held, and are wrapped at the
    end. A trial point where the function is not defined counts as a rejected step.

    Args:
        function: The forward map.
        x: One start a row, in the units of x.
        target: The output wanted by each row, in the units of y.
        box: Where x must stay.
        scale: The spread of each output, in the units of y.
        iterations: The most steps tried; each costs one call of the function a row.

    References:
        [1] Yamashita and Fukushima, On the rate of convergence of the Levenberg-Marquardt method,
        Computing Supplement 15, 2001.

    Example:
        >>> f = Function(lambda x: x**3 - x, Box(-2, 2))
        >>> start = torch.tensor([[-1.2], [0.1], [1.3]], dtype=torch.float64)
        >>> end = levenberg_marquardt(
        ...     f, start, torch.zeros_like(start), box=f.domain, scale=torch.ones(1).double()
        ... )
        >>> end.x.round(decimals=12).flatten().abs().tolist()
        [1.0, 0.0, 1.0]
    """
    goal = target
    y, jacobian = function.linearize(x)
    residual = _norm(y - target, scale)
    out_x, out_y = x.clone(), y.clone()
    stationary = torch.zeros(len(x), dtype=torch.bool)
    # Rows that are still at work stand packed together; each is written back as it finishes.
    row = torch.arange(len(x))
    damping = torch.ones_like(residual)
    finished = residual <= FLOOR
    for _ in range(iterations):
        if bool(finished.any()):
            out_x[row[finished]], out_y[row[finished]] = x[finished], y[finished]
            stationary[row[finished]] = True
            keep = (~finished).nonzero()[:, 0]
            row, x, y, target = row[keep], x[keep], y[keep], target[keep]
            jacobian, residual, damping = jacobian[keep], residual[keep], damping[keep]
            finished = finished[keep]
        if len(row) == 0:
            break
        error = (y - target) / scale
        slope = jacobian * (box.width / scale[:, None])
        _hold(slope, x, error, box)
        step = _step(slope, error, damping * residual.square()) * box.width
        trial = _inside(x - step, box)
        # Derivatives are computed with the value: nearly every trial is accepted.
        y_trial, jacobian_trial = function.linearize(trial)
        reached = _norm(y_trial - target, scale)
        better = reached < residual
        damping = (damping * torch.where(better, 0.1, 8.0)).clamp(min=1e-8)
        still = ~better & (
            (damping > MAX_DAMPING) | (residual < 1e-11) | ((trial - x) == 0).all(dim=1)
        )
        crawling = better & (reached > 0.9999 * residual) & (residual > 1e-6)
        finished = still | crawling | (reached <= FLOOR)
        x, y = trial.where(better[:, None], x), y_trial.where(better[:, None], y)
        jacobian = jacobian_trial.where(better[:, None, None], jacobian)
        residual = torch.where(better, reached, residual)
    out_x[row], out_y[row] = x, y
    stationary[row[finished]] = True
    end = box.clip(out_x)
    wrapped = (end != out_x).any(dim=1).nonzero()[:, 0]
    if len(wrapped):
        out_y[wrapped] = function(end[wrapped])
    return Polished(end, out_y, (out_y - goal).norm(dim=1), stationary)


def _norm(error: Float64[Tensor, "rows q"], scale: Float64[Tensor, " q"]) -> Tensor:
    """The scaled residual, infinite where the function is not defined."""
    return (error / scale).norm(dim=1).nan_to_num(nan=torch.inf)


def _hold(slope: Tensor, x: Tensor, error: Tensor, box: Box) -> None:
    """Takes the columns of inputs that sit on a bound and would leave the box out of `slope`."""
    low, high = (x <= box.low) & ~box.periodic, (x >= box.high) & ~box.periodic
    edge = (low | high).any(dim=1).nonzero()[:, 0]
    if len(edge):
        descent = -torch.einsum("bqp,bq->bp", slope[edge], error[edge])
        held = (low[edge] & (descent < 0)) | (high[edge] & (descent > 0))
        slope[edge] = slope[edge].masked_fill(held[:, None], 0.0)


def _step(slope: Tensor, error: Tensor, damping: Tensor) -> Tensor:
    """The damped Gauss-Newton step, through the smaller of the two normal matrices."""
    _, q, p = slope.shape
    if q < p:
        normal, right = slope @ slope.mT, error[:, :, None]
    else:
        normal, right = slope.mT @ slope, slope.mT @ error[:, :, None]
    # The relative term keeps a singular matrix solvable and is lost to rounding otherwise.
    trace = normal.diagonal(dim1=1, dim2=2).sum(dim=1)
    ridge = damping + 1e-15 * trace + 1e-300
    normal = normal + ridge[:, None, None] * torch.eye(normal.shape[-1], dtype=normal.dtype)
    solution = torch.linalg.solve_ex(normal, right)[0]
    step = slope.mT @ solution if q < p else solution
    return step[:, :, 0].nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _inside(x: Tensor, box: Box) -> Tensor:
    """Cuts x to the box, save in periodic inputs, which may run on."""
    return torch.where(box.periodic, x, torch.minimum(torch.maximum(x, box.low), box.high))
