"""Tables for people to read, in plain text."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import typer

from preimage.preimages import Preimages

MOST_SHOWN = 200
"""So many answers are printed; a file holds them all."""


def print_columns(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns, numbers to the right; the header is bold on a terminal."""
    whole = [header, *rows] if header is not None else list(rows)
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    right = [all(_is_number(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in whole:
        cells = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        ]
        typer.secho("  ".join(cells).rstrip(), bold=row is header)


def print_answers(found: Preimages, *, listed: bool) -> None:
    """Print what became of the targets, and the answers themselves if they are to be listed."""
    if listed:
        print_columns(*_answers(found))
        more = int(found.listed.sum()) - MOST_SHOWN
        if more > 0:
            typer.echo(f"... and {more:,} more; -o FILE.csv writes them all")
        typer.echo()
    typer.echo(found.headline)


def summary(method: type) -> str:
    """The first sentence of a class's docstring."""
    return " ".join(inspect.getdoc(method).partition("\n\n")[0].split())  # pyright: ignore[reportOptionalMemberAccess]


def _answers(found: Preimages) -> tuple[list[str], list[list[str]]]:
    """The first rows, one an answer; what was wanted is said in the first row of each target."""
    labels = [f"wanted {name}" for name in found.outputs] + [*found.inputs, "residual"]
    labels += [f"sd {name}" for name in found.outputs] if found.sd is not None else []
    labels += ["radius"] if found.certificates is not None else []
    rows = []
    for target, place in np.argwhere(found.listed)[:MOST_SHOWN].tolist():
        cells = [_number(value) if place == 0 else "" for value in found.targets[target]]
        cells += [_number(value, digits=8) for value in found.x[target, place]]
        cells.append(_number(found.residual[target, place], digits=2))
        if found.sd is not None:
            cells += [_number(value, digits=2) for value in found.sd[target, place]]
        if found.certificates is not None:
            cells.append(_number(found.certificates.radius[target, place], digits=2))
        rows.append([*cells, _note(found, target, place)])
    return [*labels, ""], rows


def _note(found: Preimages, target: int, place: int) -> str:
    """What there is to say of an answer that is not simply right."""
    if not bool(found.ok[target, place]):
        return found.explain(target).partition(": ")[2] if place == 0 else "not confirmed"
    outside = found.outside is not None and bool(found.outside[target, place])
    notes = ["outside the measured region"] if outside else []
    if found.certificates is not None and not bool(found.certificates.proved[target, place]):
        notes.append("not certified")
    return ", ".join(notes)


def _number(value: Any, digits: int = 6) -> str:
    return "" if np.isnan(value) else f"{value:.{digits}g}"


def _is_number(cell: str) -> bool:
    try:
        float(cell or 0)
    except ValueError:
        return False
    return True
