"""Many images on one: samples, or the same image by several methods."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from preimage.errors import InputError
from preimage.images.decoding import pillow
from preimage.images.picture import Picture, as_bytes, check_brightness
from preimage.images.writing import write_picture

Row: TypeAlias = Float[Tensor, "_ _ _ _"]

GAP = 2
"""Pixels between images."""

LETTER = 12
"""The height of captions, in pixels."""

LINE = 16
"""The height of the strip that they are in."""


def sheet(
    rows: Sequence[Row], captions: Sequence[str | Sequence[str]] = (), *, scale: int = 1
) -> UInt8[np.ndarray, "_ _ 3"]:
    """Rows of images under each other, on white.

    Args:
        rows: Images of one size in [0, 1], grey or in colour; rows may differ in length.
        captions: Above each row, or, where it is a list, above each image of it; what is longer
            than there is room for is cut.
        scale: How many pixels wide and high one pixel is shown.

    Returns:
        The sheet.

    Raises:
        InputError: Sizes differ, there are no images, or not as many captions as rows.

    Example:
        >>> sheet([torch.rand(3, 1, 8, 8), torch.rand(2, 3, 8, 8)], ["noise", "more"]).shape
        (54, 32, 3)
    """
    if not rows or scale < 1:
        raise InputError(f"a sheet wants at least one row and one pixel a pixel; scale={scale}.")
    if captions and len(captions) != len(rows):
        raise InputError(f"{len(rows)} rows and {len(captions)} captions; one for each, or none.")
    cells = [_cells(row, scale) for row in rows]
    sizes = {cell.shape[1:3] for cell in cells}
    if len(sizes) > 1:
        raise InputError(f"images on a sheet are of one size; these are {sorted(sizes)}.")
    high, wide = sizes.pop()
    top = LINE if captions else 0
    width = GAP + max(map(len, cells)) * (wide + GAP)
    whole = np.full((GAP + len(rows) * (top + high + GAP), width, 3), 255, np.uint8)
    for i, row in enumerate(cells):
        y = GAP + i * (top + high + GAP) + top
        for j, cell in enumerate(row):
            x = GAP + j * (wide + GAP)
            whole[y : y + high, x : x + wide] = cell
        for j, strip in enumerate(_strips(captions[i], wide, width) if captions else []):
            x = GAP + j * (wide + GAP)
            part = whole[y - LINE : y, x : x + strip.shape[1]]
            part[:] = strip[:, : part.shape[1]]
    return whole


def write_sheet(
    path: str | os.PathLike[str],
    rows: Sequence[Row],
    captions: Sequence[str | Sequence[str]] = (),
    *,
    scale: int = 1,
    force: bool = False,
) -> None:
    """Write what `sheet` draws.

    Args:
        path: The file, best a PNG.
        rows: As for `sheet`.
        captions: Likewise.
        scale: Likewise.
        force: Replace a file that is already there.

    Raises:
        InputError: As `sheet` and `write_picture` do.
        OutputExistsError: As `write_picture` does.
    """
    drawn = torch.from_numpy(sheet(rows, captions, scale=scale)).permute(2, 0, 1)
    write_picture(path, Picture(drawn.to(torch.float32) / 255), force=force)


def _cells(row: Tensor, scale: int) -> np.ndarray:
    """Images, height, width, three channels in bytes."""
    if row.ndim != 4 or row.shape[1] not in (1, 3) or len(row) == 0:
        raise InputError(
            f"a row of a sheet is (images, channels, height, width) with 1 or 3 channels, and "
            f"not {tuple(row.shape)}."
        )
    check_brightness(row)
    values = as_bytes(row.detach().to("cpu", torch.float32).permute(0, 2, 3, 1).numpy())
    values = np.broadcast_to(values, (*values.shape[:3], 3))
    return values.repeat(scale, axis=1).repeat(scale, axis=2)


def _strips(captions: str | Sequence[str], wide: int, width: int) -> list[np.ndarray]:
    """The text as pixels: one strip for the row, or one for each image."""
    if isinstance(captions, str):
        return [_written(captions, width - 2 * GAP)]
    return [_written(caption, wide) for caption in captions]


def _written(text: str, width: int) -> np.ndarray:
    pillow()
    from PIL import Image, ImageDraw, ImageFont

    strip = Image.new("RGB", (width, LINE), "white")
    ImageDraw.Draw(strip).text((0, 0), text, fill="black", font=ImageFont.load_default(LETTER))
    return np.asarray(strip)
