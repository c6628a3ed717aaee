"""Whatever a table was before, it holds the same numbers, or an error says why not."""

import datetime
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pyarrow import parquet

from preimage.errors import DataError, InputError, OutputExistsError
from preimage.tables import (
    Table,
    as_table,
    check_finite,
    paired,
    read_table,
    to_frame,
    write_table,
)

NAN = float("nan")


def named(values: np.ndarray) -> dict[str, np.ndarray]:
    return {f"c{i}": values[:, i] for i in range(values.shape[1])}


def written(suffix: str) -> Callable[[np.ndarray, Path], Path]:
    def write(values: np.ndarray, folder: Path) -> Path:
        path = folder / f"table{suffix}"
        write_table(named(values), path, force=True)
        return path

    return write


# How the same numbers look as each kind of table: (the kind, whether columns have names, maker).
LOOKS: dict[str, tuple[str, bool, Callable[[np.ndarray, Path], Any]]] = {
    "numpy": ("numpy", False, lambda values, _: values),
    "numpy, Fortran order": ("numpy", False, lambda values, _: np.asfortranarray(values)),
    "numpy objects": ("numpy", False, lambda values, _: values.astype(object)),
    "numpy masked": ("numpy", False, lambda values, _: np.ma.masked_invalid(values)),
    "lists": ("numpy", False, lambda values, _: values.tolist()),
    "lists with None": (
        "numpy",
        False,
        lambda values, _: [[None if v != v else v for v in row] for row in values.tolist()],
    ),
    "torch": ("torch", False, lambda values, _: torch.from_numpy(values)),
    "torch with gradient": (
        "torch",
        False,
        lambda values, _: torch.from_numpy(values).requires_grad_(),
    ),
    "pandas": ("pandas", True, lambda values, _: pd.DataFrame(named(values))),
    "pandas without names": ("pandas", False, lambda values, _: pd.DataFrame(values)),
    "pandas objects": ("pandas", True, lambda values, _: pd.DataFrame(named(values), dtype=object)),
    "pandas NA": ("pandas", True, lambda values, _: pd.DataFrame(named(values), dtype="Float64")),
    "polars": ("polars", True, lambda values, _: pl.DataFrame(named(values))),
    "polars nulls": ("polars", True, lambda values, _: pl.DataFrame(named(values)).fill_nan(None)),
    "polars lazy": ("polars", True, lambda values, _: pl.LazyFrame(named(values))),
    "pyarrow": ("pyarrow", True, lambda values, _: pa.table(named(values))),
    "pyarrow nulls": (
        "pyarrow",
        True,
        lambda values, _: pa.table(
            {name: pa.array(column, from_pandas=True) for name, column in named(values).items()}
        ),
    ),
    "pyarrow batch": ("pyarrow", True, lambda values, _: pa.record_batch(named(values))),
    "CSV": ("pyarrow", True, written(".csv")),
    "Parquet": ("pyarrow", True, written(".parquet")),
    "JSON": ("pyarrow", True, written(".json")),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.mark.parametrize("look", LOOKS)
@given(
    values=arrays(
        np.float64,
        array_shapes(min_dims=2, max_dims=2, max_side=4),
        elements=st.floats(allow_infinity=False) | st.integers(-5, 5).map(float),
    )
)
def test_the_same_numbers_give_the_same_table(look: str, values: np.ndarray, folder: Path):
    kind, has_names, make = LOOKS[look]
    table = as_table(make(values, folder), role="x")
    np.testing.assert_array_equal(table.values, values)
    assert table.names == (tuple(named(values)) if has_names else None)
    assert table.kind == kind
    assert table.values.flags.c_contiguous
    assert table.values.flags.writeable
    assert not np.shares_memory(table.values, values)


@pytest.mark.parametrize(
    "column",
    [
        [1, 2, 3],
        (1, 2, 3),
        range(1, 4),
        [Decimal(1), Fraction(2), 3],
        [np.float32(1), np.int8(2), 3.0],
        np.array([1, 2, 3], dtype=np.uint8),
        np.array([[1], [2], [3]], dtype=np.float32),
        torch.tensor([1, 2, 3]),
        torch.tensor([1, 2, 3], dtype=torch.bfloat16),
        torch.tensor([1, 2, 3]).to_sparse(),
        [torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0])],
        pd.Series([1, 2, 3]),
        pd.Series([1, 2, 3], dtype="Int64"),
        pd.Series([1, 2, 3], dtype="int32[pyarrow]"),
        pd.Series([Decimal(1), 2, np.float64(3)], dtype=object),
        pl.Series([1, 2, 3], dtype=pl.Int8),
        pl.Series([1, 2, 3], dtype=pl.Object),
        pl.Series([Decimal(1), Decimal(2), Decimal(3)]),
        pa.array([1, 2, 3], pa.float16()),
        pa.chunked_array([[1, 2], [3]]),
    ],
    ids=lambda column: type(column).__module__,
)
def test_one_dimension_is_one_column(column):
    table = as_table(column, role="y")
    np.testing.assert_array_equal(table.values, [[1.0], [2.0], [3.0]])
    assert table.names is None


@pytest.mark.parametrize(
    "number", [340, 340.0, np.float32(340), np.array(340), torch.tensor(340.0), Fraction(340)]
)
def test_a_number_is_a_table_of_one_value(number):
    np.testing.assert_array_equal(as_table(number, role="targets").values, [[340.0]])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_flags_are_zero_and_one(make):
    table = as_table(make({"on": [True, False, None]}), role="x")
    np.testing.assert_array_equal(table.values, [[1.0], [0.0], [NAN]])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_column_of_nothing_is_missing_values(make):
    np.testing.assert_array_equal(
        as_table(make({"gap": [None, None]}), role="x").values, [[NAN], [NAN]]
    )


def test_pandas_na_outside_a_frame_is_a_missing_value():
    objects = np.array([[1, pd.NA], [pd.NaT, 4]], dtype=object)
    np.testing.assert_array_equal(as_table(objects, role="x").values, [[1, NAN], [NAN, 4]])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_are_chosen_by_name_in_the_order_asked(make):
    frame = make({"b": [1, 2], "note": ["some", "text"], "a": [3, 4]})
    table = as_table(frame, role="x", names=["a", "b"])
    np.testing.assert_array_equal(table.values, [[3, 1], [4, 2]])
    assert table.names == ("a", "b")


@pytest.mark.parametrize("names", [[2, 0], ["2", "0"]])
def test_columns_that_are_numbered_are_chosen_too(names):
    table = as_table(pd.DataFrame([[1, 2, 3], [4, 5, 6]]), role="x", names=[str(n) for n in names])
    np.testing.assert_array_equal(table.values, [[3, 1], [6, 4]])
    assert table.names == ("2", "0")


def test_labels_that_are_not_the_usual_count_are_names():
    assert as_table(pd.DataFrame({2020: [1], 2021: [2]}), role="x").names == ("2020", "2021")


@pytest.mark.parametrize("series", [pd.Series([1.0], name="ppm"), pl.Series("ppm", [1.0])])
def test_a_series_brings_its_name_unless_another_is_wanted(series):
    assert as_table(series, role="y").names == ("ppm",)
    assert as_table(series, role="y", names=["co2"]).names == ("co2",)


def test_arrays_take_the_names_they_are_given():
    assert as_table(np.eye(2), role="x", names=["a", "b"]).names == ("a", "b")
    with pytest.raises(InputError, match=r"targets: 1 column\(s\) given, 2 wanted: 'a', 'b'"):
        as_table([1.0, 2.0], role="targets", names=["a", "b"])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_column_that_is_not_there_is_named_with_those_that_are(make):
    frame = make({"pressure": [1.0], "flow": [2.0]})
    with pytest.raises(
        InputError, match=r"x: no column 'presure' \(close: 'pressure'\).*'pressure', 'flow'"
    ):
        as_table(frame, role="x", names=["presure", "flow"])


def test_a_very_wide_frame_is_not_listed_in_full():
    wide = pl.DataFrame({f"band {i}": [1.0] for i in range(1000)})
    with pytest.raises(InputError, match="'band 19' and 980 more"):
        as_table(wide, role="x", names=["wavelength"])


@pytest.mark.parametrize(
    ("names", "complaint"),
    [([], "no column was named"), (["a", "a"], "named more than once: 'a'")],
)
def test_names_must_be_some_and_distinct(names, complaint):
    with pytest.raises(InputError, match=complaint):
        as_table(pd.DataFrame({"a": [1.0]}), role="x", names=names)


DATE = datetime.date(1958, 3, 29)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (["1.5", "n/a"], "text, such as 'n/a'"),
        ([DATE, DATE], "dates; make them numbers first, such as a decimal year"),
        ([datetime.datetime(1958, 3, 29), None], "dates"),
        ([datetime.timedelta(1), datetime.timedelta(2)], "dates"),
    ],
)
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_that_are_not_numbers_are_named_and_described(make, values, complaint):
    frame = make({"good": [1.0, 2.0], "bad": values})
    with pytest.raises(DataError, match=f"x: these columns are not numbers: 'bad' \\({complaint}"):
        as_table(frame, role="x")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([[1, "n/a"], [2, "x"]], r"column 1 \(text, such as 'n/a'"),
        ([["1.5"], ["2.5"]], r"column 0 \(text, such as '1.5'"),
        (np.array([b"a"]), "text"),
        ([[1.0, DATE]], r"column 1 \(dates"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "dates"),
        (np.array([1 + 1j]), "complex numbers; give the real and the imaginary part"),
        (np.array([1, 1j], dtype=object), "complex numbers"),
        (torch.tensor([1 + 1j]), "complex numbers"),
        (pd.DataFrame({"z": [1j]}), r"'z' \(complex numbers"),
        (pd.DataFrame({"u": pd.Categorical(["low", "high"])}), r"'u' \(text, such as 'low'"),
        (pl.DataFrame({"l": [[1.0], [2.0]]}), r"'l' \(objects of type"),
        (pd.DataFrame({"o": [object()]}), r"'o' \(objects of type object"),
        ([10**400], "numbers too large for float64"),
        ([{"x": 1.0}], "objects of type dict"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\); wanted one or two dimensions"),
        (torch.zeros(2, 2, 2), r"shape \(2, 2, 2\)"),
        (np.zeros(2, dtype=[("a", float), ("b", float)]), "structured array .* fields 'a', 'b'"),
        ([[1.0, 2.0], [3.0]], "its rows differ in length"),
        ([torch.ones(1, requires_grad=True)], "cannot|Can't|requires grad"),
        ([], "is empty: it has no rows"),
        (np.zeros((0, 3)), "no rows"),
        (np.zeros((3, 0)), "no columns"),
        (pd.DataFrame(), "is empty"),
        (pl.DataFrame({"a": []}), "no rows"),
        (pa.table({}), "is empty"),
        (pd.DataFrame([[1, 2]], columns=pd.Index(["a", "a"])), "'a'.* Rename the columns"),
        (pd.DataFrame([[1, 2]], columns=pd.Index([1, "1"])), "several columns are called '1'"),
        (pa.table([[1], [2]], names=["a", "a"]), "'a'.* Rename the columns"),
    ],
)
def test_what_is_no_table_of_numbers_is_a_clear_error(data, complaint):
    with pytest.raises(DataError, match=f"(?s)x.*({complaint})"):
        as_table(data, role="x")


@pytest.mark.parametrize("data", [None, {"x": [1.0]}, {1.0, 2.0}, object(), lambda x: x])
def test_what_holds_no_table_is_a_clear_error(data):
    with pytest.raises(InputError, match=r"x: a .* holds no table; give numbers, an array"):
        as_table(data, role="x")


# Pairs


def test_pairs_from_columns_of_one_frame():
    frame = pl.DataFrame({"y": [4.0, 5.0], "a": [0.0, 1.0], "b": [3.0, 2.0], "note": ["p", "q"]})
    pairs = paired(["a", "b"], "y", data=frame)
    np.testing.assert_array_equal(pairs.x.values, [[0.0, 3.0], [1.0, 2.0]])
    np.testing.assert_array_equal(pairs.y.values, [[4.0], [5.0]])
    assert (pairs.x.names, pairs.y.names, pairs.x.kind) == (("a", "b"), ("y",), "polars")
    assert pairs.dropped == 0


def test_pairs_from_a_file(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text("year,ppm,note\n1958.2,316.1,\n1958.3,,gap\n1958.4,317.3,\n")
    pairs = paired("year", "ppm", data=path, missing="drop")
    np.testing.assert_array_equal(pairs.x.values, [[1958.2], [1958.4]])
    np.testing.assert_array_equal(pairs.y.values, [[316.1], [317.3]])
    assert pairs.dropped == 1


def test_names_may_be_the_columns_of_a_pandas_frame():
    frame = pd.DataFrame({"a": [0.0, 1.0], "b": [3.0, 2.0], "y": [4.0, 5.0]})
    assert paired(frame.columns[:2], "y", data=frame).x.names == ("a", "b")


def test_two_frames_without_names_do_not_clash():
    pairs = paired(pd.DataFrame(np.eye(3)), pd.DataFrame(np.eye(3)))
    assert (pairs.x.names, pairs.y.names) == (None, None)


@given(
    values=arrays(
        np.float64,
        st.tuples(st.integers(2, 8), st.just(3)),
        elements=st.floats(-5, 5) | st.sampled_from([NAN, np.inf, -np.inf]),
    )
)
def test_dropping_leaves_exactly_the_finite_rows(values: np.ndarray):
    order = np.arange(float(len(values)))[:, None]
    x, y = np.hstack([order, values[:, :2]]), np.hstack([order, values[:, 2:]])
    finite = values[np.isfinite(values).all(axis=1)]
    if len(finite) < 2 or (np.ptp(finite, axis=0) == 0).any():
        with pytest.raises(DataError, match=r"usable row|constant columns"):
            paired(x, y, missing="drop")
        return
    pairs = paired(x, y, missing="drop")
    np.testing.assert_array_equal(pairs.x.values[:, 1:], finite[:, :2])
    np.testing.assert_array_equal(pairs.y.values[:, 1:], finite[:, 2:])
    np.testing.assert_array_equal(pairs.x.values[:, 0], pairs.y.values[:, 0])
    assert pairs.dropped == len(values) - len(finite)


def test_missing_values_are_counted_by_column():
    frame = pd.DataFrame({"a": [1, NAN, 3, NAN], "b": [1.0, 2, 3, 4], "y": [np.inf, NAN, 3, 4]})
    with pytest.raises(
        DataError,
        match=r"in 3 of 4 rows: x 'a' in 2 row\(s\), y 'y' in 2 row\(s\)\..*missing='drop'",
    ):
        paired(["a", "b"], "y", data=frame)


@pytest.mark.parametrize(
    ("x", "y", "options", "complaint"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], {}, "x has 2 rows and y has 3"),
        ([1.0], [2.0], {}, r"1 usable row\(s\) of x and y, of 1 given; at least 2"),
        ([1.0, 2.0], [NAN, 2.0], {"missing": "drop"}, r"1 usable row\(s\) .*of 2 given"),
        ([[1.0, 7], [2.0, 7]], [1.0, 2.0], {}, r"x column 1 \(always 7\)\. Remove them"),
        ([1.0, 2.0, NAN], [5.0, 5.0, 6.0], {"missing": "drop"}, r"y column 0 \(always 5\)"),
        ([1.0, 2.0], [1.0, 2.0], {"missing": "ignore"}, "'ignore' is not known; give 'error' or"),
        (
            pd.DataFrame({"a": [1, 2]}),
            pd.DataFrame({"a": [3, 4]}),
            {},
            "x and y share the columns 'a'",
        ),
        ("a", ["a", "b"], {"data": pd.DataFrame({"a": [1, 2], "b": [1, 3]})}, "share .* 'a'"),
        ("c", "a", {"data": pd.DataFrame({"a": [1, 2], "b": [1, 3]})}, "no column 'c'.*'a', 'b'"),
        (np.ones(2), "a", {"data": pd.DataFrame({"a": [1, 2]})}, "x is a ndarray; with data="),
        ("a", 1.0, {"data": pd.DataFrame({"a": [1, 2]})}, "y is a float; with data="),
        ("year", "ppm", {}, "'year' does not end in .csv.*pass the table as data="),
    ],
)
def test_pairs_that_cannot_be_learned_from(x, y, options, complaint):
    with pytest.raises(InputError, match=complaint):
        paired(x, y, **options)


def test_targets_must_be_finite():
    check_finite(as_table([1.0, 2.0], role="targets"), "targets")
    with pytest.raises(DataError, match=r"in 1 of 2 rows: targets column 0 in 1 row\(s\)"):
        check_finite(as_table([1.0, None], role="targets"), "targets")


# Files


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("empty.csv", b"", "empty.csv cannot be read as CSV: Empty CSV file"),
        ("ragged.csv", b"a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("latin.csv", "µ,b\n1,2\n".encode("latin-1"), "latin.csv cannot be read as CSV"),
        ("text.parquet", b"a,b\n1,2\n", "text.parquet cannot be read as PARQUET"),
        ("empty.parquet", b"", "empty.parquet cannot be read as PARQUET"),
        ("half.json", b'[{"x": 1', "half.json cannot be read as JSON"),
        ("record.json", b'{"x": 1}', "not a list of records"),
        ("numbers.json", b"[1, 2]", "not a list of records"),
        ("mixed.json", b'[{"x": 1}, {"x": "n/a"}]', "mixed.json cannot be read as JSON"),
        ("huge.json", b'[{"x": 1%s}]' % (b"0" * 30), "huge.json cannot be read as JSON"),
    ],
)
def test_a_damaged_file_is_a_clear_error(tmp_path: Path, name, content, complaint):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        as_table(tmp_path / name, role="x")


@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_truncated_parquet_file_is_a_clear_error(tmp_path: Path, keep):
    path = tmp_path / "data.parquet"
    write_table({"x": np.arange(1000.0)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(DataError, match=r"data\.parquet cannot be read as PARQUET"):
        read_table(path)


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path):
    with pytest.raises(InputError, match=r"there is no file .*nothing\.csv"):
        as_table(tmp_path / "nothing.csv", role="x")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=r"folder\.csv is a folder"):
        as_table(str(tmp_path / "folder.csv"), role="x")
    with pytest.raises(
        InputError, match=r"table\.xlsx' does not end in \.csv, \.parquet or \.json"
    ):
        as_table(tmp_path / "table.xlsx", role="x")


def test_a_header_alone_is_an_empty_table(tmp_path: Path):
    (tmp_path / "data.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="x is empty: it has no rows"):
        as_table(tmp_path / "data.csv", role="x")


def test_csv_as_spreadsheets_write_it(tmp_path: Path):
    path = tmp_path / "DATA.CSV"
    path.write_bytes(b'\xef\xbb\xbf"a","b c"\r\n1,\r\n,2e-3\r\nNA,nan\r\n')
    table = as_table(path, role="x")
    np.testing.assert_array_equal(table.values, [[1, NAN], [NAN, 2e-3], [NAN, NAN]])
    assert table.names == ("a", "b c")


def test_a_type_that_shows_late_in_a_large_csv_is_seen(tmp_path: Path):
    values = np.repeat([1.0, 2.5], 500_000)
    (tmp_path / "data.csv").write_text("a,b\n" + "1,\n" * 500_000 + "2.5,2.5\n" * 500_000)
    table = as_table(tmp_path / "data.csv", role="x")
    np.testing.assert_array_equal(table.values[:, 0], values)
    np.testing.assert_array_equal(table.values[:, 1], np.where(values == 1, NAN, values))


def test_a_text_column_in_one_file_is_named(tmp_path: Path):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n3,broken sensor\n")
    with pytest.raises(DataError, match=r"'b' \(text, such as 'broken sensor'"):
        as_table(tmp_path / "data.csv", role="x")


def test_a_key_that_a_record_lacks_is_a_missing_value(tmp_path: Path):
    (tmp_path / "data.json").write_text('[{"a": 1}, {"b": 2.5, "a": 3}, {"b": NaN}]')
    np.testing.assert_array_equal(
        as_table(tmp_path / "data.json", role="x").values, [[1, NAN], [3, 2.5], [NAN, NAN]]
    )


def test_a_folder_with_an_equals_sign_adds_no_column(tmp_path: Path):
    path = tmp_path / "arm=left" / "data.parquet"
    path.parent.mkdir()
    parquet.write_table(pa.table({"x": [1.0]}), path)
    assert as_table(path, role="x").names == ("x",)


# Out again

ANSWERS: Mapping[str, np.ndarray] = {
    "target": np.array([0, 0, 1]),
    "x": np.array([0.1, NAN, 1e300]),
    "ok": np.array([True, False, True]),
    "status": np.array(["solved", "not found", 'said "no, never"']),
}


@pytest.mark.parametrize(
    ("kind", "frame_type"),
    [
        ("numpy", pa.Table),
        ("torch", pa.Table),
        ("pyarrow", pa.Table),
        ("pandas", pd.DataFrame),
        ("polars", pl.DataFrame),
    ],
)
def test_columns_come_back_as_the_kind_of_frame(kind, frame_type):
    frame = to_frame(ANSWERS, kind)
    assert isinstance(frame, frame_type)
    assert frame.shape == (3, len(ANSWERS))
    for name, column in ANSWERS.items():
        np.testing.assert_array_equal(np.asarray(frame[name]), column)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
@given(
    values=arrays(
        np.float64, array_shapes(min_dims=2, max_dims=2, max_side=4), elements=st.floats()
    )
)
def test_a_frame_survives_the_round_trip(kind, values: np.ndarray):
    table = Table(values=values, names=tuple(named(values)), kind=kind)
    again = as_table(to_frame(named(values), kind), role="x")
    np.testing.assert_array_equal(again.values, table.values)
    assert (again.names, again.kind) == (table.names, table.kind)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".JSON"])
def test_what_is_written_is_read_again(tmp_path: Path, suffix):
    path = tmp_path / "new" / f"answers{suffix}"
    write_table(ANSWERS, path)
    assert read_table(path).to_pydict() == {
        name: [None if v != v else v for v in column.tolist()] for name, column in ANSWERS.items()
    }
    with pytest.raises(OutputExistsError, match="exists already"):
        write_table(ANSWERS, path)
    write_table({"x": np.array([1.0])}, path, force=True)
    assert read_table(path).to_pydict() == {"x": [1.0]}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_a_missing_value_in_the_only_column_keeps_its_row(tmp_path: Path, suffix):
    write_table({"x": np.array([1.0, NAN, 3.0])}, tmp_path / f"answers{suffix}")
    np.testing.assert_array_equal(
        as_table(tmp_path / f"answers{suffix}", role="x").values, [[1], [NAN], [3]]
    )


def test_json_has_no_infinity(tmp_path: Path):
    write_table({"x": np.array([np.inf, -np.inf, 1.0])}, tmp_path / "answers.json")
    records = json.loads((tmp_path / "answers.json").read_text(), parse_constant=pytest.fail)
    assert records == [{"x": None}, {"x": None}, {"x": 1.0}]


def test_an_unknown_suffix_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(InputError, match=r"answers\.xlsx' does not end in \.csv"):
        write_table(ANSWERS, tmp_path / "folder" / "answers.xlsx")
    assert list(tmp_path.iterdir()) == []
