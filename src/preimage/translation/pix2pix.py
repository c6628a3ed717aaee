"""Two networks, one for each direction: the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError
from preimage.training import Loop
from preimage.translation.kinds import Side
from preimage.translation.networks import PatchGAN, UNet
from preimage.translation.objectives import Objective
from preimage.translation.tiling import tiled
from preimage.translation.translator import Translator


@final
@dataclass(kw_only=True)
class Pix2Pix(Translator):
    """A network and a discriminator for each direction; all else as in `SelfInverse`.

    Each step is one of both networks. So after equally many epochs each of them had as many steps
    as there were batches, and a self-inverse network with alternating batches twice as many.

    References:
        Isola et al., Image-to-image translation with conditional adversarial networks, 2017.

    Example:
        >>> from preimage.translation import Pairs
        >>> images = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> pairs = Pairs.from_arrays(images, 1 - images)
        >>> model = Pix2Pix(size=32, width=4, epochs=2, device="cpu").fit(pairs)
        >>> model(images, source="a").shape, model.history_.steps
        (torch.Size([8, 1, 32, 32]), 16)
    """

    kind: ClassVar[str] = "pix2pix"

    def _generators(self, channels: int, draws: torch.Generator) -> dict[str, nn.Module]:
        return {f"f_{side}": self._unet(channels, draws) for side in "ab"}

    def _judges(self, channels: int, draws: torch.Generator) -> dict[str, nn.Module]:
        if not self.adversarial:
            return {}
        return {
            f"d_{side}": PatchGAN(channels, width=self.width, norm=self.norm, generator=draws)
            for side in "ab"
        }

    def _learn(self, loop: Loop, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        objective = Objective(l1=self.l1, adversarial=self.adversarial)
        logged: dict[str, Tensor] = {}
        for side, given, real in (("a", a, b), ("b", b, a)):
            f = f"f_{side}"
            losses = objective.step(
                loop, f, f"d_{side}", given=given, real=real, forward=loop.networks[f]
            )
            logged |= {f"{name} from {side}": loss for name, loss in losses.items()}
        return logged

    def _answer(self, x: Float[Tensor, "n c h w"], source: Side | None) -> Float[Tensor, "n c h w"]:
        if source is None:
            raise InputError(
                "pix2pix has a network for each direction and must be told which side the images "
                'are of: source="a" or source="b".'
            )
        return tiled(self.networks_[f"f_{source}"], x, self.size)

    def _unet(self, channels: int, draws: torch.Generator) -> UNet:
        return UNet(
            channels,
            size=self.size,
            width=self.width,
            norm=self.norm,
            dropout=self.dropout,
            dropout_at_test=self.dropout_at_test,
            generator=draws,
        )
