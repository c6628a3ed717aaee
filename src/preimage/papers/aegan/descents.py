"""Calls of the generator until an image is found, from the encoder's code and from random ones."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.generators.descents import Adam, Descent, QuasiNewton
from preimage.generators.refinement import descend
from preimage.papers.aegan.cells import Values
from preimage.papers.aegan.models import Models
from preimage.papers.aegan.reconstruction import TEST, test_images

LEVELS = (30, 35, 40)
"""PSNR in dB at which an image counts as found."""

AWAY, NEAR = 0.1, 0.03
"""Adam's steps in free coordinates, each the better of .03, .1 and .2 for its starts."""


def descents(models: Models) -> Values:
    """Quasi-Newton and Adam, from either start; the encoder's own calls are counted with it."""
    generator, n = models.generator, models.size.descents
    _, x = test_images(models, generator, n)
    random = generator.prior.sample(n, torch.Generator().manual_seed(TEST + models.seed + 1))
    code = models.combined.encode(x)
    before = models.combined.passes + 1
    rows: Values = {}
    cases: dict[str, tuple[Tensor, Descent, int, int]] = {
        "adam-random": (random, Adam(learning_rate=AWAY), 2 * models.size.calls, 0),
        "newton-random": (random, QuasiNewton(), models.size.calls, 0),
        "adam-code": (code, Adam(learning_rate=NEAR), models.size.calls, before),
        "newton-code": (code, QuasiNewton(), models.size.calls, before),
    }
    for row, (start, descent, calls, extra) in cases.items():
        end = descend(generator, start, x, calls=calls, descent=descent)
        rows[row] = reached(end.trace, extra)
    return rows


def reached(trace: Float[Tensor, "calls n"], extra: int) -> dict[str, float | None]:
    """The median of the calls until each level, and the share of images that got there.

    Args:
        trace: The residual of each image after each call.
        extra: Calls that were needed before the first.
    """
    found: dict[str, float | None] = {}
    for level in LEVELS:
        there = trace <= 10 ** (-level / 20)
        share = float(there.any(dim=0).float().mean())
        first = torch.where(there.any(dim=0), there.float().argmax(dim=0) + 1.0, torch.inf)
        median = float(first.median())
        found[f"calls{level}"] = median + extra if median < float("inf") else None
        found[f"share{level}"] = share
    return found
