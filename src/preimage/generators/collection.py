"""Whole collections of images, inverted into a folder; what is done is not done again."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

import torch
from torch import Tensor

from preimage.errors import InputError, OutputExistsError
from preimage.generators.base import GeneratorInverter
from preimage.generators.codes import Codes, code_columns
from preimage.images import Images, Picture, open_images, output_path, writing_pictures
from preimage.progress import progress
from preimage.runtime import digest
from preimage.store import read_tree, write_tree
from preimage.tables import write_table

TableFormat: TypeAlias = Literal["csv", "parquet", "json"]

AHEAD = 2
"""So many batches may wait to be written."""

UNFINISHED = ".unfinished"
"""The folder, within the output, of what is known so far."""


@final
@dataclass(frozen=True)
class Inverted:
    """What came of a collection.

    Attributes:
        table: The file with a row for each image: "name", "residual", "z1", "z2", ...
        names: The images that were inverted.
        residual: The root mean squared difference of a pixel, for each.
        skipped: What was passed over, with the reason.
        notes: What was not taken over from an image that was read, by name.
        failed: How many of these were images by their name, and could not be read.
    """

    table: Path
    names: tuple[str, ...]
    residual: Tensor
    skipped: dict[str, str]
    notes: dict[str, str]
    failed: int


def invert_into(
    inverter: GeneratorInverter,
    images: Any,
    folder: str | os.PathLike[str],
    *,
    refine: int = 0,
    table: TableFormat = "csv",
    force: bool = False,
) -> Inverted:
    """Inverts all images of a collection, and writes reconstructions and codes.

    Reconstructions get the names of their images, and the codes are in one table. Reading, the
    network and writing overlap. After an interruption, the same call goes on with the images that
    are not done.

    Args:
        inverter: Finds the codes.
        images: Of any kind that `open_images` opens.
        folder: Where to; it must be new, empty, or left by an interrupted call with the same
            inverter and settings.
        refine: Steps of latent optimisation from each code.
        table: The format of the table of codes.
        force: Write into a folder that holds something else.

    Raises:
        OutputExistsError: The folder holds something else.
        InputError: The images cannot be used, or a setting is out of range.
    """
    if table not in ("csv", "parquet", "json"):
        raise InputError(f"table={table!r}; it is csv, parquet or json.")
    if refine < 0:
        raise InputError(f"refine={refine}; it is a number of steps, 0 or more.")
    opened, target = open_images(images), Path(folder)
    unfinished = _Unfinished(target / UNFINISHED, identity_of(inverter, refine))
    unfinished.take_up(target, force=force)
    known = {
        name: part
        for name, part in unfinished.rows().items()
        if output_path(target, name).is_file()
    }
    rest = [name for name in opened.names if name not in known]
    skipped = dict(opened.skipped)
    left_out = len(skipped)
    todo = opened.only(rest) if rest else None
    if todo is not None:
        batches = stream_of(inverter, todo, refine, resumed=bool(known))
        shown = _shown(batches, len(opened), len(known))
        for codes in written(shown, target, unfinished.add):
            known |= _rows(codes.names, codes.z, codes.residual)
        skipped |= todo.skipped
    names = tuple(name for name in opened.names if name in known)
    z, residual = (torch.stack([known[name][i] for name in names]) for i in (0, 1))
    path = target / f"codes.{table}"
    write_table(code_columns(names, z, residual), path, force=True)
    unfinished.remove()
    notes = {} if todo is None else todo.notes
    return Inverted(path, names, residual, skipped, notes, len(skipped) - left_out)


@final
class _Unfinished:
    """What an inversion knows so far, on disk: one file for each batch.

    Args:
        folder: Where.
        identity: What another call must share to go on from it.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder, self._identity = folder, identity

    def take_up(self, target: Path, *, force: bool) -> None:
        """Checks what is there, and makes the folder.

        Raises:
            OutputExistsError: The target holds something else.
        """
        mark = self._folder / "identity.txt"
        same = mark.is_file() and mark.read_text(encoding="utf-8") == self._identity
        if target.exists() and not target.is_dir():
            raise InputError(f"{target} is a file; give the name of a folder to write.")
        if target.is_dir() and any(target.iterdir()) and not (same or force):
            what = (
                "an interrupted inversion with another model or other settings"
                if mark.is_file()
                else "something already"
            )
            raise OutputExistsError(
                f"the folder {target} holds {what}; choose another, or write into it with "
                "force=True (--force on the command line)."
            )
        if not same:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(self._identity, encoding="utf-8")

    def rows(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Code and residual of each image that was done."""
        known: dict[str, tuple[Tensor, Tensor]] = {}
        for file in sorted(self._folder.glob("*.safetensors")):
            tree = read_tree(file)
            known |= _rows(tree["names"], tree["z"], tree["residual"])
        return known

    def add(self, codes: Codes) -> None:
        """Keeps a batch."""
        number = len(list(self._folder.glob("*.safetensors")))
        tree = {"names": list(codes.names), "z": codes.z, "residual": codes.residual}
        write_tree(self._folder / f"{number:06d}.safetensors", tree)

    def remove(self) -> None:
        """All is done."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _rows(names: Any, z: Tensor, residual: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    return dict(zip(names, zip(z, residual, strict=True), strict=True))


def stream_of(
    inverter: GeneratorInverter, todo: Images, refine: int, *, resumed: bool
) -> Iterator[Codes]:
    """As the inverter streams; that none of the last files can be read is no failure of all."""
    try:
        yield from inverter.stream(todo, refine=refine)
    except InputError:
        if not resumed or not set(todo.names) <= todo.skipped.keys():
            raise


def written(
    batches: Iterator[Codes], target: Path, keep: Callable[[Codes], None]
) -> Iterator[Codes]:
    """Each batch, once it was handed over to be written; the network goes on meanwhile.

    Args:
        batches: Codes with their reconstructions.
        target: Where reconstructions go.
        keep: What else is done with each batch.
    """

    def put(codes: Codes) -> Codes:
        made = codes.reconstruction.clamp(0, 1).contiguous()
        for name, image in zip(codes.names, made, strict=True):
            write(name, Picture(image))
        keep(codes)
        return codes

    waiting: deque[Future[Codes]] = deque()
    with writing_pictures(target, force=True) as write, ThreadPoolExecutor(1) as clerk:
        for codes in batches:
            waiting.append(clerk.submit(put, codes))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def _shown(batches: Iterator[Codes], total: int, done: int) -> Iterator[Codes]:
    with progress("inverting", total, done=done) as bar:
        for codes in batches:
            yield codes
            done += len(codes)
            bar.update(done)


def identity_of(inverter: GeneratorInverter, refine: int) -> str:
    """Text that differs with the model, and with the settings that codes depend on."""
    tensors = [*inverter.fitted.state_dict().values(), *inverter._state().values()]
    return f"{inverter.kind} {digest(*tensors)} refine {refine}"
