"""The default inverse: what codes look like, and how close they are, in one loss."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, final

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import mse_loss

from preimage.generators.generator import Generator
from preimage.generators.learned import LearnedInverter
from preimage.generators.pixels import photos
from preimage.nets.convolutional import Discriminator


@final
@dataclass(kw_only=True)
class CombinedInverter(LearnedInverter):
    r"""Learns the inverse by images and by codes at once, and corrects its answers by itself.

    Minimises $w_x \|x - G(E(x))\|^2 / \dim x + w_z \|z - E(x)\|^2 / \dim z$ for $x = G(z)$. The
    image loss makes reconstructions good; the code loss makes the training fast, and codes close to
    the true ones, from which corrections and refinement start well.

    Fitted to real images too, it also learns the codes of what the generator cannot quite make:
    each step takes as many real images, for which only the image loss is known. With the
    discriminator, images are compared by its last maps as well, which serves what it sees at the
    cost of pixels. On digits (preset tiny, 297 unseen ones), residual, and difference of the maps:
    .134 and .326 from made images alone, .116 and .319 with real ones, .120 and .286 with both.

    Args:
        image_weight: The weight of the image loss.
        code_weight: The weight of the code loss.
        real_weight: The weight of the image loss of real images, where there are any.
        feature_weight: The weight of the difference of the discriminator's maps, where it is given.
        learning_rate: Of Adam; ten times AEGAN's, with more momentum and a falling schedule.
        passes: Corrections of each code.
    """

    kind: ClassVar[str] = "combined"

    image_weight: float = 10.0
    code_weight: float = 1.0
    real_weight: float = 10.0
    feature_weight: float = 3.0
    learning_rate: float = 2e-3
    momentum: float = 0.9
    schedule: Literal["constant", "cosine"] = "cosine"
    passes: int = 8

    def fit(
        self,
        generator: Generator,
        images: Any = None,
        discriminator: Discriminator | None = None,
    ) -> Self:
        """Trains an encoder for a generator, which is left as it is, bit for bit.

        Args:
            generator: What is to be inverted.
            images: Real images to learn from too, of any kind that `preimage.images.open_images`
                opens; for an encoder of photos.
            discriminator: That of the generator, such as `DCGAN.discriminator_`, to compare images
                by its maps too.

        Returns:
            The inverter itself.

        Raises:
            InputError: A setting is out of range, or the images cannot be used.
            TrainingError: The loss is no longer finite; the last good checkpoint is kept.
        """
        channels, height, width = generator.image_shape
        real = None
        if images is not None:
            real = photos(images, size=(height, width), channels=channels).pixels
        judge = None if discriminator is None else deepcopy(discriminator).requires_grad_(False)
        self.judge_ = None if judge is None else judge.eval()
        seen = [] if judge is None else list(judge.state_dict().values())
        try:
            return self._learn(generator, real, *seen)
        finally:
            del self.judge_

    def _losses(
        self,
        free: Float[Tensor, "images latent"],
        z: Float[Tensor, "made ..."],
        x: Float[Tensor, "images c h w"],
        generator: Generator,
    ) -> Mapping[str, Tensor]:
        n, found = len(z), self._code(free, generator)
        again = generator(found)
        losses = {
            "image": self.image_weight * mse_loss(again[:n], x[:n]),
            "code": self.code_weight * mse_loss(found[:n], z),
        }
        if len(x) > n:
            losses["real"] = self.real_weight * mse_loss(again[n:], x[n:])
        if self.judge_ is not None:
            maps = self.judge_.to(x.device).features
            losses["features"] = self.feature_weight * mse_loss(maps(again), maps(x).detach())
        return losses
