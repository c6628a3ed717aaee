"""Small generators and pictures that several tests share."""

from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import interpolate, one_hot

from preimage.generators import DCGAN, Generator, Uniform
from preimage.generators.presets import PRESETS
from preimage.nets.convolutional import DeconvNet


@cache
def digits() -> Tensor:
    """1,797 digits of 16 by 16 in [0, 1]."""
    values, _ = load_digits(return_X_y=True)
    images = torch.tensor(values, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    return interpolate(images, size=16, mode="bilinear").clamp(0, 1)


@cache
def kinds() -> Tensor:
    """Which digit each is, as ten numbers 0 or 1."""
    _, values = load_digits(return_X_y=True)
    return one_hot(torch.tensor(values), 10)


@cache
def trained() -> DCGAN:
    """A generator of digits, of the preset `tiny`."""
    return PRESETS["tiny"].gan(channels=1).fit(digits())


def untrained(latent: int = 4, size: int = 8, channels: int = 1, seed: int = 0) -> Generator:
    """A small generator of nothing."""
    source = torch.Generator().manual_seed(seed)
    net = DeconvNet(latent, size=size, channels=channels, width=4, generator=source)
    # Weights as DCGAN starts make images that are grey all over.
    for parameter in net.parameters():
        parameter.data *= 8
    return Generator(net, prior=Uniform(latent))


class OwnNet(nn.Module):
    """A generator as somebody else would write one: a vector with sides of one, values to ±1."""

    def __init__(self, latent: int = 6) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(latent, 8, 5),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


def own_net(seed: int = 0) -> OwnNet:
    """One with weights of its own, in training mode."""
    net, source = OwnNet(), torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        parameter.data = 0.5 * torch.randn(parameter.shape, generator=source)
    return net
