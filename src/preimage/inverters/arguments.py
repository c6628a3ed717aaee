"""What users pass to an inverter, checked and brought into one form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.domain import Box, as_box
from preimage.errors import InputError
from preimage.function import Function
from preimage.tables import Table, as_table, check_finite, names_of, read_table


def rows_of(data: Any, names: Sequence[str], role: str) -> Table:
    """A table with the columns `names`, without gaps; as many plain numbers are one row.

    A frame or file is read by column name, whatever else is in it; one whose columns have other
    names is taken as it stands where the number of columns fits.

    Raises:
        InputError: If the columns do not fit.
        DataError: If values are missing, infinite or not numbers.
    """
    if isinstance(data, str | PathLike):
        data = read_table(data)
    if set(names) <= set(names_of(data, role=role)):
        table = as_table(data, role=role, names=names)
    else:
        table = as_table(data, role=role)
    if len(names) > 1 and table.values.shape == (len(names), 1) and np.ndim(data) == 1:
        table = replace(table, values=table.values.T.copy(), names=None)
    if table.values.shape[1] != len(names):
        given = f" ({', '.join(table.names)})" if table.names else ""
        raise InputError(
            f"{role} has {table.values.shape[1]} columns{given}, and {len(names)} are wanted: "
            f"{', '.join(names)}. Give one column for each, by name or in this order."
        )
    check_finite(table, role)
    return table


def states_of(near: Any, names: Sequence[str], targets: int) -> Float64[Tensor, "targets p"]:
    """One state for each target, from one for all or one for each.

    Raises:
        InputError: If there is another number of them, or of columns.
    """
    table = rows_of(near, names, "near")
    if len(table.values) not in (1, targets):
        raise InputError(
            f"near= has {len(table.values)} rows for {targets} targets; give one state, or "
            "one for each target."
        )
    return torch.from_numpy(table.values).expand(targets, -1)


def whole_number(n: int) -> int:
    """How many answers are wanted, at least one.

    Raises:
        InputError: If it is no such number.
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"n={n!r} answers were asked for; give a whole number, one or more.")
    return int(n)


def tolerance(tol: float) -> float:
    """A residual that can be reached.

    Raises:
        InputError: If it is not a positive number.
    """
    if not (isinstance(tol, int | float) and math.isfinite(tol) and tol > 0):
        raise InputError(f"tol={tol!r} is not a positive number; give one in the units of y.")
    return float(tol)


def searched_box(domain: Any, x: Table) -> Box:
    """Where answers to measurements are searched, by the names of the measured columns.

    Args:
        domain: What the user chose, if anything; the smallest box around the inputs otherwise.
        x: The measured inputs.

    Raises:
        InputError: If the domain is one of other inputs.
    """
    dim = x.values.shape[1]
    if domain is None:
        return Box(x.values.min(axis=0), x.values.max(axis=0), x.names or numbered("x", dim))
    box = as_box(domain)
    if box.dim != dim:
        raise InputError(
            f"x has {dim} columns and domain= has {box.dim} dimensions; give bounds for every "
            "column of x."
        )
    if x.names is None or box.names == x.names:
        return box
    if box.names != numbered("x", dim):
        raise InputError(
            f"x has the columns {', '.join(x.names)} and domain= is a {box}; give both the same "
            "names in the same order, or leave the names of the box out."
        )
    return Box(box.low, box.high, x.names, units=box.units, periodic=box.periodic.tolist())


def known_function(function: Any, box: Box, outputs: int) -> Function:
    """The exact function of some measurements, searched in `box`.

    Raises:
        InputError: If it has another number of inputs or outputs than were measured.
    """
    given = function if isinstance(function, Function) else Function(function, box)
    if given.domain.dim != box.dim or given.output_dim != outputs:
        raise InputError(
            f"function= has {given.domain.dim} inputs and {given.output_dim} outputs; x has "
            f"{box.dim} columns and y has {outputs}."
        )
    return given.on(box)


def numbered(letter: str, count: int) -> tuple[str, ...]:
    """Names for columns that have none: y, or y1, y2, ..."""
    return (letter,) if count == 1 else tuple(f"{letter}{i + 1}" for i in range(count))
