"""One method, one experiment, one seed: measured once, and kept as a line of JSON."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, final

from preimage.inverters.base import Inverter
from preimage.papers.twin.draws import Draw, Setting, drawn
from preimage.papers.twin.evaluation import Convention, Scores, score, squared_errors
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.papers.twin.methods import Method
from preimage.runtime import package_version


class Key(NamedTuple):
    """What tells cells apart."""

    setting: Setting
    experiment: int
    seed: int
    method: str


@final
@dataclass(frozen=True, kw_only=True)
class Answered:
    """How an inverter answers by itself.

    Attributes:
        rmse: Of the exact f at the first answers, in the units of y.
        solved: The share of targets that its function, exact or learned, confirms.
        calls: Calls of its function a target, those of the fit left out.
        cpu: CPU seconds for all targets.
    """

    rmse: float
    solved: float
    calls: float
    cpu: float


@final
@dataclass(frozen=True, kw_only=True)
class Cell:
    """What was measured.

    Attributes:
        key: Which cell it is.
        cpu: CPU seconds of the training.
        scores: Of its proposals from the anchors, by convention; empty without proposals.
        answered: How it answers by itself, if it does.
        version: Of preimage, when it was measured.
    """

    key: Key
    cpu: float
    scores: dict[Convention, Scores]
    answered: Answered | None
    version: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        setting, experiment, seed, method = self.key
        return {
            "table": int(setting),
            "experiment": experiment,
            "seed": seed,
            "method": method,
            "cpu": self.cpu,
            "scores": {one.name.lower(): asdict(given) for one, given in self.scores.items()},
            "answered": None if self.answered is None else asdict(self.answered),
            "version": self.version,
        }

    @staticmethod
    def from_json(line: dict[str, Any]) -> Cell:
        """From what `to_json` gave."""
        scores = {
            Convention[name.upper()]: Scores(
                curve=tuple(given["curve"]), best=given["best"], learned=given["learned"]
            )
            for name, given in line["scores"].items()
        }
        answered = line["answered"]
        return Cell(
            key=Key(Setting(line["table"]), line["experiment"], line["seed"], line["method"]),
            cpu=line["cpu"],
            scores=scores,
            answered=None if answered is None else Answered(**answered),
            version=line["version"],
        )


def measure(key: Key, method: Method) -> Cell:
    """Trains and scores."""
    data = drawn(EXPERIMENTS[key.experiment - 1], key.seed, key.setting)
    begin = time.process_time()
    fitted = method.fit(data, key.setting)
    cpu = time.process_time() - begin
    scores = {}
    if fitted.propose is not None:
        scores = {one: score(data, fitted.propose, one, fitted.learned) for one in Convention}
    return Cell(
        key=key,
        cpu=cpu,
        scores=scores,
        answered=None if fitted.inverter is None else _answered(data, fitted.inverter),
        version=package_version(),
    )


def _answered(data: Draw, inverter: Inverter) -> Answered:
    begin = time.process_time()
    found = inverter.invert(data.targets, n=1)
    cpu = time.process_time() - begin
    y = data.experiment.evaluate(data.experiment.put_inside(found.x[:, 0]))
    return Answered(
        rmse=float(squared_errors(data, y).mean().sqrt()),
        solved=float(found.ok[:, 0].double().mean()),
        calls=(found.evaluations - inverter.spent_.evaluations) / len(data.targets),
        cpu=cpu,
    )
