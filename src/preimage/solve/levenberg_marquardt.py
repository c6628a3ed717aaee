"""Batched Levenberg-Marquardt in a box: every row is its own small problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64, Int64
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
    not because the iterations ran out or another row was faster.
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
    scale: Float64[Tensor, " m"],
    iterations: int = 50,
    enough: float = 0.0,
    rivals: Int64[Tensor, " rows"] | None = None,
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
        function: The forward map; its space says what $f(x) - y$ is.
        x: One start a row, in the units of x.
        target: The output wanted by each row, in the units of y.
        box: Where x must stay.
        scale: The spread of each component of a difference, in the units of y.
        iterations: The most steps tried; each costs one call of the function a row.
        enough: The residual, in the units of y, at which a row may stop.
        rivals: Rows with the same number want one answer between them; once one of them has
            stopped with `enough`, the others stop where they are.

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
    descent = _Descent(function, box, scale, enough)
    at = descent.begin(x, function.space.lift(target))
    out_x, lifted, out_error = x.clone(), at.y.clone(), at.error.clone()
    stationary = torch.zeros(len(x), dtype=torch.bool)
    answered = _flags(rivals)
    # Rows that are still at work stand packed together; each is written back as it finishes.
    row = torch.arange(len(x))
    for step in range(iterations + 1):
        over = at.arrived | at.stuck
        if rivals is not None and bool(at.arrived.any()):
            answered[rivals[row[at.arrived]]] = True
            over |= answered[rivals[row]]
        if step == iterations:
            over = torch.ones_like(over)
        if bool(over.any()):
            done = row[over]
            out_x[done], lifted[done], out_error[done] = at.x[over], at.y[over], at.error[over]
            stationary[done] = (at.arrived | at.stuck)[over]
            keep = (~over).nonzero()[:, 0]
            row = row[keep]
            at = at.take(keep) if len(row) else at
        if len(row) == 0:
            break
        at = descent.advance(at)
    residual = (out_error * scale).norm(dim=1)
    end, out_y = box.clip(out_x), function.space.lower(lifted)
    wrapped = (end != out_x).any(dim=1).nonzero()[:, 0]
    if len(wrapped):
        out_y[wrapped] = function(end[wrapped])
        residual[wrapped] = function.space.distance(out_y[wrapped], target[wrapped])
    return Polished(end, out_y, residual, stationary)


@final
@dataclass(frozen=True)
class _Rows:
    """Rows at work: where they are, what is there, lifted, and whether they can stop."""

    target: Float64[Tensor, "rows l"]
    x: Float64[Tensor, "rows p"]
    y: Float64[Tensor, "rows l"]
    error: Float64[Tensor, "rows m"]
    jacobian: Float64[Tensor, "rows m p"]
    residual: Float64[Tensor, " rows"]
    damping: Float64[Tensor, " rows"]
    arrived: Bool[Tensor, " rows"]
    stuck: Bool[Tensor, " rows"]

    def take(self, keep: Int64[Tensor, " kept"]) -> _Rows:
        """Some of the rows."""
        return _Rows(*(values[keep] for values in vars(self).values()))


@final
class _Descent:
    """One step of all rows at a time."""

    def __init__(self, function: Function, box: Box, scale: Tensor, enough: float) -> None:
        self._function, self._space = function, function.space
        self._scale, self._enough = scale, enough
        self._width, self._unit = box.width, box.width / scale[:, None]
        # Periodic inputs may run on, and are wrapped at the end.
        self._low = box.low.masked_fill(box.periodic, -torch.inf)
        self._high = box.high.masked_fill(box.periodic, torch.inf)

    def begin(self, x: Float64[Tensor, "rows p"], target: Float64[Tensor, "rows l"]) -> _Rows:
        """The rows at their starts."""
        y, jacobian = self._function.linearize_lifted(x)
        error = self._space.gap(y, target) / self._scale
        residual = _norm(error)
        damping, stuck = torch.ones_like(residual), torch.zeros(len(x), dtype=torch.bool)
        arrived = self._arrived(error, residual)
        return _Rows(target, x, y, error, jacobian, residual, damping, arrived, stuck)

    def advance(self, at: _Rows) -> _Rows:
        """The rows one step on, or where they were with more damping."""
        # Many small operations cost a fifth less so; the function itself may need its gradients.
        with torch.inference_mode():
            x = self._trial(at)
        # Derivatives are computed with the value: nearly every trial is accepted.
        y, jacobian = self._function.linearize_lifted(x)
        with torch.inference_mode():
            return self._judged(at, x, y, jacobian)

    def _trial(self, at: _Rows) -> Float64[Tensor, "rows p"]:
        slope = at.jacobian * self._unit
        self._hold(slope, at)
        step = _step(slope, at.error, at.damping * at.residual.square())
        return torch.clamp(torch.addcmul(at.x, step, self._width, value=-1), self._low, self._high)

    def _judged(self, at: _Rows, x: Tensor, y: Tensor, jacobian: Tensor) -> _Rows:
        """The rows where the trial was better than what they had, and as they were elsewhere."""
        error = self._space.gap(y, at.target) / self._scale
        residual = _norm(error)
        better = residual < at.residual
        damping = torch.where(better, 0.1 * at.damping, 8 * at.damping).clamp_(min=1e-8)
        stuck = better & (residual > (0.9999 * at.residual).clamp_(min=1e-6))
        if not bool(better.all()):
            hopeless = (damping > MAX_DAMPING) | (at.residual < 1e-11) | (x == at.x).all(dim=1)
            stuck |= ~better & hopeless
            x, y = x.where(better[:, None], at.x), y.where(better[:, None], at.y)
            error = error.where(better[:, None], at.error)
            jacobian = jacobian.where(better[:, None, None], at.jacobian)
            residual = torch.where(better, residual, at.residual)
        arrived = self._arrived(error, residual)
        return _Rows(at.target, x, y, error, jacobian, residual, damping, arrived, stuck)

    def _arrived(self, error: Tensor, residual: Tensor) -> Tensor:
        if self._enough > 0:
            return torch.linalg.vector_norm(error * self._scale, dim=1) <= self._enough
        return residual <= FLOOR

    def _hold(self, slope: Tensor, at: _Rows) -> None:
        """Takes the columns of inputs that sit on a bound and would leave the box out of `slope`.

        Such an input is moved by nothing for one step, and is free again at the next.
        """
        low, high = at.x <= self._low, at.x >= self._high
        edge = low | high
        if bool(edge.any()):
            rows = edge.any(dim=1).nonzero()[:, 0]
            descent = -torch.einsum("bmp,bm->bp", slope[rows], at.error[rows])
            held = (low[rows] & (descent < 0)) | (high[rows] & (descent > 0))
            slope[rows] = slope[rows].masked_fill(held[:, None], 0.0)


def _norm(error: Float64[Tensor, "rows m"]) -> Float64[Tensor, " rows"]:
    """The residual in spreads of y, infinite where the function is not defined."""
    return torch.linalg.vector_norm(error, dim=1).nan_to_num_(nan=torch.inf)


def _step(slope: Tensor, error: Tensor, damping: Tensor) -> Tensor:
    """The damped Gauss-Newton step, through the smaller of the two normal matrices."""
    _, m, p = slope.shape
    if m < p:
        normal, right = torch.bmm(slope, slope.mT), error[:, :, None]
    else:
        normal, right = torch.bmm(slope.mT, slope), torch.bmm(slope.mT, error[:, :, None])
    diagonal = normal.diagonal(dim1=1, dim2=2)
    # The relative term keeps a singular matrix solvable and is lost to rounding otherwise.
    diagonal += torch.add(damping, diagonal.sum(dim=1), alpha=1e-15)[:, None]
    solution = torch.linalg.solve_ex(normal, right)[0]
    step = torch.bmm(slope.mT, solution) if m < p else solution
    return step[:, :, 0].nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _flags(group: Tensor | None) -> Bool[Tensor, " groups"]:
    """One flag for each number that occurs."""
    groups = 0 if group is None or len(group) == 0 else int(group.max()) + 1
    return torch.zeros(groups, dtype=torch.bool)
