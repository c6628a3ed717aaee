"""How alike two images are."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

from preimage.search.features import DHash

WINDOW, SIGMA = 7, 1.5
"""The window of SSIM; 11 in its paper, where images have 256 pixels a side and more."""


def hash_similarity(
    a: Float[Tensor, "n c h w"], b: Float[Tensor, "n c h w"], size: int = 8
) -> Float[Tensor, " n"]:
    """The share of equal bits of the difference hashes, of `size` squared bits."""
    feature = DHash(size)
    return (feature(a.clamp(0, 1)) == feature(b.clamp(0, 1))).float().mean(dim=1)


def psnr(a: Float[Tensor, "n c h w"], b: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The peak signal-to-noise ratio in dB, white being 1; equal images have 120."""
    return -10 * (a - b).square().flatten(1).mean(dim=1).clamp(min=1e-12).log10()


def ssim(a: Float[Tensor, "n c h w"], b: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The structural similarity, the mean over windows within the image and over channels.

    Source: Wang, Bovik, Sheikh and Simoncelli, Image quality assessment, 2004, equation 13.
    """
    at = torch.arange(WINDOW, dtype=a.dtype) - WINDOW // 2
    bell = torch.exp(-0.5 * (at / SIGMA) ** 2)
    window = (bell[:, None] * bell / bell.sum() ** 2)[None, None]

    def mean(values: Tensor) -> Tensor:
        return conv2d(values.flatten(0, 1)[:, None], window)

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    both = mean(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    value = ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    )
    return value.view(len(a), -1).mean(dim=1)
