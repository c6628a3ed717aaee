"""Batches of pairs: a window of each, jittered and flipped, both images alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from preimage.translation.kinds import Kind
from preimage.translation.pairs import Pairs
from preimage.translation.pairs.stack import brightness


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
        found = [self._one(pairs, row, generator) for row in rows]
        return torch.stack([a for a, _ in found]), torch.stack([b for _, b in found])

    def _one(self, pairs: Pairs, row: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draws = torch.rand(4, generator=generator).tolist()
        jitter = 1 + draws[3] * (self.jitter - 1) if self.vary else self.jitter
        side = round(self.size / jitter)
        sides = brightness(pairs.a[row]), brightness(pairs.b[row])
        height, width = sides[0].shape[1:]
        top, left = (
            int(draws[0] * max(1, height - side + 1)),
            int(draws[1] * max(1, width - side + 1)),
        )
        window = (slice(top, top + side), slice(left, left + side))
        return tuple(  # pyright: ignore[reportReturnType]  # two of them
            self._shaped(image[:, *window], kind, side, self.flip and draws[2] < 0.5)
            for image, kind in zip(sides, pairs.kinds, strict=True)
        )

    def _shaped(self, image: Tensor, kind: Kind, side: int, flipped: bool) -> Tensor:
        image = mirrored(image, side, side)
        if side != self.size and kind.palette is None:
            image = functional.interpolate(
                image[None], size=(self.size, self.size), mode="bilinear", antialias=True
            )[0]
        elif side != self.size:
            # Colours between two labels would be other labels.
            image = functional.interpolate(image[None], size=(self.size, self.size))[0]
        return image.flip(2) if flipped else image


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
