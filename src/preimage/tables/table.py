"""Any kind of table as a float64 array with column names."""

import difflib
import numbers
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import narwhals.stable.v2 as nw
import numpy as np
import torch
from jaxtyping import Float64
from narwhals.exceptions import DuplicateError

from preimage.errors import DataError, InputError
from preimage.tables.columns import from_series, from_values
from preimage.tables.reading import read_table

Kind = Literal["numpy", "torch", "pandas", "polars", "pyarrow"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A table of numbers, and what it was before.

    Attributes:
        values: One row a case, one column a quantity; a copy that nobody else writes to.
        names: The names of the columns, where they have any.
        kind: The kind of table it was made from; `to_frame` goes back.
    """

    values: Float64[np.ndarray, "rows cols"]
    names: tuple[str, ...] | None
    kind: Kind

    def label(self, column: int) -> str:
        """The name of a column in a message to the user, or its number from 0 if it has none."""
        return _label(self.names, column)


def as_table(data: Any, *, role: str, names: Sequence[str] | None = None) -> Table:
    """Make a float64 table of whatever the user holds numbers in.

    Missing values (null, NA, None, masked) become NaN; `check_finite` complains about them.

    Args:
        data: A number, a list, an array or a tensor of at most two dimensions (one dimension is
            one column); a pandas, polars or pyarrow frame or series; or the path of a CSV,
            Parquet or JSON file.
        role: What the data is to the user, such as "x" or "targets"; messages start with it.
        names: The columns to take from a frame or file, in this order; others are ignored. What
            has no column names (arrays, series) must have as many columns as there are names,
            and gets them.

    Returns:
        A table that shares no memory with `data`. Its names are None for arrays, for unnamed
        series, and for pandas frames with the default labels 0, 1, 2, …

    Raises:
        InputError: `names` asks for a column that is not there; it lists those that are. Or
            `data` is nothing that holds a table.
        DataError: There are no rows, more than two dimensions, repeated column names, or columns
            that are not real numbers (text, dates, complex numbers); it names the columns.

    Example:
        >>> as_table([[1, 2], [3, 4]], role="x").values
        array([[1., 2.],
               [3., 4.]])
        >>> as_table(5.0, role="targets", names=["pressure"])
        Table(values=array([[5.]]), names=('pressure',), kind='numpy')
    """
    wanted = None if names is None else column_names(names)
    if isinstance(data, str | os.PathLike):
        data = read_table(data)
    if isinstance(data, torch.Tensor):
        return _from_array(_from_tensor(data), role, wanted, "torch")
    match _narwhals(data, role):
        case nw.LazyFrame() as lazy:
            return _from_frame(lazy.collect(), role, wanted)
        case nw.DataFrame() as frame:
            return _from_frame(frame, role, wanted)
        case nw.Series() as series:
            # pandas calls an unnamed series None, the others call it "".
            own = None if series.name in (None, "") else (str(series.name),)
            columns = [from_series(series)]
            return _assemble(columns, own, role, wanted, _kind(series.implementation, role))
        case _:
            return _from_array(_as_array(data, role), role, wanted, "numpy")


def names_of(data: Any, *, role: str) -> tuple[str, ...]:
    """The names of the columns of a frame; none where there are no columns with names.

    Args:
        data: Anything that `as_table` takes, except a path.
        role: What the data is to the user.

    Example:
        >>> names_of([1.0, 2.0], role="x")
        ()
    """
    frame = _narwhals(data, role)
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        return ()
    return tuple(str(label) for label in frame.collect_schema().names())


def column_names(names: Sequence[str]) -> tuple[str, ...]:
    """Column names as the user gives them, one or several, checked to be distinct."""
    given = (names,) if isinstance(names, str) else tuple(str(name) for name in names)
    if not given:
        raise InputError("no column was named; name at least one.")
    repeated = _repeated(given)
    if repeated:
        raise InputError(f"columns named more than once: {listed(repeated)}; name each once.")
    return given


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names in quotes for a message, cut when there are very many."""
    quoted = [f"'{name}'" for name in names]
    more = f" and {len(quoted) - most} more" if len(quoted) > most else ""
    return ", ".join(quoted[:most]) + more


def _narwhals(data: Any, role: str) -> Any:
    """A frame or series in narwhals' clothes, and anything else as it is."""
    if isinstance(data, np.ndarray | torch.Tensor):
        return data
    arrow = nw.dependencies.get_pyarrow()
    if arrow is not None and isinstance(data, arrow.RecordBatch):
        data = arrow.Table.from_batches([data])
    if arrow is not None and isinstance(data, arrow.Array):
        data = arrow.chunked_array([data])
    try:
        return nw.from_native(data, allow_series=True, pass_through=True)
    except DuplicateError as error:
        what = " ".join(str(error).split())
        raise DataError(f"{role}: {what}. Rename the columns that share a name.") from error


def _from_frame(frame: nw.DataFrame[Any], role: str, wanted: tuple[str, ...] | None) -> Table:
    kind = _kind(frame.implementation, role)
    labels = frame.columns
    there = tuple(str(label) for label in labels)
    label_of = dict(zip(there, labels, strict=True))
    repeated = _repeated(there)
    if repeated:
        raise DataError(f"{role}: several columns are called {listed(repeated)}; rename them.")
    missing = [name for name in wanted or () if name not in label_of]
    if missing:
        close = {match for name in missing for match in difflib.get_close_matches(name, there)}
        hint = f" (close: {listed(sorted(close))})" if close else ""
        raise InputError(
            f"{role}: no column {listed(missing)}{hint}; the columns there are {listed(there)}."
        )
    columns = [from_series(frame.get_column(label_of[name])) for name in wanted or there]
    # The labels that pandas makes up, 0, 1, 2, …, are no names.
    own = None if labels == list(range(len(labels))) else there
    return _assemble(columns, own, role, wanted, kind)


def _from_tensor(tensor: torch.Tensor) -> np.ndarray:
    array = tensor.detach().cpu().to_dense()
    # NumPy has no bfloat16, and torch drops an imaginary part with a mere warning.
    return (array if array.is_complex() else array.to(torch.float64)).numpy()


def _as_array(data: Any, role: str) -> np.ndarray:
    if isinstance(data, np.ma.MaskedArray):
        cells = np.ma.getdata(data).astype(object)
        cells[np.ma.getmaskarray(data)] = None
        return cells
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"{role}: this {type(data).__name__} is no table of numbers: its rows differ in "
            f"length, or are no rows ({error}). Give rows of equal length."
        ) from error
    if array.ndim == 0 and array.dtype.kind == "O" and not isinstance(data, numbers.Number):
        raise InputError(
            f"{role}: a {type(data).__name__} holds no table; give numbers, an array, a tensor, "
            "a frame of pandas, polars or pyarrow, or the path of a CSV, Parquet or JSON file."
        )
    return array


def _from_array(array: np.ndarray, role: str, wanted: tuple[str, ...] | None, kind: Kind) -> Table:
    if array.dtype.names is not None:
        raise DataError(
            f"{role} is a structured array with the fields {listed(array.dtype.names)}; give a "
            "plain array with one column a quantity, or a frame."
        )
    if array.ndim > 2:
        raise DataError(
            f"{role} has the shape {array.shape}; wanted one or two dimensions, (rows, columns). "
            "Flatten the others, as in x.reshape(len(x), -1)."
        )
    grid = array if array.ndim == 2 else array.reshape(-1, 1)
    return _assemble([from_values(column) for column in grid.T], None, role, wanted, kind)


def _assemble(
    columns: list[np.ndarray | str],
    own: tuple[str, ...] | None,
    role: str,
    wanted: tuple[str, ...] | None,
    kind: Kind,
) -> Table:
    """A table of columns that are numbers; a column in words is a complaint."""
    if wanted is not None and len(columns) != len(wanted):
        raise InputError(
            f"{role}: {len(columns)} column(s) given, {len(wanted)} wanted: {listed(wanted)}. "
            "Give one column for each; a single row is written [[1.0, 2.0]]."
        )
    names = wanted or own
    good = [column for column in columns if not isinstance(column, str)]
    if len(good) < len(columns):
        bad = [f"{_label(names, i)} ({it})" for i, it in enumerate(columns) if isinstance(it, str)]
        more = f" and {len(bad) - 20} more" if len(bad) > 20 else ""
        raise DataError(
            f"{role}: these columns are not numbers: {', '.join(bad[:20])}{more}. "
            "Convert them, or leave them out."
        )
    if not good or len(good[0]) == 0:
        what = "rows" if good else "columns"
        raise DataError(f"{role} is empty: it has no {what}; give at least one number.")
    # A contiguous, writable copy: frames lend read-only memory.
    values = np.ascontiguousarray(np.stack(good, axis=1))
    return Table(values=values, names=names, kind=kind)


def _kind(implementation: nw.Implementation, role: str) -> Kind:
    for kind in get_args(Kind):
        if implementation.value == kind:
            return kind
    raise InputError(
        f"{role}: frames of {implementation.value} are not supported; convert it to pandas, "
        "polars or pyarrow first."
    )


def _label(names: tuple[str, ...] | None, column: int) -> str:
    return f"column {column}" if names is None else f"'{names[column]}'"


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
