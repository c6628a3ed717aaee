"""ICGAN: encoders of the labels of an image, and of what is not in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError
from preimage.generators.adversarial import Draws
from preimage.generators.base import GeneratorInverter
from preimage.generators.generator import Generator
from preimage.generators.labels import Labelled, label_rows
from preimage.generators.pixels import photos
from preimage.generators.trained import Trained
from preimage.nets.convolutional import Encoder
from preimage.runtime import digest
from preimage.runtime import generator as random_generator
from preimage.training import Loop


@final
@dataclass(kw_only=True)
class ConditionalInverter(GeneratorInverter, Trained):
    r"""The pair of encoders of ICGAN: $E_z$ finds the vector, $E_y$ the labels.

    $E_z$ is trained to the least $\|z - E_z(G(z, y'))\|^2$ on images that the generator makes, and
    $E_y$ to the least $\|y - E_y(x)\|^2$ on real images with their labels (AEGAN, equation 3). A
    code is both together: change its labels, and generate the edited image.

    Attributes:
        generator_: What it inverts.
        encoders_: `z` and `y`.
        history_: How the training went.

    References:
        Perarnau et al., Invertible Conditional GANs for image editing, 2016, sections 3.1 and 3.2.
    """

    kind: ClassVar[str] = "conditional"

    def fit(self, generator: Generator, images: Any, labels: Any) -> Self:
        """Trains both encoders.

        Args:
            generator: Of a `ConditionalDCGAN`; it is left as it is.
            images: Real images of any kind that `preimage.images.open_images` opens.
            labels: As for `ConditionalDCGAN.fit`.

        Raises:
            InputError: The generator is not told labels, or is told others; images or labels
                cannot be used.
            TrainingError: A loss is no longer finite; the last good checkpoint is kept.
        """
        self._check_settings()
        prior = _labelled(generator)
        channels, size, _ = generator.image_shape
        stack = photos(images, size=size, channels=channels)
        told = label_rows(labels, stack)
        if told.shape[1] != prior.labels:
            raise InputError(
                f"there are {told.shape[1]} labels to an image; the generator is told "
                f"{prior.labels}."
            )
        draws, encoders = Draws(stack.pixels, self.batch), self._networks(generator)

        def step(loop: Loop) -> dict[str, Tensor]:
            with torch.no_grad():
                z = prior.sample(self.batch, loop.generator)
                made = generator(z)
            rows = draws.rows(loop)
            code = prior.base.from_free(loop.networks["z"](made))
            found = prior.shown.from_free(loop.networks["y"](draws.images(loop, rows)))
            losses = {
                "z": (code - z[:, : prior.base.dim]).square().mean(),
                "y": (found - told.to(loop.device)[rows]).square().mean(),
            }
            for name, loss in losses.items():
                loop.minimise(name, loss)
            return losses

        self.history_ = self._trainer().fit(
            {**encoders, "generator": generator},
            {name: self._adam(one) for name, one in encoders.items()},
            step,
            label="conditional encoders",
            data=digest(stack.pixels, told),
        )
        self.generator_, self.encoders_ = generator, encoders.requires_grad_(False)
        return self

    def _networks(self, generator: Generator) -> nn.ModuleDict:
        prior, draws = _labelled(generator), random_generator(self.seed)
        sizes = {"z": prior.base.dim, "y": prior.labels}
        return nn.ModuleDict(
            {
                name: Encoder(generator.image_shape, size, width=self.width, generator=draws)
                for name, size in sizes.items()
            }
        )

    def _encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        free = torch.cat([self.encoders_["z"](pixels), self.encoders_["y"](pixels)], dim=1)
        return self.fitted.prior.from_free(free)

    def _state(self) -> dict[str, Tensor]:
        return dict(self.encoders_.state_dict())

    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        encoders = self._networks(generator)
        encoders.load_state_dict(dict(state))
        self.generator_, self.encoders_ = generator, encoders.requires_grad_(False).eval()


def _labelled(generator: Generator) -> Labelled:
    """The prior of a conditional generator."""
    if not isinstance(generator.prior, Labelled):
        raise InputError(
            "this generator is not told labels; take one of a ConditionalDCGAN, or another "
            "inverter."
        )
    return generator.prior
