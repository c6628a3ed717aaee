"""Table 2: do images that are found have the labels of the image that was asked about?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from preimage.papers.aegan.cells import Values
from preimage.papers.aegan.models import Models
from preimage.search.features import ColourHistogram, DHash, PHash
from preimage.search.nearest import Exact

Look: TypeAlias = Callable[[Tensor], Tensor]
"""From images in [0, 1] to a vector each."""

AT_ONCE = 250
FOUND = 5


def looks(models: Models) -> dict[str, Look]:
    """What images are compared by."""
    judge = models.gan.discriminator_

    def maps(images: Tensor) -> Tensor:
        with torch.no_grad():
            return adaptive_avg_pool2d(judge.features(images), 4).flatten(1)

    code = models.corrected(models.combined, 0).encode
    return {
        "dhash": DHash(),
        "phash": PHash(),
        "colour": ColourHistogram(),
        "aegan": models.aegan.encode,
        "direct": models.direct_longer.encode,
        "bigan": models.bigan.encode,
        "combined": code,
        "aegan-mirrored": mirrored(models.aegan.encode),
        "combined-mirrored": mirrored(code),
        "maps": maps,
        "maps-mirrored": mirrored(maps),
    }


def mirrored(look: Look) -> Look:
    """The sum of the vectors of an image and of its mirror image: both have the same one."""
    return lambda images: look(images) + look(images.flip(-1))


def searching(models: Models) -> Values:
    """Agreement of labels, where what is searched was trained on and where it was held out."""
    data = models.data
    if data.held_labels is None or data.known_labels is None:
        return {}
    held, labels = data.held, data.held_labels
    half = len(held) // 2
    places = {
        "known": (held, labels, data.known, data.known_labels),
        "held": (held[half:], labels[half:], held[:half], labels[:half]),
    }
    rows: Values = {"random": {}, "best": {}}
    for place, (_, asked, _, there) in places.items():
        equal = np.stack([(there == row).mean(axis=1) for row in asked])
        rows["random"] |= {f"{place}{k}": float(equal.mean()) for k in (1, FOUND)}
        top = np.sort(equal, axis=1)[:, ::-1]
        rows["best"] |= {f"{place}{k}": float(top[:, :k].mean()) for k in (1, FOUND)}
    for name, look in looks(models).items():
        known, unknown = _vectors(look, data.known), _vectors(look, held)
        vectors = {"known": (unknown, known), "held": (unknown[half:], unknown[:half])}
        rows[name] = {}
        for place, (_, asked, _, there) in places.items():
            queries, codes = vectors[place]
            rows[name] |= {
                f"{place}{k}": value
                for k, value in agreement(queries, asked, codes, there).items()
            }
    return rows


def agreement(
    queries: Float[Tensor, "queries d"],
    asked: Int[np.ndarray, "queries labels"],
    codes: Float[Tensor, "images d"],
    there: Int[np.ndarray, "images labels"],
) -> dict[int, float]:
    """The share of labels in common with the nearest image, and with the nearest five."""
    _, rows = Exact(codes, np.arange(len(codes))).nearest(queries, FOUND)
    equal = (there[rows] == asked[:, None]).mean(axis=2)
    return {1: float(equal[:, 0].mean()), FOUND: float(equal.mean())}


def _vectors(look: Look, pixels: Tensor) -> Tensor:
    parts = [look(part.float() / 255).flatten(1).float() for part in pixels.split(AT_ONCE)]
    return torch.cat(parts)
