"""Figures 2 and 4 to 7 of the paper: one curve, a few anchors, and the half ball."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from preimage.papers.twin import demonstrations as shown
from preimage.plots.drawing import ANSWER, CURVE, DATA, DISTINCT, MISS, Drawing, figure, legend
from preimage.training.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def demonstrations(recipe: Recipe) -> list[Drawing]:
    """Figures 2 and 4 to 7; trains four small networks."""
    few = shown.few_anchors(recipe)
    return [
        _fits(shown.fits(recipe)),
        _one_anchor_each(few),
        _branches(few),
        _half_ball(shown.half_ball(recipe)),
    ]


def _fits(fits: shown.Fits) -> Drawing:
    wanted = shown.targets().numpy()
    with figure(3.4, columns=2) as (made, (left, right)):
        _cubic(left)
        left.plot(shown.grid(), fits.forward, color=ANSWER, linewidth=1.6, label="network")
        _labels(left, "x", "y")
        right.plot(shown.CUBIC(shown.grid()), shown.grid(), color=DATA, linewidth=3.5, label="f")
        right.plot(wanted, fits.inverse, color=MISS, linewidth=1.4, label="network from y to x")
        proposals = fits.twin.numpy()
        right.scatter(
            np.repeat(wanted, proposals.shape[1]), proposals.ravel(), s=2, color=ANSWER,
            label="twin, 600 anchors", rasterized=True, zorder=3,
        )  # fmt: skip
        _labels(right, "y", "x")
    return Drawing(
        "figure-2", "Figure 2: a function and its inverse, by networks", made,
        "A network learns x³ − x (left), and a network regressed from y to x takes the mean of the "
        "branches where there are three (right). The twin has all branches: its proposals from the "
        f"8 anchors nearest in y that f confirms to {shown.ACCEPTED}.",
    )  # fmt: skip


def _one_anchor_each(few: shown.Curve) -> Drawing:
    """Figures 4 and 5 side by side."""
    x, y = shown.unlucky()
    wanted = few.targets
    nearest = (wanted[:, None] - y[:, 0]).abs().argmin(dim=1)
    with figure(3.4, columns=2) as (made, grid):
        for axes, answers, label in (
            (grid[0], x[nearest, 0], "nearest neighbour"),
            (grid[1], few.of_nearest(y[:, 0]), "twin, nearest anchor"),
        ):
            _cubic(axes)
            axes.scatter(answers, wanted, s=3, color=ANSWER, label=label, rasterized=True, zorder=3)
            _anchors(axes)
            axes.set_xlim(-1.65, 1.65)
            axes.set_ylim(-2.1, 2.1)
            _labels(axes, "x", "y")
    return Drawing(
        "figure-4-5", "Figures 4 and 5: five unlucky anchors", made,
        "x³ − x inverted from the one of five anchors that is nearest in y: the neighbour itself "
        "(left, figure 4), and the twin's step from it (right, figure 5). The twin follows the "
        "curve around each anchor, past which it needs another one.",
    )  # fmt: skip


def _branches(few: shown.Curve) -> Drawing:
    wanted = few.targets
    with figure(3.6, columns=2) as (made, (left, right)):
        for axes in (left, right):
            _cubic(axes)
        for place in range(few.proposed.shape[1]):
            answers, kept = few.proposed[:, place], few.accepted[:, place]
            color = DISTINCT[place]
            label = f"anchor {shown.UNLUCKY[place]:g}"
            left.scatter(answers, wanted, s=2, color=color, label=label, rasterized=True, zorder=3)
            right.scatter(answers[kept], wanted[kept], s=4, color=color, rasterized=True, zorder=3)
        for axes in (left, right):
            _anchors(axes)
            axes.set_xlim(-1.65, 1.65)
            axes.set_ylim(-2.1, 2.1)
            _labels(axes, "x", "y")
    share = float(few.accepted.any(dim=1).double().mean())
    return Drawing(
        "figure-6", "Figure 6: the function selects the branches", made,
        "What every anchor proposes for each of 1,000 targets (left), and what is left when f has "
        f"confirmed it to {shown.ACCEPTED} (right): {share:.0%} of the targets keep an answer, "
        "from five anchors.",
    )  # fmt: skip


def _half_ball(ball: shown.HalfBall) -> Drawing:
    turn = np.linspace(0, 2 * np.pi, 200)
    with figure(3.2, columns=len(ball.heights)) as (made, grid):
        for axes, height, start, end in zip(
            grid, ball.heights, ball.anchors, ball.found, strict=True
        ):
            radius = np.sqrt(1 - height**2)
            axes.plot(radius * np.cos(turn), radius * np.sin(turn), color=CURVE, linewidth=1)
            axes.scatter(*start.T, s=12, facecolors="none", edgecolors=DATA, label="anchors")
            axes.scatter(*end.T, s=9, color=ANSWER, label="proposals", zorder=3)
            axes.set_aspect("equal")
            axes.set_xlim(-1.08, 1.08)
            axes.set_ylim(-1.08, 1.08)
            axes.set_title(f"y = {height:g}", fontsize=9.5, loc="right")
            axes.set_xlabel("$x_1$")
        grid[0].set_ylabel("$x_2$")
        legend(grid[0], columns=1)
    return Drawing(
        "figure-7", "Figure 7: a circle of preimages", made,
        "Heights of the half ball have circles of preimages (grey). Each of the 24 anchors nearest "
        "in y keeps to its own place on the circle, so choosing anchors chooses the answer.",
    )  # fmt: skip


def _cubic(axes: Axes) -> None:
    axes.plot(shown.grid(), shown.CUBIC(shown.grid()), color=DATA, linewidth=3.5, label="f")


def _anchors(axes: Axes) -> None:
    x, y = shown.unlucky()
    axes.scatter(x, y, s=34, marker="D", color=MISS, label="anchors", zorder=5)


def _labels(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    legend(axes, columns=2)
