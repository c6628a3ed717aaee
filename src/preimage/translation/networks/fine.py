"""A generator whose maps start at the full size of the image."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from preimage.translation.networks.layers import LEAK, Norm, materialise, normalised

LEVELS = 5
"""Sizes of maps, each half of the one before."""


@final
class FineUNet(nn.Module):
    r"""$f(x) = x + g(x)$, or g alone, where g is a U-Net of convolutions of 3 by 3.

    Its first maps are as large as the image, and their bridge leads to the last layer, so that what
    is fine need not pass maps of half the size, as it has to in the U-Net of pix2pix. Maps are made
    larger by repeating pixels and a convolution, which leaves no checkerboard. The mean of the
    smallest maps is added to each of their pixels, so that all of them know what kind of image it
    is. The last layer starts at zero, and with it $x + g$ as the identity, its own inverse. Where x
    is a label map, its colours are names, and nothing that an answer could start from.

    Args:
        channels: Of the image that comes in.
        out_channels: Of the image that goes out, as many or fewer.
        width: Channels of the maps of half the size; those of the full size have half as many,
            smaller ones up to eight times as many.
        norm: Of the maps of half the size and smaller ones; those of the full size have none.
        residual: Whether x is added.
        generator: Where the first weights are drawn from.

    References:
        Odena et al., Deconvolution and checkerboard artifacts, 2016.

    Example:
        >>> net = FineUNet(1, out_channels=1, width=8, generator=torch.Generator())
        >>> x = torch.rand(2, 1, 32, 32)
        >>> bool((net(x) == x).all())
        True
    """

    def __init__(
        self,
        channels: int,
        *,
        out_channels: int,
        width: int,
        norm: Norm = "none",
        residual: bool = True,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.residual = residual
        widths = [max(1, width * 2**i // 2) for i in range(LEVELS)]
        with torch.device("meta"):
            self.first = _layer(channels, widths[0], "none")
            self.down = nn.ModuleList(
                nn.Sequential(_layer(one, two, norm, stride=2), _layer(two, two, norm))
                for one, two in pairwise(widths)
            )
            self.up = nn.ModuleList(
                _layer(two + one, one, "none" if place == 0 else norm)
                for place, (one, two) in reversed(list(enumerate(pairwise(widths))))
            )
            self.whole = nn.Conv2d(widths[-1], widths[-1], 1)
            self.last = nn.Conv2d(widths[0], out_channels, 3, padding=1)
        materialise(self)
        for name, one in self.named_parameters():
            if name.endswith("bias") or name.startswith("last"):
                nn.init.zeros_(one)
            elif one.ndim == 1:
                nn.init.ones_(one)
            else:
                nn.init.kaiming_normal_(one, a=LEAK, generator=generator)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o h w"]:
        """The other image; not bounded."""
        maps = [self.first(x)]
        for block in self.down:
            maps.append(block(maps[-1]))
        inner = maps.pop()
        inner = inner + functional.leaky_relu(
            self.whole(inner.mean(dim=(2, 3), keepdim=True)), LEAK
        )
        for block in self.up:
            bridge = maps.pop()
            larger = functional.interpolate(inner, size=bridge.shape[2:], mode="nearest")
            inner = block(torch.cat([larger, bridge], dim=1))
        learned = self.last(inner)
        return x[:, : self.out_channels] + learned if self.residual else learned


def _layer(before: int, after: int, norm: Norm, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1),
        *normalised(after, norm),
        nn.LeakyReLU(LEAK),
    )
