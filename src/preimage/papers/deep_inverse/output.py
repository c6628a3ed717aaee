"""The results as a page, as numbers and as a picture."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from preimage.files import check_file, writing_file
from preimage.papers.deep_inverse.benchmark import Curve, Plan
from preimage.papers.deep_inverse.published import PLACES, PUBLISHED
from preimage.papers.deep_inverse.tasks import TASKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "inverse"
PACKAGES = {
    "preimage": "preimage",
    "torch": "torch",
    "zuko": "zuko",
    "sbi": "sbi",
    "FrEIA": "FrEIA",
}
"""Packages that a result depends on, those of the peers where they are installed."""


def check_outputs(folder: Path, *, force: bool) -> None:
    """Complains, before the work, about files that could not be written.

    Raises:
        OutputExistsError: If they are there already.
    """
    for suffix in ("md", "json", "png"):
        check_file(folder / f"{NAME}.{suffix}", force=force)


def write_outputs(folder: Path, plan: Plan, curves: Sequence[Curve]) -> None:
    """Writes `inverse.md`, `inverse.json` and `inverse.png` into the folder, over earlier ones."""
    record: dict[str, Any] = {
        "plan": asdict(plan),
        "machine": machine(),
        "published": {name: PUBLISHED[name] for name in plan.tasks},
        "published_at": PLACES,
        "measured": [asdict(curve) | {"r": _finite(curve.r)} for curve in curves],
    }
    with writing_file(folder / f"{NAME}.json", force=True) as aside:
        aside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    with writing_file(folder / f"{NAME}.md", force=True) as aside:
        aside.write_text(page(plan, curves), encoding="utf-8")
    with writing_file(folder / f"{NAME}.png", force=True) as aside:
        picture(plan, curves).savefig(aside, dpi=150, metadata={"Software": None})


def machine() -> dict[str, Any]:
    """What the times depend on."""
    packages = {name: version(name) for name in PACKAGES if find_spec(name)}
    return {"cores": os.cpu_count(), "python": platform.python_version(), **packages}


def page(plan: Plan, curves: Sequence[Curve]) -> str:
    """A table for each task, ours and the published figures in one, best first."""
    about = ", ".join(f"{name} {value}" for name, value in machine().items())
    parts = [
        "# Deep-inverse benchmark",
        f"{plan.measured:,} measured pairs without noise, {plan.targets} fresh targets, seed "
        f"{plan.seed}. $r_T$: the mean over targets of the smallest error among the first T "
        "candidates, by the exact function, which no method calls. Times are CPU time on one "
        "thread, the learning of the function included. Published figures are read off a plot, "
        "to about 20 %. "
        f"{'A quick look: short trainings, few pairs. ' if plan.quick else ''}Measured with "
        f"{about}.",
        f"![r_T against T]({NAME}.png)",
    ]
    for name in plan.tasks:
        parts += [f"## {name.capitalize()}: {TASKS[name].title}", _table(name, curves)]
    return "\n\n".join(parts) + "\n"


def _table(task: str, curves: Sequence[Curve]) -> str:
    heads = ["method", *(f"r_{place}" for place in PLACES)]
    heads += ["candidates a target", "fit, s", "a target, ms", "how"]
    rows: list[tuple[float, list[str]]] = []
    for curve in (one for one in curves if one.task == task):
        found = [curve.r[place - 1] for place in PLACES]
        times = f"{curve.fit_seconds:.0f}", f"{curve.answer_milliseconds:.3g}"
        cells = [*map(_short, found), f"{curve.per_target:.1f}", *times, curve.note]
        rows.append((found[0], [curve.method, *cells]))
    for method, figures in PUBLISHED[task].items():
        cells = [*map(_short, figures), "", "", "", "published"]
        rows.append((figures[0], [f"*{method}*", *cells]))
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    lines += [f"| {' | '.join(cells)} |" for _, cells in sorted(rows, key=lambda row: row[0])]
    return "\n".join(lines)


def _finite(values: Sequence[float]) -> list[float | None]:
    """JSON has no infinity."""
    return [value if math.isfinite(value) else None for value in values]


def _short(value: float) -> str:
    return f"{value:.1e}"


def picture(plan: Plan, curves: Sequence[Curve]) -> Figure:
    """The curves of all methods, and the published figures as marks."""
    import matplotlib
    from matplotlib.figure import Figure

    from preimage.plots.drawing import MUTED, STYLE

    with matplotlib.rc_context(cast(Any, STYLE)):
        figure = Figure(figsize=(5.2 * len(plan.tasks), 5.6), layout="constrained")
        for place, task in enumerate(plan.tasks, start=1):
            axes = figure.add_subplot(1, len(plan.tasks), place)
            for number, curve in enumerate(one for one in curves if one.task == task):
                places = range(1, len(curve.r) + 1)
                line = "-" if number < 10 else "--"
                axes.plot(places, curve.r, line, color=f"C{number % 10}", label=curve.method)
            for mark, (method, figures) in zip("osv^Dx", PUBLISHED[task].items(), strict=True):
                axes.plot(PLACES, figures, f"{mark}:", color=MUTED, label=f"{method}, published",
                          markersize=4, linewidth=0.8)  # fmt: skip
            axes.set(xscale="log", yscale="log", xlabel="candidates T", ylabel="$r_T$")
            axes.set_title(TASKS[task].title)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
