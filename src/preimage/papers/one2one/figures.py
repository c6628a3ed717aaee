"""Figures 5 to 9: pairs, what each model makes of them, and of images that are not real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from preimage.images import write_sheet
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.methods import DEFAULT, PIX2PIX, SELF_INVERSE
from preimage.translation import Pairs, Translator
from preimage.translation.kinds import Side, other
from preimage.translation.metrics import Scores, scores
from preimage.translation.pairs.stack import brightness
from preimage.translation.sheets import as_colour

SHOWN = 6
"""So many pairs are on a sheet."""

NAMES = {"street": ("figure-5", "figure-7"), "aerial": ("figure-6", "figure-8")}
"""What the two sheets of a data set are called in the paper; figure 9 has both of scans."""

MRI = ("figure-9-left", "figure-9-right")

SIDES: tuple[Side, Side] = ("a", "b")

SHORT = {SELF_INVERSE: "self-inv."}
"""Names that fit above an image."""

Strips: TypeAlias = list[tuple[Side, Tensor, list[str]]]
"""Rows of a sheet: of which side, the images, and a caption for each."""


def draw(models: Mapping[str, Translator], data: Data, folder: Path) -> list[Path]:
    """Write the sheets of translations and of sensitivity; nothing without models.

    Args:
        models: By name; those of the paper's tables and the default are shown.
        data: Test pairs of one size are shown.
        folder: Where to.
    """
    shown = {name: models[name] for name in (PIX2PIX, SELF_INVERSE, DEFAULT) if name in models}
    if not shown:
        return []
    first, second = NAMES.get(data.name, MRI)
    pairs = data.test.only(_rows(data.test))
    real: dict[Side, Tensor] = {"a": _stack(pairs.a), "b": _stack(pairs.b)}
    files = [folder / f"{first}.png"]
    _write(files[0], data, _translations(shown, data, real))
    if PIX2PIX in shown:
        files.append(folder / f"{second}.png")
        _write(files[1], data, _perturbed(shown, data, real))
    return files


def _translations(
    models: Mapping[str, Translator], data: Data, real: Mapping[Side, Tensor]
) -> Strips:
    """Both sides: the real images, and what each model makes of the other side."""
    strips: Strips = []
    for side in SIDES:
        strips.append((side, real[side], _named(f"{data.sides[side]}, real", real[side])))
        for name, model in models.items():
            made = torch.as_tensor(model(real[other(side)], source=other(side)))
            strips.append((side, made, _scored(name, scores(made, real[side]))))
    return strips


def _perturbed(models: Mapping[str, Translator], data: Data, real: Mapping[Side, Tensor]) -> Strips:
    """What pix2pix made of the other side, x + dx, and what each model makes of that."""
    strips: Strips = []
    for side in SIDES:
        strips.append((side, real[side], _named(f"{data.sides[side]}, real", real[side])))
        given = torch.as_tensor(models[PIX2PIX](real[side], source=side))
        strips.append(
            (other(side), given, _named(f"{data.sides[other(side)]}, x + dx", real[side]))
        )
        for name, model in models.items():
            before, after = (
                scores(torch.as_tensor(model(x, source=other(side))), real[side])
                for x in (real[other(side)], given)
            )
            made = torch.as_tensor(model(given, source=other(side)))
            change = Scores(*(vars(after)[n] - vars(before)[n] for n in ("l1", "psnr", "ssim")))
            strips.append((side, made, _scored(name, change, "+")))
    return strips


def _write(path: Path, data: Data, strips: Strips) -> None:
    kinds = dict(zip(SIDES, data.test.kinds, strict=True))
    rows = [as_colour(kinds[side], images) for side, images, _ in strips]
    write_sheet(path, rows, [captions for _, _, captions in strips], force=True)


def _named(text: str, images: Tensor) -> list[str]:
    """The text above the first image."""
    return [text, *[""] * (len(images) - 1)]


def _scored(name: str, found: Scores, sign: str = "") -> list[str]:
    """The name above the first image, PSNR and SSIM above all."""
    shown = [
        f"{psnr:{sign}.1f} dB {ssim:{sign}.2f}"
        for psnr, ssim in zip(found.psnr.tolist(), found.ssim.tolist(), strict=True)
    ]
    return [f"{SHORT.get(name, name)} {shown[0]}", *shown[1:]]


def _rows(pairs: Pairs) -> list[int]:
    """Some pairs of one size, evenly spread."""
    same = [i for i in range(len(pairs)) if pairs.a[i].shape[1:] == pairs.a[0].shape[1:]]
    count = min(SHOWN, len(same))
    return [same[(2 * i + 1) * len(same) // (2 * count)] for i in range(count)]


def _stack(side: Sequence[np.ndarray]) -> Tensor:
    return torch.stack([brightness(one) for one in side])
