"""Answers as the bytes of a file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from torch import Tensor

from preimage.images.decoding import pillow
from preimage.images.picture import as_bytes
from preimage.tables import write_table


def csv(columns: Mapping[str, np.ndarray]) -> bytes:
    r"""Columns of equal length as a CSV file.

    Example:
        >>> csv({"x": np.array([0.5, 1.0])})
        b'"x"\n0.5\n1\n'
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        write_table(columns, path)
        return path.read_bytes()


def png(pixels: Tensor, scale: int = 1) -> bytes:
    """An image `(channels, height, width)` in [0, 1] as a PNG file.

    Args:
        pixels: With 1 or 3 channels.
        scale: How many pixels of the file each pixel has, across and down.
    """
    values = as_bytes(pixels.clamp(0, 1).permute(1, 2, 0).numpy())
    values = values.repeat(scale, axis=0).repeat(scale, axis=1)
    stream = io.BytesIO()
    pillow().fromarray(values[..., 0] if values.shape[2] == 1 else values).save(stream, "PNG")
    return stream.getvalue()
