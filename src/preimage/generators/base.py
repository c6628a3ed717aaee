"""What every inverse of a generator can do: encode, invert, refine, save."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.generators.codes import Codes
from preimage.generators.generator import Generator
from preimage.generators.model import GeneratorModel
from preimage.generators.pixels import residual
from preimage.generators.refinement import refine as refined
from preimage.images import Batch, open_images

CHUNK = 256
"""Images that are worked on at a time."""


@dataclass(kw_only=True)
class GeneratorInverter(GeneratorModel):
    """A method that finds the codes with which a generator makes given images.

    A method adds `fit` and `_encode`.

    Attributes:
        generator_: What it inverts.
    """

    @abstractmethod
    def _encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        """The codes of some images on the generator's device; called without gradients."""

    def encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        """The codes of some images, without their reconstructions.

        Args:
            pixels: In [0, 1], of the generator's image shape.

        Returns:
            Codes on the CPU.
        """
        generator = self.fitted
        self._check_pixels(pixels)
        with torch.no_grad():
            parts = [self._encode(_laid_out(part, generator)).cpu() for part in pixels.split(CHUNK)]
        return torch.cat(parts)

    def invert(self, images: Any, *, refine: int = 0) -> Codes:
        """Finds the codes of images, and what the generator makes of them.

        Args:
            images: Images of any kind that `preimage.images.open_images` opens.
            refine: Steps of latent optimisation from each code that was found; each lowers the
                residual, and costs about as much as encoding ten images.

        Returns:
            Codes with reconstructions and residuals.

        Raises:
            NotFittedError: `fit` was not called.
            InputError: The images cannot be used, or `refine` is negative.
        """
        return Codes.join(list(self.stream(images, refine=refine)))

    def stream(self, images: Any, *, refine: int = 0) -> Iterator[Codes]:
        """As `invert`, some images at a time, for collections whose images fill the memory.

        Args:
            images: As for `invert`.
            refine: As for `invert`.
        """
        generator = self.fitted
        if refine < 0:
            raise InputError(f"refine={refine}; it is a number of steps, 0 or more.")
        opened = open_images(images)
        channels, *sides = generator.image_shape
        for batch in opened.batches(CHUNK, size=(sides[0], sides[1]), channels=channels):
            yield self._answer(batch, refine, opened.skipped)

    def _answer(self, batch: Batch, steps: int, skipped: Mapping[str, str]) -> Codes:
        generator = self.fitted
        pixels = _laid_out(batch.pixels, generator)
        with torch.no_grad():
            z = self._encode(pixels)
        if steps:
            z = refined(generator, z, pixels, steps=steps)
        with torch.no_grad():
            made = generator(z)
        return Codes(z.cpu(), made.cpu(), residual(made, pixels).cpu(), batch.names, dict(skipped))

    def _check_pixels(self, pixels: Tensor) -> None:
        shape = self.fitted.image_shape
        if tuple(pixels.shape[1:]) != shape or not pixels.is_floating_point():
            raise InputError(
                f"the images are {pixels.dtype} of shape {tuple(pixels.shape)}; wanted "
                f"floating-point numbers in [0, 1] of shape (n, {', '.join(map(str, shape))}). "
                "invert(...) takes other images and resizes them."
            )


def _laid_out(pixels: Tensor, generator: Generator) -> Tensor:
    """On the generator's device, channels last, which convolutions are faster on."""
    return pixels.to(generator.device, torch.float32, memory_format=torch.channels_last)
