"""Inverses that are networks, trained on what the generator makes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from preimage.errors import InputError
from preimage.generators.base import GeneratorInverter
from preimage.generators.generator import Generator
from preimage.generators.trained import Trained
from preimage.nets.convolutional import Encoder
from preimage.runtime import generator as random_generator
from preimage.training import Loop


@dataclass(kw_only=True)
class LearnedInverter(GeneratorInverter, Trained):
    """An encoder trained on codes from the prior and their images. A method adds `_losses`.

    Args:
        schedule: Of the learning rate: "constant", or "cosine" to zero over all steps.

    Attributes:
        encoder_: The network.
        history_: How the training went.
    """

    schedule: Literal["constant", "cosine"] = "constant"

    @abstractmethod
    def _losses(
        self,
        free: Float[Tensor, "n latent"],
        z: Float[Tensor, "n ..."],
        x: Float[Tensor, "n c h w"],
        generator: Generator,
    ) -> Mapping[str, Tensor]:
        """What is minimised, by name; the sum of all is.

        Args:
            free: What the encoder gave for the images, in free coordinates.
            z: The codes of the images.
            x: The images.
            generator: Made them.
        """

    def fit(self, generator: Generator) -> Self:
        """Trains an encoder for a generator, which is left as it is, bit for bit.

        Args:
            generator: What is to be inverted.

        Returns:
            The inverter itself.

        Raises:
            InputError: A setting is out of range.
            TrainingError: The loss is no longer finite; the last good checkpoint is kept.
        """
        if not isinstance(generator, Generator):
            raise InputError(
                f"fit was given a {type(generator).__name__}; wrap it: Generator(module, prior=...)"
                ", or take dcgan.generator_."
            )
        encoder = self._network(generator)
        adam = self._adam(encoder)

        def step(loop: Loop) -> dict[str, Tensor]:
            with torch.no_grad():
                z = generator.prior.sample(self.batch, loop.generator)
                x = generator(z)
            free = loop.networks["encoder"](x)
            losses = dict(self._losses(free, z, x, generator))
            total = torch.stack(list(losses.values())).sum()
            loop.minimise("encoder", total)
            return losses

        self.history_ = self._trainer().fit(
            {"encoder": encoder, "generator": generator},
            {"encoder": adam},
            step,
            label=f"{self.kind} encoder",
            schedulers={"encoder": CosineAnnealingLR(adam, self.steps)}
            if self.schedule == "cosine"
            else None,
        )
        self.generator_, self.encoder_ = generator, encoder.requires_grad_(False)
        return self

    def _encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        return self._code(self.encoder_(pixels), self.fitted)

    def _code(self, free: Float[Tensor, "n latent"], generator: Generator) -> Tensor:
        return generator.prior.from_free(free.unflatten(1, generator.latent_shape))

    def _network(self, generator: Generator) -> Encoder:
        return Encoder(
            generator.image_shape,
            generator.prior.dim,
            width=self.width,
            generator=random_generator(self.seed),
        )

    def _state(self) -> dict[str, Tensor]:
        return dict(self.encoder_.state_dict())

    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        encoder = self._network(generator)
        encoder.load_state_dict(dict(state))
        self.generator_, self.encoder_ = generator, encoder.requires_grad_(False).eval()
