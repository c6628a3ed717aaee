"""Images of any size by a network for one size."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.translation.augment import mirrored

OVERLAP = 0.25
"""The least share of a tile that it has in common with the next."""

CHUNK = 16
"""So many tiles go through a network at once."""

Map = Callable[[Float[Tensor, "n c s s"]], Float[Tensor, "n c s s"]]


def tiled(
    function: Map, x: Float[Tensor, "n c h w"], size: int, *, chunk: int = CHUNK
) -> Float[Tensor, "n c h w"]:
    """Applies a map of squares to images of any size.

    An image that is larger is covered by overlapping tiles. Where tiles overlap, their answers are
    averaged with weights that fall towards the border of a tile, where a network knows least of the
    surroundings. An image that is smaller is mirrored at its borders.

    Args:
        function: From images with sides `size` to such images.
        x: The images.
        size: The sides of a tile.
        chunk: How many tiles at once, of all images.

    Example:
        >>> x = torch.rand(2, 1, 40, 70, generator=torch.Generator().manual_seed(0))
        >>> bool((tiled(lambda tile: -tile, x, 32) + x).abs().max() < 1e-6)
        True
    """
    height, width = x.shape[2:]
    whole = mirrored(x, size, size)
    corners = [
        (i, top, left)
        for i in range(len(x))
        for top in starts(whole.shape[2], size)
        for left in starts(whole.shape[3], size)
    ]
    if len(corners) == len(x):
        parts = [function(part) for part in whole.split(chunk)]
        return torch.cat(parts)[..., :height, :width]
    weights = _weights(size, x)
    total = x.new_zeros(whole.shape)
    mass = x.new_zeros(whole.shape[2:])
    for begin in range(0, len(corners), chunk):
        some = corners[begin : begin + chunk]
        tiles = torch.stack(
            [whole[i, :, top : top + size, left : left + size] for i, top, left in some]
        )
        for (i, top, left), answer in zip(some, function(tiles), strict=True):
            total[i, :, top : top + size, left : left + size] += answer * weights
            if i == 0:
                mass[top : top + size, left : left + size] += weights
    return (total / mass)[..., :height, :width]


def starts(length: int, size: int) -> list[int]:
    """Where tiles begin: evenly, the first at the beginning and the last ending at the end.

    Example:
        >>> starts(256, 256), starts(600, 256)
        ([0], [0, 172, 344])
    """
    if length <= size:
        return [0]
    free = length - size
    steps = -(-free // max(1, round(size * (1 - OVERLAP))))
    return [round(free * i / steps) for i in range(steps + 1)]


def _weights(size: int, like: Tensor) -> Float[Tensor, "s s"]:
    places = torch.arange(size, device=like.device, dtype=like.dtype) + 0.5
    ramp = (torch.minimum(places, size - places) / (OVERLAP * size / 2)).clamp(max=1)
    return ramp[:, None] * ramp[None, :]
