"""Where images come from: folders, archives, single files, arrays."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeAlias, final

from preimage.errors import DataError, InputError
from preimage.images.decoding import SUFFIXES, decode
from preimage.images.picture import Raster

BIGGEST = 1 << 30
"""A file of more bytes than this gibibyte is no image that anybody wants to be read."""

Read: TypeAlias = "Callable[[Entry], Raster]"
"""What reads one image, from several threads at once. Raises DataError where it cannot."""


@final
@dataclass(frozen=True)
class Entry:
    """One image before it is read.

    Attributes:
        name: What it is called: the path within its folder or archive, with slashes.
        place: Where it is: a whole path, for a member of an archive followed by `!/` and its name.
            Two entries with the same place are the same image.
        stamp: Changes when the image changes: size and time of the file, or the archive's checksum.
    """

    name: str
    place: str
    stamp: str


@dataclass(frozen=True)
class Source(ABC):
    """A place with images, listed but not read.

    Attributes:
        entries: What is there, sorted by name.
        left_out: What is there and is not taken, with the reason, by name.
        title: What it is called in messages.
    """

    entries: tuple[Entry, ...]
    title: str
    left_out: dict[str, str] = field(default_factory=dict)

    @abstractmethod
    @contextmanager
    def reading(self, background: float) -> Iterator[Read]:
        """Opens what has to be open, and yields what reads an entry.

        Args:
            background: What is behind transparent parts: 0 is black, 1 is white.
        """


@final
@dataclass(frozen=True)
class Files(Source):
    """Files of their own, whether in one folder or not."""

    @contextmanager
    def reading(self, background: float) -> Iterator[Read]:
        """Files are opened one by one."""

        def read(entry: Entry) -> Raster:
            try:
                if os.path.getsize(entry.place) > BIGGEST:
                    raise DataError("larger than a gibibyte")
                return decode(Path(entry.place).read_bytes(), background)
            except OSError as error:
                raise DataError(f"cannot be read ({error.strerror})") from error

        yield read


def folder(path: Path) -> Files:
    """The images below a folder, found by their suffix.

    Hidden files and folders are passed over. Links are followed, and what was seen already under
    another name is left out.

    Raises:
        InputError: There is no image.
    """
    entries: list[Entry] = []
    left_out: dict[str, str] = {}
    first: dict[str, str] = {}
    for file in _walk(path, set()):
        name = file.relative_to(path).as_posix()
        if file.suffix.lower() not in SUFFIXES:
            left_out[name] = f"no image by its name ({file.suffix or 'no suffix'})"
            continue
        _enter(file, name, entries, left_out, first)
    if not entries:
        others = f"{len(left_out):,} other file{'s' * (len(left_out) != 1)}"
        held = f"it holds {others}" if left_out else "it is empty"
        raise InputError(
            f"there is no image in {path}: {held}; give a folder with files that end in "
            f"{', '.join(SUFFIXES)}, or name files one by one."
        )
    return Files(tuple(entries), str(path), left_out)


def files(paths: Sequence[Path]) -> Files:
    """Files named one by one, whatever their suffix.

    Raises:
        InputError: One of them is not there or is a folder, or two different ones have one name.
    """
    if not paths:
        raise InputError("there is no image: the list of files is empty.")
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path} is a folder; give one folder alone, or a list of files.")
        if not path.is_file():
            raise InputError(f"there is no file {path}.")
    base = os.path.commonpath([path.absolute().parent for path in paths])
    entries: list[Entry] = []
    left_out: dict[str, str] = {}
    first: dict[str, str] = {}
    for path in sorted(paths, key=lambda one: one.absolute().as_posix()):
        name = PurePosixPath(os.path.relpath(path.absolute(), base)).as_posix()
        if name in {entry.name for entry in entries}:
            continue
        _enter(path, name, entries, left_out, first)
    title = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
    return Files(tuple(entries), title, left_out)


def _walk(path: Path, seen: set[str]) -> Iterator[Path]:
    """Files below a folder in the order of their names; a folder that links to itself ends."""
    real = os.path.realpath(path)
    if real in seen:
        return
    seen.add(real)
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    for one in inside:
        if one.name.startswith(".") or one.name == "__MACOSX":
            continue
        if one.is_dir():
            yield from _walk(one, seen)
        else:
            yield one


def _enter(
    file: Path, name: str, entries: list[Entry], left_out: dict[str, str], first: dict[str, str]
) -> None:
    """Add a file, unless it is there under another name."""
    try:
        state = file.stat()
    except OSError as error:
        left_out[name] = f"cannot be read ({error.strerror})"
        return
    place = os.path.realpath(file)
    if place in first:
        left_out[name] = f"the same file as {first[place]}"
        return
    first[place] = name
    entries.append(Entry(name, place, f"{state.st_size}:{state.st_mtime_ns}"))
