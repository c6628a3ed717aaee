"""How far a translation is from the right one, image by image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError, MissingExtraError

PEAK = 100.0
"""The PSNR of images that are equal, which would be infinite, in dB."""


@final
@dataclass(frozen=True)
class Scores:
    r"""The distances of some images from the right ones, one of each for each image.

    Attributes:
        l1: The mean absolute difference.
        psnr: The peak signal-to-noise ratio in dB: $10 \log_{10}(r^2 / \mathrm{MSE})$ with the
            data range $r$; 100 for images that are equal.
        ssim: The structural similarity of Wang et al. (2004), a Gaussian window with σ = 1.5.
    """

    l1: Float[Tensor, " n"]
    psnr: Float[Tensor, " n"]
    ssim: Float[Tensor, " n"]

    def means(self) -> dict[str, float]:
        """The mean of each over the images."""
        return {name: float(values.mean()) for name, values in vars(self).items()}


def scores(
    found: Float[Tensor, "_ _ _ _"], right: Float[Tensor, "_ _ _ _"], *, data_range: float = 1.0
) -> Scores:
    """L1, PSNR and SSIM of each image, by torchmetrics.

    The images are in [0, 1], whose data range is 1. Papers that score images in [-1, 1] with a data
    range of 1 find a PSNR that is lower by 6.02 dB, and an L1 that is twice as large.

    Args:
        found: The translations.
        right: What they should be.
        data_range: What the largest and the least possible value differ by.

    Raises:
        InputError: Shapes differ, or images are smaller than the window of SSIM, 11 pixels.
        MissingExtraError: torchmetrics is not installed.

    Example:
        >>> x = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> found = scores((x + 0.1).clamp(0, 1), x)
        >>> [round(one, 2) for one in found.means().values()]
        [0.1, 20.28, 0.98]
    """
    if found.shape != right.shape or found.ndim != 4:
        raise InputError(
            f"the translations have shape {tuple(found.shape)}, the right images "
            f"{tuple(right.shape)}; both must be (n, channels, height, width)."
        )
    if min(found.shape[2:]) < 11:
        raise InputError(
            f"images of {tuple(found.shape[2:])} are smaller than the window of SSIM, 11 pixels."
        )
    try:
        from torchmetrics.functional.image import structural_similarity_index_measure
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "images are scored by torchmetrics, which is not installed; install it with "
            "pip install 'preimage[translation]'."
        ) from error
    difference = found - right
    squares = difference.square().mean(dim=(1, 2, 3))
    ssim = structural_similarity_index_measure(
        found, right, data_range=data_range, reduction="none", sigma=1.5
    )
    return Scores(
        l1=difference.abs().mean(dim=(1, 2, 3)),
        psnr=(10 * (data_range**2 / squares).log10()).clamp(max=PEAK),
        ssim=torch.as_tensor(ssim[0] if isinstance(ssim, tuple) else ssim),
    )
