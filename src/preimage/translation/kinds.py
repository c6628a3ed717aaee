"""What the images of one side of a translation are, and how a network takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.images.picture import Depth

Side: TypeAlias = Literal["a", "b"]
"""One of the two kinds of images."""

Stray: TypeAlias = Literal["refuse", "nearest"]
"""What is done with colours outside of a palette: complain, or take the nearest that is in it."""

Misfit: TypeAlias = Literal["refuse", "resample"]
"""What is done with two volumes on different grids: complain, or resample b on the grid of a."""

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""


def other(side: Side) -> Side:
    """The side that an image of this side is translated to."""
    return "b" if side == "a" else "a"


@final
@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the images of one side have in common.

    Attributes:
        channels: How many.
        depth: Bits a channel, 8 or 16, of the images learned from.
        palette: The colours of a label map; None for everything else.
        window: For volumes, the intensities that are black and white, the median over all volumes
            learned from: what is made is brought to this scale.
        axis: For volumes, along which slices are cut.
        neighbours: For volumes, how many slices before and after one are its further channels.
        suffix: What names of this side end in, before the ending of the file.
        stray: For label maps, what is done with colours outside of the palette.
        misfit: For volumes, what is done with two on different grids.

    Example:
        >>> grey = Kind(channels=1)
        >>> x = grey.to_network(torch.rand(1, 1, 4, 4), channels=3)
        >>> x.shape, grey.from_network(x).shape
        (torch.Size([1, 3, 4, 4]), torch.Size([1, 1, 4, 4]))
    """

    channels: int
    depth: Depth = 8
    palette: tuple[Colour, ...] | None = None
    window: tuple[float, float] | None = None
    axis: int = 2
    neighbours: int = 0
    suffix: str = ""
    stray: Stray = "refuse"
    misfit: Misfit = "refuse"

    def to_network(
        self, pixels: Float[Tensor, "n c h w"], channels: int
    ) -> Float[Tensor, "n network h w"]:
        """Pixels in [0, 1] to [-1, 1]; where the network has more channels, they repeat.

        Args:
            pixels: Images of this kind.
            channels: Of the network.
        """
        if channels != self.channels:
            pixels = pixels[:, [i % self.channels for i in range(channels)]]
        return pixels * 2 - 1

    def from_network(self, x: Float[Tensor, "n network h w"]) -> Float[Tensor, "n c h w"]:
        """The way back: the mean of repeated channels; values are not cut off."""
        if x.shape[1] == self.channels:
            return (x + 1) / 2
        pixels = [x[:, i :: self.channels].mean(dim=1) for i in range(self.channels)]
        return (torch.stack(pixels, dim=1) + 1) / 2

    def finish(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Proper images: in [0, 1], and of a label map only the colours that it has."""
        if self.palette is None:
            return pixels.clamp(0, 1)
        return self.colours(self.labels(pixels))

    def labels(self, pixels: Float[Tensor, "n c h w"]) -> Tensor:
        """The number of the nearest colour of the palette, for each pixel."""
        distances = [
            (pixels - colour[:, None, None]).square().sum(dim=1) for colour in self._colours(pixels)
        ]
        return torch.stack(distances, dim=1).argmin(dim=1)

    def colours(self, labels: Tensor) -> Float[Tensor, "n 3 h w"]:
        """The colours of numbers of the palette."""
        return self._colours(labels.to(torch.float32))[labels].permute(0, 3, 1, 2)

    def to_config(self) -> dict[str, Any]:
        """The kind as JSON values."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Kind:
        """The kind that `to_config` described."""
        palette, window = config["palette"], config["window"]
        return cls(
            channels=int(config["channels"]),
            depth=config["depth"],
            palette=None if palette is None else tuple((r, g, b) for r, g, b in palette),
            window=None if window is None else (float(window[0]), float(window[1])),
            axis=int(config["axis"]),
            neighbours=int(config["neighbours"]),
            suffix=config.get("suffix", ""),
            stray=config.get("stray", "refuse"),
            misfit=config.get("misfit", "refuse"),
        )

    def _colours(self, like: Tensor) -> Float[Tensor, "colours 3"]:
        return torch.tensor(self.palette, dtype=torch.float32, device=like.device) / 255
