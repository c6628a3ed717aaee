"""There and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor


@final
@dataclass(frozen=True)
class RoundTrip:
    """What two translations leave of an image; zero would mean one to one.

    Attributes:
        given: The images, in [0, 1].
        there: Their translations, not cut off to [0, 1].
        back: The translations of those.
    """

    given: Float[Tensor, "n c h w"]
    there: Float[Tensor, "n _ h w"]
    back: Float[Tensor, "n c h w"]

    @property
    def error(self) -> Float[Tensor, " n"]:
        """The largest difference of any pixel of each image, in parts of its range."""
        return (self.back - self.given).abs().amax(dim=(1, 2, 3))

    @property
    def psnr(self) -> Float[Tensor, " n"]:
        """The peak signal-to-noise ratio of each image, in dB; the data range is 1."""
        return -10 * (self.back - self.given).square().mean(dim=(1, 2, 3)).log10()
