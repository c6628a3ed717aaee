"""Figure 5, measured: blurred, masked, small and noisy images, and what is made of them."""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.generators.adaptation import adapt
from preimage.generators.degradations import Blur, Degradation, Downsample, Mask, Noise, Sequence
from preimage.generators.restoration import Restoration, restore
from preimage.papers.aegan.cells import Values
from preimage.papers.aegan.measures import hash_similarity, psnr, ssim
from preimage.papers.aegan.models import Models
from preimage.papers.aegan.reconstruction import test_images

CALLS, STARTS, ADAPTATION = 80, 3, 200


def degradations(side: int) -> dict[str, Degradation]:
    """What is undone, in proportion to the side of an image."""
    keep = torch.ones(side, side)
    keep[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 0
    blur = Blur(side / 32)
    return {
        "blur": blur,
        "mask": Mask(keep),
        "small": Downsample(4),
        "noise": Sequence((blur, Noise(0.05))),
    }


def restored(
    models: Models, degradation: Degradation, seen: Tensor, adaptation: int
) -> Restoration:
    """The restoration by the library's default encoder."""
    return restore(
        seen,
        degradation,
        models.combined,
        calls=CALLS,
        starts=STARTS,
        adaptation=adaptation,
        seed=models.seed,
    )


def degrading(models: Models) -> Values:
    """The plain pass, the search, and adaptation, on generated and on held-out real images."""
    n, side = models.size.descents, models.size.preset.size
    sets = {
        "generated": test_images(models, models.generator, n)[1],
        "real": models.data.held[:n].float() / 255,
    }
    rows: Values = {}
    for which, clean in sets.items():
        for name, degradation in degradations(side).items():
            seen = degradation.observe(clean, models.seed)
            found = restored(models, degradation, seen, adaptation=0)
            if found.plain is None:
                continue
            own = adapt(models.generator, found.z, seen, steps=ADAPTATION, degradation=degradation)
            rows[f"{which} {name}"] = {
                "plain": float(psnr(found.plain, clean).mean()),
                "found": float(psnr(found.images, clean).mean()),
                "adapted": float(psnr(own.images, clean).mean()),
                "plain_ssim": float(ssim(found.plain, clean).mean()),
                "found_ssim": float(ssim(found.images, clean).mean()),
                "adapted_ssim": float(ssim(own.images, clean).mean()),
                "plain_dhash": float(hash_similarity(found.plain, clean).mean()),
                "found_dhash": float(hash_similarity(found.images, clean).mean()),
                "residual": float(found.residual.mean()),
                "calls": float(found.calls.float().mean()),
            }
    return rows
