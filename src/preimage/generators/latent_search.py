"""Search for the code of each image by descent alone, without an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.generators.base import GeneratorInverter
from preimage.generators.generator import Generator
from preimage.generators.pixels import residual
from preimage.generators.refinement import refine
from preimage.runtime import generator as random_generator


@final
@dataclass(kw_only=True)
class LatentSearch(GeneratorInverter):
    r"""Finds each code by descent from random starts, and learns nothing.

    Needs no training, and hundreds of times as long for an image as an encoder; it finds the codes
    of images that no encoder was trained for. All images have the same starts, so that answers do
    not depend on what else is inverted.

    Args:
        steps: Steps from each start.
        starts: How many codes are drawn from the prior; the best end counts.
        seed: Fixes the starts.

    References:
        Creswell and Bharath, Inverting the generator of a generative adversarial network, 2016;
        AEGAN, equation 2. They step by the plain gradient; we by `refine`, in fewer steps.
    """

    kind: ClassVar[str] = "search"

    steps: int = 200
    starts: int = 1
    seed: int = 0

    def fit(self, generator: Generator) -> Self:
        """Takes up the generator; there is nothing to learn.

        Args:
            generator: What is to be inverted.

        Raises:
            InputError: A setting is out of range.
        """
        if self.steps < 1 or self.starts < 1:
            raise InputError(f"steps={self.steps} and starts={self.starts} must both be 1 or more.")
        self.generator_ = generator
        return self

    def _encode(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        generator = self.fitted
        starts = generator.prior.sample(self.starts, random_generator(self.seed))
        ends, errors = [], []
        for start in starts.to(pixels.device):
            with torch.enable_grad():
                z = refine(
                    generator, start.expand(len(pixels), *start.shape), pixels, steps=self.steps
                )
            ends.append(z)
            errors.append(residual(generator(z), pixels))
        best = torch.stack(errors).argmin(dim=0)
        return torch.stack(ends)[best, torch.arange(len(pixels), device=best.device)]

    def _state(self) -> dict[str, Tensor]:
        return {}

    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        self.generator_ = generator
