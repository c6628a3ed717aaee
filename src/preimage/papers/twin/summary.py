"""Means over the seeds of what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, final

from preimage.papers.twin.cells import Cell
from preimage.papers.twin.draws import Setting
from preimage.papers.twin.evaluation import Convention

Value: TypeAlias = Callable[[Cell], float | None]
"""One number of a cell, where it has it."""


@final
@dataclass(frozen=True)
class Mean:
    """A mean over seeds, its standard deviation, and how many there were."""

    mean: float
    sd: float
    seeds: int

    def text(self, seeds: int) -> str:
        """With its standard deviation; fewer seeds than `seeds` are said."""
        value = f"{self.mean:.5f}"
        if self.seeds > 1:
            value += f" ± {self.sd:.5f}"
        return value if self.seeds == seeds else f"{value} ({self.seeds} of {seeds} seeds)"


@final
class Summary:
    """The cells of some seeds and experiments, to take means of.

    Args:
        cells: What was measured; cells of other seeds and experiments are left out.
        experiments: Which experiments are shown.
        seeds: How many seeds are wanted, from 0.
    """

    def __init__(self, cells: Iterable[Cell], experiments: tuple[int, ...], seeds: int) -> None:
        self.experiments = experiments
        self.seeds = seeds
        self.cells = [
            cell for cell in cells if cell.key.experiment in experiments and cell.key.seed < seeds
        ]

    def mean(self, setting: Setting, experiment: int, method: str, value: Value) -> Mean | None:
        """The mean of a value; None where nothing was measured."""
        values = [
            number
            for cell in self.cells
            if (cell.key.setting, cell.key.experiment, cell.key.method)
            == (setting, experiment, method)
            and (number := value(cell)) is not None
        ]
        if not values:
            return None
        sd = statistics.stdev(values) if len(values) > 1 else 0.0
        return Mean(statistics.mean(values), sd, len(values))

    def curve(
        self, setting: Setting, experiment: int, method: str, convention: Convention
    ) -> list[float]:
        """The mean RMSE from the k-th anchor, k = 1 to 5; empty where nothing was measured."""
        curves = [
            cell.scores[convention].curve
            for cell in self.cells
            if (cell.key.setting, cell.key.experiment, cell.key.method)
            == (setting, experiment, method)
        ]
        return [statistics.mean(values) for values in zip(*curves, strict=True)]


def first(convention: Convention) -> Value:
    """The RMSE from the first anchor."""
    return lambda cell: cell.scores[convention].curve[0] if cell.scores else None


def best(convention: Convention) -> Value:
    """The RMSE of the best of five by the exact f."""
    return lambda cell: cell.scores[convention].best if cell.scores else None


def learned(convention: Convention) -> Value:
    """The RMSE of the best of five by the learned f."""
    return lambda cell: cell.scores[convention].learned if cell.scores else None


def rmse(cell: Cell) -> float | None:
    """The RMSE of an inverter's own answers."""
    return None if cell.answered is None else cell.answered.rmse


def solved(cell: Cell) -> float | None:
    """The share of targets that an inverter confirms."""
    return None if cell.answered is None else cell.answered.solved


def calls(cell: Cell) -> float | None:
    """Calls of its function that an inverter spends on a target."""
    return None if cell.answered is None else cell.answered.calls


def cpu(cell: Cell) -> float | None:
    """CPU seconds of the training."""
    return cell.cpu
