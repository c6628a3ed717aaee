"""Images that are in memory already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from preimage.arraylike import forwards
from preimage.errors import InputError
from preimage.images.picture import SHOWN_AS, Depth, Raster, check_brightness
from preimage.images.sources import Entry, Read, Source
from preimage.runtime import digest

IN_MEMORY = "memory:"
"""Begins the place of an image that is in no file; what follows tells its content."""


@final
@dataclass(frozen=True)
class Arrays(Source):
    """The images of one array, named by their numbers."""

    values: Tensor | None = None
    depth: Depth = 8

    @contextmanager
    def reading(self, background: float) -> Iterator[Read]:
        """The pixels are there."""
        if self.values is None:
            raise InputError("there are no pixels; use `arrays`.")
        values, depth = self.values.numpy(), self.depth
        mode = SHOWN_AS[values.shape[3]]

        def read(entry: Entry) -> Raster:
            return Raster(values[int(entry.name)], depth, mode)

        yield read


def arrays(given: Any) -> Arrays:
    """Images of one size, in an array or a tensor.

    Args:
        given: Of shape (n, height, width), (n, height, width, channels) or (n, channels, height,
            width), with 1 or 3 channels; uint8, uint16, or floating point in [0, 1].

    Raises:
        InputError: The shape, the type or the numbers are others; the message says which.
    """
    values, depth = _scaled(given)
    values = _channels_last(values).contiguous()
    width = len(str(len(values) - 1))
    entries = tuple(
        Entry(name, f"{IN_MEMORY}{name}:{digest(values[i])}", "")
        for i, name in enumerate(f"{i:0{width}d}" for i in range(len(values)))
    )
    return Arrays(entries, f"an array of {len(values)} images", {}, values, depth)


def _scaled(given: Any) -> tuple[Tensor, Depth]:
    """uint8 as it is; all else as float32 in [0, 1]."""
    if isinstance(given, np.ndarray):
        given = forwards(given)
        if given.dtype == np.uint16:
            return torch.from_numpy(given.astype(np.float32) / np.float32(65535)), 16
    try:
        values = torch.as_tensor(given).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"images are a folder, a zip archive, files, an array or a tensor; a "
            f"{type(given).__name__} cannot be read as one ({error})."
        ) from error
    if values.numel() == 0:
        raise InputError(f"there is no image: the array is empty, of shape {tuple(values.shape)}.")
    if values.dtype == torch.uint8:
        return values, 8
    if values.dtype == torch.uint16:
        return values.to(torch.float32) / 65535, 16
    if values.dtype == torch.bool:
        return values.to(torch.uint8) * 255, 8
    if not values.is_floating_point():
        raise InputError(
            f"pixels are uint8, uint16, or floating point in [0, 1]; these are {values.dtype}."
        )
    check_brightness(values)
    return values.to(torch.float32), 8


def _channels_last(values: Tensor) -> Tensor:
    shape = tuple(values.shape)
    first, last = (len(shape) == 4 and shape[axis] in SHOWN_AS for axis in (1, 3))
    if len(shape) == 3 and shape[2] not in SHOWN_AS:
        return values[..., None]
    if first != last:
        return values if last else values.permute(0, 2, 3, 1)
    if first and last:
        raise InputError(
            f"an array of shape {shape} can be read with its channels first or last; give it with "
            "sides that cannot be taken for channels."
        )
    alone = " One image wants a leading axis: image[None]." if len(shape) in (2, 3) else ""
    raise InputError(
        f"images are of shape (n, height, width), (n, height, width, channels) or (n, channels, "
        f"height, width) with 1 or 3 channels; this array is of shape {shape}.{alone}"
    )
