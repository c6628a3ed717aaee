"""Images as they are given to a model, and answers of the same type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.translation.pairs.arrays import as_images
from preimage.translation.pairs.stack import LARGEST, brightness


@final
@dataclass(frozen=True)
class Given:
    """Images of the user's.

    Attributes:
        pixels: In [0, 1].
        original: What they were made of.
    """

    pixels: Float[Tensor, "n c h w"]
    original: Any

    @classmethod
    def of(cls, images: Any) -> Given:
        """Reads an array or a tensor.

        Raises:
            InputError: It is no images; the message says why.
        """
        if isinstance(images, Tensor) and images.is_floating_point():
            pixels = images[:, None] if images.ndim == 3 else images
            if pixels.ndim != 4 or 0 in pixels.shape:
                raise InputError(
                    f"the images have shape {tuple(images.shape)}; give (images, height, width) or "
                    "(images, channels, height, width)."
                )
            low, high = pixels.min().item(), pixels.max().item()
            if not (low >= 0 and high <= 1):
                raise InputError(
                    f"the images have values from {low:g} to {high:g}; floating-point images are "
                    "in [0, 1]. Scale them first."
                )
            return cls(pixels.detach().to(torch.float32), images)
        array = images.cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
        if array.dtype in LARGEST:
            return cls(brightness(as_images(array, "given")), images)
        if not np.issubdtype(array.dtype, np.floating):
            raise InputError(
                f"the images hold {array.dtype}; give uint8, uint16, or floating point in [0, 1]."
            )
        return cls(cls.of(torch.from_numpy(array.astype(np.float32))).pixels, images)

    def like(self, pixels: Float[Tensor, "n c h w"]) -> Any:
        """Pixels in [0, 1] as what was given: array or tensor, of its type."""
        original = self.original
        if isinstance(original, Tensor):
            pixels = pixels.to(original.device)
            if original.is_floating_point():
                return pixels.to(original.dtype)
            return (pixels * _largest(original.cpu().numpy().dtype)).round().to(original.dtype)
        dtype = np.asarray(original).dtype
        values = pixels.cpu().numpy()
        if dtype in LARGEST:
            return np.rint(values * np.float32(_largest(dtype))).astype(dtype)
        return values.astype(dtype)


def _largest(dtype: np.dtype) -> int:
    return LARGEST[dtype]
