"""Measurements: inputs and outputs, row by row, fit to learn from."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from preimage.errors import DataError, InputError
from preimage.tables.reading import read_table
from preimage.tables.table import Table, as_table, column_names, listed


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Measured inputs and outputs of the same rows.

    Attributes:
        x: The inputs.
        y: The outputs.
        noise: The standard deviation of each output's measurement, shaped like `y.values`; None
            where it is not known.
        dropped: How many rows were left out because of missing or infinite values.
    """

    x: Table
    y: Table
    noise: np.ndarray | None
    dropped: int


def paired(x: Any, y: Any, *, noise: Any = None, data: Any = None, missing: str = "error") -> Pairs:
    """Make two tables of measurements that can be learned from, or say why not.

    Args:
        x: The inputs: anything that `as_table` takes, or names of columns of `data`.
        y: The outputs, likewise; row i of `y` was measured at row i of `x`.
        noise: The standard deviation of each measurement, in the units of y: one number, or a row
            for each row of y with one value for all outputs or one for each; likewise.
        data: A frame or the path of a file that holds both; `x` and `y` are then a name or a
            sequence of names.
        missing: What to do with rows that hold a missing or infinite value: "error" or "drop".

    Returns:
        Tables with equally many rows, at least two; all numbers finite, no column constant.

    Raises:
        InputError: A column is not there, or serves as input and output at once.
        DataError: The row counts differ; values are missing (pass `missing="drop"` to leave those
            rows out); columns are constant (remove them); noise is negative; or fewer than two
            rows remain.

    Example:
        >>> pairs = paired([0.0, 1.0, 2.0], [1.0, float("nan"), 3.0], missing="drop")
        >>> pairs.dropped, pairs.y.values.ravel()
        (1, array([1., 3.]))
    """
    if missing not in ("error", "drop"):
        raise InputError(f"missing={missing!r} is not known; give 'error' or 'drop'.")
    # A file is read once, for all.
    data = read_table(data) if isinstance(data, str | os.PathLike) else data
    x, y = _tables(x, y, data)
    rows = len(x.values)
    if rows != len(y.values):
        raise DataError(
            f"x has {rows} rows and y has {len(y.values)}; give one row of y for each row of x."
        )
    levels = None if noise is None else _levels(noise, data, y)
    tables = {"x": x, "y": y} | ({} if levels is None else {"noise": levels})
    if missing == "error":
        _check_finite(
            tables,
            "Repair these rows, or leave them out: missing='drop' (--missing drop on the "
            "command line).",
        )
    finite = np.all([np.isfinite(one.values).all(axis=1) for one in tables.values()], axis=0)
    kept = int(finite.sum())
    if kept < 2:
        raise DataError(
            f"{kept} usable row(s) of x and y, of {rows} given; at least 2 are needed to learn "
            "anything. Give more measurements."
        )
    x, y = replace(x, values=x.values[finite]), replace(y, values=y.values[finite])
    _check_varied({"x": x, "y": y})
    sd = None if levels is None else np.broadcast_to(levels.values[finite], y.values.shape).copy()
    return Pairs(x=x, y=y, noise=sd, dropped=rows - kept)


def check_finite(table: Table, role: str) -> None:
    """Complain when values of a table are missing or infinite.

    Args:
        table: Any table.
        role: What it is to the user, such as "targets".

    Raises:
        DataError: Some are; the message names the columns and counts the rows. Repair or remove
            those rows.

    Example:
        >>> check_finite(as_table([1.0, 2.0], role="targets"), "targets")
    """
    _check_finite({role: table}, "Repair or remove these rows.")


def _tables(x: Any, y: Any, data: Any) -> tuple[Table, Table]:
    if data is not None:
        x, y = (
            as_table(data, role="data", names=_chosen(names, role))
            for names, role in ((x, "x"), (y, "y"))
        )
    else:
        x, y = as_table(x, role="x"), as_table(y, role="y")
    shared = [name for name in x.names or () if name in (y.names or ())]
    if shared:
        raise InputError(
            f"x and y share the columns {listed(shared)}; a quantity is either an input or an "
            "output. Leave it out of one of them, or rename it."
        )
    return x, y


def _levels(noise: Any, data: Any, y: Table) -> Table:
    """The noise of each row, one column for all outputs or one for each."""
    rows, q = y.values.shape
    if isinstance(noise, int | float):
        table = as_table(np.full((rows, 1), float(noise)), role="noise")
    elif data is not None and not isinstance(noise, np.ndarray):
        table = as_table(data, role="data", names=_chosen(noise, "noise"))
    else:
        table = as_table(noise, role="noise")
    if len(table.values) != rows or table.values.shape[1] not in (1, q):
        raise DataError(
            f"noise has the shape {table.values.shape} for y of {y.values.shape}; give the "
            f"standard deviation of each row of y, in one column for all outputs or in {q}."
        )
    negative = (table.values < 0).any(axis=1)
    if negative.any():
        raise DataError(
            f"noise is negative in {negative.sum()} rows (row {int(negative.argmax())}, for "
            "instance); it is a standard deviation. Give numbers from zero up."
        )
    return table


def _chosen(names: Any, role: str) -> tuple[str, ...]:
    if isinstance(names, str):
        return (names,)
    # Any iterable will do: a list, a tuple, the columns of a pandas frame.
    given: list[Any] = list(names) if isinstance(names, Iterable) else [None]
    if all(isinstance(name, str | int) for name in given):
        return column_names(given)
    raise InputError(
        f"{role} is a {type(names).__name__}; with data=, it is the name of a column of data or a "
        "list of names."
    )


def _check_finite(tables: dict[str, Table], remedy: str) -> None:
    bad = {role: ~np.isfinite(table.values) for role, table in tables.items()}
    rows = np.any([mask.any(axis=1) for mask in bad.values()], axis=0)
    if not rows.any():
        return
    where = [
        f"{role} {tables[role].label(column)} in {count} row(s)"
        for role, mask in bad.items()
        for column, count in enumerate(mask.sum(axis=0).tolist())
        if count
    ]
    more = f", and {len(where) - 20} more columns" if len(where) > 20 else ""
    raise DataError(
        f"values are missing or infinite in {rows.sum()} of {len(rows)} rows: "
        f"{', '.join(where[:20])}{more}. {remedy}"
    )


def _check_varied(tables: dict[str, Table]) -> None:
    constant = [
        f"{role} {table.label(column)} (always {table.values[0, column]:g})"
        for role, table in tables.items()
        for column in np.flatnonzero(np.ptp(table.values, axis=0) == 0).tolist()
    ]
    if constant:
        raise DataError(
            f"constant columns tell nothing: {', '.join(constant)}. Remove them from x and y."
        )
