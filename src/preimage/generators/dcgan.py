"""The generator of AEGAN, trained on one's own images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from preimage.errors import InputError
from preimage.generators.generator import Generator
from preimage.generators.pixels import photos, unit
from preimage.generators.priors import Uniform
from preimage.generators.trained import Trained
from preimage.nets.convolutional import DeconvNet, Discriminator
from preimage.runtime import digest
from preimage.runtime import generator as random_generator
from preimage.training import Loop


@final
@dataclass(kw_only=True)
class DCGAN(Trained):
    r"""A deep convolutional generative adversarial network.

    The generator of AEGAN's table 3 against the discriminator of its table 4; codes are from
    U(-1, 1). The discriminator maximises $\log D(x) + \log(1 - D(G(z)))$; the generator maximises
    $\log D(G(z))$ where equation 4 has it minimise $\log(1 - D(G(z)))$: the fixed point is the same,
    and the gradient does not vanish while the discriminator is ahead (Goodfellow et al., 2014).

    Args:
        latent: Numbers in a code.
        size: Sides of an image, a power of two, 8 or more; images are cropped to a square and
            resized to it.
        channels: 3 for colour, 1 for grey.

    Attributes:
        generator_: The `Generator`.
        discriminator_: The network against which it was trained.
        history_: How the training went.

    References:
        Radford, Metz, Chintala, Unsupervised representation learning with DCGAN, 2016. Luo et al.,
        AEGAN, 2017, tables 3 and 4.

    Example:
        >>> images = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> gan = DCGAN(latent=4, size=8, channels=1, width=4, steps=5, batch=16).fit(images)
        >>> gan.generator_.sample(2)[1].shape
        torch.Size([2, 1, 8, 8])
    """

    kind: ClassVar[str] = "dcgan"

    latent: int = 100
    size: int = 64
    channels: int = 3

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
        self._check()
        pixels = photos(images, size=self.size, channels=self.channels)
        if len(pixels) < 2:
            raise InputError(
                f"there are {len(pixels)} images; a generator needs 2 at the least, and thousands "
                "to be any good."
            )
        made, judge = self._networks()
        data = digest(pixels)
        parts = {"generator": made, "discriminator": judge}
        step = self._step(pixels)
        self.history_ = self._trainer().fit(
            parts,
            {name: self._adam(one) for name, one in parts.items()},
            step,
            label="DCGAN",
            data=data,
        )
        self._keep(made, judge)
        return self

    def _step(self, pixels: Tensor) -> Any:
        prior = Uniform(self.latent)
        held: dict[torch.device, Tensor] = {}

        def step(loop: Loop) -> dict[str, Tensor]:
            stack = held.setdefault(loop.device, pixels.to(loop.device))
            made, judge = loop.networks["generator"], loop.networks["discriminator"]
            rows = torch.randint(
                len(stack), (self.batch,), generator=loop.generator, device=loop.device
            )
            fake = made(prior.sample(self.batch, loop.generator))
            real, false = judge(unit(stack[rows])), judge(fake.detach())
            against = softplus(-real).mean() + softplus(false).mean()
            loop.minimise("discriminator", against)
            with frozen(judge):
                towards = softplus(-judge(fake)).mean()
                loop.minimise("generator", towards)
            return {"discriminator": against, "generator": towards}

        return step

    def _networks(self) -> tuple[DeconvNet, Discriminator]:
        draws = random_generator(self.seed)
        shape = (self.channels, self.size, self.size)
        made = DeconvNet(
            self.latent, size=self.size, channels=self.channels, width=self.width, generator=draws
        )
        return made, Discriminator(shape, width=self.width, generator=draws)

    def _keep(self, made: nn.Module, judge: nn.Module) -> None:
        self.generator_ = Generator(made, prior=Uniform(self.latent))
        self.discriminator_ = judge.requires_grad_(False).eval()

    def _check(self) -> None:
        if self.latent < 1:
            raise InputError(f"latent={self.latent}; a code needs one number or more.")
        if self.size < 8 or self.size & (self.size - 1):
            raise InputError(
                f"size={self.size}; it must be a power of two, 8 or more, such as 32 or 64. Images "
                "are resized to it."
            )
        if self.channels not in (1, 3):
            raise InputError(f"channels={self.channels}; it must be 1 (grey) or 3 (colour).")


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Run the block without gradients for the parameters of a network, which saves their cost."""
    asked = [one for one in network.parameters() if one.requires_grad]
    for one in asked:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in asked:
            one.requires_grad_(True)
