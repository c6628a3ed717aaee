"""The whole reproduction: train and measure what is not kept yet, then write page and figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from preimage.cluster.kept import Kept
from preimage.cluster.sweep import Sweep
from preimage.errors import InputError, OutputExistsError
from preimage.files import writing_file
from preimage.papers.aegan.cells import Cell, Key, Values
from preimage.papers.aegan.data import Faces
from preimage.papers.aegan.degrading import degrading
from preimage.papers.aegan.descents import descents
from preimage.papers.aegan.figures import draw
from preimage.papers.aegan.models import Models
from preimage.papers.aegan.page import markdown, page_record
from preimage.papers.aegan.reconstruction import bigan, longer, real, reconstruction
from preimage.papers.aegan.searching import searching, searching_bigan
from preimage.papers.aegan.sizes import Size
from preimage.progress import progress
from preimage.runtime import package_version, single_threaded

PAGE, RECORD, CELLS, MODELS = "results.md", "results.json", "cells.jsonl", "models"

MEASURES: dict[str, Callable[[Models], Values]] = {
    "reconstruction": reconstruction,
    "real": real,
    "descents": descents,
    "searching": searching,
    "degrading": degrading,
    "reconstruction-longer": longer,
    "reconstruction-bigan": bigan,
    "searching-bigan": searching_bigan,
}
"""In the order in which they are measured. BiGAN, which trains a generator of its own, is last."""


@final
@dataclass(frozen=True, kw_only=True)
class Measuring:
    """The work of a worker: one table of a seed.

    Args:
        size: As for `Reproduction`.
        data: Likewise.
        folder: Where models are kept.
    """

    size: Size
    data: Faces
    folder: str

    def __call__(self, key: Key) -> Cell:
        """Trains what is not there, and measures."""
        models = _models(Path(self.folder), self.data, self.size, key.seed)
        with single_threaded():
            return Cell(key, MEASURES[key.table](models), package_version())


@final
@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What is run.

    Models and measured tables are kept in the folder as soon as they are there, and the page is
    written anew after each table. To repeat some,
    remove their lines from `cells.jsonl`, or their folders from `models`.

    Args:
        size: How large.
        data: The images.
        seeds: Seeds 0 to `seeds` - 1.

    Raises:
        InputError: There are no seeds.
    """

    size: Size
    data: Faces
    seeds: int = 1

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise InputError(f"{self.seeds} seeds were asked for; give 1 or more.")

    def kept(self, folder: Path) -> Kept[Cell]:
        """What the folder holds already."""
        return Kept(folder / CELLS, Cell.from_json)

    def models(self, folder: Path, seed: int) -> Models:
        """The models of a seed."""
        return _models(folder / MODELS, self.data, self.size, seed)

    def measure(self, folder: Path, *, on: str | None = None) -> int:
        """Trains and measures what is not kept yet; returns how many tables these were.

        Args:
            folder: Where models and tables are kept.
            on: "local" or the address of a Dask scheduler whose workers share the folder, to
                measure seeds side by side: the tables of a seed are of the same models, and go one
                after the other. None measures here.
        """
        kept = self.kept(folder)
        keys = [Key(table, seed) for seed in range(self.seeds) for table in MEASURES]
        if on is not None:
            shared = folder.resolve() / MODELS
            shared.mkdir(parents=True, exist_ok=True)
            return Sweep(on=on, things="tables", shared=shared).run(
                kept,
                sorted(keys, key=lambda key: list(MEASURES).index(key.table)),
                Measuring(size=self.size, data=self.data, folder=str(shared)),
                said=lambda key: f"{key.table}, seed {key.seed}",
                lane=lambda key: key.seed,
                after=lambda: self._write_page(folder, []),
            )
        missing = [key for key in keys if key not in kept]
        known = {seed: self.models(folder, seed) for seed in range(self.seeds)}
        done = len(keys) - len(missing)
        with single_threaded(), progress("tables", len(keys), done=done) as bar:
            for count, key in enumerate(missing, done):
                bar.update(count, f"{key.table}, seed {key.seed}")
                values = MEASURES[key.table](known[key.seed])
                kept.add(Cell(key, values, package_version()))
                self._write_page(folder, [])
        return len(missing)

    def cells(self, folder: Path) -> list[Cell]:
        """What was measured of these seeds."""
        return [cell for cell in self.kept(folder) if cell.key.seed < self.seeds]

    def write(self, folder: Path) -> list[Path]:
        """Writes the page, its record and the figures of seed 0; returns the files."""
        with single_threaded():
            drawn = draw(self.models(folder, 0), folder)
        return [*drawn, *self._write_page(folder, drawn)]

    def _write_page(self, folder: Path, drawn: list[Path]) -> list[Path]:
        cells = self.cells(folder)
        kept = page_record(cells, self.size, self.data, self.seeds)
        texts = {
            PAGE: markdown(cells, self.size, self.data, self.seeds, drawn),
            RECORD: json.dumps(kept, indent=1) + "\n",
        }
        for name, text in texts.items():
            with writing_file(folder / name, force=True) as aside:
                aside.write_text(text, "utf-8")
        return [folder / name for name in texts]


def _models(folder: Path, data: Faces, size: Size, seed: int) -> Models:
    return Models(folder / f"seed-{seed}", data, size, seed)


def check_place(folder: Path) -> None:
    """Complains, before the work, about a folder that is not for this.

    Raises:
        InputError: It is a file.
        OutputExistsError: It holds results that did not come from cells beside them.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder with -o.")
    if not (folder / CELLS).exists() and any((folder / one).exists() for one in (PAGE, RECORD)):
        raise OutputExistsError(
            f"{folder} holds a {PAGE} or {RECORD} and no {CELLS} that it was made of; choose "
            "another folder with -o."
        )
