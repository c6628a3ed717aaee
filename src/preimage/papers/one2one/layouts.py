"""Published data sets of pairs as they are unpacked, cut and made smaller for the experiments."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from preimage.errors import InputError
from preimage.papers.one2one.data import Data, open_data
from preimage.papers.one2one.shrinking import corner_of, cut, shrunk, squeezed
from preimage.translation import Pairs
from preimage.translation.pairs.opening import open_pairs

CUT = 2
"""Pieces of aerial photos have so many times the sides that they are scored at."""

MRI_TEST, MRI_VALIDATION = ("mni_patient19", "long_patient04_s1"), ("long_patient03_s2",)
AERIAL_TEST, AERIAL_VALIDATION = ("tile4", "tile7"), ("tile5",)
AFRICA = (-20.0, 52.0, -36.0, 37.0)
"""West, east, south and north, in degrees."""

SCORED = 64
"""So many pairs are scored of each subject, tile or set, evenly spread."""


def mri(folder: Path, size: int) -> Data:
    """T1 and T2 of Lesjak et al., `NAME_T1.nii.gz` and `NAME_T2.nii.gz`; two subjects are held out.

    Axial slices, padded to squares and made smaller by averaging. A third subject validates.
    """
    alone, beside = _slices(folder, size, 0), _slices(folder, size, 1)
    validation = alone.choosing
    return replace(alone, beside=beside, validation=replace(validation, beside=beside.choosing))


def _slices(folder: Path, size: int, neighbours: int) -> Data:
    pairs = open_pairs(folder, folder, suffixes=("_T1", "_T2"), neighbours=neighbours)
    subjects = tuple(group.removesuffix("_T1.nii.gz") for group in pairs.groups)
    scans = shrunk(replace(pairs, groups=subjects), size)
    return _split(Data("mri", *_apart(scans, MRI_TEST), called=("T1", "T2")), MRI_VALIDATION)


def aerial(folder: Path, size: int) -> Data:
    """Aerial photos and maps of Dubai: `images`, `masks` and `palette.json`; two tiles held out."""
    colours = list(json.loads((folder / "palette.json").read_text("utf-8")).values())
    pairs = Pairs.from_folders(
        folder / "images", folder / "masks", palette_b=colours, stray="nearest"
    )
    tiles = [name.split("_")[0] for name in pairs.names]
    pieces = shrunk(cut(replace(pairs, groups=tuple(tiles)), CUT * size), size)
    whole = Data("aerial", *_apart(pieces, AERIAL_TEST), called=("aerial", "map"))
    return _split(whole, AERIAL_VALIDATION)


def street(folder: Path, size: int) -> Data:
    """Streets of CamVid and their labels: `train` and `val`, `NAME.jpg` and `NAME_label.png`.

    Images are squeezed to squares, as pix2pix does with those of Cityscapes.
    """
    known = json.loads((folder / "classes.json").read_text("utf-8"))
    parts = [
        squeezed(
            Pairs.from_folders(
                folder / part,
                folder / part,
                suffixes=("", "_label"),
                palette_b=known["palette"],
            ),
            size,
        )
        for part in ("train", "val")
    ]
    void = known["classes"].index("Unlabelled")
    return Data("street", parts[0], _some(parts[1]), called=("photo", "label"), ignored=(void,))


def relief(folder: Path, size: int) -> Data:
    """Satellite image and relief map of the Earth, `bmng.jpg` and `etopo1.jpg`.

    The western half is learned from, as far as it is west of Africa, and Africa is scored.
    """
    pairs = Pairs.from_folders(folder, folder, suffixes=("bmng", "etopo1"))
    pieces = cut(pairs, size)
    height, width = pairs.a[0].shape[1:]
    west, east, south, north = AFRICA
    train, test = [], []
    for row, name in enumerate(pieces.names):
        top, left = corner_of(name)
        right, bottom = left + size, top + size
        longitudes = [360 * one / width - 180 for one in (left, right)]
        latitudes = [90 - 180 * one / height for one in (bottom, top)]
        if longitudes[1] <= west:
            train.append(row)
        elif (
            west <= longitudes[0]
            and longitudes[1] <= east
            and south <= latitudes[0]
            and latitudes[1] <= north
        ):
            test.append(row)
    return Data(
        "relief", pieces.only(train), _some(pieces.only(test)), called=("satellite", "relief")
    )


LAYOUTS: dict[str, Callable[[Path, int], Data]] = {
    "own": lambda folder, size: open_data(folder),
    "mri": mri,
    "aerial": aerial,
    "street": street,
    "relief": relief,
}
"""By name: your own folder, and published data sets as they are unpacked."""


def open_layout(name: str, folder: Path, size: int) -> Data:
    """Pairs of a folder that is laid out in a known way.

    Args:
        name: One of `LAYOUTS`.
        folder: Where the data are.
        size: The sides that images of the published data sets are brought to.

    Raises:
        InputError: There is no such layout, or the folder is not laid out so.
    """
    if name not in LAYOUTS:
        raise InputError(f"there is no layout {name!r}; there are {', '.join(LAYOUTS)}.")
    try:
        return LAYOUTS[name](folder, size)
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise InputError(f"{folder} is not laid out as {name!r}: {error}.") from error


def _split(data: Data, validated: Sequence[str]) -> Data:
    """Of the groups to learn from, some to validate on."""
    train, test = _apart(data.train, validated)
    return replace(data, validation=replace(data, train=train, test=test))


def _apart(pairs: Pairs, held_out: Sequence[str]) -> tuple[Pairs, Pairs]:
    """Pairs of all other groups, and some of those of the groups that are held out."""
    rows = range(len(pairs))
    return (
        pairs.only([row for row in rows if pairs.groups[row] not in held_out]),
        _some(pairs.only([row for row in rows if pairs.groups[row] in held_out])),
    )


def _some(pairs: Pairs) -> Pairs:
    """At most `SCORED` pairs of each group, or of all where each pair is a group of its own."""
    alone = len(set(pairs.groups)) == len(pairs)
    groups = ["all"] * len(pairs) if alone else list(pairs.groups)
    chosen: list[int] = []
    for group in dict.fromkeys(groups):
        own = [row for row, one in enumerate(groups) if one == group]
        count = min(SCORED, len(own))
        chosen += [own[len(own) * i // count] for i in range(count)]
    return pairs.only(chosen)
