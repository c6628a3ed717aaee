"""Pairs from image files."""

from __future__ import annotations

import os
from typing import TypeAlias

import numpy as np

from preimage.errors import DataError
from preimage.images import Images, open_images
from preimage.progress import progress
from preimage.translation.kinds import Stray
from preimage.translation.pairs.matching import match_names
from preimage.translation.pairs.palettes import painted
from preimage.translation.pairs.stack import Found, Palette, stacked, whole_numbers

Folder: TypeAlias = str | os.PathLike[str]


def read_folders(
    a: Folder,
    b: Folder,
    *,
    suffixes: tuple[str, str],
    palettes: tuple[Palette, Palette],
    stray: Stray,
) -> Found:
    """Images of two folders, matched by name; see `Pairs.from_folders`."""
    sides = open_images(a), open_images(b)
    match = match_names(sides[0].names, sides[1].names, suffixes)
    skipped = {**match.alone}
    read = [
        _read(images.only(names), palette, stray, skipped)
        for images, names, palette in zip(sides, (match.a, match.b), palettes, strict=True)
    ]
    both = {
        name: (read[0][first], read[1][second])
        for name, first, second in zip(match.names, match.a, match.b, strict=True)
        if first in read[0] and second in read[1]
    }
    return stacked(both, palettes, skipped, f"{a} and {b}")


def read_halves(folder: Folder, *, palettes: tuple[Palette, Palette], stray: Stray) -> Found:
    """Images that show side a on the left and side b on the right."""
    images = open_images(folder)
    skipped: dict[str, str] = {}
    both: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, pixels in _read(images, None, stray, skipped).items():
        width = pixels.shape[2]
        if width % 2:
            skipped[name] = f"it is {width} pixels wide, which has no half"
            continue
        halves = np.split(pixels, 2, axis=2)
        try:
            left, right = (
                half if palette is None else painted(half, palette, stray)
                for half, palette in zip(halves, palettes, strict=True)
            )
        except DataError as error:
            skipped[name] = str(error)
            continue
        both[name] = left, right
    return stacked(both, palettes, skipped, str(folder))


def _read(
    images: Images, palette: Palette, stray: Stray, skipped: dict[str, str]
) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with progress("reading images", len(images)) as bar:
        for name, picture in images.pictures():
            try:
                pixels = whole_numbers(picture)
                found[name] = pixels if palette is None else painted(pixels, palette, stray)
            except DataError as error:
                skipped[name] = str(error)
            bar.update(len(found))
    skipped |= images.skipped
    return found
