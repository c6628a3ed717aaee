"""Pictures that somebody put into the page, and how they travel in a link."""

from __future__ import annotations

import base64
import binascii
import io

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from preimage.app.downloads import png
from preimage.app.guard import MOST, TOO_LARGE
from preimage.errors import DataError, InputError
from preimage.images import open_images
from preimage.images.decoding import decode, pillow

MOST_PIXELS = 24_000_000
"""Of a picture; a larger one takes longer than anybody waits."""

OWN = -1
"""The number of the example where an image of one's own is shown."""

IN_LINK = 3000
"""Characters of a picture in a link; a larger one is left out."""


def picture(name: str, data: bytes) -> Float[Tensor, "c h w"]:
    """The pixels of a file.

    Args:
        name: What the file is called, for the message.
        data: Its content.

    Raises:
        InputError: It is no picture, is damaged, or is too large.
    """
    if len(data) > MOST:
        raise InputError(TOO_LARGE)
    try:
        with pillow().open(io.BytesIO(data)) as header:
            pixels = header.width * header.height
        if pixels > MOST_PIXELS:
            raise InputError(
                f"{name} has {pixels:,} pixels; pictures of up to {MOST_PIXELS:,} are taken. Make "
                "it smaller first."
            )
        return decode(data, 1.0).picture().pixels
    except (DataError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError) and not isinstance(error, DataError):
            raise
        reason = str(error) if isinstance(error, DataError) else "not an image"
        raise InputError(
            f"{name} cannot be read as a picture ({reason}); give a PNG, JPEG, WebP, TIFF or BMP."
        ) from error


def fitted(
    pixels: Float[Tensor, "c h w"], shape: tuple[int, int, int]
) -> Float[Tensor, "1 channels height width"]:
    """A picture in the shape that a network takes: cut to it, resized, grey or in colour.

    Args:
        pixels: In [0, 1].
        shape: Channels, height and width.
    """
    channels, height, width = shape
    # Sides of 1 or 3 pixels could be taken for channels.
    sides = [max(4, side) for side in pixels.shape[1:]]
    grown = interpolate(pixels[None], sides, mode="nearest")
    batch = next(iter(open_images(grown).batches(1, size=(height, width), channels=channels)))
    return batch.pixels


def in_colours(pixels: Float[Tensor, "c h w"], channels: int) -> Float[Tensor, "channels h w"]:
    """A picture with 1 or 3 channels: grey by Rec. 601, colour by repeating."""
    if pixels.shape[0] == channels:
        return pixels
    if channels == 1:
        weights = torch.tensor([0.299, 0.587, 0.114])
        return (weights[:, None, None] * pixels).sum(dim=0, keepdim=True)
    return pixels.expand(channels, -1, -1)


def to_text(pixels: Float[Tensor, "c h w"]) -> str:
    """A picture as text for a link; nothing where it is too large for one."""
    text = base64.urlsafe_b64encode(png(pixels)).decode()
    return text if len(text) <= IN_LINK else ""


def from_text(text: str) -> Float[Tensor, "c h w"]:
    """The way back.

    Raises:
        InputError: It is no picture.
    """
    try:
        data = base64.urlsafe_b64decode(text.encode())
    except (binascii.Error, ValueError):
        raise InputError("the picture in the address is damaged; copy the whole link.") from None
    return picture("the picture in the address", data)


def example(examples: Float[Tensor, "n c h w"], place: int) -> Float[Tensor, "c h w"]:
    """One of the examples.

    Raises:
        InputError: There is none of that number.
    """
    if place == OWN:
        raise InputError("the image was too large for the link; drop it again.")
    if not 0 <= place < len(examples):
        raise InputError(f"there is no example {place}; there are 0 to {len(examples) - 1}.")
    return examples[place]


def strip(pictures: list[Float[Tensor, "c h w"]], gap: int = 1) -> Float[Tensor, "3 h w"]:
    """Pictures side by side on white, all as high as the first."""
    height = pictures[0].shape[1]
    parts: list[Tensor] = []
    for one in pictures:
        times = max(1, height // one.shape[1])
        large = in_colours(one, 3).repeat_interleave(times, 1).repeat_interleave(times, 2)
        parts += [large[:, :height], torch.ones(3, height, gap)]
    widest = [part if part.shape[1] == height else _padded(part, height) for part in parts]
    return torch.cat(widest[:-1], dim=2)


def _padded(part: Tensor, height: int) -> Tensor:
    missing = torch.ones(3, height - part.shape[1], part.shape[2])
    return torch.cat([part, missing], dim=1)
