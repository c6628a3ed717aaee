"""Sample sheets while a model is trained."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.images import write_sheet
from preimage.translation.kinds import Kind, Side
from preimage.translation.pairs import Pairs
from preimage.translation.pairs.stack import brightness

SHOWN = 6
"""So many pairs are on a sheet."""

Translate: TypeAlias = Callable[[Tensor, Side], Tensor]


def samples(path: str | os.PathLike[str], pairs: Pairs, translate: Translate) -> None:
    """Write a sheet: each side, and below it what the model makes of the other.

    Args:
        path: A PNG.
        pairs: Some of them are shown, all of one size.
        translate: The model: images of a side to those of the other.
    """
    size = pairs.a[0].shape[1:]
    same = [row for row in range(len(pairs)) if pairs.a[row].shape[1:] == size]
    rows = same[:: max(1, len(same) // SHOWN)][:SHOWN]
    a = torch.stack([brightness(pairs.a[row]) for row in rows])
    b = torch.stack([brightness(pairs.b[row]) for row in rows])
    to_a, to_b = translate(b, "b"), translate(a, "a")
    one, two = pairs.kinds
    strips = {
        "a": as_colour(one, a),
        "a, made of b": as_colour(one, to_a),
        "b": as_colour(two, b),
        "b, made of a": as_colour(two, to_b),
        "a, made of b that was made of a": as_colour(one, translate(to_b, "b")),
    }
    write_sheet(path, list(strips.values()), list(strips), force=True)


def as_colour(kind: Kind, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 h w"]:
    """Images as they are shown; of channels that are no colours, the middle one."""
    pixels = pixels.clamp(0, 1)
    if pixels.shape[1] == 3 and not kind.neighbours:
        return pixels
    return pixels[:, pixels.shape[1] // 2][:, None].expand(-1, 3, -1, -1)
