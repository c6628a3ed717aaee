"""The convolutional networks of DCGAN and AEGAN, layer by layer as in the latter's appendix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

SMALLEST = 4
"""Maps are halved for as long as both their sides are longer."""

WIDEST = 8
"""The most channels of a map, in widths; the tables' own for images of 64, and kept beyond."""

LEAK = 0.2
"""The slope of a leaky ReLU below zero, as in DCGAN; the tables do not give it."""


def map_widths(height: int, width: int, base: int) -> list[int]:
    """The channels after each halving of an image: `base`, twice, four times, eight times that.

    Args:
        height: Rows of the image.
        width: Its columns.
        base: Channels of the first map.

    Example:
        >>> map_widths(64, 64, 64)
        [64, 128, 256, 512]
        >>> map_widths(28, 28, 8)
        [8, 16, 32]
    """
    longest = max(height, width)
    halvings = max(1, math.ceil(math.log2(longest / SMALLEST)))
    return [base * min(2**i, WIDEST) for i in range(halvings)]


@final
class DeconvNet(nn.Module):
    """From codes to square images with values in [0, 1]: AEGAN's table 3.

    A dense layer to a map of 4 by 4, batch normalisation, ReLU; then transposed convolutions of
    5 by 5 that double the sides, each but the last with batch normalisation and ReLU; the last has
    a sigmoid.

    Args:
        latent: Numbers in a code.
        size: Sides of an image, 8 or more, a power of two; 64 in the table.
        channels: Of an image, 1 or 3.
        width: Channels of the last map before the image; 64 in the table.
        generator: Where the first weights are drawn from.

    Attributes:
        settings: The four numbers, with which it can be built again.

    Example:
        >>> net = DeconvNet(100, size=64, channels=3, width=16, generator=torch.Generator())
        >>> net(torch.zeros(2, 100)).shape
        torch.Size([2, 3, 64, 64])
    """

    def __init__(
        self, latent: int, *, size: int, channels: int, width: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.settings = {"latent": latent, "size": size, "channels": channels, "width": width}
        widths = map_widths(size, size, width)[::-1]
        self.dense = _dense(latent, SMALLEST**2 * widths[0], generator)
        layers: list[nn.Module] = [
            nn.Unflatten(1, (widths[0], SMALLEST, SMALLEST)),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        for before, after in pairwise(widths):
            layers += [
                _deconv(before, after, generator, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        layers += [_deconv(widths[-1], channels, generator, bias=True), nn.Sigmoid()]
        self.layers = nn.Sequential(*layers)
        _channels_last(self)

    def forward(self, z: Float[Tensor, "n latent"]) -> Float[Tensor, "n c h w"]:
        """The images of some codes."""
        return self.layers(self.dense(z))


@final
class Encoder(nn.Module):
    """From images to codes: AEGAN's table 5, without the tanh at its end, which is the prior's.

    Convolutions of 5 by 5 that halve the sides, with batch normalisation and ReLU, down to 4 by 4;
    then a dense layer.

    Args:
        shape: Channels, rows and columns of an image, of any size.
        outputs: Numbers in a code.
        width: Channels of the first map; 64 in the table.
        generator: Where the first weights are drawn from.

    Example:
        >>> net = Encoder((3, 64, 64), 100, width=16, generator=torch.Generator())
        >>> net(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 100])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        *,
        width: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        channels, height, breadth = shape
        widths = map_widths(height, breadth, width)
        self.features = nn.Sequential(*_halvings([channels, *widths], generator, leak=0.0))
        self.dense = _dense(_mapped(height, breadth, widths), outputs, generator)
        _channels_last(self)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        """The codes of some images, in coordinates without bounds."""
        return self.dense(self.features(x).flatten(1))


@final
class Discriminator(nn.Module):
    """The logit of an image being a real one: AEGAN's table 4, without the sigmoid at its end.

    Args:
        shape: Channels, rows and columns of an image.
        width: Channels of the first map; 64 in the table.
        labels: How many labels are given with each image, as constant maps beside its channels.
        generator: Where the first weights are drawn from.

    Attributes:
        features: The convolutions, whose maps tell images apart as the discriminator sees them.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        width: int,
        labels: int = 0,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        channels, height, breadth = shape
        widths = map_widths(height, breadth, width)
        self.features = nn.Sequential(
            *_halvings([channels + labels, *widths], generator, leak=LEAK)
        )
        self.dense = _dense(_mapped(height, breadth, widths), 1, generator)
        _channels_last(self)

    def forward(
        self, x: Float[Tensor, "n c h w"], labels: Float[Tensor, "n labels"] | None = None
    ) -> Float[Tensor, " n"]:
        """One logit for each image, with its labels where there are any."""
        if labels is not None:
            maps = labels[:, :, None, None].expand(-1, -1, *x.shape[2:])
            x = torch.cat([x, maps], dim=1)
        return self.dense(self.features(x).flatten(1))[:, 0]


@final
class PairDiscriminator(nn.Module):
    """The logit of (image, code) being a real image with the encoder's code: AEGAN's table 6.

    The code is put beside the channels of a map of 8 by 8 as constant maps; three more
    convolutions bring it to one point.

    Args:
        shape: Channels, rows and columns of an image.
        latent: Numbers in a code.
        width: Channels of the first map; 64 in the table.
        generator: Where the first weights are drawn from.

    Example:
        >>> net = PairDiscriminator((3, 64, 64), 100, width=16, generator=torch.Generator())
        >>> net(torch.zeros(2, 3, 64, 64), torch.zeros(2, 100)).shape
        torch.Size([2])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int,
        *,
        width: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        channels, height, breadth = shape
        *image, last = map_widths(height, breadth, width)
        self.image = nn.Sequential(*_halvings([channels, *image], generator, leak=LEAK))
        joined = (image[-1] if image else channels) + latent
        self.pair = nn.Sequential(
            *_halvings([joined, last, last, last], generator, leak=LEAK), nn.AdaptiveAvgPool2d(1)
        )
        self.dense = _dense(last, 1, generator)
        _channels_last(self)

    def forward(
        self, x: Float[Tensor, "n c h w"], z: Float[Tensor, "n latent"]
    ) -> Float[Tensor, " n"]:
        """One logit for each pair."""
        maps = self.image(x)
        codes = z[:, :, None, None].expand(-1, -1, *maps.shape[2:])
        return self.dense(self.pair(torch.cat([maps, codes], dim=1)).flatten(1))[:, 0]


def _halvings(
    channels: list[int], generator: torch.Generator, *, leak: float
) -> Iterator[nn.Module]:
    for before, after in pairwise(channels):
        # No bias: batch normalisation would take it away again.
        layer = nn.Conv2d(before, after, 5, stride=2, padding=2, bias=False, device="meta")
        yield _drawn(layer, generator)
        yield nn.BatchNorm2d(after)
        yield nn.LeakyReLU(leak, inplace=True) if leak else nn.ReLU(inplace=True)


def _deconv(before: int, after: int, generator: torch.Generator, *, bias: bool) -> nn.Module:
    # (n - 1) * 2 - 2 * 2 + 5 + 1 = 2 n: the sides are doubled exactly.
    layer = nn.ConvTranspose2d(
        before, after, 5, stride=2, padding=2, output_padding=1, bias=bias, device="meta"
    )
    return _drawn(layer, generator)


def _drawn(layer: nn.Module, generator: torch.Generator) -> nn.Module:
    """The layer with weights from N(0, 0.02²) and no bias, as DCGAN starts."""
    layer = layer.to_empty(device="cpu")
    for name, parameter in layer.named_parameters():
        if name == "weight":
            nn.init.normal_(parameter, std=0.02, generator=generator)
        else:
            nn.init.zeros_(parameter)
    return layer


def _dense(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    # N(0, 0.02²) would saturate a tanh behind thousands of inputs; torch's own start does not.
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    bound = 1 / math.sqrt(inputs)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer


def _channels_last(network: nn.Module) -> None:
    # A tenth to a fifth faster on the CPU than channels first, and more on a GPU in 16 bits.
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)


def _mapped(height: int, breadth: int, widths: list[int]) -> int:
    """How many numbers the last map holds."""
    for _ in widths:
        height, breadth = -(-height // 2), -(-breadth // 2)
    return widths[-1] * height * breadth
