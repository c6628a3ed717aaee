"""The results as a page of Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from preimage.papers.aegan.cells import Cell
from preimage.papers.aegan.data import Faces
from preimage.papers.aegan.headlines import headlines
from preimage.papers.aegan.sizes import Size
from preimage.papers.aegan.tables import TABLES, record
from preimage.papers.machine import machine

TITLE = "AEGAN, run again"

DIFFERENCES = """\
- **Unstated.** The paper does not say how long anything was trained, how large its hashes are, how
  many images are found for each that is asked about, how much is blurred, or with how many seeds.
- **The loss of the generator** is $-\\log D(G(z))$; equation 4 has $\\log(1 - D(G(z)))$, whose
  gradient vanishes while the discriminator is ahead.
- **BiGAN** trains a generator of its own, so its images are other images, and how alike two of them
  are by chance is another number too.
- **Search.** The paper searches 20,000 images, on all of which the generator was trained, for 64
  others. Here every held-out image is asked about.
- **Two sets of images.** Reconstruction is measured on generated images from codes that no training
  saw; real images that were held out are shown beside.
- **A consistent image** is one that explains what was observed. It need not be the true one."""

CAPTIONS = {
    "figure-2": "Figure 2: generated images and their reconstructions",
    "figure-3": "Figure 3: an image with other colours or a bar, and what is found",
    "figure-4": "Figure 4: held-out images, and the nearest by each feature",
    "figure-5": "Figure 5: blurred and masked images, the plain pass and the search",
}


def markdown(
    cells: Sequence[Cell], size: Size, data: Faces, seeds: int, figures: Sequence[Path]
) -> str:
    """The whole page; figures are named as the files beside it."""
    parts = [
        f"# {TITLE}",
        "J. Luo, Y. Xu, C. Tang and J. Lv, *Learning Inverse Mapping by AutoEncoder based "
        "Generative Adversarial Nets*, 2017: tables 1 and 2, figures 2 to 5. Written by `preimage "
        f"reproduce aegan`. {_conditions(size, data, seeds)}",
        "## In short",
        "\n".join(f"- {sentence}" for sentence in headlines(cells)),
        "## Where the paper and this page differ",
        DIFFERENCES,
        "## Tables",
        *(table.markdown(cells) for table in TABLES),
    ]
    if figures:
        parts += ["## Figures", *(f"![{CAPTIONS[f.stem]}]({f.name})" for f in figures)]
    parts.append("Measured on " + ", ".join(f"{k} {v}" for k, v in machine().items()) + ".")
    return "\n\n".join(parts) + "\n"


def page_record(cells: Sequence[Cell], size: Size, data: Faces, seeds: int) -> dict[str, Any]:
    """What the page was made of, as JSON values."""
    return {
        "title": TITLE,
        "machine": machine(),
        "seeds": seeds,
        "size": asdict(size),
        "data": {"name": data.name, "known": len(data.known), "held": len(data.held)},
        "headlines": headlines(cells),
        "cells": record(cells),
    }


def _conditions(size: Size, data: Faces, seeds: int) -> str:
    preset = size.preset
    precision = "float32" if size.precision == "no" else size.precision
    return (
        f"{len(data.known):,} images of {data.name} to train on and {len(data.held):,} held out, "
        f"{preset.size} pixels a side; networks of width {preset.width}, codes of {preset.latent} "
        f"numbers; {size.gan_steps:,} steps of the generator and {size.encoder_steps:,} of AEGAN's "
        f"encoder at batch {preset.batch}, in {precision}; "
        f"{seeds} seed{'s' * (seeds != 1)}."
    )
