"""From the bytes of a file to its pixels, by Pillow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from preimage.errors import DataError, MissingExtraError
from preimage.images.picture import Depth, Raster

if TYPE_CHECKING:
    from types import ModuleType

    from PIL.Image import Image

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""A file in a folder or an archive is an image if its name ends so."""

FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
"""Decoders that are tried: no others, since each is a door for damaged files."""

SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N", "I")
"""Modes of more than eight bits; "I" has 32, of which an image uses 16."""


def pillow() -> ModuleType:
    """Pillow's `Image`.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "images are read by Pillow, which is not installed; install it with "
            "pip install 'preimage[images]'."
        ) from error
    return Image


def decode(data: bytes, background: float) -> Raster:
    """Pixels of an encoded image, upright, without alpha, grey or RGB.

    The orientation that a camera noted is applied. Palettes, CMYK, YCbCr and Lab become RGB;
    transparent parts show the background; of several frames the first is taken. 16-bit grey keeps
    its depth; 16-bit colour does not, since Pillow reads it as 8-bit, and the note says so.

    Args:
        data: The file.
        background: What is behind transparent parts: 0 is black, 1 is white.

    Raises:
        DataError: The bytes are no image, are damaged, or declare too many pixels. The message is
            a reason of a few words, to stand beside the name of the file.
    """
    if not data:
        raise DataError("the file is empty")
    library = pillow()
    from PIL import ImageOps, UnidentifiedImageError

    try:
        with library.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image, library.MAX_IMAGE_PIXELS)
            note = _note(image)
            mode = image.mode
            image.load()
            upright = ImageOps.exif_transpose(image)
            values, depth = _pixels(upright, background)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError("not an image, or damaged at its beginning") from None
    except (library.DecompressionBombError, library.DecompressionBombWarning):
        raise DataError(_too_many(None, library.MAX_IMAGE_PIXELS)) from None
    except Exception as error:
        raise DataError(f"damaged ({str(error).strip() or type(error).__name__})") from error
    return Raster(values, depth, mode, note)


def _check_size(image: Image, most: int | None) -> None:
    """Only the header has been read yet."""
    pixels = image.width * image.height
    if most is not None and pixels > most:
        raise DataError(_too_many(pixels, most))


def _too_many(pixels: int | None, most: int | None) -> str:
    declared = "too many" if pixels is None else f"{pixels:,}"
    return f"it declares {declared} pixels (PIL.Image.MAX_IMAGE_PIXELS is {most or 0:,})"


def _note(image: Image) -> str:
    """What the pixels that are taken over leave behind."""
    from PIL.ImageFile import ImageFile

    frames = getattr(image, "n_frames", 1)
    # A phone's JPEG (MPO) has the same view again, small or from a second lens.
    parts = [f"the first of {frames} frames"] if frames > 1 and image.format != "MPO" else []
    tile = image.tile if isinstance(image, ImageFile) else []
    raw = tile[0][3] if tile else ""
    raw = raw[0] if isinstance(raw, tuple) else raw
    # Such as "RGB;16B", from which Pillow keeps the upper half of each number.
    if image.mode not in SIXTEEN and isinstance(raw, str) and ";16" in raw:
        parts.append("16 bits a colour, read as 8")
    return ", ".join(parts)


def _pixels(image: Image, background: float) -> tuple[np.ndarray, Depth]:
    """Height, width, channels, and the depth."""
    if image.mode in SIXTEEN:
        return _sixteen(np.asarray(image))[..., None], 16
    if image.mode == "F":
        return _floats(np.asarray(image))[..., None], 16
    if image.mode == "1":
        image = image.convert("L")
    transparent = "transparency" in image.info
    if image.mode in ("LA", "La") or (image.mode == "L" and transparent):
        return _composed(np.asarray(image.convert("LA")), background), 8
    if image.mode in ("RGBA", "RGBa", "PA") or transparent:
        return _composed(np.asarray(image.convert("RGBA")), background), 8
    if image.mode == "L":
        return np.asarray(image)[..., None], 8
    return np.asarray(image.convert("RGB")), 8


def _sixteen(values: np.ndarray) -> np.ndarray:
    if values.min() < 0 or values.max() > 65535:
        raise DataError(
            f"its numbers go from {values.min()} to {values.max()}, beyond 16 bits; rescale it"
        )
    return values.astype(np.float32) / np.float32(65535)


def _floats(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise DataError("its floating point numbers are not all in [0, 1]; rescale it")
    return values.astype(np.float32)


def _composed(values: np.ndarray, background: float) -> np.ndarray:
    """Colours over the background, as much as their alpha lets through."""
    alpha = values[..., -1:].astype(np.float32) / np.float32(255)
    over = values[..., :-1] * alpha + np.float32(255 * background) * (1 - alpha)
    return np.rint(over).astype(np.uint8)
