"""The whole reproduction: train and measure what is not kept yet, then write the page."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import torch

from preimage.cluster.kept import Kept
from preimage.cluster.sweep import Sweep
from preimage.errors import InputError
from preimage.files import writing_file
from preimage.papers.one2one.cells import Cell, Key, Spent
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.figures import draw
from preimage.papers.one2one.measuring import Measuring
from preimage.papers.one2one.methods import MAIN, METHODS, NEIGHBOURS, PIX2PIX, Plan
from preimage.papers.one2one.page import Page
from preimage.papers.one2one.segmenter import Segmenter, has_labels
from preimage.progress import progress
from preimage.runtime import best_device
from preimage.translation import Pairs, Translator, load

PAGE, RECORD, CELLS, MODELS = "results.md", "results.json", "cells.jsonl", "models"
SPENT = "cpu.json"


@final
@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What is run.

    Models and measured cells are kept in the folder as soon as they are there; a training that was
    stopped goes on. The page shows all that is kept of these data and this plan.

    Args:
        data: The pairs.
        plan: How models are trained.
        seeds: Seeds 0 to `seeds` - 1; ablations have the first alone.
        names: Of `METHODS`; pix2pix is trained first, since sensitivity needs it.

    Raises:
        InputError: There is no such method, or there are no seeds.
    """

    data: Data
    plan: Plan
    seeds: int = 3
    names: tuple[str, ...] = tuple(METHODS)

    def __post_init__(self) -> None:
        if strange := [name for name in self.names if name not in METHODS]:
            raise InputError(f"there is no method {strange[0]!r}; there are {', '.join(METHODS)}.")
        if self.seeds < 1 or not self.names:
            raise InputError("name at least one method, and ask for at least one seed.")

    def kept(self, folder: Path) -> Kept[Cell]:
        """What the folder holds already."""
        return Kept(folder / CELLS, Cell.from_json)

    def cells(self, folder: Path) -> list[Cell]:
        """What was measured with these data and this plan."""
        return [cell for cell in self.kept(folder) if self._key(*cell.key[:2]) == cell.key]

    def measure(self, folder: Path, *, on: str | None = None) -> int:
        """Trains and measures what is not kept yet; returns how many models these were.

        Args:
            folder: Where models and cells are kept; workers must see it under the same path.
            on: "local" or the address of a Dask scheduler, to train on several workers; None
                trains here, one after the other.
        """
        kept, keys = self.kept(folder), self._keys()
        if on is not None:
            folder.mkdir(parents=True, exist_ok=True)
            # Trained once and found by all workers, in place of once by each.
            self._segmenter(folder)
            work = Training(reproduction=self, folder=str(folder.resolve()))
            sweep = Sweep(on=on, things="models", shared=folder)
            return sweep.run(kept, keys, work, said=_said, lane=lambda key: key.seed)
        missing = [key for key in keys if key not in kept]
        with progress("models", len(keys), done=len(keys) - len(missing)) as bar:
            for count, key in enumerate(missing, len(keys) - len(missing)):
                bar.update(count, _said(key))
                kept.add(self.measured(folder, key))
        return len(missing)

    def write(self, folder: Path) -> list[Path]:
        """Writes the page, its record and the sheets of seed 0; returns the files."""
        cells = self.cells(folder)
        models = {
            name: self._load(place)
            for name in MAIN
            if (place := self._place(folder, self._key(name, 0))).exists()
        }
        figures = draw(models, self.data, folder)
        page = Page(
            cells=cells,
            data=self.data,
            plan=self.plan,
            ceiling=self._measuring(folder, self.data).ceiling(),
            figures=figures,
        )
        texts = {PAGE: page.markdown(), RECORD: json.dumps(page.record(), indent=1) + "\n"}
        for name, text in texts.items():
            with writing_file(folder / name, force=True) as aside:
                aside.write_text(text, "utf-8")
        return [*(folder / name for name in texts), *figures]

    def _keys(self) -> list[Key]:
        """Pix2pix first, the tables before the ablations, the first seed before the others."""
        places = list(METHODS)
        keys = [
            self._key(name, seed)
            for name in self.names
            for seed in range(1 if METHODS[name].single else self.seeds)
            if name != NEIGHBOURS or self.data.beside is not None
        ]
        return sorted(
            keys, key=lambda key: (key.method not in MAIN, key.seed, places.index(key.method))
        )

    def _key(self, name: str, seed: int) -> Key:
        epochs = METHODS[name].make(self.plan).epochs
        return Key(name, seed, epochs, self._pairs(name).digest)

    def _pairs(self, name: str) -> Data:
        """What a method learns from and is scored on."""
        if name in MAIN:
            return self.data
        data = self.data.choosing
        return data if name != NEIGHBOURS else data.beside or data

    def _place(self, folder: Path, key: Key) -> Path:
        name = METHODS[key.method].trained or key.method
        return folder / MODELS / f"{name}-{key.epochs:g}-epochs-seed-{key.seed}"

    def _measuring(self, folder: Path, data: Data) -> Measuring:
        return Measuring(data=data, segmenter=self._segmenter(folder))

    def measured(self, folder: Path, key: Key) -> Cell:
        """Trains a model, or goes on with it, and measures."""
        place = self._place(folder, key)
        model = replace(METHODS[key.method].make(self.plan), seed=key.seed, run=f"{place}.run")
        data = self._pairs(key.method)
        spent = _trained(model, data.train)
        model.save(place, force=True)
        return self._measuring(folder, data).cell(
            key,
            model,
            baseline=self._baseline(folder, key, model),
            spent=spent,
            updates=model.history_.steps if model.history_ else 0,
            settle=METHODS[key.method].settle,
        )

    def _baseline(self, folder: Path, key: Key, model: Translator) -> Translator | None:
        """Pix2pix with this seed; ablations and settled answers go without."""
        first = self._key(PIX2PIX, key.seed)
        if key.method not in MAIN or METHODS[key.method].settle:
            return None
        if key == first:
            return model
        place = self._place(folder, first)
        return self._load(place) if place.exists() else None

    def _load(self, place: Path) -> Translator:
        return load(place, device=self.plan.device or best_device())

    def _segmenter(self, folder: Path) -> Segmenter | None:
        if not has_labels(self.data.train.kinds):
            return None
        return Segmenter(
            self.data.train,
            ignored=self.data.ignored,
            epochs=self.plan.segmenter_epochs,
            run=folder / MODELS / "segmenter.run",
            precision=self.plan.precision,
            device=self.plan.device,
        )


@final
@dataclass(frozen=True, kw_only=True)
class Training:
    """The work of a worker: one model.

    Args:
        reproduction: What is run.
        folder: Where models are kept.
    """

    reproduction: Reproduction
    folder: str

    def __call__(self, key: Key) -> Cell:
        """Trains what is not there, and measures."""
        return self.reproduction.measured(Path(self.folder), key)


def _said(key: Key) -> str:
    return f"{key.method}, seed {key.seed}"


def _trained(model: Translator, pairs: Pairs) -> Spent:
    """Trains a model; the CPU seconds of one that was finished before are kept beside it.

    They are not known where it was taken up again: part of them was spent by another process.
    """
    kept = Path(model.run or ".") / SPENT
    fresh = not kept.parent.exists()
    begin = time.process_time()
    model.fit(pairs)
    cpu = time.process_time() - begin
    if fresh:
        kept.write_text(json.dumps(cpu), "utf-8")
    known = json.loads(kept.read_text("utf-8")) if kept.exists() else None
    device = next(next(iter(model.networks_.values())).parameters()).device
    return Spent(
        cpu=known,
        seconds=model.history_.seconds if model.history_ else None,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "",
    )
