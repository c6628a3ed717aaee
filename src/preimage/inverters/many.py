"""Any number of targets: Parquet in, Parquet out, in parts that workers do."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, final

import numpy as np

from preimage.cluster.job import Job, Made
from preimage.cluster.parts import Part, grain
from preimage.domain import Box, as_box
from preimage.errors import InputError
from preimage.inverters.arguments import states_of, tolerance, whole_number
from preimage.inverters.saving import describe
from preimage.runtime import digest
from preimage.tables import write_table
from preimage.tables.partitions import SUFFIX, Partition, partitions, read_rows

if TYPE_CHECKING:
    from preimage.inverters.base import Inverter

MOST = 16
"""So many chunks of an inverter are at most in a part."""


@final
@dataclass(frozen=True, kw_only=True)
class Slice:
    """Some targets of a file.

    Attributes:
        path: The file.
        first: The number of the first of them in it.
        rows: How many; None for all, where the file says nothing.
        output: What is written, below the folder of the job.
        file: What the file is called in the answers; None where there is only one.
    """

    path: str
    first: int
    rows: int | None
    output: str
    file: str | None


@final
@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of every target, as `Inverter.invert` takes it."""

    n: int = 16
    near: list[list[float]] | None = None
    within: Box | None = None
    tol: float | None = None
    certify: bool = False

    @staticmethod
    def of(
        box: Box, *, n: int, near: Any, within: Any, tol: float | None, certify: bool
    ) -> Question:
        """Checked, before the work.

        Raises:
            InputError: Something does not fit the box, or is out of range.
        """
        if isinstance(near, str):
            raise InputError(
                f"near={near!r} goes from target to target, and parts are done side by side; "
                "invert(..., near=...) does it in one process."
            )
        state = None if near is None else states_of(near, box.names, 1).tolist()
        part = None if within is None else as_box(within)
        if part is not None:
            box.intersection(part)
        limit = None if tol is None else tolerance(tol)
        return Question(n=whole_number(n), near=state, within=part, tol=limit, certify=certify)

    def to_config(self) -> dict[str, Any]:
        """As JSON values."""
        within = None if self.within is None else self.within.to_config()
        return {**asdict(self), "within": within}


@final
@dataclass(frozen=True, kw_only=True)
class Answering:
    """The work: from a slice to a file of answers."""

    inverter: Inverter
    question: Question
    folder: str

    def __call__(self, some: Slice) -> Made:
        """Answers the targets of a slice, as `invert` does."""
        asked, inverter = self.question, self.inverter
        targets = read_rows(some.path, some.first, some.rows, inverter.fitted.outputs)
        found = inverter.invert(
            targets, n=asked.n, near=asked.near, within=asked.within, tol=asked.tol
        )
        found = found.certify() if asked.certify else found
        columns = found.to_columns()
        columns["target"] = columns["target"] + some.first
        if some.file is not None:
            columns = {"file": np.full(len(columns["target"]), some.file), **columns}
        write_table(columns, Path(self.folder, some.output), force=True)
        answered = sum(status.answered for status in found.status)
        return Made(files=(some.output,), size=len(found), record={"answered": answered})


def job_of(
    inverter: Inverter,
    dataset: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    question: Question,
    rows: int | None,
    least: int,
) -> Job[Slice]:
    """The job of answering all targets of a dataset.

    Args:
        inverter: What answers.
        dataset: As `partitions` takes it.
        folder: Where to.
        question: What is asked of each.
        rows: Targets in a part; None chooses by the size of each file.
        least: The fewest that are chosen, and what the others are multiples of.

    Raises:
        InputError: There is no dataset, or the folder is within it.
    """
    if rows is not None and rows < 1:
        raise InputError(f"{rows} targets in a part were asked for; give 1 or more.")
    files = partitions(dataset)
    alone = Path(dataset).is_file()
    target = Path(folder).resolve()
    if target == Path(dataset).resolve() or (
        not alone and target.is_relative_to(Path(dataset).resolve())
    ):
        raise InputError(
            f"{folder} is where the targets are, or within; the next run would take the answers "
            "for targets. Name another folder."
        )
    return Job(
        folder=target,
        identity={
            "job": "answers to targets",
            "targets": str(Path(dataset).resolve()),
            "model": fingerprint(inverter),
            "rows": rows,
            **question.to_config(),
        },
        parts=[part for file in files for part in _parts(file, rows, least, alone)],
        work=Answering(inverter=inverter, question=question, folder=str(target)),
        things="targets",
    )


def fingerprint(inverter: Inverter) -> str:
    """Text that differs with the method, its settings, and what it was fitted to.

    A function is known by its values at the known pairs.
    """
    described = describe(inverter.fitted)
    tensors = described.tensors | {f"method.{k}": one for k, one in inverter._state().items()}
    listed = [tensors[name] for name in sorted(tensors)]
    return f"{inverter!r} {described.config} {digest(*listed)}"


def _parts(file: Partition, rows: int | None, least: int, alone: bool) -> list[Part[Slice]]:
    """The slices of a file; one where it cannot be read, which will say so."""
    each = rows or grain(file.rows or 0, least, MOST * least)
    counts: list[int | None] = [None] if file.rows is None else [each] * (file.rows // each)
    if file.rows and file.rows % each:
        counts.append(file.rows % each)
    stem = PurePosixPath(file.name).with_suffix("")
    return [
        Part(
            name=f"{stem}-{number:06d}{SUFFIX}",
            source=_called(file.path, number * each, count),
            size=count or 0,
            stamp=file.stamp,
            content=Slice(
                path=file.path,
                first=number * each,
                rows=count,
                output=f"{stem}-{number:06d}{SUFFIX}",
                file=None if alone else file.name,
            ),
        )
        for number, count in enumerate(counts)
    ]


def _called(path: str, first: int, count: int | None) -> str:
    return path if count is None else f"{path}, rows {first:,} to {first + count - 1:,}"
