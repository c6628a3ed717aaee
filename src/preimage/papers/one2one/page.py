"""The results as a page of Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from preimage.papers.machine import machine
from preimage.papers.one2one.cells import Cell
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.methods import METHODS, PIX2PIX, SELF_INVERSE, Plan
from preimage.papers.one2one.published import SENSITIVITY, TRANSLATION, Published
from preimage.translation.evaluation import DIRECTIONS

READING = """\
- Images are in [0, 1] and the data range of PSNR and SSIM is 1. Images in [-1, 1] scored with a
  data range of 1 would have a PSNR that is 6.02 dB lower and twice the L1; the paper's 9.09 dB
  from maps to aerial photos look like that.
- After equally many epochs, the shared network of the self-inverse method has taken twice the
  updates of either network of pix2pix. The row `equal-updates` takes as many, on half the epochs.
- Slices of one volume are not independent, so the paired test over images says too much; look at
  the subjects too.
- "More sensitive" is weak evidence of being one to one. The round trip is what is left of an
  image after two translations.
- The paper's section 5.2 contradicts its table 2 on aerial to map, and its "+13.6 %" for T1 to T2
  is +10.2 % by the numbers of table 5."""

COLUMNS = ("l1", "psnr", "ssim", "pixel accuracy", "class accuracy", "iou", "round trip psnr")


def markdown(cells: Sequence[Cell], data: Data, plan: Plan, seeds: int, figure: Path | None) -> str:
    """The whole page.

    Args:
        cells: What was measured.
        data: On which pairs.
        plan: How models were trained.
        seeds: How many were asked for.
        figure: The sheet, beside the page.
    """
    parts = [
        "# A self-inverse network for both directions, run again",
        "Z. Shen et al., *Towards learning a self-inverse network for bidirectional image-to-image "
        "translation*, 2019. Written by `preimage reproduce one2one`. Data: "
        f"{data.name}, {len(data.train):,} pairs to learn from and {len(data.test):,} to score; "
        f"preset `{plan.preset}`, {plan.epochs:g} epochs, {seeds} seeds.",
        "## How to read it",
        READING,
        *(_scores(cells, direction) for direction in DIRECTIONS.values()),
        *(_subjects(cells, direction) for direction in DIRECTIONS.values()),
        _costs(cells),
        _paired(cells),
        *(_sensitivity(cells, direction) for direction in DIRECTIONS.values()),
        _published("What the paper prints", TRANSLATION),
        _published("What the paper prints of sensitivity", SENSITIVITY),
    ]
    if figure is not None:
        parts.append(f"![Test pairs, and what the models make of them.]({figure.name})")
    parts.append("Measured on " + ", ".join(f"{k} {v}" for k, v in machine().items()) + ".")
    return "\n\n".join(part for part in parts if part) + "\n"


def _scores(cells: Sequence[Cell], direction: str) -> str:
    names = [one for one in COLUMNS if any(one in cell.scores[direction] for cell in cells)]
    rows = []
    for method, own in _by_method(cells).items():
        values = [[cell.scores[direction][name] for cell in own] for name in names]
        rows.append([method, *map(_mean, values)])
    return _table(f"From {direction}", ["", *names], rows)


def _subjects(cells: Sequence[Cell], direction: str) -> str:
    """PSNR of each volume; nothing where the pairs are single images."""
    groups = list(dict.fromkeys(group for cell in cells for group in cell.groups))
    rows = [
        [
            method,
            *(_mean([cell.groups[group][direction]["psnr"] for cell in own]) for group in groups),
        ]
        for method, own in _by_method(cells).items()
    ]
    return _table(f"PSNR of each volume from {direction}", ["", *groups], rows) if groups else ""


def _sensitivity(cells: Sequence[Cell], direction: str) -> str:
    measured = [cell for cell in cells if cell.sensitivity]
    names = list(dict.fromkeys(n for cell in measured for n in cell.sensitivity[direction]))
    rows = [
        [method, *(_mean([cell.sensitivity[direction][name] for cell in own]) for name in names)]
        for method, own in _by_method(measured).items()
    ]
    return _table(f"Sensitivity from {direction}", ["", *names], rows)


def _costs(cells: Sequence[Cell]) -> str:
    rows = [
        [method, f"{own[0].parameters:,}", f"{own[0].updates:,}", _mean([c.seconds for c in own])]
        for method, own in _by_method(cells).items()
    ]
    return _table("Costs", ["", "parameters", "steps of training", "seconds"], rows)


def _paired(cells: Sequence[Cell]) -> str:
    """Wilcoxon's signed-rank test of the PSNR of each image, the mean over seeds."""
    from scipy.stats import wilcoxon

    known = _by_method(cells)
    if PIX2PIX not in known or SELF_INVERSE not in known:
        return ""
    rows = []
    for direction in DIRECTIONS.values():
        ours, theirs = (
            [
                statistics.mean(values)
                for values in zip(*(c.images[direction] for c in known[method]), strict=True)
            ]
            for method in (SELF_INVERSE, PIX2PIX)
        )
        gains = [one - two for one, two in zip(ours, theirs, strict=True)]
        p = float(np.asarray(wilcoxon(gains))[1]) if any(gains) else 1.0
        better = sum(gain > 0 for gain in gains) / len(gains)
        rows.append([direction, f"{statistics.mean(gains):+.2f}", f"{better:.0%}", f"{p:.2g}"])
    heading = ["", "PSNR, self-inverse - pix2pix", "images better", "p"]
    return _table("Paired test over images (Wilcoxon)", heading, rows)


def _published(title: str, printed: Published) -> str:
    rows = [
        [direction, method, ", ".join(f"{name} {value:g}" for name, value in values.items())]
        for direction, methods in printed.items()
        for method, values in methods.items()
    ]
    return _table(title, ["", "method", "scores"], rows)


def _by_method(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    found = {name: [cell for cell in cells if cell.key.method == name] for name in METHODS}
    return {name: own for name, own in found.items() if own}


def _mean(values: Sequence[float]) -> str:
    """The mean, and the standard deviation of two or more."""
    shown = f"{statistics.mean(values):.4g}"
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return shown
    return f"{shown} ± {statistics.stdev(values):.2g}"


def _table(title: str, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"## {title}\n\nNot measured."
    lines = [heading, ["---"] * len(heading), *rows]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)
