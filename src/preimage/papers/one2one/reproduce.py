"""The whole reproduction: train and measure what is not kept yet, then write the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from preimage.cluster.kept import Kept
from preimage.errors import InputError
from preimage.files import writing_file
from preimage.papers.one2one.cells import Cell, Key
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.figures import draw
from preimage.papers.one2one.methods import METHODS, PIX2PIX, Plan
from preimage.papers.one2one.page import markdown
from preimage.progress import progress
from preimage.runtime import package_version
from preimage.translation import Translator, load
from preimage.translation.evaluation import DIRECTIONS, evaluate
from preimage.translation.sensitivity import sensitivity

PAGE, CELLS, MODELS = "results.md", "cells.jsonl", "models"


@final
@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What is run.

    Models and measured cells are kept in the folder as soon as they are there; a training that was
    stopped goes on.

    Args:
        data: The pairs.
        plan: How models are trained.
        seeds: Seeds 0 to `seeds` - 1.
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
        """What was measured of this plan."""
        wanted = set(self._keys())
        return [cell for cell in self.kept(folder) if cell.key in wanted]

    def measure(self, folder: Path) -> int:
        """Trains and measures what is not kept yet; returns how many models these were."""
        kept, keys = self.kept(folder), self._keys()
        missing = [key for key in keys if key not in kept]
        with progress("models", len(keys), done=len(keys) - len(missing)) as bar:
            for count, key in enumerate(missing, len(keys) - len(missing)):
                bar.update(count, f"{key.method}, seed {key.seed}")
                kept.add(self._measured(folder, key))
                self.write(folder)
        return len(missing)

    def write(self, folder: Path) -> list[Path]:
        """Writes the page and the sheet of seed 0; returns the files."""
        cells = self.cells(folder)
        models = {
            key.method: load(self._place(folder, key))
            for key in self._keys()
            if key.seed == 0 and key in {cell.key for cell in cells}
        }
        figure = draw(models, self.data, folder)
        with writing_file(folder / PAGE, force=True) as aside:
            aside.write_text(markdown(cells, self.data, self.plan, self.seeds, figure), "utf-8")
        return [folder / PAGE, *([] if figure is None else [figure])]

    def _keys(self) -> list[Key]:
        first = sorted(self.names, key=lambda name: name != PIX2PIX)
        digest, epochs = self.data.digest, self.plan.epochs
        seeds = range(self.seeds)
        return [Key(name, seed, epochs, digest) for seed in seeds for name in first]

    def _place(self, folder: Path, key: Key) -> Path:
        return folder / MODELS / f"{key.method}-{key.epochs:g}-epochs-seed-{key.seed}"

    def _measured(self, folder: Path, key: Key) -> Cell:
        place = self._place(folder, key)
        model = replace(METHODS[key.method](self.plan), seed=key.seed, run=f"{place}.run")
        model.fit(self.data.train)
        model.save(place, force=True)
        found = evaluate(model, self.data.test)
        history = model.history_
        return Cell(
            key=key,
            scores=found.summary(),
            groups=found.of_groups() if len(set(found.groups)) < len(found.groups) else {},
            images={DIRECTIONS[side]: found.scores[side].psnr.tolist() for side in DIRECTIONS},
            sensitivity=self._sensitivity(folder, key, model),
            parameters=model.parameters,
            updates=history.steps if history else 0,
            seconds=history.seconds if history else 0.0,
            version=package_version(),
        )

    def _sensitivity(self, folder: Path, key: Key, model: Translator) -> dict:
        baseline = key._replace(method=PIX2PIX)
        if PIX2PIX not in self.names:
            return {}
        made = model if key == baseline else load(self._place(folder, baseline))
        found = sensitivity({key.method: model}, made, self.data.test)[key.method]
        return {DIRECTIONS[side]: one.changes() for side, one in found.items()}
