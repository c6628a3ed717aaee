"""Table 2: do images that are found have the labels of the image that was asked about?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from preimage.generators.maps import Maps
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
    features = models.gan.discriminator_.get_submodule("features")

    def maps(images: Tensor) -> Tensor:
        with torch.no_grad():
            return adaptive_avg_pool2d(features(images), 4).flatten(1)

    code = models.corrected(models.combined, 0).encode
    return {
        "dhash": DHash(),
        "phash": PHash(),
        "colour": ColourHistogram(),
        "aegan": models.aegan.encode,
        "direct": models.direct_longer.encode,
        "combined": code,
        "aegan-mirrored": mirrored(models.aegan.encode),
        "direct-mirrored": mirrored(models.direct_longer.encode),
        "combined-mirrored": mirrored(code),
        "aegan-maps": mirrored(Maps(models.aegan).encode),
        "direct-maps": mirrored(Maps(models.direct_longer).encode),
        "combined-maps": mirrored(Maps(models.combined).encode),
        "judge": maps,
        "judge-mirrored": mirrored(maps),
    }


def mirrored(look: Look) -> Look:
    """The sum of the vectors of an image and of its mirror image: both have the same one."""
    return lambda images: look(images) + look(images.flip(-1))


def searching(models: Models) -> Values:
    """Agreement of labels, where what is searched was trained on and where it was held out."""
    rows: Values = {"random": {}, "best": {}}
    for place, (asked, there) in _labels(models).items():
        equal = np.stack([(there == row).mean(axis=1) for row in asked])
        top = np.sort(equal, axis=1)[:, ::-1]
        for k in (1, FOUND):
            rows["random"][f"{place}{k}"] = float(equal.mean())
            rows["best"][f"{place}{k}"] = float(top[:, :k].mean())
    if not rows["random"]:
        return {}
    return rows | {name: _agreements(models, look) for name, look in looks(models).items()}


def searching_bigan(models: Models) -> Values:
    """The same by the codes of BiGAN."""
    if models.data.held_labels is None:
        return {}
    return {"bigan": _agreements(models, models.bigan.encode)}


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


def _labels(models: Models) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The labels of those asked about and of those searched; empty where there are none."""
    held, known = models.data.held_labels, models.data.known_labels
    if held is None or known is None:
        return {}
    half = len(held) // 2
    return {"known": (held, known), "held": (held[half:], held[:half])}


def _agreements(models: Models, look: Look) -> dict[str, float | None]:
    known, held = _vectors(look, models.data.known), _vectors(look, models.data.held)
    half = len(held) // 2
    vectors = {"known": (held, known), "held": (held[half:], held[:half])}
    row: dict[str, float | None] = {}
    for place, (asked, there) in _labels(models).items():
        queries, codes = vectors[place]
        for k, value in agreement(queries, asked, codes, there).items():
            row[f"{place}{k}"] = value
    return row


def _vectors(look: Look, pixels: Tensor) -> Tensor:
    parts = [look(part.float() / 255).flatten(1).float() for part in pixels.split(AT_ONCE)]
    return torch.cat(parts)
