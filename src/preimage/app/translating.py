"""The tab Translate: an image of either kind, the other, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from preimage.app import packaged
from preimage.app.pictures import in_colours
from preimage.errors import InputError
from preimage.translation import Translator, load
from preimage.translation.kinds import Side

LARGEST = 768
"""The longer side of an image, in pixels; a larger one is made smaller first."""

LEAST = 8

SIDES = {"": "seen from the image", "a": "side a", "b": "side b"}

EXAMPLES = 12


@final
@dataclass(frozen=True)
class TranslateState:
    """What the tab shows.

    Attributes:
        example: Which of the examples, from 0; -1 where the image is one's own.
        side: The side that the image is of: "a", "b", or nothing where it can be seen.
        image: An image of one's own, as text, where it is small enough for a link.
    """

    example: int = 0
    side: str = ""
    image: str = ""


@final
@dataclass(frozen=True)
class Trip:
    """There and back again.

    Attributes:
        given: The image.
        there: Its translation.
        back: The translation of that.
        error: The largest difference of `back` from `given`, in parts of the range.
        psnr: The peak signal-to-noise ratio of `back`, in dB.
    """

    given: Float[Tensor, "c h w"]
    there: Float[Tensor, "d h w"]
    back: Float[Tensor, "c h w"]
    error: float
    psnr: float

    @property
    def difference(self) -> Float[Tensor, "1 h w"]:
        """How far each pixel of `back` is from `given`, the largest of its channels."""
        return (self.back - self.given).abs().amax(dim=0, keepdim=True)

    def columns(self) -> dict[str, np.ndarray]:
        """The figures in one row."""
        return {
            "largest_difference": np.array([self.error]),
            "mean_difference": np.array([float((self.back - self.given).abs().mean())]),
            "psnr_db": np.array([self.psnr]),
        }


@final
@dataclass(frozen=True, eq=False)
class Bureau:
    """A translator, with examples of both kinds where there are any.

    Attributes:
        model: What translates.
        examples: Images to begin with; none of a model of one's own.
        whose: What the two kinds are, in words.
    """

    model: Translator
    examples: Float[Tensor, "examples c h w"] | None
    whose: str

    def trip(self, pixels: Float[Tensor, "c h w"], side: str) -> Trip:
        """Translates an image there and back.

        Args:
            pixels: In [0, 1], of any size.
            side: "a", "b", or nothing.

        Raises:
            InputError: It cannot be of that side, or it cannot be seen of which it is.
        """
        if side not in SIDES:
            raise InputError(f"side={side!r}; it is a, b, or nothing where it can be seen.")
        source: Side | None = "a" if side == "a" else "b" if side == "b" else None
        counts = [kind.channels for kind in self.model.kinds_]
        if source is not None:
            counts = [counts["ab".index(source)]]
        if pixels.shape[0] not in counts:
            if counts[0] not in (1, 3):
                raise InputError(
                    f"this model translates volumes of {counts[0]} slices at a time; use preimage "
                    "translate run."
                )
            pixels = in_colours(pixels, counts[0])
        given = _sized(pixels)
        found = self.model.round_trip(given[None], source=source)
        there = self.model.becomes(source).finish(found.there)
        return Trip(
            given, there[0], found.back[0].clamp(0, 1),
            float(found.error[0]), min(float(found.psnr[0]), 200.0),
        )  # fmt: skip


def _sized(pixels: Tensor) -> Tensor:
    height, width = pixels.shape[1:]
    if min(height, width) < LEAST:
        raise InputError(
            f"the image has {width} by {height} pixels; {LEAST} by {LEAST} or more are wanted."
        )
    share = LARGEST / max(height, width)
    if share >= 1:
        return pixels
    size = max(LEAST, round(height * share)), max(LEAST, round(width * share))
    return interpolate(pixels[None], size, mode="area")[0]


@cache
def bureau(translator: Path | None) -> Bureau:
    """A translator, ready to be asked; the packaged one where none is named.

    Args:
        translator: A folder that `preimage translate train` wrote.

    Raises:
        StoreError: The folder is no such model.
    """
    if translator is not None:
        model = load(translator)
        one, two = model.kinds_
        words = f"images of {one.channels} channels (a) and of {two.channels} (b)"
        return Bureau(model, None, words)
    held = packaged.digits()[-packaged.HELD_OUT :][:EXAMPLES]
    a = packaged.enlarged(held, packaged.SIDE)
    examples = torch.stack([a, packaged.outlines(a)], dim=1).flatten(0, 1)
    return Bureau(load(packaged.OUTLINES), examples, "digits (a) and their outlines (b)")
