"""The tables: which rows and columns, what they are called, and what is printed in the paper."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, final

from preimage.papers.aegan.cells import Cell, Key
from preimage.papers.aegan.published import AGREEMENT, RECONSTRUCTION
from preimage.papers.writing import markdown_table, mean_of


@final
@dataclass(frozen=True)
class Column:
    """A column: the key of its values, its heading, and the digits that are shown."""

    key: str
    heading: str
    digits: int


@final
@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        key: Of its cells; those whose keys go on with a hyphen add rows.
        title: What it shows.
        note: What one has to know to read it.
        columns: In order.
        rows: What rows are called; those that have no name are called by their key.
        published: What the paper prints, by row, in a last column.
    """

    key: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: dict[str, str] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)

    def markdown(self, cells: Iterable[Cell]) -> str:
        """The table with means over the seeds, and standard deviations where there are two."""
        of = [cell for cell in cells if self._mine(cell.key.table) and cell.values]
        if not of:
            return f"### {self.title}\n\nNot measured."
        headings = ["", *(column.heading for column in self.columns)]
        headings += ["published (faces)"] if self.published else []
        rows = []
        for row in self._rows(of):
            shown = [self.rows.get(row, row), *(_shown(of, row, one) for one in self.columns)]
            if self.published:
                shown.append(f"{self.published[row]:.4f}" if row in self.published else "")
            rows.append(shown)
        return f"### {self.title}\n\n{self.note}\n\n{markdown_table(headings, rows)}"

    def _mine(self, table: str) -> bool:
        return table == self.key or table.startswith(f"{self.key}-")

    def _rows(self, cells: list[Cell]) -> list[str]:
        found = {row: None for cell in cells for row in cell.values}
        return [row for row in self.rows if row in found] + [
            row for row in found if row not in self.rows
        ]


def mean(cells: Iterable[Cell], table: str, row: str, column: str) -> float | None:
    """The mean of a number over the seeds; None where it was not measured in all."""
    values = [cell.values.get(row, {}).get(column) for cell in cells if cell.key.table == table]
    numbers = [value for value in values if value is not None]
    return statistics.mean(numbers) if numbers and len(numbers) == len(values) else None


def _shown(cells: list[Cell], row: str, column: Column) -> str:
    present = [
        cell.values[row][column.key] for cell in cells if column.key in cell.values.get(row, {})
    ]
    numbers = [value for value in present if value is not None]
    if not present:
        return ""
    if len(numbers) < len(present):
        return "not reached"
    return mean_of(numbers, column.digits)


def record(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """The cells as JSON values."""
    return [cell.to_json() for cell in sorted(cells, key=_order)]


def _order(cell: Cell) -> Key:
    return cell.key


_SCORES = (
    Column("dhash", "dHash, 64 bits", 4),
    Column("dhash16", "dHash, 256 bits", 4),
    Column("psnr", "PSNR, dB", 2),
    Column("ssim", "SSIM", 3),
)

_METHODS = {
    "random": "random pairs",
    "aegan": "AEGAN",
    "direct": "direct, as many steps",
    "direct-longer": "direct, as much time",
    "bigan": "BiGAN (its own images)",
    "bigan-random": "random pairs of BiGAN's",
    "combined-once": "images and codes, one pass",
    "combined": "images and codes, corrected (default)",
    "aegan-corrected": "AEGAN, corrected",
    "combined-longer": "default, trained for longer",
    "longer-refined": "the same + 20 calls of refinement",
    "longer-refined-longer": "the same + 60 calls of refinement",
    "refined": "default + 20 calls of refinement",
    "refined-longer": "default + 200 calls of refinement",
    "search": "latent search, as many calls",
    "search-longer": "latent search, 200 calls",
    "best": "best possible",
}

_LOOKS = {
    "random": "random pairs",
    "dhash": "dHash",
    "phash": "pHash",
    "colour": "colour histogram",
    "aegan": "code of AEGAN",
    "direct": "code of direct",
    "bigan": "code of BiGAN",
    "combined": "code of the default",
    "aegan-mirrored": "code of AEGAN, both sides",
    "direct-mirrored": "code of direct, both sides",
    "combined-mirrored": "code of the default, both sides",
    "aegan-maps": "last maps of AEGAN's encoder, both sides",
    "direct-maps": "last maps of direct's encoder, both sides",
    "combined-maps": "last maps of the default's encoder, both sides",
    "judge": "last maps of the discriminator",
    "judge-mirrored": "last maps of the discriminator, both sides",
    "best": "best possible",
}

TABLES = (
    Table(
        "reconstruction",
        "Table 1: reconstruction of generated images",
        "Codes that no training has seen. Similarity of dHash is the share of equal bits; the "
        "error of codes is relative to their length. CPU seconds are those of the training.",
        (
            *_SCORES,
            Column("code", "error of codes", 3),
            Column("steps", "steps", 0),
            Column("cpu", "CPU s", 0),
            Column("calls", "calls of G", 0),
            Column("milliseconds", "ms an image", 2),
        ),
        _METHODS,
        RECONSTRUCTION,
    ),
    Table(
        "real",
        "The same on real images that were held out",
        "What a generator cannot make, no code gives; latent search shows how far it goes.",
        (*_SCORES, Column("calls", "calls of G", 0)),
        {**_METHODS, "search": "latent search, 200 calls"},
    ),
    Table(
        "descents",
        "Calls of the generator until an image is found",
        "A call is one pass forward and one backward. Medians over images, to a PSNR of so many "
        "dB; in brackets the share of images that got there. Those from the code count the passes "
        "of the encoder's corrections as whole calls, though they have no backward pass.",
        (
            Column("calls30", "30 dB", 0),
            Column("share30", "(share)", 2),
            Column("calls35", "35 dB", 0),
            Column("share35", "(share)", 2),
            Column("calls40", "40 dB", 0),
            Column("share40", "(share)", 2),
        ),
        {
            "adam-random": "Adam, random start",
            "newton-random": "quasi-Newton, random start",
            "adam-code": "Adam, from the code",
            "newton-code": "quasi-Newton, from the code",
        },
    ),
    Table(
        "searching",
        "Table 2: agreement of labels with the images that are found",
        "The nearest image, and the nearest five, to each held-out image: among the images that "
        "were trained on, and among other held-out ones. Labels are mostly rare, so that random "
        'pairs agree in most. "Both sides": what is compared is the sum for an image and for its '
        "mirror image.",
        (
            Column("known1", "trained on, 1", 4),
            Column("known5", "5", 4),
            Column("held1", "held out, 1", 4),
            Column("held5", "5", 4),
        ),
        _LOOKS,
        AGREEMENT,
    ),
    Table(
        "degrading",
        "Figure 5, measured: what was blurred, masked or small",
        "Against the clean image: one pass of the encoder, which is the paper's way, and the "
        "search that knows the degradation, with the generator as it is and with a copy of it "
        "adapted to each image. Noise is that of .05, on top of the blur.",
        (
            Column("plain", "plain pass, dB", 2),
            Column("found", "search, dB", 2),
            Column("adapted", "adapted, dB", 2),
            Column("plain_ssim", "plain, SSIM", 3),
            Column("found_ssim", "search, SSIM", 3),
            Column("adapted_ssim", "adapted, SSIM", 3),
            Column("plain_dhash", "plain, dHash", 3),
            Column("found_dhash", "search, dHash", 3),
            Column("residual", "residual", 4),
            Column("calls", "calls of G", 0),
        ),
    ),
)
