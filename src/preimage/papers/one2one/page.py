"""The results as a page of Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from preimage.papers.machine import machine
from preimage.papers.one2one.cells import Cell
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.methods import Plan
from preimage.papers.one2one.paired import paired
from preimage.papers.one2one.published import SENSITIVITY, TRANSLATION
from preimage.papers.one2one.tables import (
    ablations,
    costs,
    of_groups,
    published,
    scores,
    sensitivity,
)

TITLE = "A self-inverse network for both directions, run again"

READING = """\
- Images in [-1, 1] scored with a data range of 1 have a PSNR that is 6.02 dB lower and twice the
  L1; the paper's 9.09 dB from maps to aerial photos look like that. The third column has this PSNR.
- After equally many epochs, the shared network of the self-inverse method has taken twice the
  updates of either network of pix2pix. With equal updates it has seen each pair half as often.
- Scores of label maps are of one confusion over all images; classes that the truth lacks do not
  count. Photos made from labels are scored by a small network that segments them, trained on real
  photos; its score on real ones is the ceiling.
- "More sensitive" is weak evidence of being one to one. The round trip, the PSNR after two
  translations, says more."""

CAPTIONS = {
    "figure-5": "Figure 5: held-out streets and labels, and what each model makes of the other",
    "figure-6": "Figure 6: held-out aerial photos and maps, and what each model makes of the other",
    "figure-7": "Figure 7: streets and labels that are not real, and what each model makes of them",
    "figure-8": "Figure 8: photos and maps that are not real, and what each model makes of them",
    "figure-9-left": "Figure 9, left: held-out pairs, and what models make of the other side",
    "figure-9-right": "Figure 9, right: images that are not real, and what models make of them",
}


@final
@dataclass(frozen=True, kw_only=True)
class Page:
    """What the page is made of.

    Args:
        cells: What was measured.
        data: On which pairs.
        plan: How models were trained.
        ceiling: The segmentation scores of real photos; empty where there are no label maps.
        figures: The sheets, beside the page.
    """

    cells: Sequence[Cell]
    data: Data
    plan: Plan
    ceiling: dict[str, float] = field(default_factory=dict)
    figures: Sequence[Path] = ()

    def markdown(self) -> str:
        """The whole page."""
        directions = self.data.directions
        parts = [
            f"# {TITLE}: {self.data.name}",
            "Z. Shen et al., *Towards learning a self-inverse network for bidirectional image-to-"
            "image translation*, 2019. Written by `preimage reproduce one2one`. "
            f"{self._conditions()}",
            "## How to read it",
            READING,
            *(scores(self.cells, self.data, one, self.ceiling) for one in directions),
            *(of_groups(self.cells, self.data, one) for one in directions),
            paired(self.cells, directions),
            *(sensitivity(self.cells, self.data, one) for one in directions),
            ablations(self.cells, self.data),
            costs(self.cells),
            published("What the paper prints", TRANSLATION, directions),
            published("What the paper prints of sensitivity", SENSITIVITY, directions),
        ]
        if self.figures:
            parts += [
                "## Figures",
                "Above each image that was made are its PSNR and SSIM; on the second sheet, how "
                "they change where the input was made by pix2pix.",
                *(f"![{CAPTIONS[one.stem]}]({one.name})" for one in self.figures),
            ]
        parts.append("Page written on " + ", ".join(f"{k} {v}" for k, v in machine().items()) + ".")
        return "\n\n".join(part for part in parts if part) + "\n"

    def record(self) -> dict[str, Any]:
        """What the page was made of, as JSON values."""
        return {
            "title": f"{TITLE}: {self.data.name}",
            "machine": machine(),
            "plan": asdict(self.plan),
            "data": {
                "name": self.data.name,
                "train": len(self.data.train),
                "test": len(self.data.test),
                "digest": self.data.digest,
            },
            "ceiling": self.ceiling,
            "cells": [cell.to_json() for cell in self.cells],
        }

    def _conditions(self) -> str:
        plan, data = self.plan, self.data
        model = plan.paper(plan.epochs)
        seeds = len({cell.key.seed for cell in self.cells})
        sides = {one.shape[1:] for one in data.test.a}
        shape = "×".join(map(str, sides.pop())) if len(sides) == 1 else "many sizes"
        return (
            f"Data: {data.name}, {len(data.train):,} pairs to learn from and {len(data.test):,} to "
            f"score, images of {shape}; networks for {model.size} by {model.size} pixels, of width "
            f"{model.width}; {plan.epochs:g} epochs, {seeds} seed{'s' * (seeds != 1)}. Images are "
            "in [0, 1], and the data range of PSNR and SSIM is 1."
        )
