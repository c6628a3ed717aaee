"""The tab Images: the code of an image, what a generator makes of it, what is like it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from preimage.app import packaged
from preimage.app.pictures import fitted
from preimage.errors import InputError, StoreError
from preimage.generators import load
from preimage.generators.base import GeneratorInverter
from preimage.generators.codes import Codes
from preimage.generators.degradations import Blur, Degradation, Downsample, Mask, Noise
from preimage.generators.restoration import Restoration, restore
from preimage.images import open_images, read_place
from preimage.runtime import generator as random_generator
from preimage.search import CodeFeature, ImageIndex

MOST_STEPS = 200
"""Steps of refinement."""

NEAREST = 6

EXAMPLES = 24
"""Images to choose from."""

DAMAGES = {
    "none": "nothing is lost",
    "blur": "blurred",
    "mask": "the middle is lost",
    "small": "half the pixels a side",
    "noise": "noise of 0.2",
}

NOISE = 0.2
"""Standard deviation, where white is 1."""


@final
@dataclass(frozen=True)
class ImagesState:
    """What the tab shows.

    Attributes:
        example: Which of the examples, from 0; -1 where the image is one's own.
        refine: Steps of refinement of the code.
        damage: What happens to the image before it is restored; one of `DAMAGES`.
        image: An image of one's own, as text, where it is small enough for a link.
    """

    example: int = 0
    refine: int = 0
    damage: str = "none"
    image: str = ""


@final
@dataclass(frozen=True)
class Match:
    """An image that is like the given one."""

    pixels: Float[Tensor, "c h w"]
    name: str
    distance: float


@final
@dataclass(frozen=True)
class Restored:
    """What was seen of an image, and what could have been it.

    Attributes:
        seen: What is left of it.
        found: The consistent image, with residuals.
    """

    seen: Float[Tensor, "c h w"]
    found: Restoration


@final
@dataclass(frozen=True, eq=False)
class Studio:
    """A model with images to compare with.

    Attributes:
        inverter: The generator and its inverse.
        index: Images among which similar ones are found.
        examples: Images to begin with, `(examples, c, h, w)`.
        whose: What the images are, in words.
    """

    inverter: GeneratorInverter
    index: ImageIndex
    examples: Float[Tensor, "examples c h w"]
    whose: str
    _look: Callable[[str, str], Tensor]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images that it takes."""
        return self.inverter.fitted.image_shape

    def codes(self, image: Float[Tensor, "1 c h w"], steps: int) -> Codes:
        """The code of an image, refined by some steps."""
        if not 0 <= steps <= MOST_STEPS:
            raise InputError(f"refine={steps}; it is a number of steps from 0 to {MOST_STEPS}.")
        return self.inverter.invert(image, refine=steps)

    def nearest(self, image: Float[Tensor, "1 c h w"]) -> list[Match]:
        """The images whose codes are nearest to that of an image."""
        found = self.index.query(image, k=min(NEAREST, len(self.index)))
        pairs = zip(found.entries[0], found.distance[0].tolist(), strict=True)
        return [
            Match(self._look(entry.name, entry.place), Path(entry.name).name, float(distance))
            for entry, distance in pairs
        ]

    def restored(self, image: Float[Tensor, "1 c h w"], damage: str) -> Restored | None:
        """An image that is consistent with what is left of the given one."""
        if damage == "none":
            return None
        degradation = self._degradation(damage)
        seen = degradation(image)
        if degradation.noise:
            drawn = torch.randn(seen.shape, generator=random_generator(0))
            seen = (seen + degradation.noise * drawn).clamp(0, 1)
        return Restored(seen[0], restore(seen, degradation, self.inverter, calls=80))

    def _degradation(self, damage: str) -> Degradation:
        _, height, width = self.shape
        match damage:
            case "blur":
                return Blur(height / 12)
            case "small":
                return Downsample(2)
            case "noise":
                return Noise(NOISE)
            case "mask":
                keep = torch.ones(height, width)
                keep[height // 4 : -(height // 4), width // 4 : -(width // 4)] = 0
                return Mask(keep)
        raise InputError(f"there is no damage {damage!r}; there are {', '.join(DAMAGES)}.")


def columns(codes: Codes, matches: list[Match]) -> dict[str, np.ndarray]:
    """The code of an image, and then what is near it, as one table: kind, name, value."""
    z = codes.z[0].flatten().tolist()
    rows = [("code", f"z{i + 1}", value) for i, value in enumerate(z)]
    rows += [("residual", "", float(codes.residual[0]))]
    rows += [("distance", one.name, one.distance) for one in matches]
    kinds, names, values = zip(*rows, strict=True)
    return {"kind": np.array(kinds), "name": np.array(names), "value": np.array(values)}


@cache
def studio(model: Path | None, images: Path | None) -> Studio:
    """A model, ready to be asked; the packaged one with its digits where none is named.

    Args:
        model: A folder that `preimage gan train` wrote.
        images: Images to compare with; of the packaged model, its digits by default.

    Raises:
        StoreError: The folder is no such model, or holds a generator without an inverse.
        InputError: There are no images.
    """
    inverter = load(packaged.DIGITS if model is None else model)
    if not isinstance(inverter, GeneratorInverter):
        raise StoreError(
            f"{model} holds a generator ({inverter.kind}) and no inverse of it; train one with "
            "preimage gan train --encoder combined."
        )
    index = ImageIndex(feature=CodeFeature.of(inverter))
    shape = inverter.fitted.image_shape
    if images is not None:
        opened = open_images(images)
        index.add(opened)
        some = opened.only(opened.names[:EXAMPLES])
        batch = next(iter(some.batches(EXAMPLES, size=shape[1:], channels=shape[0])))
        return Studio(
            inverter, index, batch.pixels, f"{len(index):,} images of {images}",
            lambda name, place: fitted(read_place(place).pixels, shape)[0],
        )  # fmt: skip
    if model is None:
        known = packaged.digits()[: -packaged.HELD_OUT]
        index.add(known)
        held = packaged.digits()[-packaged.HELD_OUT :][:EXAMPLES]
        examples = torch.cat([fitted(one, shape) for one in held])
        return Studio(
            inverter, index, examples, f"{len(index):,} digits",
            lambda name, place: fitted(known[int(name)], shape)[0],
        )  # fmt: skip
    made = inverter.fitted.sample(512, seed=0)[1]
    index.add(made)
    return Studio(
        inverter, index, made[:EXAMPLES], "512 images that the generator made",
        lambda name, place: made[int(name)],
    )  # fmt: skip
