"""Frames in and out: any kind of table becomes a float64 array with column names, and back."""

from preimage.tables.pairs import Pairs, check_finite, paired
from preimage.tables.reading import read_table
from preimage.tables.table import Kind, Table, as_table, names_of
from preimage.tables.writing import to_frame, write_table

__all__ = [
    "Kind",
    "Pairs",
    "Table",
    "as_table",
    "check_finite",
    "names_of",
    "paired",
    "read_table",
    "to_frame",
    "write_table",
]
