"""The page itself: its facts, its figures, and the file."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from preimage.files import check_file, writing_file
from preimage.inverters import Inverter
from preimage.plots import draw
from preimage.preimages import Preimages, Status
from preimage.report.svg import svg
from preimage.runtime import package_version
from preimage.templates import template

SENTENCES = 100
"""So many targets have a sentence each; the table of answers goes on."""

FEW_OUTPUTS = 3
"""Up to so many outputs, the table of answers begins with the targets."""

ROWS = 300
"""So many answers are listed."""


def write_report(
    found: Preimages,
    path: str | os.PathLike[str],
    *,
    inverter: Inverter | None = None,
    title: str | None = None,
    force: bool = False,
) -> None:
    """Writes one HTML page with the answers, their plots, and how they were computed.

    The page needs no other file and no network, and follows the reader's light or dark setting.

    Args:
        found: The answers.
        path: The file, ending in `.html`.
        inverter: What gave them; with it, plots show the function or the measurements, and the
            page names the method and its settings.
        title: A heading; the names of inputs and outputs by default.
        force: Replace a file that is already there.

    Raises:
        OutputExistsError: If the file is there already; choose another, or `force=True`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from preimage.domain import Box
        >>> from preimage.inverters import GradientInverter
        >>> inverter = GradientInverter().fit_function(lambda x: x**3 - x, Box(-2, 2))
        >>> page = Path(tempfile.mkdtemp()) / "cubic.html"
        >>> write_report(inverter.invert([0.0, 0.3]), page, inverter=inverter)
        >>> "2 of 2 targets answered" in page.read_text("utf-8")
        True
    """
    check_file(path, force=force)
    text = render(found.numpy(), inverter, title)
    with writing_file(path, force=force) as aside:
        aside.write_text(text, encoding="utf-8")


def render(found: Preimages, inverter: Inverter | None, title: str | None) -> str:
    """The page as text."""
    from markupsafe import Markup

    names = f"{', '.join(found.inputs)} from {', '.join(found.outputs)}"
    return template("preimage.report", "answers.html").render(
        title=title or f"Inverse: {names}",
        headline=found.headline,
        tiles=[(name, value, False) for name, value in _tiles(found)],
        statuses=_statuses(found),
        drawings=[(d, Markup(svg(d.figure, d.name))) for d in draw(found, inverter)],
        sentences=[(found.status[i], found.explain(i)) for i in range(min(len(found), SENTENCES))],
        more_targets=max(0, len(found) - SENTENCES),
        header=_header(found),
        rows=_rows(found),
        more_rows=max(0, int(found.listed.sum()) - ROWS),
        facts=_facts(found, inverter),
    )


def _tiles(found: Preimages) -> list[tuple[str, str]]:
    """The numbers that are asked for first."""
    answered = sum(status.answered for status in found.status)
    residual = found.residual[found.ok]
    tiles = [
        ("targets answered", f"{answered:,} of {len(found):,}"),
        ("distinct answers", f"{int(np.sum(found.count)):,}"),
    ]
    if residual.size:
        tiles.append(("largest residual", f"{residual.max():.2g}"))
    if found.outside is not None:
        strangers = int((found.outside & found.ok).sum())
        tiles.append(("outside the data", f"{strangers:,}"))
    if found.certificates is not None:
        certified = int(found.certificates.proved.sum())
        tiles.append(("certified", f"{certified:,} of {int(np.sum(found.count)):,}"))
    return [*tiles, ("checked by", f"the {found.checker}")]


def _statuses(found: Preimages) -> list[tuple[Status, int, int]]:
    """Each status with its targets and their answers."""
    count = found.count
    table = []
    for status in Status:
        which = found.status == status
        if which.any():
            table.append((status, int(which.sum()), int(count[which].sum())))
    return table


def _header(found: Preimages) -> list[str]:
    doubt = [f"± {name}" for name in found.outputs] if found.sd is not None else []
    wanted = [f"wanted {name}" for name in found.outputs]
    first = _wanted_first(found, wanted, list(found.inputs))
    radius = ["radius"] if found.certificates is not None else []
    return [*first, *found.outputs, *doubt, "residual", *radius, "check"]


def _wanted_first(found: Preimages, wanted: list[str], inputs: list[str]) -> list[str]:
    """Targets before answers, unless so many columns would push the answers off the page."""
    return wanted + inputs if len(found.outputs) <= FEW_OUTPUTS else inputs + wanted


def _rows(found: Preimages) -> list[tuple[bool, bool, list[str], str]]:
    """Of the first answers: first of its target?, confirmed?, the numbers, how it was checked."""
    rows = []
    for target, place in np.argwhere(found.listed)[:ROWS].tolist():
        ok = bool(found.ok[target, place])
        wanted = [_number(v) if place == 0 else "" for v in found.targets[target]]
        cells = _wanted_first(found, wanted, [_number(v, 8) for v in found.x[target, place]])
        cells += [_number(v) for v in found.y[target, place]]
        if found.sd is not None:
            cells += [_number(v, 2) for v in found.sd[target, place]]
        cells.append(_number(found.residual[target, place], 2))
        note = str(found.checked_by[target, place]) if ok else "not confirmed"
        if found.certificates is not None:
            cells.append(_number(found.certificates.radius[target, place], 2))
            proved = bool(found.certificates.proved[target, place])
            note += (", certified" if proved else ", not certified") if ok else ""
        if ok and found.outside is not None and bool(found.outside[target, place]):
            note += ", outside the measured region"
        rows.append((place == 0, ok, cells, note))
    return rows


def _facts(found: Preimages, inverter: Inverter | None) -> list[tuple[str, str]]:
    """How it was computed."""
    calls = f"{found.evaluations:,} rows"
    if found.excluded:
        calls += f", of which {found.excluded:,} gave nothing usable and were left out"
    facts = [
        ("Checked by", f"the {found.checker}; derivatives by {found.derivatives}"),
        ("Tolerance", f"{found.tol:.3g}, in the units of the output"),
        (f"Calls of the {found.checker}", calls),
    ]
    if found.enumeration is not None:
        spent = f"{found.enumeration.boxes:,} boxes in {found.enumeration.seconds:.2g} s"
        left = sum(len(boxes) for boxes in found.enumeration.unsettled)
        facts.append(("Searched exhaustively", f"{spent}, of which {left:,} are not settled"))
    if found.certificates is not None:
        words = "one true preimage lies within the radius of each certified answer"
        facts.append(("Certified", f"{words} (Krawczyk's test, every rounding error counted)"))
    if inverter is not None:
        facts = [*_problem_facts(inverter), *facts]
    return [
        *facts,
        ("preimage", f"version {package_version()}"),
        ("Written", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")),
    ]


def _problem_facts(inverter: Inverter) -> list[tuple[str, str]]:
    problem, box = inverter.fitted, inverter.fitted.box
    units = box.units or [""] * box.dim
    sides = zip(
        box.names, box.low.tolist(), box.high.tolist(), units, box.periodic.tolist(), strict=True
    )
    searched = "; ".join(
        f"{name} from {low:.6g} to {high:.6g}{unit and ' ' + unit}{', periodic' * periodic}"
        for name, low, high, unit, periodic in sides
    )
    source = f"a function, sampled at {len(problem.x):,} points"
    if problem.support is not None:
        source = f"{len(problem.x):,} measured rows"
        if inverter.dropped_:
            source += f"; {inverter.dropped_:,} rows with missing values were left out"
    facts = [("Fitted to", source), ("Searched", searched), ("Method", inverter.kind)]
    if problem.surrogate is not None:
        words = {"GaussianProcess": "a Gaussian process", "Ensemble": "an ensemble of networks"}
        kind = type(problem.surrogate).__name__
        facts.append(("Surrogate", words.get(kind, kind)))
    return [*facts, ("Settings", _settings(asdict(inverter)))]


def _settings(settings: dict[str, Any], prefix: str = "") -> str:
    parts = [
        _settings(value, f"{prefix}{name}.")
        if isinstance(value, dict)
        else f"{prefix}{name} = {value}"
        for name, value in settings.items()
    ]
    return ", ".join(parts)


def _number(value: Any, digits: int = 6) -> str:
    return "" if np.isnan(value) else f"{float(value):.{digits}g}".replace("-", "−")
