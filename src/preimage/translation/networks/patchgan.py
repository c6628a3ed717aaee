"""The discriminator of pix2pix: is this patch of an image what belongs to that input?"""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.translation.networks.layers import (
    LEAK,
    Norm,
    normalised,
    start,
)


@final
class PatchGAN(nn.Module):
    r"""A discriminator of patches of 70 by 70, conditional on the image that was translated.

    $C_{64}-C_{128}-C_{256}-C_{512}$, convolutions of 4 by 4, the first three with stride 2, then
    one to a single channel. It gives logits; the sigmoid of the paper is in the loss. On images
    below 70 a patch is the whole image. They have sides of 32 or more.

    Args:
        channels: Of an image; the input and the output are put on top of each other.
        width: Channels of the first map; 64 in the paper.
        norm: Of the maps between; the first has none.
        generator: Where the first weights are drawn from.

    Example:
        >>> net = PatchGAN(3, width=64, generator=torch.Generator())
        >>> sum(one.numel() for one in net.parameters())
        2768705
        >>> net(torch.zeros(1, 3, 256, 256), torch.zeros(1, 3, 256, 256)).shape
        torch.Size([1, 1, 30, 30])
    """

    def __init__(
        self, channels: int, *, width: int, norm: Norm = "batch", generator: torch.Generator
    ) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        with torch.device("meta"):
            layers: list[nn.Module] = []
            for i, (before, after) in enumerate(pairwise([2 * channels, *widths])):
                stride = 2 if i < len(widths) - 1 else 1
                # A bias would be taken away again by the normalisation.
                layers.append(nn.Conv2d(before, after, 4, stride, 1, bias=i == 0 or norm == "none"))
                layers += normalised(after, norm) if i else []
                layers.append(nn.LeakyReLU(LEAK))
            self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))
        start(self, norm, generator)

    def forward(
        self, given: Float[Tensor, "n c h w"], answer: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n 1 _ _"]:
        """One logit for each patch: is `answer` the real other side of `given`?"""
        return self.layers(torch.cat([given, answer], dim=1))
