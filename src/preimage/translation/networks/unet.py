"""The generator of pix2pix: an encoder, a decoder, and a bridge between their maps of one size."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.translation.networks.layers import (
    LEAK,
    FixedDropout,
    Norm,
    normalised,
    start,
)

DEEPEST = 8
"""Halvings of an image: 256 become 1."""

WIDEST = 8
"""The most channels of a map, in widths."""

DROPPED = 3
"""So many decoder blocks at the start have dropout, as far as their maps are the widest."""


@final
class UNet(nn.Module):
    r"""The U-Net that the self-inverse network shares with pix2pix.

    For images of 256 with width 64, the encoder is $C_{64}-C_{128}-C_{256}-C_{512}^{\times 5}$
    and the decoder $C_{512}^{\times 4}-C_{256}-C_{128}-C_{64}$: convolutions of 4 by 4 with stride
    2, leaky ReLU (0.2) and ReLU; each decoder map is joined by the encoder map of its size. A last
    convolution gives the image, through tanh. The first and the innermost layer have no
    normalisation: the innermost map is one pixel, and would be normalised to nothing. Smaller
    images are halved less often, down to one pixel too.

    Args:
        channels: Of the image that comes in.
        out_channels: Of the image that goes out; as many by default.
        size: The sides of an image, a power of two.
        width: Channels of the first map; 64 in the paper.
        norm: Of the maps between.
        dropout: The share that is dropped in the first three decoder blocks.
        dropout_at_test: Whether that stays on after training.
        generator: Where the first weights are drawn from.

    References:
        Shen et al., Towards learning a self-inverse network for bidirectional image-to-image
        translation, 2019, section 4; Isola et al., pix2pix, 2017, section 6.1, and their code, from
        which biases and the layers without normalisation are taken.

    Example:
        >>> net = UNet(3, size=256, width=64, generator=torch.Generator())
        >>> sum(one.numel() for one in net.parameters())
        54413955
    """

    def __init__(
        self,
        channels: int,
        *,
        out_channels: int | None = None,
        size: int,
        width: int,
        norm: Norm = "batch",
        dropout: float = 0.5,
        dropout_at_test: bool = False,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        out_channels = channels if out_channels is None else out_channels
        depth = min(DEEPEST, size.bit_length() - 1)
        widths = [width * min(2**i, WIDEST) for i in range(depth)]
        with torch.device("meta"):
            self.down = nn.ModuleList(
                _down(before, after, norm if 0 < i < depth - 1 else "none", first=i == 0)
                for i, (before, after) in enumerate(pairwise([channels, *widths]))
            )
            self.up = nn.ModuleList()
            for place, i in enumerate(reversed(range(1, depth))):
                before = widths[i] * (2 if place else 1)
                dropped = place < DROPPED and widths[i - 1] == WIDEST * width
                noise = FixedDropout(dropout, at_test=dropout_at_test) if dropped else None
                self.up.append(_up(before, widths[i - 1], norm, noise))
            joined = widths[0] * (2 if depth > 1 else 1)
            self.last = nn.Sequential(
                nn.ReLU(),
                nn.ConvTranspose2d(joined, out_channels, 4, stride=2, padding=1),
                nn.Tanh(),
            )
        start(self, norm, generator)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o h w"]:
        """The other image, in (-1, 1)."""
        maps = []
        for block in self.down:
            x = block(x)
            maps.append(x)
        x = maps.pop()
        for block in self.up:
            x = torch.cat([maps.pop(), block(x)], dim=1)
        return self.last(x)


def _down(before: int, after: int, norm: Norm, *, first: bool) -> nn.Module:
    halved = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(*([] if first else [nn.LeakyReLU(LEAK)]), halved, *normalised(after, norm))


def _up(before: int, after: int, norm: Norm, noise: nn.Module | None) -> nn.Module:
    doubled = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=norm != "batch")
    layers = [nn.ReLU(), doubled, *normalised(after, norm)]
    return nn.Sequential(*layers, *([] if noise is None else [noise]))
