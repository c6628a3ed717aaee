"""The layers that the networks of pix2pix are made of."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Norm: TypeAlias = Literal["batch", "instance", "none"]
"""How a map is brought to mean 0 and deviation 1: over the batch, over each image, or not."""

LEAK = 0.2
"""The slope of a leaky ReLU below zero, in encoders and discriminators."""


@final
class PerImageBatchNorm(nn.Module):
    """Batch normalisation that, outside of training, takes the statistics of each image by itself.

    pix2pix trains on batches of one image and keeps the statistics of the batch at test. That is
    what this layer computes, for every size of batch: an image is never changed by its neighbours.
    The running mean of an ordinary layer would be one of two kinds of images mixed.

    Args:
        channels: Of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The normalised maps."""
        if self.training:
            return functional.batch_norm(
                x, None, None, weight=self.weight, bias=self.bias, training=True
            )
        return functional.instance_norm(x, weight=self.weight, bias=self.bias)


@final
class FixedDropout(nn.Module):
    """Dropout that can stay on outside of training, with the same mask for every image.

    pix2pix keeps dropout at test as its only source of noise, so that an answer changes with every
    call. A mask that is drawn once from a seed keeps the thinned network and makes the answer one.

    Args:
        rate: The share of numbers that become zero.
        at_test: Whether it stays on.
    """

    SEED = 0

    def __init__(self, rate: float, *, at_test: bool) -> None:
        super().__init__()
        self.rate = rate
        self.at_test = at_test

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The thinned maps."""
        if self.training:
            return functional.dropout(x, self.rate)
        if not self.at_test:
            return x
        draws = torch.Generator().manual_seed(self.SEED)
        kept = torch.rand(x.shape[1:], generator=draws) >= self.rate
        return x * kept.to(x.device) / (1 - self.rate)


def normalised(channels: int, norm: Norm) -> list[nn.Module]:
    """The normalisation of so many channels, as no or one layer."""
    if norm == "none":
        return []
    if norm == "batch":
        return [PerImageBatchNorm(channels)]
    return [nn.InstanceNorm2d(channels, affine=True)]


def materialise(network: nn.Module) -> None:
    """Gives a network that was built on "meta" memory, in the order that convolutions want.

    Layers that are built there draw no first weights from torch's global generator.
    """
    network.to_empty(device="cpu")
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def start(network: nn.Module, norm: Norm, generator: torch.Generator) -> None:
    """Draws the first weights of a network that was built on "meta" memory.

    With normalisation they are the paper's, from N(0, 0.02²), and from N(1, 0.02²) for the scales
    of normalisations. Without it these would make maps fainter from layer to layer, and weights are
    drawn so that maps keep their size (He et al., 2015). Biases are 0.

    Args:
        network: Is changed in place.
        norm: Of its maps.
        generator: Where the weights are drawn from.
    """
    materialise(network)
    with torch.no_grad():
        for module in network.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if name == "bias":
                    parameter.zero_()
                elif norm == "none":
                    parameter.normal_(0.0, math.sqrt(2 / _inputs(module)), generator=generator)
                else:
                    centre = float(parameter.ndim == 1)
                    parameter.normal_(centre, 0.02, generator=generator)


def _inputs(module: nn.Module) -> float:
    """How many numbers a number of the answer is a sum of."""
    if not isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        raise TypeError(type(module).__name__)
    spread = math.prod(module.stride) if isinstance(module, nn.ConvTranspose2d) else 1
    return module.in_channels * math.prod(module.kernel_size) / spread
