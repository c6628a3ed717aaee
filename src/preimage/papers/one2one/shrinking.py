"""Pairs of smaller images, for trainings that a CPU can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Shaped
from torch.nn import functional

from preimage.translation import Kind, Pairs
from preimage.translation.pairs.stack import brightness, rounded

Pixels: TypeAlias = Shaped[np.ndarray, "_ _ _"]


def shrunk(pairs: Pairs, size: int) -> Pairs:
    """Images padded to squares with their darkest value, then brought to a size by averaging.

    Of label maps, which are square already where they are cut, the nearest label is taken.

    Args:
        pairs: Of any sizes.
        size: The sides afterwards.

    Example:
        >>> image = np.zeros((1, 1, 40, 64), np.uint8)
        >>> shrunk(Pairs.from_arrays(image, image), 32).a[0].shape
        (1, 32, 32)
    """
    return _changed(pairs, lambda pixels, kind: _resized(_square(pixels), kind, size))


def squeezed(pairs: Pairs, size: int) -> Pairs:
    """Images brought to squares of a size, whatever their sides were.

    Args:
        pairs: Of any sizes.
        size: The sides afterwards.
    """
    return _changed(pairs, lambda pixels, kind: _resized(pixels, kind, size))


def cut(pairs: Pairs, size: int) -> Pairs:
    """Squares side by side out of each image; what is left at its right and lower border is lost.

    Names end in the corner of a square, as in "name:256,0".

    Args:
        pairs: Of any sizes; those smaller than a square are left out.
        size: The sides of a square.
    """
    pieces = [
        (row, top, left)
        for row, image in enumerate(pairs.a)
        for top in range(0, image.shape[1] - size + 1, size)
        for left in range(0, image.shape[2] - size + 1, size)
    ]
    a, b = (
        tuple(side[row][:, top : top + size, left : left + size] for row, top, left in pieces)
        for side in (pairs.a, pairs.b)
    )
    return Pairs(
        names=tuple(f"{pairs.names[row]}:{top},{left}" for row, top, left in pieces),
        kinds=pairs.kinds,
        a=a,
        b=b,
        groups=tuple(pairs.groups[row] for row, _, _ in pieces),
        skipped=pairs.skipped,
    )


def corner_of(name: str) -> tuple[int, int]:
    """The row and column of the corner of a square that `cut` named."""
    top, left = name.rsplit(":", 1)[1].split(",")
    return int(top), int(left)


def _changed(pairs: Pairs, change: Callable[[Pixels, Kind], Pixels]) -> Pairs:
    a, b = (
        tuple(change(pixels, kind) for pixels in side)
        for side, kind in zip((pairs.a, pairs.b), pairs.kinds, strict=True)
    )
    return replace(pairs, a=a, b=b)


def _square(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[1:]
    side = max(height, width)
    before = (side - height) // 2, (side - width) // 2
    margins = [(lost, side - own - lost) for lost, own in zip(before, (height, width), strict=True)]
    return np.pad(pixels, [(0, 0), *margins], constant_values=pixels.min())


def _resized(pixels: Pixels, kind: Kind, size: int) -> Pixels:
    if pixels.shape[1:] == (size, size):
        return pixels
    shown = brightness(pixels)[None]
    if kind.palette is not None:
        # Colours between two labels would be other labels.
        made = functional.interpolate(shown, size=(size, size), mode="nearest-exact")
    else:
        made = functional.interpolate(shown, size=(size, size), mode="area")
    return rounded(made[0].numpy(), pixels.dtype)
