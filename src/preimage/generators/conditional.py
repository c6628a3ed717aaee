"""A generator that is told the labels of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

from torch import Tensor, nn
from torch.nn.functional import softplus

from preimage.generators.adversarial import Adversarial, Draws
from preimage.generators.generator import Generator
from preimage.generators.labels import Labelled, label_rows
from preimage.generators.model import GeneratorModel
from preimage.generators.priors import Uniform
from preimage.nets.convolutional import Discriminator
from preimage.runtime import generator as random_generator
from preimage.training import Loop
from preimage.training.freezing import frozen


@final
@dataclass(kw_only=True)
class ConditionalDCGAN(Adversarial, GeneratorModel):
    """A DCGAN whose generator and discriminator are told the labels of each image.

    A code of its generator is a vector from U(-1, 1) with the labels behind it; the discriminator
    sees labels as constant maps beside the channels of the image.

    Attributes:
        generator_: The `Generator`; its prior draws the labels from those of the images.
        discriminator_: The network against which it was trained.
        history_: How the training went.
        skipped_: Files that were no images, with the reason.

    References:
        Mirza and Osindero, Conditional generative adversarial nets, 2014; Perarnau et al.,
        Invertible Conditional GANs for image editing, 2016.
    """

    kind: ClassVar[str] = "conditional-dcgan"

    def fit(self, images: Any, labels: Any) -> Self:
        """Trains the generator.

        Args:
            images: Images of any kind that `preimage.images.open_images` opens.
            labels: Numbers from 0 to 1: `(images, labels)`, in the order of the names, or a
                mapping from names to rows.

        Raises:
            InputError: Images or labels cannot be used, or a setting is out of range.
            TrainingError: A loss is no longer finite; the last good checkpoint is kept.
        """
        stack = self._photos(images)
        told = label_rows(labels, stack)
        prior, draws = Labelled.of(Uniform(self.latent), told), Draws(stack.pixels, self.batch)
        networks = self._networks(told.shape[1])

        def step(loop: Loop) -> dict[str, Tensor]:
            make, judge = loop.networks["generator"], loop.networks["discriminator"]
            rows = draws.rows(loop)
            real, labels = draws.images(loop, rows), told.to(loop.device)[rows]
            z = prior.sample(self.batch, loop.generator)
            made, wanted = make(z), z[:, self.latent :]
            against = (
                softplus(-judge(real, labels)).mean()
                + softplus(judge(made.detach(), wanted)).mean()
            )
            loop.minimise("discriminator", against)
            with frozen(judge):
                towards = softplus(-judge(made, wanted)).mean()
                loop.minimise("generator", towards)
            return {"discriminator": against, "generator": towards}

        sides = {name: (name,) for name in networks}
        self.history_ = self._play(stack, networks, sides, step, prior, "conditional DCGAN", told)
        self.generator_ = Generator(networks["generator"], prior=prior)
        self.discriminator_ = networks["discriminator"].requires_grad_(False)
        self.skipped_ = stack.skipped
        return self

    def _networks(self, labels: int) -> dict[str, nn.Module]:
        draws = random_generator(self.seed)
        return {
            "generator": self._deconv_net(self.latent + labels, draws),
            "discriminator": Discriminator(
                self._shape, width=self.width, labels=labels, generator=draws
            ),
        }

    def _state(self) -> dict[str, Tensor]:
        return dict(self.discriminator_.state_dict())

    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        discriminator = self._networks(generator.prior.dim - self.latent)["discriminator"]
        discriminator.load_state_dict(dict(state))
        self.generator_ = generator
        self.discriminator_ = discriminator.requires_grad_(False).eval()
