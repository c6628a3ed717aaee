"""Inverses that are networks, trained on what the generator makes."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from preimage.errors import InputError
from preimage.generators.base import GeneratorInverter
from preimage.generators.generator import Generator
from preimage.generators.pixels import residual
from preimage.generators.trained import Trained
from preimage.nets.convolutional import Encoder
from preimage.runtime import generator as random_generator
from preimage.training import Loop

WARM_UP = 0.03
"""The share of the steps over which the learning rate rises."""


@dataclass(kw_only=True)
class LearnedInverter(GeneratorInverter, Trained):
    r"""An encoder trained on codes from the prior and their images. A method adds `_losses`.

    Args:
        schedule: Of the learning rate: "constant", or "cosine", which rises over the first 3 % of
            the steps and then falls to zero along a cosine.
        passes: How often each code is corrected: $z \leftarrow z + E(x) - E(G(z))$, which takes
            the encoder for the inverse that it nearly is; at a fixed point the encoder cannot tell
            the reconstruction from the image. A pass costs a forward pass of both networks. The
            best code that was met is the answer.

    Attributes:
        encoder_: The network.
        history_: How the training went.
    """

    schedule: Literal["constant", "cosine"] = "constant"
    passes: int = 0

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
        self._check_settings()
        if self.schedule not in ("constant", "cosine") or self.passes < 0:
            raise InputError(
                f"schedule={self.schedule!r}, passes={self.passes}; the schedule is constant or "
                "cosine, and passes are 0 or more."
            )
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
            schedulers=None if self.schedule == "constant" else {"encoder": self._cosine(adam)},
        )
        self.generator_, self.encoder_ = generator, encoder.requires_grad_(False)
        return self

    def _encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        generator = self.fitted
        first = self._code(self.encoder_(pixels), generator)
        if not self.passes:
            return first
        z = best = first
        least = torch.full((len(z),), torch.inf, device=z.device)
        for number in range(self.passes + 1):
            made = generator(z)
            error = residual(made, pixels)
            closer = error < least
            best = torch.where(closer.view(-1, *[1] * (z.ndim - 1)), z, best)
            least = torch.minimum(error, least)
            if number < self.passes:
                step = first - self._code(self.encoder_(made), generator)
                z = generator.prior.clamp(z + step)
        return best

    def _code(self, free: Float[Tensor, "n latent"], generator: Generator) -> Tensor:
        return generator.prior.from_free(free.unflatten(1, generator.latent_shape))

    def _network(self, generator: Generator) -> Encoder:
        return Encoder(
            generator.image_shape,
            generator.prior.dim,
            width=self.width,
            generator=random_generator(self.seed),
        )

    def _cosine(self, adam: Adam) -> LambdaLR:
        rise = max(1, round(WARM_UP * self.steps))
        return LambdaLR(
            adam,
            lambda step: (
                min(1.0, (step + 1) / rise)
                * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
                / 2
            ),
        )

    def _state(self) -> dict[str, Tensor]:
        return dict(self.encoder_.state_dict())

    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        encoder = self._network(generator)
        encoder.load_state_dict(dict(state))
        self.generator_, self.encoder_ = generator, encoder.requires_grad_(False).eval()
