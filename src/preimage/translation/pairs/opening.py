"""Pairs from whatever is named: folders of images or of volumes, or side-by-side images."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from preimage.errors import InputError
from preimage.translation.kinds import Misfit, Stray
from preimage.translation.pairs.matching import match_names
from preimage.translation.pairs.pairs import Colours, Pairs
from preimage.translation.pairs.volumes import is_volume


def open_pairs(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str] | None,
    *,
    suffixes: tuple[str, str] = ("", ""),
    palette_a: Colours = None,
    palette_b: Colours = None,
    stray: Stray = "refuse",
    axis: int = 2,
    neighbours: int = 0,
    misfit: Misfit = "refuse",
) -> Pairs:
    """Pairs of two folders or files, of images or of volumes, as what is there says.

    How they were read is part of their kinds, so that a model knows it.

    Args:
        a: A folder, an archive, or a volume.
        b: The other side; None where the images of `a` show both sides.
        suffixes: What names of either side end in, before the ending of the file.
        palette_a: The colours of label maps on side a.
        palette_b: Those of side b.
        stray: What to do with other colours.
        axis: Of volumes, along which slices are cut.
        neighbours: Of volumes, how many slices before and after are further channels.
        misfit: What to do with volumes on different grids.

    Raises:
        InputError: One side holds volumes and the other images, or no pair can be used.
    """
    if b is None:
        pairs = Pairs.from_side_by_side(a, palette_a=palette_a, palette_b=palette_b, stray=stray)
    else:
        pairs = _of_both(a, b, suffixes, (palette_a, palette_b), stray, axis, neighbours, misfit)
    one, two = (
        replace(kind, suffix=suffix, stray=stray, misfit=misfit)
        for kind, suffix in zip(pairs.kinds, suffixes, strict=True)
    )
    return replace(pairs, kinds=(one, two))


def _of_both(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    suffixes: tuple[str, str],
    palettes: tuple[Colours, Colours],
    stray: Stray,
    axis: int,
    neighbours: int,
    misfit: Misfit,
) -> Pairs:
    found = volumes_in(a), volumes_in(b)
    if bool(found[0]) != bool(found[1]):
        raise InputError(
            f"{a} holds {'volumes' if found[0] else 'no volumes'} and {b} "
            f"{'volumes' if found[1] else 'none'}; give two folders of images, or two of volumes."
        )
    if not found[0]:
        return Pairs.from_folders(
            a, b, suffixes=suffixes, palette_a=palettes[0], palette_b=palettes[1], stray=stray
        )
    if palettes != (None, None):
        raise InputError("volumes have intensities and no colours; leave the palettes out.")
    if Path(a).is_file() and Path(b).is_file():
        both, alone = [(Path(a), Path(b))], {}
    else:
        left, right = _names(a, found[0]), _names(b, found[1])
        match = match_names(list(left), list(right), suffixes)
        both = [(left[one], right[two]) for one, two in zip(match.a, match.b, strict=True)]
        alone = match.alone
    pairs = Pairs.from_volumes(both, axis=axis, neighbours=neighbours, misfit=misfit)
    pairs.skipped.update(alone)
    return pairs


def volumes_in(place: str | os.PathLike[str]) -> list[Path]:
    """The volumes of a folder and the folders in it, or the volume itself, sorted."""
    path = Path(place)
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.is_file() and is_volume(one))
    return [path] if path.is_file() and is_volume(path) else []


def _names(place: str | os.PathLike[str], files: Iterable[Path]) -> dict[str, Path]:
    base = Path(place) if Path(place).is_dir() else Path(place).parent
    return {file.relative_to(base).as_posix(): file for file in files}
