"""A figure as SVG that lives inside a page: its fonts, its colours, no reference outwards."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from preimage.plots.drawing import ANSWER, BAND, CURVE, DATA, GRID, INK, MISS, MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", ANSWER: "answer", MISS: "miss", CURVE: "curve",
    BAND: "band", DATA: "data",
}  # fmt: skip
"""Colours of the plots that the page defines, once for light and once for dark."""


def svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element.

    Args:
        figure: A Matplotlib figure; it is not changed.
        name: Distinguishes the ids of this figure from those of others on the page.
    """
    import matplotlib

    stream = io.StringIO()
    # No date, no creator: the same figure gives the same text, and names no address.
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", dpi=200, metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "system-ui, sans-serif", text)
    # The page decides how wide it is; the view box keeps the shape.
    start, rest = text.split(">", 1)
    start = re.sub(r' (width|height)="[^"]*"', "", start)
    return f'{start} role="img" aria-label="{name}">{rest}'
