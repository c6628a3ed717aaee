"""Images in a zip archive, read where they are: nothing is unpacked to disk."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import final

from preimage.errors import DataError, InputError
from preimage.images.decoding import SUFFIXES, decode
from preimage.images.picture import Raster
from preimage.images.sources import BIGGEST, Entry, Read, Source
from preimage.images.writing import leaves_its_folder

WITHIN = "!/"
"""Between the path of an archive and the name of a member."""

DENSEST = 200
"""How many times its packed size an image may be; images hardly shrink, and bombs are 1000 times.

Blank uncompressed bitmaps shrink as bombs do, so that small ones, see `HARMLESS`, may.
"""

HARMLESS = 1 << 26
"""Up to so many bytes, 64 MiB, a member may be packed as densely as it likes."""


@final
@dataclass(frozen=True)
class Archive(Source):
    """The images of a zip archive."""

    path: str = ""

    @contextmanager
    def reading(self, background: float) -> Iterator[Read]:
        """The archive is open for as long as images are read from it."""
        with zipfile.ZipFile(self.path) as archive:

            def read(entry: Entry) -> Raster:
                try:
                    data = archive.read(entry.place.rpartition(WITHIN)[2])
                except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
                    raise DataError(f"damaged in the archive ({error})") from error
                return decode(data, background)

            yield read


def archive(path: Path) -> Archive:
    """The images of a zip archive, found by their suffix.

    Raises:
        InputError: The file is no zip archive, or holds no image.
    """
    place = os.path.realpath(path)
    try:
        with zipfile.ZipFile(place) as opened:
            # Of several members with one name, the last is the one that the archive means.
            members = {member.filename: member for member in opened.infolist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not a zip archive that can be read ({error}); copy it again, or give the "
            "folder that it was made of."
        ) from error
    entries: list[Entry] = []
    left_out: dict[str, str] = {}
    for name, member in sorted(members.items()):
        parts = PurePosixPath(name).parts
        if member.is_dir() or any(part[0] == "." and part != ".." for part in parts):
            continue
        if "__MACOSX" in parts:
            continue
        reason = _reason(member)
        if reason:
            left_out[name] = reason
        else:
            stamp = f"{member.file_size}:{member.CRC}"
            entries.append(Entry(name, f"{place}{WITHIN}{name}", stamp))
    if not entries:
        first = next((f", such as {name}: {why}" for name, why in left_out.items()), "")
        raise InputError(
            f"there is no image in {path}: it holds {len(left_out):,} other entries{first}; give "
            f"an archive with files that end in {', '.join(SUFFIXES)}."
        )
    return Archive(tuple(entries), str(path), left_out, place)


def _reason(member: zipfile.ZipInfo) -> str:
    """Why a member is not read; empty where it is."""
    if leaves_its_folder(member.filename):
        return "its name would leave the folder it is written to"
    suffix = PurePosixPath(member.filename).suffix
    if suffix.lower() not in SUFFIXES:
        return f"no image by its name ({suffix or 'no suffix'})"
    if member.flag_bits & 1:
        return "encrypted"
    size = member.file_size
    if size > BIGGEST or size > max(HARMLESS, DENSEST * member.compress_size):
        return f"it declares {size:,} bytes, packed in {member.compress_size:,}"
    return ""
