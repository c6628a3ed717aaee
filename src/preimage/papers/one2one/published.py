"""What the paper prints: its tables 1, 2 and 5 (a), and 3, 4 and 5 (b)."""

from __future__ import annotations

from typing import TypeAlias

Published: TypeAlias = dict[str, dict[str, dict[str, float]]]
"""By direction, by method, by score."""


def _scores(names: str, **methods: str) -> dict[str, dict[str, float]]:
    return {
        method.replace("_", "-"): dict(
            zip(names.split(), (float(word) for word in words.split()), strict=True)
        )
        for method, words in methods.items()
    }


TRANSLATION: Published = {
    "photo to label": _scores(
        "pixel-accuracy class-accuracy iou", pix2pix=".80 .35 .29", self_inverse=".83 .35 .29"
    ),
    "label to photo": _scores(
        "pixel-accuracy class-accuracy iou", pix2pix=".73 .25 .19", self_inverse=".74 .25 .20"
    ),
    "aerial to map": _scores(
        "l1 psnr ssim", pix2pix=".0696 19.36 .505", self_inverse=".0635 19.93 .558"
    ),
    "map to aerial": _scores(
        "l1 psnr ssim", pix2pix=".270 9.091 .144", self_inverse=".270 9.101 .148"
    ),
    "T1 to T2": _scores("l1 psnr ssim", pix2pix=".042 26.53 .871", self_inverse=".039 29.23 .875"),
    "T2 to T1": _scores("l1 psnr ssim", pix2pix=".051 27.78 .872", self_inverse=".048 30.99 .876"),
}
"""Table 1 (for label to photo, the score of a segmentation of the photo; real photos have .80, .26,
.21), table 2, and table 5 (a)."""

SENSITIVITY: Published = {
    "label to photo": _scores("iou", pix2pix=".0168", self_inverse=".0178"),
    "photo to label": _scores("iou", pix2pix=".0199", self_inverse=".0190"),
    "aerial to map": _scores(
        "l1 psnr ssim", pix2pix=".0007 .87 .029", self_inverse=".0008 .89 .029"
    ),
    "map to aerial": _scores(
        "l1 psnr ssim", pix2pix=".0140 .447 .023", self_inverse=".0144 .458 .024"
    ),
    "T1 to T2": _scores("psnr ssim", pix2pix="2.17 .018", self_inverse="3.01 .020"),
    "T2 to T1": _scores("psnr ssim", pix2pix="4.51 .034", self_inverse="4.93 .036"),
}
"""Tables 3, 4 and 5 (b)."""
