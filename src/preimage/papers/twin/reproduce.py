"""The whole reproduction: measure what is not kept yet, then write tables and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from preimage.cluster.kept import Kept
from preimage.cluster.sweep import Sweep
from preimage.errors import InputError, OutputExistsError
from preimage.files import writing_file
from preimage.inverters.twin import TwinInverter
from preimage.papers.twin.cells import Cell, Key, measure
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.papers.twin.figures import demonstrations
from preimage.papers.twin.methods import QUICK, SLOW, methods
from preimage.papers.twin.page import markdown, record
from preimage.papers.twin.rank_curves import rank_curves
from preimage.papers.twin.summary import Summary
from preimage.progress import progress
from preimage.runtime import single_threaded

PAGE, RECORD = "results.md", "results.json"
CELLS, QUICK_CELLS = "cells.jsonl", "cells-quick.jsonl"


@final
@dataclass(frozen=True, kw_only=True)
class Measuring:
    """The work of a worker: one cell.

    Args:
        quick: As for `Reproduction`.
    """

    quick: bool

    def __call__(self, key: Key) -> Cell:
        """Trains and scores, with one thread as everywhere."""
        with single_threaded():
            return measure(key, methods(QUICK if self.quick else None)[key.method])


@final
@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What of the paper is run again.

    A cell is one method on one experiment with one seed. Each is kept in the folder as soon as it
    is measured, and not measured again; to repeat some, remove their lines from `cells.jsonl`.

    Args:
        experiments: Numbers from 1 to 9.
        seeds: Seeds 0 to `seeds` - 1.
        names: Methods to run; those that were kept from earlier runs are shown as well.
        quick: Our own trainings cut short, kept in a file of their own.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> run = Reproduction(experiments=(1,), seeds=1, names=("knn",), quick=True)
        >>> run.measure(folder)
        2
        >>> run.measure(folder)
        0
    """

    experiments: tuple[int, ...] = tuple(one.number for one in EXPERIMENTS)
    seeds: int = 5
    names: tuple[str, ...] = tuple(methods())
    quick: bool = False

    def check(self) -> None:
        """Complains about what there is not.

        Raises:
            InputError: If an experiment or a method does not exist, or there are no seeds.
        """
        numbers = [one.number for one in EXPERIMENTS]
        _check_known("experiment", self.experiments, numbers)
        _check_known("method", self.names, list(methods()))
        if self.seeds < 1:
            raise InputError(f"{self.seeds} seeds were asked for; give 1 or more.")

    def keys(self) -> list[Key]:
        """The cells in the order in which they are measured: low seeds first, slow methods last."""
        chosen = [method for method in methods().values() if method.name in self.names]
        return [
            Key(setting, experiment, seed, method.name)
            for slow in (False, True)
            for seed in range(self.seeds)
            for method in chosen
            if (method.name in SLOW) is slow
            for setting in method.settings
            for experiment in self.experiments
        ]

    def kept(self, folder: Path) -> Kept[Cell]:
        """What the folder holds already."""
        return Kept(folder / (QUICK_CELLS if self.quick else CELLS), Cell.from_json)

    def summary(self, folder: Path) -> Summary:
        """What is kept of these experiments and seeds."""
        cells = sorted(self.kept(folder), key=lambda cell: cell.key)
        return Summary(cells, self.experiments, self.seeds)

    def measure(self, folder: Path, *, on: str | None = None) -> int:
        """Measures the cells that are not kept yet; returns how many these were.

        Args:
            folder: Where they are kept.
            on: "local" or the address of a Dask scheduler, to measure on several workers; None
                measures here, one after the other.
        """
        kept, keys = self.kept(folder), self.keys()
        if on is not None:
            sweep = Sweep(on=on, things="cells")
            return sweep.run(kept, keys, Measuring(quick=self.quick), said=_said)
        known = methods(QUICK if self.quick else None)
        missing = [key for key in keys if key not in kept]
        done = len(keys) - len(missing)
        # CPU seconds are those of one thread, which is also the fastest for networks this small.
        with single_threaded(), progress("cells", len(keys), done=done) as bar:
            for count, key in enumerate(missing, done):
                bar.update(count, _said(key))
                kept.add(measure(key, known[key.method]))
        return len(missing)

    def write(self, folder: Path) -> list[Path]:
        """Writes the page, its record and its figures from what is kept; returns the files."""
        summary = self.summary(folder)
        with single_threaded():
            drawings = [
                *demonstrations(QUICK if self.quick else TwinInverter.recipe),
                *rank_curves(summary),
            ]
        files = []
        for drawing in drawings:
            files.append(folder / f"{drawing.name}.png")
            with writing_file(files[-1], force=True) as aside:
                drawing.figure.savefig(aside, dpi=130, facecolor="white")
        texts = {
            PAGE: markdown(summary, drawings),
            RECORD: json.dumps(record(summary), indent=1) + "\n",
        }
        for name, text in texts.items():
            files.append(folder / name)
            with writing_file(files[-1], force=True) as aside:
                aside.write_text(text, "utf-8")
        return files


def check_place(folder: Path) -> None:
    """Complains, before hours of work, about a folder that is not for this.

    Raises:
        InputError: If it is a file.
        OutputExistsError: If it holds results that did not come from cells beside them.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder with -o.")
    ours = any((folder / name).exists() for name in (CELLS, QUICK_CELLS))
    if not ours and any((folder / name).exists() for name in (PAGE, RECORD)):
        raise OutputExistsError(
            f"{folder} holds a {PAGE} or {RECORD} and no {CELLS} that it was made of; choose "
            "another folder with -o."
        )


def default_names(*, quick: bool) -> tuple[str, ...]:
    """All methods, or those that take seconds."""
    return tuple(name for name in methods() if not (quick and name in SLOW))


def _said(key: Key) -> str:
    return f"table {int(key.setting)}, experiment {key.experiment}, seed {key.seed}, {key.method}"


def _check_known(what: str, given: Sequence[int | str], known: Sequence[int | str]) -> None:
    strange = [str(one) for one in given if one not in known]
    if strange or not given:
        listed = ", ".join(map(str, known))
        said = f"there is no {what} {', '.join(strange)}" if strange else f"no {what} was named"
        raise InputError(f"{said}; there are {listed}.")
