"""Images of one size and one number of channels."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from preimage.errors import InputError
from preimage.images.decoding import pillow
from preimage.images.picture import SHOWN_AS, Raster

Fit: TypeAlias = Literal["crop", "stretch"]
"""How a rectangle becomes another: its largest central part of that shape, or all of it, squeezed.

Either is then resampled by Pillow's Lanczos filter, widened when shrinking against aliasing.
"""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Grey from red, green and blue: ITU-R BT.601, as Pillow computes it."""


def fitted(raster: Raster, size: tuple[int, int] | None, channels: int, fit: Fit) -> np.ndarray:
    """Height, width and channels as asked for; uint8 stays uint8, float32 stays float32.

    Args:
        raster: The image.
        size: Height and width; None leaves them.
        channels: 1 makes it grey, 3 repeats grey.
        fit: What is done where the shape differs.
    """
    values = raster.values
    if size is not None and fit == "crop":
        values = _centre(values, size)
    if channels == 1 and values.shape[2] == 3:
        values = _grey(values)
    if size is not None and values.shape[:2] != size:
        values = _resampled(values, size)
    return np.repeat(values, 3, axis=2) if channels == 3 and values.shape[2] == 1 else values


def check_view(size: int | tuple[int, int] | None, channels: int, fit: Fit) -> None:
    """Complain about a size, a number of channels or a fit that there is not.

    Raises:
        InputError: The message says which.
    """
    sides = size if isinstance(size, tuple) else (size,) * (size is not None)
    if len(sides) > 2 or any(side is None or side < 1 for side in sides):
        raise InputError(f"size={size}; give the side in pixels, or (height, width), or None.")
    if channels not in SHOWN_AS:
        raise InputError(f"channels={channels}; images are grey (1) or in colour (3).")
    if fit not in ("crop", "stretch"):
        raise InputError(f'fit={fit!r}; it is "crop" or "stretch".')


def _centre(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest central part that has the shape of `size`."""
    height, width = values.shape[:2]
    scale = min(height / size[0], width / size[1])
    rows = min(height, max(1, round(size[0] * scale)))
    columns = min(width, max(1, round(size[1] * scale)))
    top, left = (height - rows) // 2, (width - columns) // 2
    return values[top : top + rows, left : left + columns]


def _grey(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        image = pillow().fromarray(np.ascontiguousarray(values))
        return np.asarray(image.convert("L"))[..., None]
    return (values @ LUMA)[..., None]


def _resampled(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    library = pillow()
    lanczos, shape = library.Resampling.LANCZOS, (size[1], size[0])
    if values.dtype == np.uint8:
        flat = values[..., 0] if values.shape[2] == 1 else values
        image = library.fromarray(np.ascontiguousarray(flat)).resize(shape, lanczos)
        return np.asarray(image).reshape(*size, -1)
    planes = [
        np.asarray(library.fromarray(np.ascontiguousarray(values[..., c])).resize(shape, lanczos))
        for c in range(values.shape[2])
    ]
    # The filter overshoots at edges.
    return np.stack(planes, axis=-1).clip(0, 1)
