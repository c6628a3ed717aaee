"""Images as the networks take them, and how they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from preimage.errors import InputError


@final
@dataclass(frozen=True)
class Batch:
    """Some images.

    Attributes:
        pixels: In [0, 1].
        names: One for each.
        skipped: Files that are no images, with the reason.
    """

    pixels: Float[Tensor, "n c h w"]
    names: tuple[str, ...]
    skipped: dict[str, str] = field(default_factory=dict)


def photos(images: Any, *, size: int, channels: int) -> UInt8[Tensor, "n c size size"]:
    """All images as whole numbers of 8 bits, in which they stay in memory.

    Args:
        images: `(n, channels, size, size)`, whole numbers to 255 or floating-point in [0, 1].
        size: Sides of an image.
        channels: 1 or 3.
    """
    pixels = torch.as_tensor(images)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    if tuple(pixels.shape[1:]) != (channels, size, size):
        raise InputError(
            f"the images have shape {tuple(pixels.shape)}; wanted (n, {channels}, {size}, {size})."
        )
    if pixels.dtype == torch.uint8:
        return pixels
    return (pixels * 255).round().to(torch.uint8)


def batches(images: Any, shape: tuple[int, int, int], batch: int) -> Iterator[Batch]:
    """The images, some at a time.

    Args:
        images: As for `photos`.
        shape: Channels, rows and columns that the networks take.
        batch: How many at a time.
    """
    pixels = torch.as_tensor(images)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    if tuple(pixels.shape[1:]) != shape:
        raise InputError(f"the images have shape {tuple(pixels.shape)}; wanted (n, {shape}).")
    for start in range(0, len(pixels), batch):
        part = pixels[start : start + batch]
        scaled = part.float() / 255 if part.dtype == torch.uint8 else part.float()
        names = tuple(str(i) for i in range(start, start + len(part)))
        yield Batch(scaled, names)


def unit(pixels: Tensor) -> Tensor:
    """Whole numbers to 255 as floating-point numbers in [0, 1], in the order of channels-last."""
    scaled = pixels.to(torch.float32, memory_format=torch.channels_last)
    return scaled.div_(255)


def cross_entropy(
    made: Float[Tensor, "n c h w"], wanted: Float[Tensor, "n c h w"]
) -> Float[Tensor, " n"]:
    r"""The mean over pixels of $-x \log x' - (1 - x) \log(1 - x')$, for each image.

    Source: Luo et al., AEGAN, equations 2 and 5; there the sum over pixels.
    """
    inside = made.clamp(0.0, 1.0)
    loss = torch.nn.functional.binary_cross_entropy(
        inside, wanted.clamp(0.0, 1.0), reduction="none"
    )
    return loss.flatten(1).mean(1)


def residual(
    made: Float[Tensor, "n c h w"], wanted: Float[Tensor, "n c h w"]
) -> Float[Tensor, " n"]:
    """The root of the mean squared difference of a pixel, for each image."""
    return (made - wanted).square().flatten(1).mean(1).sqrt()
