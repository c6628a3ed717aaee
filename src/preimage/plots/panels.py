"""Several inputs, each in a panel of its own, over the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from preimage.inverters.problem import Problem
from preimage.plots.drawing import (
    DATA,
    MANY,
    MISS,
    Drawing,
    figure,
    frame,
    input_label,
    marks,
    spread_out,
    unanswered,
)
from preimage.preimages import Preimages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12
"""No more inputs than these have a panel."""


def panels(found: Preimages, problem: Problem | None) -> Drawing:
    """Every input of every answer, over the wanted output, or over the row of the target."""
    single = len(found.outputs) == 1
    over = found.targets[:, 0] if single else np.arange(len(found), dtype=float)
    x, count = found.x, min(len(found.inputs), MOST)
    columns = 1 if count == 1 else 2
    rows = -(-count // columns)
    box = None if problem is None else problem.box
    with figure(0.6 + (2.0 if rows > 1 else 2.9) * rows, rows, columns) as (made, grid):
        for j, axes in enumerate(grid[:count]):
            if box is not None:
                frame(axes, float(box.low[j]), float(box.high[j]))
            if single and problem is not None and problem.support is not None:
                _measurements(axes, problem, j)
            for mark in marks(found):
                mark.scatter(axes, spread_out(over, found), x[..., j], size=16)
            _missing(axes, over[unanswered(found)])
            axes.set_ylabel(input_label(found, j, box))
            if j >= count - columns:
                axes.set_xlabel(f"wanted {found.outputs[0]}" if single else "target (row)")
        for axes in grid[count:]:
            axes.set_visible(False)
        handles, labels = grid[0].get_legend_handles_labels()
        made.legend(handles, labels, loc="outside upper left", ncols=3, columnspacing=1.2)
    what = f"over the wanted {found.outputs[0]}" if single else "over the targets"
    return Drawing("answers", f"Answers: every branch {what}", made, _caption(found, count))


def _measurements(axes: Axes, problem: Problem, place: int) -> None:
    axes.scatter(
        problem.y[:, 0].numpy(), problem.x[:, place].numpy(), s=5, color=DATA, alpha=0.5,
        linewidths=0, zorder=1, label="measured", rasterized=len(problem.x) > MANY,
    )  # fmt: skip


def _missing(axes: Axes, where: np.ndarray) -> None:
    """A tick at the bottom for each target without an answer."""
    if len(where):
        axes.plot(
            where, np.zeros(len(where)), "|", color=MISS, markersize=8, markeredgewidth=1.3,
            transform=axes.get_xaxis_transform(), clip_on=False, zorder=5,
            label="target without an answer", rasterized=len(where) > MANY,
        )  # fmt: skip


def _caption(found: Preimages, shown: int) -> str:
    words = [
        "A panel for each input; above each target stand all its answers, so that a branch shows "
        "as a line of dots."
    ]
    if shown < len(found.inputs):
        words.append(f"Only the first {shown} of {len(found.inputs)} inputs are shown.")
    if found.checker == "surrogate":
        words.append("Hollow dots were checked by the surrogate only.")
    if found.outside is not None and (found.outside & found.ok).any():
        words.append("Crosses lie outside the measured region.")
    if unanswered(found).any():
        words.append("Ticks on the axis mark targets without an answer.")
    return " ".join(words)
