"""The default inverse: what codes look like, and how close they are, in one loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, final

from jaxtyping import Float
from torch import Tensor

from preimage.generators.generator import Generator
from preimage.generators.learned import LearnedInverter
from preimage.generators.pixels import cross_entropy


@final
@dataclass(kw_only=True)
class CombinedInverter(LearnedInverter):
    r"""Learns the inverse by images and by codes at once.

    Minimises $w_x\, H(x, G(E(x))) + w_z\, \|z - E(x)\|^2 / d$ for $x = G(z)$, where H is the mean
    pixel cross-entropy. The image loss makes reconstructions good; the code loss makes training
    fast, and codes close to the true ones, from which refinement takes fewer steps.

    Args:
        image_weight: The weight of the image loss.
        code_weight: The weight of the code loss.
    """

    kind: ClassVar[str] = "combined"

    schedule: Literal["constant", "cosine"] = "cosine"
    image_weight: float = 1.0
    code_weight: float = 0.1

    def _losses(
        self,
        free: Float[Tensor, "n latent"],
        z: Float[Tensor, "n ..."],
        x: Float[Tensor, "n c h w"],
        generator: Generator,
    ) -> Mapping[str, Tensor]:
        found = self._code(free, generator)
        return {
            "image": self.image_weight * cross_entropy(generator(found), x).mean(),
            "code": self.code_weight * (found - z).square().mean(),
        }
