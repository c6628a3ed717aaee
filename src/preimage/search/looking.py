"""From images to vectors, some at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.images import Entry, Images
from preimage.search.features import Feature


def looked_at(
    feature: Feature, images: Images, batch: int
) -> Iterator[tuple[tuple[Entry, ...], Float[Tensor, "n d"]]]:
    """Vectors of images, in float32 on the CPU, some at a time.

    Args:
        feature: What is computed.
        images: Of which.
        batch: How many at a time.

    Raises:
        InputError: No image can be read, or the feature gives no finite vectors.
    """
    size, channels, fit = feature.view
    for some in images.batches(batch, size=size, channels=channels, fit=fit):
        with torch.no_grad():
            vectors = feature(some.pixels).to("cpu", torch.float32)
        wanted = (len(some.pixels), feature.dim)
        if vectors.shape != wanted or not bool(vectors.isfinite().all()):
            raise InputError(
                f"the feature {feature.name} gave vectors of shape {tuple(vectors.shape)}, or "
                f"some that are not finite; {wanted[0]} of {wanted[1]} finite numbers are wanted."
            )
        yield some.entries, vectors
