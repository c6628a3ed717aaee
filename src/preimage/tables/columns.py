"""One column of whatever the user has, as float64, or in words what it holds instead."""

import datetime
import numbers
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

DATES = "dates; make them numbers first, such as a decimal year or seconds since the start"
COMPLEX = "complex numbers; give the real and the imaginary part a column each"


def from_series(series: nw.Series[Any]) -> np.ndarray | str:
    """The numbers of a series, nulls as NaN, or in words what it holds instead."""
    dtype = series.dtype
    if series.null_count() == len(series):
        return np.full(len(series), np.nan)
    if dtype.is_numeric() or dtype == nw.Boolean:
        return series.cast(nw.Float64).to_numpy()
    if dtype.is_temporal():
        return DATES
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        return _text(series.drop_nulls().to_list())
    return from_values(series.to_numpy())


def from_values(values: np.ndarray) -> np.ndarray | str:
    """The numbers of a one-dimensional array, None as NaN, or in words what it holds instead."""
    match values.dtype.kind:
        case "b" | "i" | "u" | "f":
            return values.astype(np.float64)
        case "M" | "m":
            return DATES
        case "c":
            return COMPLEX
        case "O":
            return _from_objects(values)
        case "U" | "S" | "T":
            return _text(values.tolist())
        case _:
            return f"values of type {values.dtype}"


def _from_objects(values: np.ndarray) -> np.ndarray | str:
    pandas = nw.dependencies.get_pandas()
    missing = (None,) if pandas is None else (None, pandas.NA, pandas.NaT)
    column = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        match value:
            case bool() | np.bool_() | numbers.Real() | Decimal():
                try:
                    column[row] = float(value)
                except OverflowError:
                    return "numbers too large for float64; change the unit"
            case _ if any(value is null for null in missing):
                pass
            case str() | bytes():
                return _text([value])
            case datetime.date() | datetime.time() | datetime.timedelta() | np.datetime64():
                return DATES
            case numbers.Complex():
                return COMPLEX
            case _:
                return f"objects of type {type(value).__name__}"
    return column


def _text(values: Iterable[object]) -> str:
    """Show the value that made text of the column, such as the one 'n/a' among numbers."""
    values = list(values)
    culprit = next((value for value in values if not _is_number(value)), values[0])
    return f"text, such as {culprit!r}"


def _is_number(value: object) -> bool:
    if not isinstance(value, str | bytes):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True
