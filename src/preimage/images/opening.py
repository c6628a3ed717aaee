"""From whatever is given to images, listed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from preimage.errors import DataError, InputError
from preimage.images.archive import WITHIN, archive
from preimage.images.arrays import IN_MEMORY, arrays
from preimage.images.collection import Images
from preimage.images.picture import Picture
from preimage.images.sources import Source, files, folder


def open_images(source: Any, *, background: float = 1.0) -> Images:
    """List images, to be read when they are wanted.

    In a folder (with the folders in it) and in an archive, images are the files that end in .bmp,
    .jpeg, .jpg, .png, .tif, .tiff or .webp; hidden files are passed over. Files that are named
    one by one may be called anything. An archive is read where it is, never unpacked: members whose
    names would lead out of a folder are left out, and so are members that declare more than they
    can hold.

    Args:
        source: A folder, a `.zip`, one file, a list of files, or an array or tensor of shape
            (n, height, width), (n, height, width, channels) or (n, channels, height, width) in
            uint8, uint16, or floating point in [0, 1].
        background: What is behind transparent parts: 0 is black, 1 is white.

    Returns:
        The images, listed. A file that is there under two names is listed once.

    Raises:
        InputError: There is nothing there, or no image in it.

    Example:
        >>> import torch
        >>> images = open_images(torch.rand(5, 3, 20, 30))
        >>> images.names
        ('0', '1', '2', '3', '4')
        >>> [tuple(batch.pixels.shape) for batch in images.batches(4, size=16, channels=1)]
        [(4, 1, 16, 16), (1, 1, 16, 16)]
    """
    if isinstance(source, Images):
        return source
    return Images(_source(source), background)


def read_place(place: str, *, background: float = 1.0) -> Picture:
    """One image by the place that its `Entry` has.

    Args:
        place: The path of a file, or of an archive followed by `!/` and the name of a member.
        background: What is behind transparent parts.

    Raises:
        DataError: It is no longer there, or cannot be read.
    """
    if place.startswith(IN_MEMORY):
        raise DataError("it was given in memory and is in no file")
    path, within, member = place.partition(WITHIN)
    try:
        if within and not Path(place).exists():
            return Images(archive(Path(path)), background).read(member)
        return Images(files([Path(place)]), background).read(Path(place).name)
    except DataError:
        raise
    except InputError as error:
        raise DataError(str(error)) from error


def read_places(places: Sequence[str], *, background: float = 1.0) -> Iterator[tuple[str, Picture]]:
    """Images by the places that their entries have; those that cannot be read are passed over.

    Args:
        places: As for `read_place`. Each archive among them is opened once.
        background: What is behind transparent parts.

    Yields:
        The place and the image, in no particular order.
    """
    groups: dict[str, list[str]] = {}
    for place in dict.fromkeys(places):
        path, within, _ = place.partition(WITHIN)
        if Path(place).is_file():
            groups.setdefault("", []).append(place)
        elif within and Path(path).is_file():
            groups.setdefault(path, []).append(place)
    for path, some in groups.items():
        try:
            source = archive(Path(path)) if path else files([Path(place) for place in some])
            place = {entry.name: entry.place for entry in source.entries}
            names = [name for name in place if place[name] in set(some)]
            for name, picture in Images(source, background).only(names).pictures():
                yield place[name], picture
        except InputError:
            continue


def _source(given: Any) -> Source:
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        if path.is_dir():
            return folder(path)
        if not path.exists():
            raise InputError(f"there is no folder, archive or file {path}.")
        return archive(path) if path.suffix.lower() == ".zip" else files([path])
    paths = isinstance(given, (list, tuple)) and all(
        isinstance(p, (str, os.PathLike)) for p in given
    )
    return files([Path(path) for path in given]) if paths else arrays(given)
