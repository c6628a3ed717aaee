"""Translation by a generator of one kind and an encoder for images of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.generators.base import GeneratorInverter
from preimage.generators.generator import Generator
from preimage.generators.model import GeneratorModel
from preimage.generators.pixels import photos, unit
from preimage.generators.trained import Trained
from preimage.images import open_images
from preimage.nets.convolutional import Encoder
from preimage.runtime import digest
from preimage.runtime import generator as random_generator
from preimage.training import Loop

CHUNK = 256


@final
@dataclass(frozen=True)
class Translated:
    """Images of the generator's kind, one for each that was given.

    Attributes:
        images: In [0, 1].
        z: Their codes.
        names: The names of those that were given.
        skipped: Files that are no images, by name, with the reason.
    """

    images: Float[Tensor, "n c h w"]
    z: Float[Tensor, "n ..."]
    names: tuple[str, ...]
    skipped: dict[str, str]


@final
@dataclass(kw_only=True)
class PairedEncoder(GeneratorModel, Trained):
    r"""Translates images of kind A to kind B: a generator of B, and an encoder of A into its codes.

    The generator is trained on images of kind B alone, of which there may be many; only the encoder
    sees pairs, of which there may be few. For a pair (a, b) it minimises
    $w_x \|b - G(E(a))\|^2 / \dim b + w_z \|z_b - E(a)\|^2 / \dim z$, where $z_b$ is the code of b
    by an inverse of the generator, refined.

    Args:
        image_weight: The weight of the image loss.
        code_weight: The weight of the code loss.
        refine: Calls of the generator for the code of each b.

    Attributes:
        generator_: The generator of kind B.
        encoder_: From kind A to its codes.
        history_: How the training went.

    References:
        The outlook of Luo et al., AEGAN, 2017, section 5; the paper has no experiment with it.
    """

    kind: ClassVar[str] = "paired"

    image_weight: float = 10.0
    code_weight: float = 0.1
    learning_rate: float = 1e-3
    momentum: float = 0.9
    refine: int = 50

    def fit(self, inverter: GeneratorInverter, given: Any, wanted: Any) -> Self:
        """Trains the encoder on pairs; the generator is left as it is.

        Args:
            inverter: A fitted inverse of the generator of kind B.
            given: Images of kind A, as `preimage.images.open_images` takes them.
            wanted: What each of them is in kind B, in the same order.

        Returns:
            The translator itself.

        Raises:
            InputError: There are not as many of one kind as of the other, or a setting is out of
                range.
            NotFittedError: The inverter was not fitted.
            TrainingError: The loss is no longer finite; the last good checkpoint is kept.
        """
        self._check_settings()
        generator = inverter.fitted
        channels, side, _ = generator.image_shape
        a, b = (photos(images, size=side, channels=channels).pixels for images in (given, wanted))
        if len(a) != len(b) or len(a) < 2:
            raise InputError(
                f"there are {len(a)} images of one kind and {len(b)} of the other; give pairs, 2 "
                "or more, in the same order."
            )
        codes = inverter.invert(unit(b), refine=self.refine).z
        encoder = self._network(generator)

        def step(loop: Loop) -> dict[str, Tensor]:
            rows = torch.randint(
                len(a), (self.batch,), generator=loop.generator, device=loop.device
            )
            at = rows.cpu()
            free = loop.networks["encoder"](unit(a[at]).to(loop.device))
            found = generator.prior.from_free(free.unflatten(1, generator.latent_shape))
            made = loop.networks["generator"](found)
            losses = {
                "image": self.image_weight * (made - unit(b[at]).to(loop.device)).square().mean(),
                "code": self.code_weight * (found - codes[at].to(loop.device)).square().mean(),
            }
            loop.minimise("encoder", losses["image"] + losses["code"])
            return losses

        self.history_ = self._trainer().fit(
            {"encoder": encoder, "generator": generator},
            {"encoder": self._adam(encoder)},
            step,
            label="paired encoder",
            data=digest(a, b),
        )
        self.generator_, self.encoder_ = generator, encoder.requires_grad_(False)
        return self

    def translate(self, images: Any) -> Translated:
        """Images of kind B for images of kind A.

        Args:
            images: Of kind A, as `preimage.images.open_images` takes them.

        Raises:
            NotFittedError: `fit` was not called.
            InputError: The images cannot be used.
        """
        generator = self.fitted
        channels, *sides = generator.image_shape
        opened = open_images(images)
        made, codes, names = [], [], []
        for batch in opened.batches(CHUNK, size=(sides[0], sides[1]), channels=channels):
            with torch.no_grad():
                free = self.encoder_(batch.pixels.to(generator.device))
                z = generator.prior.from_free(free.unflatten(1, generator.latent_shape))
                made.append(generator(z).cpu())
            codes.append(z.cpu())
            names += batch.names
        return Translated(torch.cat(made), torch.cat(codes), tuple(names), dict(opened.skipped))

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
