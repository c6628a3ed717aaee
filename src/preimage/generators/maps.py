"""What an encoder saw in an image, before it made a code of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError
from preimage.generators.base import CHUNK, GeneratorInverter


@final
@dataclass(frozen=True)
class Maps:
    """The last maps of an inverter's network: more numbers than a code, and less is lost of others.

    A code says what the generator needs to make an image. The maps that it is computed from also
    tell apart what the generator cannot make, which helps when real images are compared.

    Args:
        inverter: A fitted one that has a network.

    Raises:
        NotFittedError: It was not fitted.
        InputError: It has no network.

    Example:
        >>> from preimage.generators import DCGAN, RegressionInverter
        >>> images = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> gan = DCGAN(latent=4, size=8, channels=1, width=4, steps=2, batch=8).fit(images)
        >>> maps = Maps(RegressionInverter(width=4, steps=2, batch=8).fit(gan.generator_))
        >>> maps.encode(images[:3]).shape[0], maps.numbers
        (3, 64)
    """

    inverter: GeneratorInverter

    def __post_init__(self) -> None:
        _ = self.inverter.fitted
        if not isinstance(vars(self.inverter).get("encoder_"), nn.Module):
            raise InputError(
                f"{type(self.inverter).__name__} has no network, so there are no maps of it; take "
                "its codes, or an inverter that learns."
            )

    @property
    def numbers(self) -> int:
        """How many numbers the maps of an image have."""
        return self.encode(torch.zeros(1, *self.inverter.fitted.image_shape)).shape[1]

    def encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n numbers"]:
        """The maps of some images, flat.

        Args:
            pixels: In [0, 1], of the generator's image shape.

        Returns:
            Maps on the CPU.
        """
        features: Any = vars(self.inverter)["encoder_"].get_submodule("features")
        device = self.inverter.fitted.device
        with torch.no_grad():
            parts = [features(part.to(device)).flatten(1).cpu() for part in pixels.split(CHUNK)]
        return torch.cat(parts)
