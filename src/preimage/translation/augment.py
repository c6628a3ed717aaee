"""Batches of pairs: a window of each, jittered and flipped, both images alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from preimage.translation.kinds import Kind
from preimage.translation.pairs import Pairs
from preimage.translation.pairs.stack import CPU, brightness, moved


class Place(NamedTuple):
    """Where a window is in an image, in pixels."""

    top: int
    left: int
    side: int


@final
@dataclass(frozen=True)
class Cut:
    """Windows as they were cut, in whole numbers.

    Attributes:
        a: Of side a, in groups of one shape: (n, channels, height, width).
        b: Those of side b.
        sides: How large they should be before they are made larger, for each group.
        mirror: Which of all are to be mirrored.
    """

    a: list[np.ndarray]
    b: list[np.ndarray]
    sides: list[int]
    mirror: Tensor


@final
@dataclass(frozen=True, kw_only=True)
class Windows:
    """Draws square windows from pairs, as the paper does.

    The paper makes images of 256 larger, 286, and cuts 256 out again; for an image of any size that
    is a window of 256 / (286 / 256), made larger to 256. An image that is smaller than the window
    is mirrored at its borders.

    Args:
        size: The sides of a window when it is handed out.
        jitter: How much larger than in the image it is; 286 / 256 in the paper, 1 for no change.
        vary: Whether each window has its own factor between 1 and `jitter`, so that windows at the
            scale that is translated later are among them.
        flip: Whether half of the windows are mirrored left to right.
    """

    size: int
    jitter: float
    vary: bool
    flip: bool

    def draw(
        self, pairs: Pairs, rows: list[int], generator: torch.Generator
    ) -> tuple[Float[Tensor, "n a h w"], Float[Tensor, "n b h w"]]:
        """One window of each of these pairs, the same one of both images.

        Args:
            pairs: Where from.
            rows: Which of them.
            generator: On the CPU; decides where the windows are.

        Returns:
            Brightness in [0, 1] of side a and of side b.
        """
        return self.finish(self.cut(pairs, rows, generator), pairs.kinds)

    def cut(self, pairs: Pairs, rows: list[int], generator: torch.Generator) -> Cut:
        """The first half of `draw`: what is the matter of the processor."""
        draws = [torch.rand(4, generator=generator).tolist() for _ in rows]
        places = [self._place(pairs, row, own) for row, own in zip(rows, draws, strict=True)]
        a, b = (
            [
                images[row][:, y : y + side, x : x + side]
                for row, (y, x, side) in zip(rows, places, strict=True)
            ]
            for images in (pairs.a, pairs.b)
        )
        mirror = torch.tensor([self.flip and own[2] < 0.5 for own in draws])
        if len({(one.shape, place.side) for one, place in zip(a, places, strict=True)}) == 1:
            return Cut([np.stack(a)], [np.stack(b)], [places[0].side], mirror)
        sides = [place.side for place in places]
        return Cut([one[None] for one in a], [one[None] for one in b], sides, mirror)

    def finish(
        self, cut: Cut, kinds: tuple[Kind, Kind], device: torch.device = CPU
    ) -> tuple[Float[Tensor, "n a h w"], Float[Tensor, "n b h w"]]:
        """The second half of `draw`: numbers that a device works on.

        Args:
            cut: The first half.
            kinds: Of the pairs.
            device: Where the windows are wanted.
        """
        mirror = moved(cut.mirror, device)[:, None, None, None]
        whole = (
            torch.cat(
                [
                    self._larger(brightness(group, device), kind, side)
                    for group, side in zip(groups, cut.sides, strict=True)
                ]
            )
            for groups, kind in zip((cut.a, cut.b), kinds, strict=True)
        )
        a, b = (torch.where(mirror, images.flip(3), images) for images in whole)
        return a, b

    def _place(self, pairs: Pairs, row: int, draws: list[float]) -> Place:
        """Where the window of a pair is."""
        jitter = 1 + draws[3] * (self.jitter - 1) if self.vary else self.jitter
        side = round(self.size / jitter)
        height, width = pairs.a[row].shape[1:]
        top, left = (
            int(draw * max(1, whole - side + 1))
            for draw, whole in zip(draws[:2], (height, width), strict=True)
        )
        return Place(top, left, side)

    def _larger(self, images: Tensor, kind: Kind, side: int) -> Tensor:
        images = mirrored(images, side, side)
        sides = self.size, self.size
        if side == self.size:
            return images
        if kind.palette is not None:
            # Colours between two labels would be other labels.
            return functional.interpolate(images, size=sides)
        fine = side > self.size
        return functional.interpolate(images, size=sides, mode="bilinear", antialias=fine)


def mirrored(
    image: Float[Tensor, "*n c h w"], height: int, width: int
) -> Float[Tensor, "*n c height width"]:
    """Images with at least these sides: what is missing is mirrored, again and again if need be.

    Args:
        image: The images.
        height: The least height.
        width: The least width.
    """
    for axis, least in ((-2, height), (-1, width)):
        have = image.shape[axis]
        if have < least:
            period = max(1, 2 * have - 2)
            rows = torch.arange(least, device=image.device) % period
            rows = torch.minimum(rows, period - rows) if have > 1 else rows * 0
            image = image.index_select(axis, rows)
    return image


def relit(
    images: Float[Tensor, "n c h w"], spread: Float[Tensor, "n 1 1 1"], generator: torch.Generator
) -> Float[Tensor, "n c h w"]:
    r"""Images in another light: brightness $v \mapsto e^s v^{e^t}$, s and t uniform for each image.

    Args:
        images: In [-1, 1].
        spread: The most that s and t are, either way.
        generator: Where they are drawn from, on the device of the images.
    """
    draws = torch.rand(2, len(images), 1, 1, 1, generator=generator, device=images.device)
    gain, gamma = (spread * (2 * draws - 1)).exp()
    return 2 * gain * ((images + 1) / 2).clamp(min=0) ** gamma - 1
