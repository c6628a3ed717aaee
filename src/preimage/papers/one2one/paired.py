"""Is one method ahead of the other on the same images?"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from preimage.papers.one2one.cells import Cell
from preimage.papers.one2one.methods import DEFAULT, PIX2PIX, SELF_INVERSE
from preimage.papers.writing import markdown_table

COMPARED = (
    (SELF_INVERSE, PIX2PIX),
    ("equal-updates", PIX2PIX),
    (DEFAULT, SELF_INVERSE),
)

NOTE = (
    "Wilcoxon's signed-rank test over images, of the mean over seeds. Slices of one volume and "
    "pieces of one tile are not independent, so that p says too much."
)


def paired(cells: Sequence[Cell], directions: Mapping[str, str]) -> str:
    """The paired tests of PSNR and SSIM.

    Args:
        cells: What was measured.
        directions: What "a to b" and "b to a" are called.
    """
    rows = []
    for one, two in COMPARED:
        for direction, called in directions.items():
            gains = {kind: _gains(cells, (one, two), direction, kind) for kind in ("psnr", "ssim")}
            if all(len(values) for values in gains.values()):
                rows.append(
                    [
                        f"{one} - {two}",
                        called,
                        *_compared(gains["psnr"], "+.2f"),
                        *_compared(gains["ssim"], "+.3f"),
                    ]
                )
    if not rows:
        return ""
    headings = ["", "", "PSNR, dB", "images better", "p", "SSIM", "images better", "p"]
    return f"## Paired tests\n\n{NOTE}\n\n{markdown_table(headings, rows)}"


def _gains(
    cells: Sequence[Cell], methods: tuple[str, str], direction: str, kind: str
) -> np.ndarray:
    """By how much the first is ahead, image by image; empty where one was not measured."""
    means = []
    for method in methods:
        own = [c.images[direction][kind] for c in cells if c.key.method == method]
        means.append(np.mean(own, axis=0) if own else None)
    one, two = means
    return np.empty(0) if one is None or two is None else one - two


def _compared(gains: np.ndarray, shape: str) -> list[str]:
    from scipy.stats import wilcoxon

    p = float(np.asarray(wilcoxon(gains))[1]) if gains.any() else 1.0
    return [f"{statistics.mean(gains):{shape}}", f"{(gains > 0).mean():.0%}", f"{p:.1g}"]
