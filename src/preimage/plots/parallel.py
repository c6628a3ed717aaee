"""Few targets, many inputs: every answer as a line across all inputs."""

import numpy as np

from preimage.domain import Box
from preimage.plots.drawing import DISTINCT, MUTED, Drawing, figure, legend
from preimage.preimages import Preimages


def parallel(found: Preimages, box: Box) -> Drawing:
    """Parallel coordinates: each input on an upright of its own, from low to high."""
    x, low, width = found.x, box.low.numpy(), box.width.numpy()
    share, places = (x - low) / width, np.arange(box.dim)
    with figure(3.6) as (made, (axes,)):
        for target, color in zip(range(len(found)), DISTINCT, strict=False):
            for rank, answer in enumerate(np.flatnonzero(found.ok[target]).tolist()):
                axes.plot(
                    places, share[target, answer], color=color, marker="o", markersize=3.5,
                    linewidth=2.0 if rank == 0 else 1.0, alpha=1.0 if rank == 0 else 0.7,
                    label=f"target {target}" if rank == 0 else None, zorder=3,
                )  # fmt: skip
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.grid(visible=False)
        for place in places.tolist():
            axes.vlines(place, 0, 1, color=MUTED, linewidth=0.8, zorder=1)
            ends = ((-0.02, low[place], "top"), (1.02, low[place] + width[place], "bottom"))
            for height, value, align in ends:
                axes.text(
                    place, height, f"{value:.4g}", ha="center", va=align, fontsize=8, color=MUTED
                )
        axes.set_ylim(-0.1, 1.1)
        units = box.units or [""] * box.dim
        names = [
            f"{name}\n[{unit}]" if unit else name
            for name, unit in zip(box.names, units, strict=True)
        ]
        axes.set_xticks(places, names)
        axes.tick_params(axis="x", length=0)
        if len(found) > 1:
            legend(axes, columns=len(found))
    caption = (
        "Each line is one answer, read across the inputs; the uprights go from the low to the "
        "high end of each. The best answer of a target is drawn bold."
    )
    return Drawing("parallel", "Answers across all inputs", made, caption)
