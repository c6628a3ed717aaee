"""The tables of the paper, with what we measured beside what was published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from preimage.papers.twin.draws import Setting
from preimage.papers.twin.evaluation import Convention
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.papers.twin.published import TABLE_1, TABLE_2
from preimage.papers.twin.summary import (
    Mean,
    Summary,
    Value,
    best,
    calls,
    cpu,
    first,
    learned,
    rmse,
    solved,
)

NOT_RUN = "not run"

Column: TypeAlias = Callable[[int], str]
"""The entry of an experiment."""


@final
@dataclass(frozen=True)
class Shown:
    """A table to be written.

    Attributes:
        title: What it shows.
        note: How to read it.
        columns: The entries, by heading.
        experiments: Its rows.
    """

    title: str
    note: str
    columns: dict[str, Column]
    experiments: tuple[int, ...]

    def markdown(self) -> str:
        """The table with its title and note."""
        heads = ["experiment", *self.columns]
        lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
        for number in self.experiments:
            entries = [column(number) for column in self.columns.values()]
            name = f"{number} {EXPERIMENTS[number - 1].name}"
            lines.append(f"| {' | '.join([name, *entries])} |")
        return "\n\n".join([f"### {self.title}", self.note, "\n".join(lines)])

    def rows(self) -> list[dict[str, Any]]:
        """The table as JSON values."""
        return [
            {"experiment": n, **{head: column(n) for head, column in self.columns.items()}}
            for n in self.experiments
        ]


def tables(summary: Summary) -> list[Shown]:
    """All tables, in the order of the paper."""
    shown = []
    for setting, convention in (
        (Setting.FORMULA, Convention.PUBLISHED),
        (Setting.FORMULA, Convention.NEAREST),
        (Setting.MEASUREMENTS, Convention.PUBLISHED),
        (Setting.MEASUREMENTS, Convention.NEAREST),
    ):
        shown.append(_proposals(summary, setting, convention))
        if convention is Convention.NEAREST:
            shown += [_answers(summary, setting), _costs(summary, setting)]
    return shown


_WHICH = {
    Convention.PUBLISHED: "the second to the sixth nearest anchor, as published",
    Convention.NEAREST: "the five nearest anchors",
}


def _proposals(summary: Summary, setting: Setting, convention: Convention) -> Shown:
    """Proposals as they are, from five anchors."""
    one, by_f, by_learned = first(convention), best(convention), learned(convention)

    def ours(method: str, value: Value) -> Column:
        return _measured(summary, setting, method, value)

    if setting is Setting.FORMULA:
        columns = {
            "kNN, published": lambda n: f"{TABLE_1[n].nearest:.5f}",
            "kNN": ours("knn", one),
            "NN, published": lambda n: f"{TABLE_1[n].network:.5f}",
            "NN, published training": ours("paper-nn", one),
            "NN, our training": ours("nn", one),
            "twin 1st, published": lambda n: f"{TABLE_1[n].first:.5f}",
            "twin 1st, published training": ours("paper", one),
            "twin 1st, our training": ours("twin", one),
            "twin best, published": lambda n: f"{TABLE_1[n].best:.5f}",
            "twin best, published training": ours("paper", by_f),
            "twin best, our training": ours("twin", by_f),
        }
    else:
        columns = {
            "kNN, published": lambda n: f"{TABLE_2[n].nearest:.5f}",
            "kNN": ours("knn", one),
            "twin 1st, published": lambda n: f"{TABLE_2[n].first:.5f}",
            "twin 1st, published training": ours("paper", one),
            "twin 1st, our training": ours("twin", one),
            "best by learned f, published": lambda n: f"{TABLE_2[n].learned:.5f}",
            "best by learned f, published training": ours("paper", by_learned),
            "best by learned f, ours": ours("twin", by_learned),
            "best by exact f, published": lambda n: f"{TABLE_2[n].best:.5f}",
            "best by exact f, published training": ours("paper", by_f),
            "best by exact f, our training": ours("twin", by_f),
        }
    return Shown(
        title=f"Table {int(setting)}, proposals from {_WHICH[convention]}",
        note="RMSE in y by the exact f, no polish. 1st: the first of these anchors alone; best: "
        "of five. The published columns are the same in both conventions.",
        columns=columns,
        experiments=summary.experiments,
    )


def _answers(summary: Summary, setting: Setting) -> Shown:
    """What an inverter gives by itself."""

    def ours(method: str, value: Value, form: str = "") -> Column:
        return _measured(summary, setting, method, value, form)

    if setting is Setting.FORMULA:
        columns = {
            "twin best, published": lambda n: f"{TABLE_1[n].best:.5f}",
            "twin, RMSE": ours("twin", rmse, ".1e"),
            "twin, solved": ours("twin", solved, ".2%"),
            "twin, calls of f": ours("twin", calls, ".0f"),
            "gradient, RMSE": ours("gradient", rmse, ".1e"),
            "gradient, solved": ours("gradient", solved, ".2%"),
            "gradient, calls of f": ours("gradient", calls, ".0f"),
        }
        note = (
            "`TwinInverter` and `GradientInverter` as they answer by themselves, with the polish "
            "on the exact f. Solved: residual of at most 1e-9 of the spread of y. Calls of f are "
            "for one target, those of the fit left out; a proposal without polish costs one."
        )
    else:
        columns = {
            "best by learned f, published": lambda n: f"{TABLE_2[n].learned:.5f}",
            "best by exact f, published": lambda n: f"{TABLE_2[n].best:.5f}",
            "floor": ours("floor", rmse),
            "twin": ours("twin", rmse),
            "published learned / twin": _ratio(
                lambda n: TABLE_2[n].learned, summary, setting, "twin"
            ),
            "published exact / twin": _ratio(lambda n: TABLE_2[n].best, summary, setting, "twin"),
            "gradient": ours("gradient-data", rmse),
        }
        note = (
            "`TwinInverter().fit(x, y)` and `GradientInverter().fit(x, y)` as they answer by "
            "themselves, with the polish on the learned f; RMSE in y by the exact f. They never "
            "call the exact f. Floor: what the exact f leaves at the best point of the domain, "
            "since noise put some targets out of reach."
        )
    return Shown(
        title=f"Table {int(setting)}, answers of the whole inverter",
        note=note,
        columns=columns,
        experiments=summary.experiments,
    )


def _costs(summary: Summary, setting: Setting) -> Shown:
    gradient = "gradient" if setting is Setting.FORMULA else "gradient-data"
    columns = {
        "published training": _measured(summary, setting, "paper", cpu, ".0f"),
        "our twin": _measured(summary, setting, "twin", cpu, ".1f"),
        "gradient": _measured(summary, setting, gradient, cpu, ".1f"),
    }
    learned_too = " with the learned f" if setting is Setting.MEASUREMENTS else ""
    return Shown(
        title=f"Table {int(setting)}, CPU seconds of the training{learned_too}",
        note="One thread.",
        columns=columns,
        experiments=summary.experiments,
    )


def _measured(
    summary: Summary, setting: Setting, method: str, value: Value, form: str = ""
) -> Column:
    """A column of means: RMSE with its standard deviation, or by another format the mean alone."""

    def entry(number: int) -> str:
        mean = summary.mean(setting, number, method, value)
        if mean is None:
            return NOT_RUN
        return format(mean.mean, form) if form else mean.text(summary.seeds)

    return entry


def _ratio(
    published: Callable[[int], float], summary: Summary, setting: Setting, method: str
) -> Column:
    """How many times less than published."""

    def entry(number: int) -> str:
        mean: Mean | None = summary.mean(setting, number, method, rmse)
        return NOT_RUN if mean is None else f"{published(number) / mean.mean:.1f}"

    return entry
