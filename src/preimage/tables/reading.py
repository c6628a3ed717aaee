"""Tables from files: CSV, Parquet, JSON records."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.errors import DataError, InputError

if TYPE_CHECKING:
    import pyarrow


def read_table(path: str | os.PathLike[str]) -> "pyarrow.Table":
    r"""Read a table from a file, by its suffix: `.csv`, `.parquet` or `.json`.

    CSV is comma-separated UTF-8 with the column names in the first line; an empty cell, `NA` and
    `nan` are missing values. JSON is a list of records, `[{"x": 1.0, "y": 2.0}, …]`; a key that a
    record lacks is a missing value.

    Args:
        path: The file.

    Returns:
        The table as it is in the file, of any types; `as_table` makes numbers of it.

    Raises:
        InputError: There is no such file, or its suffix is none of the three.
        DataError: The file is damaged, empty, or not of the format that its suffix says; the
            message repeats the reader's complaint.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "data.csv"
        >>> _ = path.write_text("x,y\n1,2.5\n2,\n")
        >>> read_table(path).to_pydict()
        {'x': [1, 2], 'y': [2.5, None]}
    """
    # A folder in the name such as `arm=left/` must not become a column, nor a folder a data set:
    # hence the readers of single files.
    import pyarrow
    from pyarrow import csv, parquet

    file = Path(path)
    suffix = file_format(file)
    if file.is_dir():
        raise InputError(f"{file} is a folder; give the name of a file in it.")
    if not file.exists():
        raise InputError(f"there is no file {file} (looked in {file.absolute().parent}).")
    try:
        match suffix:
            case ".csv":
                table = csv.read_csv(file)
                # Names that are not UTF-8 fail only here.
                return table.rename_columns(table.column_names)
            case ".parquet":
                return parquet.ParquetFile(file).read()
            case _:
                return _records(json.loads(file.read_bytes()))
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(
            f"{file} cannot be read as {suffix[1:].upper()}: {error}. Repair the file, or give it "
            "the suffix of the format that it has."
        ) from error


def file_format(path: Path) -> str:
    """The suffix of a table's file in lower case, when it is one that we read and write."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet", ".json"):
        raise InputError(
            f"'{path}' does not end in .csv, .parquet or .json, the kinds of file that a table "
            "is read from and written to. (To name columns of a table, pass the table as data=.)"
        )
    return suffix


def _records(records: object) -> "pyarrow.Table":
    import pyarrow

    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError('it is not a list of records such as [{"x": 1.0, "y": 2.0}]')
    names = dict.fromkeys(name for record in records for name in record)
    return pyarrow.table({name: [record.get(name) for record in records] for name in names})
