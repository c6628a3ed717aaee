"""What the tables say, in sentences that are made from their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from preimage.papers.aegan.cells import Cell
from preimage.papers.aegan.tables import mean

HASHES = ("dhash", "phash", "colour")


def headlines(cells: Sequence[Cell]) -> list[str]:
    """Sentences about whatever was measured."""
    return [*_reconstruction(cells), *_descents(cells), *_searching(cells), *_degrading(cells)]


def _reconstruction(cells: Sequence[Cell]) -> list[str]:
    rows = ("aegan", "direct", "direct-longer", "combined", "refined")
    values = [mean(cells, "reconstruction", row, "dhash") for row in rows]
    if any(value is None for value in values):
        return []
    aegan, direct, longer, combined, refined = (value or 0.0 for value in values)
    other = mean(cells, "reconstruction-bigan", "bigan", "dhash")
    bigan = "not measured" if other is None else f"{other:.3f}"
    first = "AEGAN is ahead of" if aegan > longer else "AEGAN is behind"
    later = [
        mean(cells, "reconstruction-longer", row, "dhash")
        for row in ("combined-longer", "longer-refined-longer")
    ]
    sentences = []
    if later[0] is not None and later[1] is not None:
        sentences.append(
            f"Trained for longer, the default encoder has {later[0]:.3f}, and {later[1]:.3f} after "
            "60 calls of refinement."
        )
    return [
        f"Reconstruction (dHash): AEGAN {aegan:.3f}, direct {direct:.3f} in as many steps and "
        f"{longer:.3f} in as much time, BiGAN {bigan}. {first} direct in equal time; the paper "
        "has it ahead.",
        f"The library's default encoder, in equal time, {combined:.3f}; after 20 calls of "
        f"refinement {refined:.3f}.",
        *sentences,
    ]


def _descents(cells: Sequence[Cell]) -> list[str]:
    sentences = []
    for level in (30, 35):
        adam = mean(cells, "descents", "adam-random", f"calls{level}")
        newton = mean(cells, "descents", "newton-random", f"calls{level}")
        code = mean(cells, "descents", "newton-code", f"calls{level}")
        if newton is None or code is None:
            continue
        against = (
            "which Adam does not reach for half of the images"
            if adam is None
            else f"{adam / code:.1f} times fewer than Adam from random starts"
        )
        sentences.append(
            f"To {level} dB, refinement from the code takes {code:.0f} calls of the generator, "
            f"{against}, and {newton / code:.1f} times fewer than itself from random starts."
        )
    return sentences


def _searching(cells: Sequence[Cell]) -> list[str]:
    sentences = []
    for place, said in (("known1", "images trained on"), ("held1", "held-out images")):
        random = mean(cells, "searching", "random", place)
        if random is None:
            continue
        hashes = {name: mean(cells, "searching", name, place) or 0.0 for name in HASHES}
        best = max(hashes, key=lambda name: hashes[name])
        margin = hashes[best] - random
        ratios = [
            f"{name} {((mean(cells, 'searching', row, place) or 0.0) - random) / margin:.2f}"
            for row, name in (
                ("aegan", "AEGAN's code"),
                ("combined", "the default's code"),
                ("combined-mirrored", "of both sides"),
                ("direct-mirrored", "direct's of both sides"),
                ("combined-maps", "the default's maps of both sides"),
                ("direct-maps", "direct's maps of both sides"),
            )
        ]
        sentences.append(
            f"Search among {said}, margin over random pairs in units of the best hash's ({best}): "
            + ", ".join(ratios)
            + "."
        )
    return sentences


def _degrading(cells: Sequence[Cell]) -> list[str]:
    sentences = []
    for way, name in (
        ("found", "The search that knows the degradation"),
        ("adapted", "The same with a generator adapted to each image"),
    ):
        gains = []
        for row in ("generated blur", "generated mask", "real blur", "real mask"):
            plain, found = (mean(cells, "degrading", row, one) for one in ("plain", way))
            if plain is not None and found is not None:
                gains.append(f"{row} {found - plain:+.1f} dB")
        if gains:
            sentences.append(f"{name}, above the plain pass: {', '.join(gains)}.")
    return sentences
