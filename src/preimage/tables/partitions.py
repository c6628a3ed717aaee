"""Tables too large for memory: Parquet in one file or many, read some rows at a time."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from preimage.errors import DataError, InputError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import parquet

SUFFIX = ".parquet"

AT_A_TIME = 65_536
"""Rows that are read at a time, so that a large row group is never in memory whole."""


@final
@dataclass(frozen=True)
class Partition:
    """A file of a table.

    Attributes:
        path: Where it is.
        name: Its path below the folder of the table, with slashes.
        rows: How many it holds; None where the file cannot be read.
        stamp: Changes when the file does.
    """

    path: str
    name: str
    rows: int | None
    stamp: str


def partitions(dataset: str | os.PathLike[str]) -> list[Partition]:
    """List the files of a table, by name, without reading their rows.

    Args:
        dataset: A Parquet file, or a folder with some in it or in its folders. Hidden files, and
            those that begin with an underscore, are passed over.

    Raises:
        InputError: There is no such file.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from preimage.tables import write_table
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_table({"y": np.arange(3.0)}, folder / "b.parquet")
        >>> write_table({"y": np.arange(5.0)}, folder / "a" / "one.parquet")
        >>> [(one.name, one.rows) for one in partitions(folder)]
        [('a/one.parquet', 5), ('b.parquet', 3)]
    """
    place = Path(dataset)
    if not place.exists():
        raise InputError(f"there is no file or folder {place}.")
    if place.is_file() and place.suffix.lower() != SUFFIX:
        raise InputError(
            f"{place} does not end in {SUFFIX}, the kind of table that is read in parts; convert "
            "it, for instance with pandas.read_csv(...).to_parquet(...)."
        )
    base = place.parent if place.is_file() else place
    files = [place] if place.is_file() else sorted(place.rglob(f"*{SUFFIX}"))
    found = []
    for file in files:
        name = file.relative_to(base).as_posix()
        if any(step[0] in "._" for step in name.split("/")) or not file.is_file():
            continue
        state = file.stat()
        stamp = f"{state.st_size}:{state.st_mtime_ns}"
        found.append(Partition(str(file.resolve()), name, _rows(file), stamp))
    if not found:
        raise InputError(f"there is no {SUFFIX} file in {place}.")
    return found


def read_rows(
    path: str | os.PathLike[str], first: int, rows: int | None, names: Collection[str]
) -> pyarrow.Table:
    """Read some rows of a Parquet file.

    Args:
        path: The file.
        first: The first row.
        rows: How many; None for all that follow.
        names: The columns to read where the file has them all; otherwise all columns are read.

    Raises:
        DataError: The file is damaged.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from preimage.tables import write_table
        >>> path = Path(tempfile.mkdtemp()) / "y.parquet"
        >>> write_table({"y": np.arange(9.0)}, path)
        >>> read_rows(path, 4, 2, ["y"]).to_pydict()
        {'y': [4.0, 5.0]}
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            there = file.schema_arrow.names
            columns = list(names) if set(names) <= set(there) else None
            end = file.metadata.num_rows if rows is None else first + rows
            groups, begin = _groups(file, first, end)
            parts = []
            for batch in file.iter_batches(AT_A_TIME, row_groups=groups, columns=columns):
                low, high = max(first - begin, 0), min(end - begin, len(batch))
                if low < high:
                    parts.append(batch.slice(low, high - low))
                begin += len(batch)
            schema = file.schema_arrow if columns is None else None
            return pyarrow.Table.from_batches(parts, schema if not parts else None)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{path} cannot be read as Parquet: {error}. Repair or remove the file."
        ) from error


def _groups(file: parquet.ParquetFile, first: int, end: int) -> tuple[list[int], int]:
    """The row groups that hold these rows, and the number of the first row of the first of them."""
    groups, begin, start = [], None, 0
    for group in range(file.metadata.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if start < end and start + count > first:
            groups.append(group)
            begin = start if begin is None else begin
        start += count
    return groups, begin or 0


def _rows(file: Path) -> int | None:
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.read_metadata(file).num_rows
    except (pyarrow.ArrowException, OSError):
        return None
