"""The comparison in a few sentences, counted from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from preimage.papers.twin.draws import Setting
from preimage.papers.twin.evaluation import Convention
from preimage.papers.twin.published import TABLE_1, TABLE_2
from preimage.papers.twin.summary import Summary, Value, best, cpu, first, learned, rmse, solved


def headlines(summary: Summary) -> list[str]:
    """Sentences about whatever there are cells of."""
    nearest, published = Convention.NEAREST, Convention.PUBLISHED
    formula, measurements = Setting.FORMULA, Setting.MEASUREMENTS
    best_1 = {n: row.best for n, row in TABLE_1.items()}
    learned_2 = {n: row.learned for n, row in TABLE_2.items()}
    best_2 = {n: row.best for n, row in TABLE_2.items()}
    found = [
        _solved(summary),
        _below(
            "f known, our twin without polish, best of the five nearest anchors",
            _factors(summary, formula, "twin", best(nearest), best_1),
            "the published best",
        ),
        _below(
            "f known, the published training in the published convention, best of five",
            _factors(summary, formula, "paper", best(published), best_1),
            "the published best",
        ),
        _below(
            "f known, the published training in the published convention, first anchor",
            _factors(
                summary, formula, "paper", first(published),
                {n: row.first for n, row in TABLE_1.items()},
            ),
            "the published figure",
        ),
        _below(
            "Noisy data alone, `TwinInverter().fit(x, y)`",
            _factors(summary, measurements, "twin", rmse, learned_2),
            "the published best by the learned f",
        ),
        _below(
            "Noisy data alone, `TwinInverter().fit(x, y)`",
            _factors(summary, measurements, "twin", rmse, best_2),
            "the published best by the *exact* f",
        ),
        _below(
            "Noisy data alone, `GradientInverter().fit(x, y)`, a plain multi-start solver",
            _factors(summary, measurements, "gradient-data", rmse, learned_2),
            "the published best by the learned f",
        ),
        _below(
            "Noisy data alone, the published training in the published convention, best of five "
            "by the learned f",
            _factors(summary, measurements, "paper", learned(published), learned_2),
            "the published best by the learned f",
        ),
        _cost(summary),
    ]  # fmt: skip
    return [sentence for sentence in found if sentence]


def _factors(
    summary: Summary,
    setting: Setting,
    method: str,
    value: Value,
    published: Mapping[int, float],
) -> dict[int, float]:
    """How many times less than published, for each experiment that was measured."""
    means = {n: summary.mean(setting, n, method, value) for n in summary.experiments}
    return {n: published[n] / mean.mean for n, mean in means.items() if mean is not None}


def _below(what: str, factors: Mapping[int, float], published: str) -> str:
    if not factors:
        return ""
    below = sum(factor > 1 for factor in factors.values())
    text = f"{what}: below {published} on {below} of {len(factors)} experiments"
    above = [str(n) for n, factor in factors.items() if factor <= 1]
    if above:
        text += f" (above on {', '.join(above)})"
    return f"{text}, by a median factor of {statistics.median(factors.values()):.2g}."


def _solved(summary: Summary) -> str:
    parts = []
    for method, name in (("gradient", "`GradientInverter`"), ("twin", "`TwinInverter`")):
        means = _means(summary, Setting.FORMULA, method, solved)
        if means:
            parts.append(f"{name} solves {statistics.mean(means):.2%} of the targets")
    if not parts:
        return ""
    return f"f known, with the polish: {' and '.join(parts)} to 1e-9 of the spread of y."


def _cost(summary: Summary) -> str:
    ours = _means(summary, Setting.FORMULA, "twin", cpu)
    paper = _means(summary, Setting.FORMULA, "paper", cpu)
    if not ours:
        return ""
    text = f"Training with f known takes our twin {_range(ours)} CPU seconds"
    return f"{text}, and the published training {_range(paper)}." if paper else f"{text}."


def _means(summary: Summary, setting: Setting, method: str, value: Value) -> list[float]:
    means = (summary.mean(setting, n, method, value) for n in summary.experiments)
    return [mean.mean for mean in means if mean is not None]


def _range(values: list[float]) -> str:
    return f"{min(values):.0f} to {max(values):.0f}"
