"""What trainings of a generator against a discriminator share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError
from preimage.generators.pixels import photos, unit
from preimage.generators.priors import Prior
from preimage.generators.trained import Trained
from preimage.images import Stack, write_sheet
from preimage.nets.convolutional import DeconvNet
from preimage.runtime import digest
from preimage.runtime import generator as random_generator
from preimage.training import History, Loop

SHEET = (8, 8)
"""Rows and columns of a sheet of samples."""


@dataclass(kw_only=True)
class Adversarial(Trained):
    """A generator that is trained on images.

    Args:
        latent: Numbers in a code.
        size: Sides of an image, a power of two, 8 or more; images are cropped to a square and
            resized to it.
        channels: 3 for colour, 1 for grey.
        sheet_every: Steps between two sheets of samples in the run folder.
    """

    latent: int = 100
    size: int = 64
    channels: int = 3
    sheet_every: int = 500

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (self.channels, self.size, self.size)

    def _deconv_net(self, inputs: int, draws: torch.Generator) -> DeconvNet:
        return DeconvNet(
            inputs, size=self.size, channels=self.channels, width=self.width, generator=draws
        )

    def _play(
        self,
        stack: Stack,
        networks: Mapping[str, nn.Module],
        sides: Mapping[str, tuple[str, ...]],
        step: Callable[[Loop], Mapping[str, Tensor]],
        prior: Prior,
        label: str,
        *extra: Tensor,
    ) -> History:
        """Trains both sides.

        Args:
            stack: The images.
            networks: All networks.
            sides: The names of the networks that each optimiser moves.
            step: One step of both.
            prior: Where codes come from.
            label: What is trained.
            extra: What else is trained on.
        """
        optimizers = {
            side: self._adam(*(networks[name] for name in names)) for side, names in sides.items()
        }
        return self._trainer(observe_every=self.sheet_every).fit(
            networks,
            optimizers,
            step,
            label=label,
            observe=None if self.run is None else self._sheets(networks["generator"], prior),
            data=digest(stack.pixels, *extra),
        )

    def _sheets(self, network: nn.Module, prior: Prior) -> Callable[[int], None]:
        """What the generator makes of the same codes each time, as pictures in the run folder."""
        rows, columns = SHEET
        z = prior.sample(rows * columns, random_generator(self.seed))
        folder = Path(self.run or "")

        def observe(step: int) -> None:
            made = network(z.to(next(network.parameters()).device)).float()
            write_sheet(
                folder / f"samples-{step:07d}.png", list(made.split(columns)), scale=2, force=True
            )

        return observe

    def _photos(self, images: object) -> Stack:
        self._check_settings()
        if self.latent < 1:
            raise InputError(f"latent={self.latent}; a code needs one number or more.")
        if self.size < 8 or self.size & (self.size - 1):
            raise InputError(
                f"size={self.size}; it must be a power of two, 8 or more, such as 32 or 64. Images "
                "are resized to it."
            )
        if self.channels not in (1, 3):
            raise InputError(f"channels={self.channels}; it must be 1 (grey) or 3 (colour).")
        stack = photos(images, size=self.size, channels=self.channels)
        if len(stack) < 2:
            raise InputError(
                f"there are {len(stack)} images; a generator needs 2 at the least, and "
                "thousands to be any good."
            )
        return stack


@final
class Draws:
    """Batches of training images, on the device of the training.

    Args:
        pixels: The images in 8 bits.
        batch: Images in a batch.
    """

    def __init__(self, pixels: Tensor, batch: int) -> None:
        self._pixels, self._batch = pixels, batch

    def rows(self, loop: Loop) -> Tensor:
        """Numbers of images, drawn with replacement."""
        return torch.randint(
            len(self._pixels), (self._batch,), generator=loop.generator, device=loop.device
        )

    def images(self, loop: Loop, rows: Tensor) -> Float[Tensor, "n c h w"]:
        """The images of these numbers."""
        self._pixels = self._pixels.to(loop.device)
        return unit(self._pixels[rows])
