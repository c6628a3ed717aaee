"""One input and one output: the function, and where each target meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from preimage.inverters.problem import Problem
from preimage.plots.drawing import (
    ANSWER,
    BAND,
    CURVE,
    DATA,
    MANY,
    MISS,
    Drawing,
    figure,
    finite_range,
    input_label,
    legend,
    marks,
    unanswered,
)
from preimage.preimages import Preimages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 25
"""Up to so many targets have a line across; more would be a wall, and have a tick at the side."""

JUMP = 0.2
"""Neighbouring outputs farther apart than this share of their range are not joined."""

CROWDED = 0.35
"""Answers within this share of the inputs are shown from closer up as well."""


def curve(found: Preimages, problem: Problem | None) -> Drawing:
    """Targets as lines across, answers where they meet the function; closer up where they crowd."""
    box = None if problem is None else problem.box
    whole = None if box is None else (float(box.low), float(box.high))
    close = _close_up(found, whole)
    views = [whole] if close is None else [whole, close]
    with figure(3.9 if close is None else 6.6, len(views)) as (made, grid):
        for axes, view in zip(grid, views, strict=True):
            _view(axes, found, problem, view)
        grid[-1].set_xlabel(input_label(found, 0, box))
        legend(grid[0])
    title = f"Answers: where {found.outputs[0]} takes the wanted values"
    return Drawing("answers", title, made, _caption(found, problem, close))


def _close_up(found: Preimages, whole: tuple[float, float] | None) -> tuple[float, float] | None:
    """The part of the inputs that holds all answers, where it is a small part."""
    x = found.x[found.ok]
    if whole is None or len(x) < 2:
        return None
    low, high = float(x.min()), float(x.max())
    room = max(0.15 * (high - low), 0.01 * (whole[1] - whole[0]))
    part = (max(low - room, whole[0]), min(high + room, whole[1]))
    return part if part[1] - part[0] < CROWDED * (whole[1] - whole[0]) else None


def _view(
    axes: Axes, found: Preimages, problem: Problem | None, view: tuple[float, float] | None
) -> None:
    """Everything there is between two inputs."""
    wanted, missed = found.targets[:, 0], unanswered(found)
    x, y = found.x[..., 0], found.y[..., 0]
    seen = np.ones_like(x, dtype=bool) if view is None else (x >= view[0]) & (x <= view[1])
    shown = [y[seen], wanted[seen.any(axis=1)]]
    if problem is not None and view is not None:
        shown.append(_behind(axes, problem, *view))
    _levels(axes, wanted[~missed], ANSWER, "-", "target")
    _levels(axes, wanted[missed], MISS, "--", "target without an answer")
    for target in np.flatnonzero(missed).tolist():
        axes.plot(
            [x[target, 0]] * 2, [y[target, 0], wanted[target]],
            color=MISS, linestyle=":", linewidth=0.9, zorder=3,
        )  # fmt: skip
    for mark in marks(found):
        mark.scatter(axes, x, y)
    if view is not None:
        room = 0.02 * (view[1] - view[0])
        axes.set_xlim(view[0] - room, view[1] + room)
    limits = finite_range(*shown)
    if limits is not None:
        axes.set_ylim(*limits)
    axes.set_ylabel(found.outputs[0])


def _behind(axes: Axes, problem: Problem, low: float, high: float) -> np.ndarray:
    """Draws the function or the measurements; returns outputs that should stay in view."""
    inside = ((problem.x[:, 0] >= low) & (problem.x[:, 0] <= high)).numpy()
    x, y = problem.x[:, 0].numpy()[inside], problem.y[:, 0].numpy()[inside]
    if problem.support is not None:
        axes.scatter(
            x, y, s=7, color=DATA, alpha=0.8, linewidths=0, zorder=2.5, label="measured",
            rasterized=len(x) > MANY,
        )  # fmt: skip
    if problem.surrogate is None:
        return _sampled(axes, x, y)
    grid = torch.linspace(low, high, 2000, dtype=torch.float64)[:, None]
    mean = problem.surrogate.mean(grid).detach().numpy()[:, 0]
    band = 2 * problem.surrogate.sd(grid).detach().numpy()[:, 0]
    at = grid[:, 0].numpy()
    axes.fill_between(
        at, mean - band, mean + band, color=BAND, linewidth=0, zorder=1.5,
        label="surrogate ± 2 standard deviations",
    )  # fmt: skip
    axes.plot(at, mean, color=CURVE, linewidth=0.8, zorder=2)
    return np.concatenate([y, mean])


def _sampled(axes: Axes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Joins known points of the function, but not across what looks like a jump."""
    if len(x) == 0:
        return y
    order = np.argsort(x)
    level = y[order].copy()
    usual = np.quantile(level, [0.01, 0.99])
    level[:-1][np.abs(np.diff(level)) > JUMP * (usual[1] - usual[0] or 1.0)] = np.nan
    axes.plot(x[order], level, color=CURVE, linewidth=1.2, zorder=2, label="function")
    return usual


def _levels(axes: Axes, levels: np.ndarray, color: str, style: str, label: str) -> None:
    """Targets: lines across while they are few, ticks at the side when they are many."""
    if len(levels) > LINES:
        axes.plot(
            np.zeros(len(levels)), levels, "_", color=color, markersize=9, markeredgewidth=0.9,
            transform=axes.get_yaxis_transform(), clip_on=False, label=label,
            rasterized=len(levels) > MANY,
        )  # fmt: skip
        return
    for place, level in enumerate(levels.tolist()):
        axes.axhline(
            level, color=color, alpha=0.5, linestyle=style, linewidth=0.8, zorder=2,
            label=label if place == 0 else None,
        )  # fmt: skip


def _caption(found: Preimages, problem: Problem | None, close: object) -> str:
    words = ["Each dot is an answer: an input at which the output is the wanted value."]
    words.append("Targets are lines across, or ticks at the side where they are many.")
    if close is not None:
        words.append("Below, the part with the answers from closer up.")
    if found.checker == "surrogate":
        words.append(
            "Hollow dots are answers of the surrogate, a function learned from the measurements; "
            "no exact function was there to confirm them."
        )
    if found.outside is not None and (found.outside & found.ok).any():
        words.append("Crosses lie where nothing was measured nearby.")
    if unanswered(found).any():
        words.append(
            "For a target without an answer, a dotted line leads to the nearest output that was "
            "reached."
        )
    if problem is not None and problem.surrogate is None:
        words.append("The curve joins the points at which the function was sampled.")
    return " ".join(words)
