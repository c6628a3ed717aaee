"""The tab Curve: a formula of one number, a target, and all of its preimages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.app.formulas import parse
from preimage.domain import Box
from preimage.errors import InputError
from preimage.function import Function
from preimage.inverters.gradient import GradientInverter
from preimage.preimages import Preimages

SAMPLES = 1001
"""Points at which the curve is drawn."""

MOST = 64
"""Preimages that are shown of one target."""

FLAT = 1e-7
"""A slope below this share of the steepest is zero where it is smallest."""

EXAMPLES = {
    "x^3 - x": (-1.5, 1.5, 0.2),
    "x^4 - 4x^2": (-2.2, 2.2, -2.0),
    "sin(5x)": (-2.0, 2.0, 0.5),
    "x + 2 sin(3x)": (-4.0, 4.0, 1.0),
    "1/x": (-2.0, 2.0, 1.0),
    "exp(-x^2)": (-2.5, 2.5, 0.5),
    "x^3": (-1.5, 1.5, 0.5),
    "sqrt(x) - x/2": (0.0, 4.0, 0.3),
    "tanh(3x)": (-2.0, 2.0, 0.9),
}
"""Formulas to choose from, with a domain and a target."""


@final
@dataclass(frozen=True)
class CurveState:
    """What the tab shows; the link to it says the same.

    Attributes:
        f: The formula.
        low: Where x begins.
        high: Where it ends.
        y: The target.
        twin: Whether the branches of the twin with five unlucky anchors are shown, which are those
            of x^3 - x on [-1.5, 1.5].
    """

    f: str = "x^3 - x"
    low: float = -1.5
    high: float = 1.5
    y: float = 0.2
    twin: bool = False


@final
@dataclass(frozen=True)
class CurveAnswer:
    """All preimages of a target, and what became of it in words."""

    target: float
    x: list[float]
    words: str
    found: Preimages


@final
class Curve:
    """A formula on an interval, made ready for many targets.

    Args:
        formula: The formula of x.
        low: Where x begins.
        high: Where it ends.

    Attributes:
        x: The points that are drawn.
        y: The values there; NaN where there is none.
        joined: Whether each point is joined to the one after it: not across poles and jumps.
        folds: The points where the derivative is zero.
        reached: Intervals of values that occur, in order.

    Raises:
        InputError: The formula cannot be read, or the interval is none.
        FunctionError: The formula has no value anywhere in it.

    Example:
        >>> curve = Curve("x^3 - x", -2, 2)
        >>> [round(x, 3) for x in curve.folds]
        [-0.577, 0.577]
        >>> curve.reached
        [(-6.0, 6.0)]
        >>> [round(x, 3) for x in curve.answer(0.3).x]
        [-0.786, -0.339, 1.125]
    """

    def __init__(self, formula: str, low: float, high: float) -> None:
        self.formula = parse(formula, outputs=1)
        box = Box(low, high)
        self.function = Function(self.formula, box, outputs=["y"])
        self._inverter = GradientInverter().fit_function(self.function)
        grid = torch.linspace(low, high, SAMPLES, dtype=torch.float64)
        values, slopes = self.function.linearize(grid[:, None])
        self.x, self.y = grid, values[:, 0]
        self.joined = _joined(self.function, self.x, self.y)
        self.folds = _folds(self.function, grid, slopes[:, 0, 0], self.joined)
        self.reached = self._intervals()

    def answer(self, target: float) -> CurveAnswer:
        """Every preimage of a target that was found, in the order of x."""
        if not math.isfinite(target):
            raise InputError(f"the target is {target}; give a number.")
        found = self._inverter.invert([target], n=MOST)
        x = sorted(found.x[0, :, 0][found.ok[0]].tolist())
        return CurveAnswer(target, x, found.explain(0), found)

    def values(self, x: list[float]) -> list[float]:
        """The values at some points."""
        return self.function(self.x.new_tensor(x)[:, None])[:, 0].tolist()

    def slopes(self, x: list[float]) -> list[float]:
        """The derivatives at some points."""
        return _slope(self.function, self.x.new_tensor(x)).tolist()

    @property
    def view(self) -> tuple[float, float]:
        """The values that are shown, a little more than those that occur; poles are cut off."""
        finite = self.y[self.y.isfinite()]
        shares = torch.tensor([0.1, 0.9], dtype=torch.float64)
        low, high = (float(q) for q in finite.quantile(shares))
        middle = high - low
        least, most = float(finite.min()), float(finite.max())
        low = least if least >= low - 4 * middle else low - middle / 2
        high = most if most <= high + 4 * middle else high + middle / 2
        room = 0.15 * (high - low) or 1.0
        return low - room, high + room

    def _intervals(self) -> list[tuple[float, float]]:
        """The union of what each joined part of the curve covers."""
        ends = torch.stack([self.y[:-1], self.y[1:]])[:, self.joined]
        parts = list(zip(*(e.tolist() for e in (ends.amin(dim=0), ends.amax(dim=0))), strict=True))
        for x, value in zip(self.folds, self.values(self.folds), strict=True):
            near = int((self.x - x).abs().argmin())
            beside = float(self.y[near])
            if math.isfinite(value) and math.isfinite(beside):
                parts.append((min(value, beside), max(value, beside)))
        merged: list[tuple[float, float]] = []
        for low, high in sorted(parts):
            if merged and low <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return merged


def _joined(function: Function, x: Tensor, y: Tensor) -> Bool[Tensor, " steps"]:
    """Which neighbours belong to one piece of the curve.

    Where the function is continuous, the difference of the values at both ends of an interval goes
    to zero as the interval is halved; at a jump or a pole it does not.
    """
    step = (y[1:] - y[:-1]).abs()
    there = step.isfinite()
    doubtful = (there & (step > 5 * step[there].median() + 1e-12)).nonzero()[:, 0]
    a, b, left = x[doubtful], x[doubtful + 1], y[doubtful]
    right = y[doubtful + 1]
    first = (right - left).abs()
    for _ in range(40):
        middle = (a + b) / 2
        value = function(middle[:, None])[:, 0]
        steep = ((value - left).abs() > (right - value).abs()) | value.isnan()
        b, right = torch.where(steep, middle, b), torch.where(steep, value, right)
        a, left = torch.where(steep, a, middle), torch.where(steep, left, value)
    gap = (right - left).abs()
    joined = there.clone()
    joined[doubtful] = gap < 1e-3 * first
    return joined


def _folds(
    function: Function,
    x: Float64[Tensor, " points"],
    slope: Float64[Tensor, " points"],
    joined: Bool[Tensor, " steps"],
) -> list[float]:
    """Where the derivative is zero: where it changes its sign, and where it only touches zero."""
    steepest = float(slope[slope.isfinite()].abs().max()) if bool(slope.isfinite().any()) else 0.0
    if steepest == 0:
        return []
    turns = (joined & (slope[:-1] * slope[1:] < 0)).nonzero()[:, 0]
    a, b, sign = x[turns], x[turns + 1], slope[turns].sign()
    for _ in range(60):
        middle = (a + b) / 2
        same = _slope(function, middle).sign() == sign
        a, b = torch.where(same, middle, a), torch.where(same, b, middle)
    # A corner, as of |x|, is no zero.
    zeros = a[_slope(function, (a + b) / 2).abs() <= 1e-5 * steepest].tolist()
    size = slope.abs()
    least = (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:]) & joined[1:] & joined[:-1]
    touching = (least & (size[1:-1] < 1e-2 * steepest)).nonzero()[:, 0] + 1
    for place in touching.tolist():
        low, high = float(x[place - 1]), float(x[place + 1])
        at = _least(function, low, high)
        flat = abs(float(_slope(function, x.new_tensor([at])))) <= FLAT * steepest
        if flat and all(abs(at - z) > float(x[1] - x[0]) for z in zeros):
            zeros.append(at)
    return sorted(zeros)[:MOST]


def _slope(function: Function, x: Float64[Tensor, " points"]) -> Float64[Tensor, " points"]:
    return function.linearize(x[:, None])[1][:, 0, 0]


def _least(function: Function, low: float, high: float) -> float:
    """Where the slope is smallest in size, by thirds."""
    for _ in range(40):
        third = (high - low) / 3
        a, b = low + third, high - third
        left, right = _slope(function, torch.tensor([a, b], dtype=torch.float64)).abs().tolist()
        low, high = (low, b) if left < right else (a, high)
    return (low + high) / 2
