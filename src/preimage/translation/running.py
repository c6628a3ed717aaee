"""A model on files: the same names, sizes and bit depths come out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeAlias, final

import torch
from torch import Tensor

from preimage.errors import DataError, InputError, PreimageError
from preimage.images import Images, Picture, open_images, writing_pictures
from preimage.images.decoding import SUFFIXES
from preimage.images.picture import Depth
from preimage.progress import progress
from preimage.translation.kinds import Side
from preimage.translation.pairs.opening import volumes_in
from preimage.translation.pairs.palettes import painted
from preimage.translation.pairs.stack import brightness, whole_numbers
from preimage.translation.pairs.volumes import is_volume
from preimage.translation.recognising import recognise
from preimage.translation.translator import Translator
from preimage.translation.volumes import translate_volume

Place: TypeAlias = str | os.PathLike[str]

TOGETHER = 16
"""So many images of one size go through a network at once."""

EXACT = (".png", ".tif", ".tiff", ".bmp")
"""Formats that keep the colours of a label map."""


@final
@dataclass
class Run:
    """What came of translating files.

    Attributes:
        written: The new files.
        skipped: What was left out and why, by name.
        notes: What could not be kept, by name.
    """

    written: list[Path] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def translate_files(
    model: Translator,
    place: Place,
    output: Place,
    *,
    source: Side | None = None,
    force: bool = False,
) -> Run:
    """Translates a file, a folder or an archive of images, or volumes.

    Each answer has the name of its image, its size and its bit depth; a volume keeps its affine,
    header and type, and its intensities are those of the volumes learned from. Label maps are
    written as PNG where the format of the image would change colours. 16-bit colours cannot be
    written and become 8-bit ones. What cannot be read or is of neither side is passed over.

    Args:
        model: A fitted model.
        place: A file, a folder, or a zip archive.
        output: A folder; for one file, also the name of a file.
        source: The side of the images; None leaves it to them, see `Translator`.
        force: Replace files that are already there.

    Raises:
        InputError: There is nothing to translate, the output is where the images are, or the disk
            is full.
        OutputExistsError: A file is there already.
    """
    check_apart(place, output)
    try:
        if volumes := volumes_in(place):
            side = needed_side(source)
            return _volumes(model, volumes, Path(place), Path(output), side, force)
        return _images(model, place, Path(output), source, force)
    except OSError as error:
        if isinstance(error, PreimageError) or error.errno is None:
            raise
        raise InputError(
            f"a file below {output} cannot be written ({os.strerror(error.errno)}); the files that "
            "are there are whole. Make room, and run again with --force."
        ) from error


def needed_side(source: Side | None) -> Side:
    """The side of volumes, which has to be said.

    Raises:
        InputError: It was not.
    """
    if source is None:
        raise InputError(
            "the intensities of a translated volume are those of the other side, so it must be "
            'said which side it is of: source="a" (--from a) or source="b".'
        )
    return source


def check_apart(place: Place, output: Place) -> None:
    """Complain about an output that would be written among the images.

    Raises:
        InputError: They are one folder, or one is within the other.
    """
    given, written = Path(place).resolve(), Path(output).resolve()
    folder = given if given.is_dir() else None
    if written == given or (folder is not None and written.is_relative_to(folder)):
        raise InputError(
            f"{output} is where the images are, or within; the next run would translate the "
            "translations. Name another folder with -o."
        )


@final
@dataclass(frozen=True)
class _Job:
    """An image on its way through the model."""

    name: str
    pixels: Tensor
    depth: Depth
    source: Side | None


def _images(model: Translator, place: Place, output: Path, source: Side | None, force: bool) -> Run:
    images, run = open_images(place), Run()
    alone = is_one_file(place) and output.suffix.lower() in SUFFIXES
    if alone:
        translate_images(
            model, images, output.parent, run, source=source, force=force, name=output.name
        )
    else:
        translate_images(model, images, output, run, source=source, force=force)
    if not run.written:
        first = next(iter(run.skipped.items()))
        raise InputError(
            f"no image of {place} can be translated; the first, {first[0]}: {first[1]}"
        )
    return run


def translate_images(
    model: Translator,
    images: Images,
    folder: Path,
    run: Run,
    *,
    source: Side | None,
    force: bool,
    name: str | None = None,
) -> None:
    """Translate images below a folder.

    Args:
        model: A fitted model.
        images: The images.
        folder: Where to.
        run: Told what came of them.
        source: Their side; None leaves it to them.
        force: Replace files that are already there.
        name: What the one image is called there; None keeps the names.
    """
    waiting: list[_Job] = []
    with (
        writing_pictures(folder, force=force) as write,
        progress("translating", len(images)) as bar,
    ):
        for done, (own, picture) in enumerate(_readable(images), start=1):
            try:
                job = _job(model, own, picture, source)
            except InputError as error:
                run.skipped[own] = str(error)
                continue
            if waiting and not (len(waiting) < TOGETHER and _alike(waiting[0], job)):
                _work(model, waiting, write, name, run)
            waiting.append(job)
            bar.update(done)
        if waiting:
            _work(model, waiting, write, name, run)
    run.skipped |= images.skipped


def _readable(images: Images) -> Iterator[tuple[str, Picture]]:
    """The images that can be read, which may be none."""
    try:
        yield from images.pictures()
    except InputError:
        if not set(images.names) <= images.skipped.keys():
            raise


def _job(model: Translator, name: str, picture: Picture, source: Side | None) -> _Job:
    """The image as its side has it: label maps of numbers in colours, grey ones in three channels.

    Raises:
        InputError: It is of neither side.
    """
    pixels = picture.pixels
    kinds = model.kinds_
    kind = None if source is None else kinds[0 if source == "a" else 1]
    if kind is not None and kind.palette is not None:
        pixels = brightness(painted(whole_numbers(picture), kind.palette, "nearest"))
    elif len(pixels) == 1 and all(one.channels != 1 for one in kinds):
        pixels = pixels.expand(3, -1, -1)
    side = recognise(kinds, pixels[None], source)
    return _Job(name, pixels, picture.depth, side)


def _alike(one: _Job, two: _Job) -> bool:
    return one.pixels.shape == two.pixels.shape and one.source == two.source


def _work(
    model: Translator,
    waiting: list[_Job],
    write: Callable[[str, Picture], Path],
    name: str | None,
    run: Run,
) -> None:
    """Translate what waits, all of one size, and hand it to who writes."""
    source = waiting[0].source
    kind = model.becomes(source)
    made = kind.finish(model.raw(torch.stack([job.pixels for job in waiting]), source))
    for job, pixels in zip(waiting, made, strict=True):
        depth = job.depth
        if depth == 16 and (len(pixels) != 1 or kind.palette is not None):
            depth = 8
            if kind.palette is None:
                run.notes[job.name] = "16-bit colours cannot be written; it has 8 bits"
        target = name or job.name
        if kind.palette is not None and PurePosixPath(target).suffix.lower() not in EXACT:
            target = str(PurePosixPath(target).with_suffix(".png"))
        run.written.append(write(target, Picture(pixels, depth)))
    waiting.clear()


def _volumes(
    model: Translator, volumes: list[Path], place: Path, output: Path, source: Side, force: bool
) -> Run:
    run = Run()
    alone = place.is_file() and is_volume(output)
    for volume in volumes:
        target = (
            output
            if alone
            else output / volume.relative_to(place if place.is_dir() else place.parent)
        )
        try:
            translate_volume(model, volume, target, source=source, force=force)
        except DataError as error:
            run.skipped[str(volume)] = str(error)
            continue
        run.written.append(target)
    if not run.written:
        first = next(iter(run.skipped.values()))
        raise InputError(f"no volume of {place} can be translated; the first: {first}")
    return run


def is_one_file(place: Place) -> bool:
    """Whether this is one image, and no folder and no archive."""
    path = Path(place)
    return path.is_file() and path.suffix.lower() != ".zip"
