"""Sizes of generators and encoders, and how long to train them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from preimage.errors import InputError
from preimage.generators.combined import CombinedInverter
from preimage.generators.dcgan import DCGAN
from preimage.generators.encoder import EncoderInverter
from preimage.generators.learned import LearnedInverter
from preimage.generators.regression import RegressionInverter

ENCODERS: dict[str, type[LearnedInverter]] = {
    one.kind: one for one in (CombinedInverter, EncoderInverter, RegressionInverter)
}
"""The encoders that are trained for a generator that is there already; the first is the default."""


@final
@dataclass(frozen=True, kw_only=True)
class Preset:
    """A size of networks, and lengths of training.

    Args:
        size: Sides of an image.
        latent: Numbers in a code.
        width: Channels of the first maps of all networks.
        gan_steps: Steps of the generator's training.
        encoder_steps: Steps of the encoder's.
        batch: Images in a batch.
        learning_rate: Of Adam, in the generator's training and those of the published encoders.
    """

    size: int
    latent: int
    width: int
    gan_steps: int
    encoder_steps: int
    batch: int = 64
    learning_rate: float = 2e-4

    def gan(self, *, channels: int = 3, seed: int = 0) -> DCGAN:
        """A DCGAN of this size, to be fitted."""
        return DCGAN(
            size=self.size,
            latent=self.latent,
            channels=channels,
            steps=self.gan_steps,
            width=self.width,
            batch=self.batch,
            learning_rate=self.learning_rate,
            seed=seed,
        )

    def encoder(self, name: str = CombinedInverter.kind, *, seed: int = 0) -> LearnedInverter:
        """An encoder of this size, to be fitted.

        Args:
            name: One of `ENCODERS`.
            seed: Fixes everything that is drawn.

        Raises:
            InputError: There is no encoder of that name.
        """
        if name not in ENCODERS:
            raise InputError(f"there is no encoder {name!r}; there are {', '.join(ENCODERS)}.")
        encoder = ENCODERS[name](
            steps=self.encoder_steps, width=self.width, batch=self.batch, seed=seed
        )
        # The published methods take the generator's rate; ours has its own.
        if not isinstance(encoder, CombinedInverter):
            encoder.learning_rate = self.learning_rate
        return encoder


PRESETS = {
    "tiny": Preset(
        size=16,
        latent=16,
        width=16,
        gan_steps=600,
        encoder_steps=600,
        batch=32,
        learning_rate=1e-3,
    ),
    "small": Preset(size=64, latent=100, width=16, gan_steps=3000, encoder_steps=3000),
    "full": Preset(size=64, latent=100, width=64, gan_steps=20_000, encoder_steps=20_000),
}
"""tiny: small images, seconds on a CPU. small: 64 by 64, half an hour on a CPU. full: the networks
of AEGAN's tables, for a GPU; the paper does not say for how many steps it trained."""
