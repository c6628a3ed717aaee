"""The images that everything is trained and measured on, with their labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from preimage.errors import DataError, InputError
from preimage.images import open_images

HELD_OUT = 9
"""One of so many images, the last of them by name, is never trained on."""

FEWEST = 100


@final
@dataclass(frozen=True)
class Faces:
    """Images of one size, some held out, with labels where there are any.

    Attributes:
        known: Those that are trained on, 8 bits.
        held: Those that are not.
        known_labels: Labels of `known`, one row each; None where there are none.
        held_labels: Likewise of `held`.
        name: What they are.
        skipped: Files that could not be read, with the reason.
    """

    known: UInt8[Tensor, "known c h w"]
    held: UInt8[Tensor, "held c h w"]
    known_labels: Int[np.ndarray, "known labels"] | None
    held_labels: Int[np.ndarray, "held labels"] | None
    name: str
    skipped: dict[str, str]


def digits(side: int) -> Faces:
    """The handwritten digits of scikit-learn, enlarged; their label is the digit."""
    from sklearn.datasets import load_digits

    values, kinds = load_digits(return_X_y=True)
    small = torch.from_numpy(values).float().view(-1, 1, 8, 8) / 16
    large = interpolate(small, size=side, mode="bilinear").clamp(0, 1)
    labels = np.asarray(kinds)[:, None]
    return _split((large * 255).round().to(torch.uint8), labels, "digits", {})


def photos(source: Path, labels: Path | None, side: int) -> Faces:
    """One's own images, in the order of their names.

    Args:
        source: A folder or a zip.
        labels: Labels in the format of CelebA, a line of names and then a line for each image; or
            None.
        side: To which they are cropped and resized.

    Raises:
        DataError: There are too few images, or an image has no labels.
    """
    stack = open_images(source).load(size=side, channels=3)
    if len(stack.names) < FEWEST:
        raise DataError(
            f"{source} holds {len(stack.names)} images that can be read; {FEWEST} are the least, "
            "and thousands are wanted."
        )
    pixels = stack.pixels
    if pixels.dtype != torch.uint8:
        pixels = (pixels * 255).round().to(torch.uint8)
    rows = None if labels is None else _rows(read_labels(labels), stack.names, labels)
    return _split(pixels, rows, source.name, stack.skipped)


def read_labels(path: Path) -> dict[str, tuple[int, ...]]:
    """The labels of each image, by its name, from a file in the format of CelebA.

    Raises:
        InputError: The file is not of that format.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
        names = lines[1].split()
        rows = [line.split() for line in lines[2:] if line.strip()]
        table = {row[0]: tuple(int(value) for value in row[1:]) for row in rows}
    except (OSError, UnicodeDecodeError, IndexError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as labels ({error}); the first line is a number, the second "
            "the names of the labels, and each other line the name of an image with its labels as "
            "1 and -1."
        ) from error
    odd = next((name for name, row in table.items() if len(row) != len(names)), None)
    if odd is not None or not table:
        raise InputError(
            f"{path} has {len(names)} names of labels"
            + (f", and {odd} has {len(table[odd])} labels." if odd else " and no images.")
        )
    return table


def _rows(table: dict[str, tuple[int, ...]], names: tuple[str, ...], path: Path) -> np.ndarray:
    plain = [Path(name).name for name in names]
    missing = [name for name in plain if name not in table]
    if missing:
        raise DataError(f"{path} has no labels for {len(missing)} images, such as {missing[0]}.")
    return np.array([table[name] for name in plain])


def _split(pixels: Tensor, labels: np.ndarray | None, name: str, skipped: dict[str, str]) -> Faces:
    count = len(pixels) - len(pixels) // HELD_OUT
    return Faces(
        pixels[:count],
        pixels[count:],
        None if labels is None else labels[:count],
        None if labels is None else labels[count:],
        name,
        skipped,
    )
