"""How well the answers fit, and how many there are."""

from typing import TYPE_CHECKING

import numpy as np

from preimage.plots.drawing import (
    ANSWER,
    INK,
    MANY,
    MISS,
    MUTED,
    Drawing,
    figure,
    legend,
    marks,
    spread_out,
    unanswered,
)
from preimage.preimages import Preimages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 150
"""Up to so many targets have a bar each; of more, only the distribution shows."""


def residuals(found: Preimages) -> Drawing:
    """The residual of every answer, on a logarithmic scale, with what is allowed."""
    residual = found.residual
    several = len(found) > 1
    rows = spread_out(np.arange(len(found), dtype=float), found)
    if not several:
        rows = np.arange(residual.size, dtype=float)[None]
    positive = residual[residual > 0]
    floor = 0.1 * min(float(positive.min()) if positive.size else found.tol, found.tol)
    exact = residual == 0
    height = np.where(exact, np.nan, residual)
    with figure(3.1) as (made, (axes,)):
        for mark in marks(found):
            mark.scatter(axes, rows, height, size=16)
        if exact.any():
            axes.scatter(
                rows[exact], np.full(int(exact.sum()), floor), marker="v", s=16, color=ANSWER,
                linewidths=0, zorder=5, label="exactly 0", rasterized=int(exact.sum()) > MANY,
            )  # fmt: skip
        axes.axhline(found.tol, color=INK, linewidth=1.0, linestyle="--", label="tolerance")
        if found.sd is not None:
            allowed = np.where(np.isnan(residual), np.nan, _doubt(found))
            axes.scatter(
                rows, allowed, marker="_", s=30, color=MUTED, linewidths=1.0, zorder=2,
                label="twice the surrogate's standard deviation", rasterized=allowed.size > MANY,
            )  # fmt: skip
        axes.set_yscale("log")
        axes.set_xlabel("target (row)" if several else "answer (best first)")
        single = len(found.outputs) == 1
        axes.set_ylabel(f"residual in {found.outputs[0]}" if single else "residual")
        _whole_rows(axes, len(found) if several else int(found.listed.sum()))
        legend(axes, columns=4 if found.sd is None else 2)
    words = (
        "How far the output at each answer is from its target, in the units of the output. Below "
        "the dashed line an answer is confirmed."
    )
    if found.sd is not None:
        words += (
            " With a surrogate, so is one below twice the surrogate's own standard deviation, "
            "marked by a dash."
        )
    return Drawing("residuals", "Residuals", made, words)


def counts(found: Preimages) -> Drawing:
    """How many answers the targets have."""
    from matplotlib.ticker import MaxNLocator

    count, missed = found.count, unanswered(found)
    with figure(2.5) as (made, (axes,)):
        if len(found) <= BARS:
            rows = np.arange(len(found))
            axes.bar(rows, count, color=ANSWER, width=0.8, linewidth=0)
            axes.plot(
                rows[missed], np.zeros(int(missed.sum())), "x", color=MISS, markersize=4.5,
                clip_on=False, zorder=5, label="without an answer",
            )  # fmt: skip
            axes.set_xlabel("target (row)")
            axes.set_ylabel("answers")
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
            _whole_rows(axes, len(found))
            if missed.any():
                legend(axes)
            caption = "How many distinct answers each target has."
        else:
            values, frequency = np.unique(count, return_counts=True)
            colors = [MISS if value == 0 else ANSWER for value in values.tolist()]
            axes.bar(values, frequency, color=colors, width=0.8, linewidth=0)
            axes.set_xlabel("distinct answers")
            axes.set_ylabel("targets")
            axes.set_xticks(values)
            caption = "How many targets have so many distinct answers."
        axes.grid(visible=False, axis="x")
    return Drawing("counts", "Answers for each target", made, caption)


def _doubt(found: Preimages) -> np.ndarray:
    return 2 * np.linalg.norm(found.sd, axis=2)


def _whole_rows(axes: "Axes", rows: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(-0.7, rows - 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
