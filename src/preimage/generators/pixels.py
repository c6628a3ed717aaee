"""Images as the networks take them, and how they differ."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, mse_loss

from preimage.images import Stack, open_images


def photos(images: Any, *, size: int, channels: int) -> Stack:
    """All images of a training in 8 bits, in which they stay in memory.

    Args:
        images: Of any kind that `open_images` opens.
        size: Sides to which they are cropped and resized.
        channels: 1 or 3.
    """
    stack = open_images(images).load(size=size, channels=channels)
    if stack.pixels.dtype == torch.uint8:
        return stack
    return Stack(stack.names, (stack.pixels * 255).round().to(torch.uint8), stack.skipped)


def unit(pixels: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Whole numbers to 255 as numbers in [0, 1], laid out in memory channels last."""
    return pixels.to(torch.float32, memory_format=torch.channels_last).div_(255)


def cross_entropy(
    made: Float[Tensor, "n c h w"], wanted: Float[Tensor, "n c h w"]
) -> Float[Tensor, " n"]:
    r"""The mean over pixels of $-x \log x' - (1 - x) \log(1 - x')$, for each image.

    Source: Luo et al., AEGAN, equations 2 and 5; there the sum over pixels.
    """
    inside, aim = made.clamp(0.0, 1.0), wanted.clamp(0.0, 1.0)
    return binary_cross_entropy(inside, aim, reduction="none").mean((1, 2, 3))


def residual(
    made: Float[Tensor, "n c h w"], wanted: Float[Tensor, "n c h w"]
) -> Float[Tensor, " n"]:
    """The root of the mean squared difference of a pixel, for each image."""
    # In this form nothing is copied, however the images are laid out in memory.
    return mse_loss(made, wanted, reduction="none").mean((1, 2, 3)).sqrt()
