"""Table 1: generated images from codes never seen, and what each method makes of them."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from preimage.generators.generator import Generator
from preimage.generators.refinement import descend
from preimage.papers.aegan.cells import Values
from preimage.papers.aegan.measures import hash_similarity, psnr, ssim
from preimage.papers.aegan.models import Models

TEST = 1_000_003
"""The seed of test codes is this far from those of trainings."""

REFINE = 20
"""Calls of the generator in the rows with refinement; latent search gets as many."""

LONG = 10
"""So many times more has the longer latent search."""


def test_images(models: Models, generator: Generator, n: int) -> tuple[Tensor, Tensor]:
    """Codes that no training saw, and their images."""
    return generator.sample(n, seed=TEST + models.seed)


def reconstruction(models: Models) -> Values:
    """Each method on generated images."""
    z, x = test_images(models, models.generator, models.size.codes)
    some = models.size.descents
    rows: Values = {"random": _scores(x, x.roll(1, dims=0))}
    encoders = {
        "aegan": (models.aegan, "aegan"),
        "direct": (models.direct, "direct"),
        "direct-longer": (models.direct_longer, "direct-longer"),
        "combined-once": (models.corrected(models.combined, 0), "combined"),
        "combined": (models.combined, "combined"),
        "aegan-corrected": (models.corrected(models.aegan, models.combined.passes), "aegan"),
    }
    for row, (inverter, name) in encoders.items():
        begin = time.process_time()
        found = inverter.encode(x)
        each = (time.process_time() - begin) / len(x)
        spent = models.spent(name)
        rows[row] = {
            **_answered(models.generator, z, x, found),
            "steps": spent.steps,
            "cpu": spent.cpu,
            "milliseconds": 1000 * each,
        }
    z, x = z[:some], x[:some]
    prior = models.generator.prior
    start = prior.sample(some, torch.Generator().manual_seed(TEST + models.seed))
    searches = {
        "refined": (models.combined.encode(x), REFINE),
        "search": (start.roll(1, dims=0), REFINE + models.combined.passes + 1),
        "search-longer": (start.roll(1, dims=0), LONG * REFINE),
    }
    for row, (begin_at, calls) in searches.items():
        begin = time.process_time()
        end = descend(models.generator, begin_at, x, calls=calls)
        each = (time.process_time() - begin) / len(x)
        rows[row] = {
            **_answered(models.generator, z, x, end.z),
            "calls": calls,
            "milliseconds": 1000 * each,
        }
    rows["best"] = _scores(x, x) | {"code": 0.0}
    return rows


def real(models: Models) -> Values:
    """The same encoders on images that no network was trained on."""
    x = models.data.held[: models.size.descents].float() / 255
    rows: Values = {"random": _scores(x, x.roll(1, dims=0))}
    generator = models.generator
    for row, inverter in {
        "aegan": models.aegan,
        "direct-longer": models.direct_longer,
        "combined": models.combined,
    }.items():
        with torch.no_grad():
            rows[row] = _scores(x, inverter.fitted(inverter.encode(x)))
    for row, start, calls in (
        ("refined", models.combined.encode(x), REFINE),
        ("refined-longer", models.combined.encode(x), LONG * REFINE),
        ("search", generator.sample(len(x), seed=TEST)[0], LONG * REFINE),
    ):
        end = descend(generator, start, x, calls=calls)
        with torch.no_grad():
            rows[row] = _scores(x, generator(end.z)) | {"calls": calls}
    return rows


def bigan(models: Models) -> Values:
    """BiGAN on images of its own generator, and by chance."""
    other = models.bigan
    z, x = test_images(models, other.fitted, models.size.codes)
    spent = models.spent("bigan")
    row = _answered(other.fitted, z, x, other.encode(x))
    return {
        "bigan": {**row, "steps": spent.steps, "cpu": spent.cpu},
        "bigan-random": _scores(x, x.roll(1, dims=0)),
    }


def _answered(generator: Generator, z: Tensor, x: Tensor, found: Tensor) -> dict[str, float | None]:
    with torch.no_grad():
        made = torch.cat([generator(part) for part in found.split(256)])
    return _scores(x, made) | {"code": float((found - z).norm() / z.norm())}


def _scores(a: Tensor, b: Tensor) -> dict[str, float | None]:
    return {
        "dhash": float(hash_similarity(a, b).mean()),
        "dhash16": float(hash_similarity(a, b, 16).mean()),
        "psnr": float(psnr(a, b).mean()),
        "ssim": float(ssim(a, b).mean()),
    }
