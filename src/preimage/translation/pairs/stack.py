"""What readers of pairs hand over, and the numbers that pixels are kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from preimage.errors import InputError
from preimage.images import Picture
from preimage.translation.kinds import Colour, Kind

LARGEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
"""The number that stands for full brightness."""

CPU = torch.device("cpu")


Palette: TypeAlias = tuple[Colour, ...] | None
"""The colours of a label map, or none."""


@final
@dataclass
class Stack:
    """Images of one side, in the order in which they were read.

    Attributes:
        kind: What they have in common.
        pixels: Channels, height and width of each, uint8 or uint16.
    """

    kind: Kind
    pixels: list[Shaped[np.ndarray, "_ _ _"]] = field(default_factory=list)


def whole_numbers(picture: Picture) -> Shaped[np.ndarray, "_ _ _"]:
    """A picture in uint8, or uint16 where it has 16 bits: a fraction of its memory."""
    return rounded(picture.pixels.numpy(), np.dtype(np.uint16 if picture.depth == 16 else np.uint8))


def rounded(values: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Numbers in [0, 1] as whole numbers of this type."""
    return np.rint(values * np.float32(LARGEST[kind])).astype(kind)


def brightness(
    pixels: Shaped[np.ndarray, "*shape"], device: torch.device = CPU
) -> Float[Tensor, "*shape"]:
    """Whole numbers as brightness in [0, 1].

    Args:
        pixels: As they are kept.
        device: Where brightness is wanted.
    """
    whole = moved(torch.from_numpy(np.ascontiguousarray(pixels)), device)
    return whole.to(torch.float32) / LARGEST[pixels.dtype]


def moved(values: Tensor, device: torch.device) -> Tensor:
    """Values on a device.

    Args:
        values: On the CPU.
        device: Where they are wanted.
    """
    # From pinned memory, the copy does not wait for the work that a GPU has before it.
    pinned = values.pin_memory() if device.type == "cuda" else values
    return pinned.to(device, non_blocking=True)


@final
@dataclass
class Found:
    """What a reader found.

    Attributes:
        a: The images of side a.
        b: Those of side b, in the same order.
        names: One for each pair.
        groups: What must not be torn apart by a split: the volume of a slice, or the pair itself.
        skipped: What was left out and why, by name.
    """

    a: Stack
    b: Stack
    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def stacked(
    both: Mapping[str, tuple[np.ndarray, np.ndarray]],
    palettes: tuple[Palette, Palette],
    skipped: dict[str, str],
    title: str,
) -> Found:
    """Pairs whose images fit on each other, each side with one depth and number of channels.

    Args:
        both: The two images of each pair.
        palettes: Those of the sides.
        skipped: What was left out so far; what does not fit is added.
        title: Where the images come from, for messages.

    Raises:
        InputError: Nothing is left.
    """
    fitting: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, (one, two) in both.items():
        if one.shape[1:] == two.shape[1:]:
            fitting[name] = one, two
        else:
            sizes = " and ".join(f"{x.shape[2]} × {x.shape[1]}" for x in (one, two))
            skipped[name] = f"its two images differ in size: {sizes}"
    if not fitting:
        first = next(iter(skipped.items()), ("", "there are none"))
        raise InputError(f"no pair of {title} can be used; the first, {first[0]}: {first[1]}.")
    stacks = [
        _side([pair[place] for pair in fitting.values()], palettes[place]) for place in (0, 1)
    ]
    names = list(fitting)
    return Found(stacks[0], stacks[1], names, list(names), dict(sorted(skipped.items())))


def _side(pixels: list[np.ndarray], palette: Palette) -> Stack:
    """Grey images among coloured ones become coloured, 8 bits among 16 become 16."""
    channels = max(len(one) for one in pixels)
    deep = any(one.dtype == np.uint16 for one in pixels)
    kind = np.dtype(np.uint16 if deep else np.uint8)
    for place, one in enumerate(pixels):
        wide = one if len(one) == channels else np.repeat(one, channels, axis=0)
        # 65535 / 255 is 257, so that brightness stays the same to the last bit.
        pixels[place] = wide if wide.dtype == kind else wide.astype(kind) * np.uint16(257)
    return Stack(Kind(channels=channels, depth=16 if deep else 8, palette=palette), pixels)
