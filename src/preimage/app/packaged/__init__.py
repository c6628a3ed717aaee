"""The models that come with the page, so that it has something to show without any other file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

FOLDER = Path(__file__).parent

DIGITS = FOLDER / "digits.gan"
"""Makes digits of 16 by 16, and finds their codes."""

OUTLINES = FOLDER / "outlines.translator"
"""Turns digits into their outlines, and back."""

HELD_OUT = 297
"""The last so many digits were not learned from."""

SIDE = 32
"""Sides of the images that the translator learned from."""


@cache
def digits() -> Float[Tensor, "1797 1 8 8"]:
    """Handwritten digits, in [0, 1], from scikit-learn."""
    from sklearn.datasets import load_digits

    rows, _ = load_digits(return_X_y=True)
    return torch.from_numpy(rows).float().reshape(-1, 1, 8, 8) / 16


def enlarged(images: Float[Tensor, "n 1 h w"], side: int) -> Float[Tensor, "n 1 side side"]:
    """Images at another size, smoothly."""
    return interpolate(images, (side, side), mode="bicubic", align_corners=False).clamp(0, 1)


def outlines(images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
    """The brightest pixel around each one less the darkest: bright where brightness changes."""
    most = max_pool2d(images, 3, stride=1, padding=1)
    least = -max_pool2d(-images, 3, stride=1, padding=1)
    return most - least
