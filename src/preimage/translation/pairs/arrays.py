"""Pairs from arrays."""

from __future__ import annotations

import numpy as np

from preimage.errors import DataError, InputError
from preimage.translation.kinds import Stray
from preimage.translation.pairs.palettes import painted
from preimage.translation.pairs.stack import LARGEST, Found, Palette, rounded, stacked


def read_arrays(a: object, b: object, *, palettes: tuple[Palette, Palette], stray: Stray) -> Found:
    """Images in two arrays; see `Pairs.from_arrays`."""
    sides = [as_images(a, "a"), as_images(b, "b")]
    if len(sides[0]) != len(sides[1]):
        raise InputError(
            f"side a has {len(sides[0])} images and side b has {len(sides[1])}; row i of both is "
            "a pair."
        )
    if sides[0].shape[2:] != sides[1].shape[2:]:
        raise InputError(
            f"images of side a are {sides[0].shape[2:]} (height, width) and those of side b "
            f"{sides[1].shape[2:]}; both of a pair must show the same at the same place."
        )
    width = len(str(len(sides[0]) - 1))
    both: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for row, (one, two) in enumerate(zip(*sides, strict=True)):
        try:
            left, right = (
                side if palette is None else painted(side, palette, stray)
                for side, palette in zip((one, two), palettes, strict=True)
            )
        except DataError as error:
            raise InputError(f"row {row}: {error}.") from error
        both[f"{row:0{width}d}"] = left, right
    return stacked(both, palettes, {}, "the arrays")


def as_images(given: object, what: str) -> np.ndarray:
    """Channels-first whole numbers of an array: uint8, or uint16.

    Args:
        given: (n, h, w) or (n, c, h, w), uint8, uint16, or floating point in [0, 1], which is kept
            in 16 bits.
        what: What it is called in messages.

    Raises:
        InputError: The shape, the type or the values are others.
    """
    values = np.asarray(given)
    if values.ndim == 3:
        values = values[:, None]
    if values.ndim != 4 or 0 in values.shape:
        raise InputError(
            f"side {what} has shape {values.shape}; give (images, height, width) or (images, "
            "channels, height, width)."
        )
    if values.dtype in LARGEST:
        return values
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(
            f"side {what} holds {values.dtype}; give uint8, uint16, or floating point in [0, 1]."
        )
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise InputError(
            f"side {what} has values from {values.min():g} to {values.max():g}; floating-point "
            "images are in [0, 1]. Scale them first."
        )
    return rounded(values.astype(np.float32), np.dtype(np.uint16))
