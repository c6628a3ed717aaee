"""Label maps: images of few colours, each of which means something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from preimage.errors import DataError, InputError
from preimage.translation.kinds import Colour, Stray

SOME = 4
"""So many stray colours stand in a message."""


def as_palette(colours: Iterable[Sequence[int]] | None) -> tuple[Colour, ...] | None:
    """Colours as they were given, checked.

    Args:
        colours: Red, green and blue of each, from 0 to 255; None is no palette.

    Raises:
        InputError: They are no colours, one is there twice, or there are fewer than two.
    """
    if colours is None:
        return None
    given: list[Any] = [list(colour) for colour in colours]
    for colour in given:
        if len(colour) != 3 or any(int(part) != part or not 0 <= part <= 255 for part in colour):
            raise InputError(
                f"{colour} in the palette is no colour; give (red, green, blue), 0 to 255 each."
            )
    palette: tuple[Colour, ...] = tuple((int(r), int(g), int(b)) for r, g, b in given)
    if len(palette) < 2 or len(set(palette)) < len(palette):
        raise InputError(
            f"a palette has two or more different colours; this one has {len(palette)}, "
            f"{len(set(palette))} of them different."
        )
    return palette


def painted(pixels: np.ndarray, palette: tuple[Colour, ...], stray: Stray) -> np.ndarray:
    """A label map in the colours of its palette.

    Args:
        pixels: uint8, of 3 channels with colours, or of 1 with numbers of colours, counted from 0.
        palette: The colours.
        stray: What to do with others.

    Raises:
        DataError: There are others, and `stray` is "refuse".
    """
    colours = np.array(palette, dtype=np.uint8)
    if pixels.dtype != np.uint8:
        raise DataError("it has 16 bits, and label maps have 8")
    if pixels.shape[0] == 1:
        if int(pixels.max()) >= len(colours):
            raise DataError(
                f"label {int(pixels.max())} is there, and the palette has colours 0 to "
                f"{len(colours) - 1}"
            )
        return colours[pixels[0]].transpose(2, 0, 1)
    # Colours as single numbers, which are sorted far faster than columns of three.
    red, green, blue = pixels.reshape(3, -1).astype(np.int32)
    codes = (red << 16) + (green << 8) + blue
    known, place = np.unique(codes, return_inverse=True)
    found = np.stack([known >> 16, known >> 8 & 255, known & 255])
    distances = (found.T[:, None].astype(int) - colours[None].astype(int)) ** 2
    distances = distances.sum(axis=2)
    nearest = distances.argmin(axis=1)
    if stray == "refuse" and (others := np.flatnonzero(distances.min(axis=1))).size:
        share = np.isin(place, others).mean()
        some = ", ".join(str(tuple(int(part) for part in found[:, i])) for i in others[:SOME])
        raise DataError(
            f"{len(others)} colours are not in the palette, such as {some} ({share:.2%} of the "
            'pixels); add them to it, or pass stray="nearest"'
        )
    return colours[nearest[place.reshape(-1)]].T.reshape(pixels.shape)
