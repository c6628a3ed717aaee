"""The default inverse: what codes look like, and how close they are, in one loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, final

from jaxtyping import Float
from torch import Tensor

from preimage.generators.generator import Generator
from preimage.generators.learned import LearnedInverter


@final
@dataclass(kw_only=True)
class CombinedInverter(LearnedInverter):
    r"""Learns the inverse by images and by codes at once, and corrects its answers by itself.

    Minimises $w_x \|x - G(E(x))\|^2 / \dim x + w_z \|z - E(x)\|^2 / \dim z$ for $x = G(z)$. The
    image loss makes reconstructions good; the code loss makes the training fast, and codes close to
    the true ones, from which corrections and refinement start well.

    Args:
        image_weight: The weight of the image loss.
        code_weight: The weight of the code loss.
        learning_rate: Of Adam; ten times AEGAN's, with more momentum and a falling schedule.
        passes: Corrections of each code.
    """

    kind: ClassVar[str] = "combined"

    image_weight: float = 10.0
    code_weight: float = 1.0
    learning_rate: float = 2e-3
    momentum: float = 0.9
    schedule: Literal["constant", "cosine"] = "cosine"
    passes: int = 4

    def _losses(
        self,
        free: Float[Tensor, "n latent"],
        z: Float[Tensor, "n ..."],
        x: Float[Tensor, "n c h w"],
        generator: Generator,
    ) -> Mapping[str, Tensor]:
        found = self._code(free, generator)
        return {
            "image": self.image_weight * (generator(found) - x).square().mean(),
            "code": self.code_weight * (found - z).square().mean(),
        }
