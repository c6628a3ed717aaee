"""Columns as a frame of the user's kind, or in a file."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from preimage.errors import MissingExtraError
from preimage.files import writing_file
from preimage.tables.reading import file_format
from preimage.tables.table import Kind

if TYPE_CHECKING:
    import pyarrow


def to_frame(columns: Mapping[str, np.ndarray], kind: Kind) -> Any:
    """Make a frame of columns.

    Args:
        columns: One-dimensional arrays of equal length by name.
        kind: The library of the frame; arrays and tensors have no frames of their own, and get
            one of pyarrow.

    Returns:
        A `pandas.DataFrame`, `polars.DataFrame` or `pyarrow.Table`.

    Raises:
        MissingExtraError: The library is not installed; install it, or ask for "pyarrow".

    Example:
        >>> to_frame({"x": np.array([1.0, 2.0])}, "numpy").to_pydict()
        {'x': [1.0, 2.0]}
    """
    backend = "pyarrow" if kind in ("numpy", "torch") else kind
    try:
        return nw.from_dict(dict(columns), backend=backend).to_native()
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"a frame of {backend} was asked for, and {backend} is not installed; install it with "
            "pip install 'preimage[frames]', or ask for a frame of pyarrow."
        ) from error


def write_table(
    columns: Mapping[str, np.ndarray], path: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write columns to a file, by its suffix: `.csv`, `.parquet` or `.json`.

    NaN is written as a missing value (an empty cell, a null; "nan" in a CSV of one column), in
    JSON infinity too. All digits are kept, so that `read_table` reads the same numbers.

    Args:
        columns: One-dimensional arrays of equal length by name.
        path: The file; missing folders are created.
        force: Replace the file if it exists.

    Raises:
        InputError: The suffix is none of the three.
        OutputExistsError: The file exists; choose another name or pass `force=True`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "answers.json"
        >>> write_table({"x": np.array([0.5, np.nan])}, path)
        >>> print(path.read_text())
        [
        {"x": 0.5},
        {"x": null}
        ]
    """
    import pyarrow
    from pyarrow import csv, parquet

    suffix = file_format(Path(path))
    # An empty cell alone in its line would be read as no line at all: there NaN stays "nan".
    nulls = suffix != ".csv" or len(columns) > 1
    table = pyarrow.table(
        {name: pyarrow.array(values, from_pandas=nulls) for name, values in columns.items()}
    )
    with writing_file(path, force=force) as aside:
        match suffix:
            case ".csv":
                csv.write_csv(table, aside)
            case ".parquet":
                parquet.write_table(table, aside)
            case _:
                aside.write_text(_records(table), encoding="utf-8")


def _records(table: "pyarrow.Table") -> str:
    """JSON records, one a line."""
    rows = (
        {name: None if _infinite(value) else value for name, value in record.items()}
        for record in table.to_pylist()
    )
    lines = ",\n".join(json.dumps(row, allow_nan=False, ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n"


def _infinite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
