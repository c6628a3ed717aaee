"""What all pictures share: colours, marks, axes, and the words below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, final

import numpy as np
from jaxtyping import Bool, Float, Shaped

from preimage.domain import Box
from preimage.preimages import Preimages

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#20242b", "#6a7280", "#dfe3e8"
ANSWER, MISS, CURVE, BAND, DATA = "#1c6ea4", "#c4490f", "#57606e", "#c3d8ea", "#9aa5b3"
DISTINCT = ("#1c6ea4", "#d0681c", "#2f8f5b", "#8a5bb0", "#b8457a", "#8a8420")

WIDTH = 7.4
"""Inches; a page shows figures at most so wide."""

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.3,
    "legend.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}
"""Settings of Matplotlib for our figures."""

LEGEND_CHARACTERS = 100
"""What fits side by side into the width of a figure."""

MANY = 1500
"""More marks than these are kept as pixels, so that files stay small."""


@final
@dataclass(frozen=True)
class Drawing:
    """A figure and the words that belong to it.

    Attributes:
        name: A word to tell figures apart.
        title: What is shown.
        figure: The Matplotlib figure.
        caption: How to read it.
    """

    name: str
    title: str
    figure: Figure
    caption: str


@final
@dataclass(frozen=True)
class Mark:
    """How answers of one sort are drawn.

    Attributes:
        label: What they are.
        which: Which places they are, `(targets, n)`.
        marker: Matplotlib's name of the shape.
        hollow: Whether only the outline is drawn.
        color: Their colour, unless colour tells something else.
    """

    label: str
    which: Bool[np.ndarray, "targets n"]
    marker: str
    hollow: bool
    color: str

    def scatter(self, axes: Axes, x: Any, y: Any, color: Any = None, size: float = 26) -> None:
        """Draws the marks at x and y, arrays over `(targets, n)`."""
        chosen = self.color if color is None else color[self.which]
        look: dict[str, Any] = {"facecolors": chosen, "linewidths": 0.0}
        if self.hollow:
            look = {"facecolors": "none", "edgecolors": chosen, "linewidths": 1.2}
        if self.marker == "x":
            look = {"c": chosen, "linewidths": 1.4}
        axes.scatter(
            x[self.which], y[self.which], s=size, marker=self.marker, label=self.label,
            rasterized=int(self.which.sum()) > MANY, zorder=4, **look,
        )  # fmt: skip


def marks(found: Preimages) -> list[Mark]:
    """The sorts of answers that there are; every place that holds one is of exactly one sort."""
    ok, there = found.ok, ~np.isnan(found.residual)
    outside = np.zeros_like(ok) if found.outside is None else found.outside
    exact = found.checker == "function"
    by = "confirmed by the function" if exact else "within the surrogate's error"
    sorts = [
        Mark(by, ok & ~outside, "o", not exact, ANSWER),
        Mark(f"{by}, outside the measured region", ok & outside, "x", True, ANSWER),
        Mark("not confirmed", there & ~ok, "D", True, MISS),
    ]
    return [sort for sort in sorts if sort.which.any()]


def unanswered(found: Preimages) -> Bool[np.ndarray, " targets"]:
    """Which targets have no confirmed answer."""
    return ~np.array([status.answered for status in found.status], dtype=bool)


def spread_out(values: Shaped[np.ndarray, " targets"], found: Preimages) -> np.ndarray:
    """A value for each target as one for each place, `(targets, n)`."""
    return np.broadcast_to(values[:, None], np.shape(found.ok))


@contextmanager
def figure(height: float, rows: int = 1, columns: int = 1) -> Iterator[tuple[Figure, list[Axes]]]:
    """Yields a figure and its axes, in our style; Matplotlib's own settings stay as they are."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(cast(Any, STYLE)):
        made = Figure(figsize=(WIDTH, height), layout="constrained")
        made.patch.set_alpha(0)
        grid = made.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.patch.set_alpha(0)
        yield made, list(grid.flat)


def legend(axes: Axes, columns: int = 3) -> None:
    """Puts the legend above the axes, where it hides nothing, in columns that fit the width."""
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    while columns > 1 and _legend_width(labels, columns) > LEGEND_CHARACTERS:
        columns -= 1
    axes.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=columns,
        columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip


def _legend_width(labels: list[str], columns: int) -> int:
    """Characters side by side in a legend, which is filled column by column."""
    rows = -(-len(labels) // columns)
    starts = range(0, len(labels), rows)
    return sum(max(len(label) for label in labels[i : i + rows]) for i in starts)


def input_label(found: Preimages, place: int, box: Box | None) -> str:
    """The name of an input, with its unit where it has one."""
    units = None if box is None else box.units
    return found.inputs[place] if units is None else f"{found.inputs[place]} [{units[place]}]"


def frame(axes: Axes, low: float, high: float) -> None:
    """Shows an input from one end of its box to the other."""
    margin = 0.03 * (high - low)
    axes.set_ylim(low - margin, high + margin)


def finite_range(
    *values: Float[np.ndarray, "..."], margin: float = 0.06
) -> tuple[float, float] | None:
    """Limits that show all finite values."""
    whole = np.concatenate([np.ravel(one) for one in values])
    whole = whole[np.isfinite(whole)]
    if len(whole) == 0:
        return None
    low, high = float(whole.min()), float(whole.max())
    room = margin * (high - low) or 1.0
    return low - room, high + room
