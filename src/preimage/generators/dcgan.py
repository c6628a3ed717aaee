"""The generator of AEGAN, trained on one's own images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

from torch import Tensor, nn
from torch.nn.functional import softplus

from preimage.generators.adversarial import Adversarial, Draws
from preimage.generators.generator import Generator
from preimage.generators.model import GeneratorModel
from preimage.generators.priors import Uniform
from preimage.nets.convolutional import DeconvNet, Discriminator
from preimage.runtime import generator as random_generator
from preimage.training import Loop
from preimage.training.freezing import frozen


@final
@dataclass(kw_only=True)
class DCGAN(Adversarial, GeneratorModel):
    r"""A deep convolutional generative adversarial network.

    The generator of AEGAN's table 3 against the discriminator of its table 4; codes are from
    U(-1, 1). The discriminator maximises $\log D(x) + \log(1 - D(G(z)))$; the generator maximises
    $\log D(G(z))$ where equation 4 has it minimise $\log(1 - D(G(z)))$: the fixed point is the
    same, and the gradient does not vanish while the discriminator is ahead (Goodfellow et al.,
    2014).

    Attributes:
        generator_: The `Generator`.
        discriminator_: The network against which it was trained.
        history_: How the training went.
        skipped_: Files that were no images, with the reason.

    References:
        Radford, Metz, Chintala, Unsupervised representation learning with DCGAN, 2016. Luo et al.,
        AEGAN, 2017, tables 3 and 4.

    Example:
        >>> import torch
        >>> images = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> gan = DCGAN(latent=4, size=8, channels=1, width=4, steps=5, batch=16).fit(images)
        >>> gan.generator_.sample(2)[1].shape
        torch.Size([2, 1, 8, 8])
    """

    kind: ClassVar[str] = "dcgan"

    def fit(self, images: Any) -> Self:
        """Trains the generator.

        Args:
            images: Images of any kind that `preimage.images.open_images` opens: a folder, a zip, an
                array. They are kept in memory in 8 bits.

        Returns:
            The model itself.

        Raises:
            InputError: The images cannot be used, or a setting is out of range.
            TrainingError: A loss is no longer finite; the last good checkpoint is kept.
        """
        stack = self._photos(images)
        prior, draws = Uniform(self.latent), Draws(stack.pixels, self.batch)
        made, judge = self._networks()
        networks: dict[str, nn.Module] = {"generator": made, "discriminator": judge}

        def step(loop: Loop) -> dict[str, Tensor]:
            make, tell = loop.networks["generator"], loop.networks["discriminator"]
            real = draws.images(loop, draws.rows(loop))
            fake = make(prior.sample(self.batch, loop.generator))
            against = softplus(-tell(real)).mean() + softplus(tell(fake.detach())).mean()
            loop.minimise("discriminator", against)
            with frozen(tell):
                towards = softplus(-tell(fake)).mean()
                loop.minimise("generator", towards)
            return {"discriminator": against, "generator": towards}

        sides = {name: (name,) for name in networks}
        self.history_ = self._play(stack, networks, sides, step, prior, "DCGAN")
        self.generator_ = Generator(made, prior=prior)
        self.discriminator_ = judge.requires_grad_(False)
        self.skipped_ = stack.skipped
        return self

    def _networks(self) -> tuple[DeconvNet, Discriminator]:
        draws = random_generator(self.seed)
        made = self._deconv_net(self.latent, draws)
        return made, Discriminator(self._shape, width=self.width, generator=draws)

    def _state(self) -> dict[str, Tensor]:
        return dict(self.discriminator_.state_dict())

    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        _, discriminator = self._networks()
        discriminator.load_state_dict(dict(state))
        self.generator_ = generator
        self.discriminator_ = discriminator.requires_grad_(False).eval()
