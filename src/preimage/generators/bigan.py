"""A generator and its inverse, trained together against one discriminator of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from preimage.generators.adversarial import Adversarial, Draws
from preimage.generators.base import GeneratorInverter
from preimage.generators.generator import Generator
from preimage.generators.priors import Uniform
from preimage.nets.convolutional import Encoder, PairDiscriminator
from preimage.runtime import generator as random_generator
from preimage.training import Loop
from preimage.training.freezing import frozen


@final
@dataclass(kw_only=True)
class BiGAN(Adversarial, GeneratorInverter):
    r"""Learns a generator and its inverse at once.

    The discriminator of AEGAN's table 6 tells pairs (x, E(x)) of images from pairs (G(z), z) of
    codes, and G and E are trained together to have it err (equation 1; with the labels exchanged,
    so that the gradient does not vanish while the discriminator is ahead). It cannot invert a
    generator that is there already, and nothing asks that G(E(x)) be close to x.

    Attributes:
        generator_: The `Generator`.
        encoder_: Its inverse.
        history_: How the training went.
        skipped_: Files that were no images, with the reason.

    References:
        Donahue, Krähenbühl, Darrell, Adversarial feature learning, 2017. Luo et al., AEGAN, 2017,
        equation 1 and table 6.

    Example:
        >>> import torch
        >>> images = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> bigan = BiGAN(latent=4, size=8, channels=1, width=4, steps=5, batch=16).fit(images)
        >>> bigan.invert(images[:3]).z.shape
        torch.Size([3, 4])
    """

    kind: ClassVar[str] = "bigan"

    def fit(self, images: Any) -> Self:
        """Trains the generator and the encoder.

        Args:
            images: Images of any kind that `preimage.images.open_images` opens.

        Returns:
            The model itself.

        Raises:
            InputError: The images cannot be used, or a setting is out of range.
            TrainingError: A loss is no longer finite; the last good checkpoint is kept.
        """
        stack = self._photos(images)
        prior, draws = Uniform(self.latent), Draws(stack.pixels, self.batch)
        networks = self._networks()

        def step(loop: Loop) -> dict[str, Tensor]:
            judge = loop.networks["discriminator"]
            real = draws.images(loop, draws.rows(loop))
            z = prior.sample(self.batch, loop.generator)
            made = loop.networks["generator"](z)
            code = prior.from_free(loop.networks["encoder"](real))
            against = (
                softplus(-judge(real, code.detach())).mean()
                + softplus(judge(made.detach(), z)).mean()
            )
            loop.minimise("discriminator", against)
            with frozen(judge):
                towards = softplus(judge(real, code)).mean() + softplus(-judge(made, z)).mean()
                loop.minimise("both", towards)
            return {"discriminator": against, "both": towards}

        sides = {"discriminator": ("discriminator",), "both": ("generator", "encoder")}
        self.history_ = self._play(stack, networks, sides, step, prior, "BiGAN")
        self.generator_ = Generator(networks["generator"], prior=prior)
        self.encoder_ = networks["encoder"].requires_grad_(False)
        self.skipped_ = stack.skipped
        return self

    def _networks(self) -> dict[str, nn.Module]:
        draws, shape = random_generator(self.seed), self._shape
        return {
            "generator": self._deconv_net(self.latent, draws),
            "encoder": Encoder(shape, self.latent, width=self.width, generator=draws),
            "discriminator": PairDiscriminator(
                shape, self.latent, width=self.width, generator=draws
            ),
        }

    def _encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        return self.fitted.prior.from_free(self.encoder_(pixels))

    def _state(self) -> dict[str, Tensor]:
        return dict(self.encoder_.state_dict())

    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        encoder = self._networks()["encoder"]
        encoder.load_state_dict(dict(state))
        self.generator_, self.encoder_ = generator, encoder.requires_grad_(False).eval()
