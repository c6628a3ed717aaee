"""One image as it was read, before anything is done to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError

Depth: TypeAlias = Literal[8, 16]
"""Bits a channel."""

LARGEST = {8: 255, 16: 65535}
"""The number that stands for full brightness, by depth."""

SHOWN_AS = {1: "L", 3: "RGB"}
"""What an image of so many channels is called, by Pillow too."""


@final
@dataclass(frozen=True)
class Raster:
    """Pixels as they lie in the file, which takes a quarter of the memory of a `Picture`.

    Attributes:
        values: Heights, widths and channels (1 or 3): uint8, or float32 in [0, 1].
        depth: Bits a channel, of the file.
        mode: What the file holds, in Pillow's words, such as "RGBA" or "I;16".
        note: What was not taken over, such as further frames; empty where all was.
    """

    values: np.ndarray
    depth: Depth
    mode: str
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.values.shape[0], self.values.shape[1]

    def picture(self) -> Picture:
        """The same, as people work with it."""
        return Picture(torch.from_numpy(as_float(self.values)), self.depth, self.mode)


@final
@dataclass(frozen=True)
class Picture:
    """One image.

    Attributes:
        pixels: Channels (1 or 3), height and width, float32 in [0, 1].
        depth: Bits a channel, 8 or 16, with which it was stored and will be.
        mode: What the file held, in Pillow's words, such as "RGBA" or "I;16"; "L" or "RGB" for
            what never was a file.

    Raises:
        InputError: The pixels are not such numbers; the message says what they are.

    Example:
        >>> Picture(torch.full((3, 2, 2), 0.5))
        Picture(3 × 2 × 2, 8 bits, RGB)
    """

    pixels: Float[Tensor, "channels height width"]
    depth: Depth = 8
    mode: str = ""

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 3 or pixels.shape[0] not in SHOWN_AS or 0 in pixels.shape:
            raise InputError(
                f"a picture has 1 or 3 channels, a height and a width; this one is of shape "
                f"{tuple(pixels.shape)}."
            )
        if self.depth not in LARGEST:
            raise InputError(f"depth={self.depth}; an image has 8 or 16 bits a channel.")
        check_brightness(pixels)
        object.__setattr__(self, "pixels", pixels.detach().to("cpu", torch.float32))
        object.__setattr__(self, "mode", self.mode or SHOWN_AS[pixels.shape[0]])

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.pixels.shape))
        return f"Picture({shape}, {self.depth} bits, {self.mode})"

    def raster(self) -> Raster:
        """The pixels rounded to the depth: uint8, or multiples of 1/65535."""
        values = self.pixels.permute(1, 2, 0).numpy()
        if self.depth == 8:
            return Raster(as_bytes(values), 8, self.mode)
        return Raster(np.ascontiguousarray(values), 16, self.mode)


def as_float(values: np.ndarray) -> np.ndarray:
    """Height, width, channels to channels, height, width in float32; 255 becomes 1."""
    planes = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    return planes.astype(np.float32) / np.float32(255) if planes.dtype == np.uint8 else planes


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1] to the nearest of 0 to 255."""
    return np.rint(values * np.float32(255)).astype(np.uint8)


def check_brightness(pixels: Tensor) -> None:
    """Complain about numbers that are no brightness.

    Raises:
        InputError: If they are not floating point, not finite, or outside of [0, 1].
    """
    if not pixels.is_floating_point():
        raise InputError(
            f"pixels are floating point numbers in [0, 1]; these are {pixels.dtype}. Divide by "
            "the largest value that the type has."
        )
    low, high = (float(one) for one in torch.aminmax(pixels))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError("some pixels are not finite; leave out the images that they are in.")
    if low < 0 or high > 1:
        raise InputError(
            f"pixels are in [0, 1]; these go from {low:g} to {high:g}. Scale them first, for "
            "instance images / 255, or (images + 1) / 2 after a tanh."
        )
