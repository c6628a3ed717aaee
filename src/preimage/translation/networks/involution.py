"""A network that is its own inverse by construction."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from preimage.translation.networks.layers import LEAK, materialise

GRID = 2.0**16
"""Pixels and shifts are multiples of one by this, whose sums float32 has exactly up to 256."""


@final
class InvolutionNet(nn.Module):
    r"""$f = \varphi^{-1} \circ S \circ \varphi$ with $S \circ S = 1$, so that $f(f(x)) = x$.

    $\varphi$ squeezes blocks of 2 by 2 pixels into channels, `levels` times, and then passes
    through additive couplings, $u \mathrel{+}= g_i(v)$ and $v \mathrel{+}= h_i(u)$, whose inverse
    is a subtraction. $S$ swaps the halves $u$ and $v$ of the channels. Whatever the weights are,
    $f$ is a bijection and its own inverse: training decides which.

    Pixels and shifts are rounded to multiples of $2^{-16}$, on which sums and differences have no
    rounding of their own. So $f(f(x))$ is $x$ to the last bit for an $x$ of such multiples, and
    within $2^{-17}$ for any other, however deep the network and whatever it has learned, as long as
    maps stay below 256. Gradients pass the rounding by.

    The last layer of each $g_i$ starts at zero, and $f$ as a swap of neighbouring pixels.

    Args:
        channels: Of an image.
        width: Channels within a coupling.
        couplings: How many pairs of couplings.
        levels: How often the image is squeezed; its sides are multiples of 2 to that power.
        generator: Where the first weights are drawn from.

    References:
        Additive couplings are those of Dinh et al., NICE, 2015, shared between two directions of a
        translation by van der Ouderaa and Worrall, RevGAN, 2019; the conjugated swap, which makes
        both directions one function, is ours.

    Example:
        >>> net = InvolutionNet(3, width=16, couplings=2, levels=2, generator=torch.Generator())
        >>> x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> bool((net(net(x)) - x).abs().max() <= 2**-17)
        True
    """

    def __init__(
        self,
        channels: int,
        *,
        width: int,
        couplings: int = 4,
        levels: int = 2,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.levels = levels
        half = channels * 4**levels // 2
        with torch.device("meta"):
            shifts = [_Shift(half, width) for _ in range(2 * couplings)]
        self.couplings = nn.ModuleList(shifts)
        materialise(self)
        for shift in shifts:
            shift.start(generator)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The other image; not bounded."""
        u, v = self._split(_rounded(x))
        for place, shift in enumerate(self.couplings):
            u, v = (u, v + _rounded(shift(u))) if place % 2 else (u + _rounded(shift(v)), v)
        u, v = v, u
        for place in reversed(range(len(self.couplings))):
            shift = self.couplings[place]
            u, v = (u, v - _rounded(shift(u))) if place % 2 else (u - _rounded(shift(v)), v)
        return self._join(u, v)

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Channel 4 c + k of a squeezed map is pixel k of the block: even and odd channels are
        # a checkerboard's worth of pixels each, so that either half sees the whole image.
        for _ in range(self.levels):
            x = functional.pixel_unshuffle(x, 2)
        return x[:, 0::2], x[:, 1::2]

    def _join(self, u: Tensor, v: Tensor) -> Tensor:
        x = torch.stack([u, v], dim=2).flatten(1, 2)
        for _ in range(self.levels):
            x = functional.pixel_shuffle(x, 2)
        return x


def _rounded(x: Tensor) -> Tensor:
    """The nearest multiples of the grid, in float32; the gradient is that of `x`."""
    x = x.to(torch.float32)
    return x + ((x * GRID).round() / GRID - x).detach()


@final
class _Shift(nn.Module):
    """What is added to one half, from the other: a small U-Net of two scales.

    No layer mixes images of a batch, and nothing depends on training or not: the same half always
    gives the same shift, without which the way back would be another one.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.down = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.inner = nn.Conv2d(2 * width, 2 * width, 3, padding=2, dilation=2)
        self.up = nn.Conv2d(2 * width, width, 3, padding=1)
        self.last = nn.Conv2d(2 * width, channels, 3, padding=1)

    def start(self, generator: torch.Generator) -> None:
        """Draws the first weights; those of the last layer are zero."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias") or name.startswith("last"):
                nn.init.zeros_(parameter)
            else:
                nn.init.kaiming_normal_(parameter, a=LEAK, generator=generator)

    def forward(self, half: Tensor) -> Tensor:
        first = functional.leaky_relu(self.first(half), LEAK)
        inner = functional.leaky_relu(self.down(first), LEAK)
        inner = inner + functional.leaky_relu(self.inner(inner), LEAK)
        up = functional.interpolate(inner, size=first.shape[2:], mode="nearest")
        up = functional.leaky_relu(self.up(up), LEAK)
        return self.last(torch.cat([first, up], dim=1))
