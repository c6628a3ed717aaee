"""Figures 8 and 9 of the paper: how the error grows with the rank of the anchor."""

from __future__ import annotations

from preimage.papers.twin.draws import Setting
from preimage.papers.twin.evaluation import ANCHORS, Convention
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.papers.twin.published import TABLE_1, TABLE_2
from preimage.papers.twin.summary import Summary, Value, best, learned
from preimage.plots.drawing import ANSWER, CURVE, DATA, MISS, Drawing, figure


def rank_curves(summary: Summary) -> list[Drawing]:
    """One figure a table, one panel an experiment."""
    return [_by_rank(summary, setting) for setting in Setting]


def _by_rank(summary: Summary, setting: Setting) -> Drawing:
    rank = range(1, ANCHORS + 1)
    count = len(summary.experiments)
    columns = min(3, count)
    rows = -(-count // columns)
    with figure(0.6 + 2.0 * rows, rows, columns) as (made, grid):
        for axes, number in zip(grid, summary.experiments, strict=False):
            for method, color, label in (
                ("knn", DATA, "kNN"),
                ("paper", MISS, "twin, published training"),
                ("twin", ANSWER, "twin, our training"),
            ):
                values = summary.curve(setting, number, method, Convention.PUBLISHED)
                if not values:
                    continue
                axes.plot(rank, values, "o-", color=color, label=label, ms=3, lw=1.2)
                top = summary.mean(setting, number, method, _best(setting))
                if top is not None and method != "knn":
                    axes.axhline(top.mean, color=color, linewidth=1, linestyle="--")
            axes.plot(
                1, _published_first(setting, number), "s",
                mfc="none", color=CURVE, ms=6, label="published, 1st",
            )  # fmt: skip
            axes.axhline(_published_best(setting, number), color=CURVE, linewidth=1, linestyle=":")
            axes.set_yscale("log")
            axes.tick_params(axis="y", which="both", labelsize=7)
            axes.set_xticks(rank)
            axes.set_title(f"{number}: {EXPERIMENTS[number - 1].name}", fontsize=8.5, loc="left")
        for axes in grid[count:]:
            axes.set_visible(False)
        for axes in grid[:count:columns]:
            axes.set_ylabel("RMSE in y")
        for axes in grid[max(0, count - columns) : count]:
            axes.set_xlabel("k-th anchor")
        handles, labels = grid[0].get_legend_handles_labels()
        made.legend(handles, labels, loc="outside upper left", ncols=4)
    judge = "exact" if setting is Setting.FORMULA else "learned"
    return Drawing(
        f"figure-{7 + setting}",
        f"Figure {7 + setting}: the error by the rank of the anchor, table {int(setting)}",
        made,
        "RMSE of the exact f, from the k-th anchor alone, in the published convention (the "
        f"nearest anchor is left out). Dashed: the best of five by the {judge} f; dotted: the "
        "same, published.",
    )


def _best(setting: Setting) -> Value:
    """The error of the best of five, by the f that there is."""
    return (best if setting is Setting.FORMULA else learned)(Convention.PUBLISHED)


def _published_first(setting: Setting, number: int) -> float:
    return (TABLE_1 if setting is Setting.FORMULA else TABLE_2)[number].first


def _published_best(setting: Setting, number: int) -> float:
    return TABLE_1[number].best if setting is Setting.FORMULA else TABLE_2[number].learned
