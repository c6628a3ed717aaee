"""Two inputs: the answers in their plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from preimage.inverters.problem import Problem
from preimage.plots.drawing import DATA, Drawing, figure, frame, input_label, legend, marks
from preimage.preimages import Preimages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = 12
"""Contours of the function."""


def plane(found: Preimages, problem: Problem | None) -> Drawing:
    """The second input over the first, coloured by the wanted output or the row of the target."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    single, several = len(found.outputs) == 1, len(found) > 1
    x = found.x
    key = found.targets[:, 0] if single else np.arange(len(found), dtype=float)
    # The ends of the map would vanish on a dark or a light page.
    colours = ListedColormap(colormaps["viridis"](np.linspace(0.12, 0.88, 256)))
    scale = Normalize(float(key.min()), float(key.max()))
    each = np.broadcast_to(colours(scale(key))[:, None], (*np.shape(found.ok), 4))
    box = None if problem is None else problem.box
    with figure(4.6) as (made, (axes,)):
        if single and problem is not None:
            _contours(axes, problem)
        for mark in marks(found):
            mark.scatter(axes, x[..., 0], x[..., 1], each if several else None, size=20)
        if box is not None:
            axes.set_xlim(float(box.low[0]), float(box.high[0]))
            frame(axes, float(box.low[1]), float(box.high[1]))
        axes.set_xlabel(input_label(found, 0, box))
        axes.set_ylabel(input_label(found, 1, box))
        if several:
            label = f"wanted {found.outputs[0]}" if single else "target (row)"
            bar = made.colorbar(ScalarMappable(scale, colours), ax=axes, label=label, pad=0.02)
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        legend(axes)
    words = ["Each dot is an answer, at the values of its two inputs."]
    if several:
        words.append("Answers of one target have one colour.")
    if single and problem is not None:
        words.append("Thin lines join inputs of equal output, drawn from the known points.")
    return Drawing("plane", "Answers in the plane of the inputs", made, " ".join(words))


def _contours(axes: Axes, problem: Problem) -> None:
    """Level lines of the known pairs, without calling the function again."""
    first, second = problem.x.T.numpy()
    axes.tricontour(
        first, second, problem.y[:, 0].numpy(), levels=LEVELS, colors=DATA, linewidths=0.7, zorder=1
    )
