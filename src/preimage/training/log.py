"""The log of a training: one JSON line for each record, and TensorBoard when it is wanted."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from preimage.errors import MissingExtraError
from preimage.training.course import Record

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FILE = "log.jsonl"


@contextmanager
def logging(
    run: Path | None, records: Sequence[Record], *, tensorboard: bool
) -> Iterator[Callable[[Record], None]]:
    """Yield a function that writes a record to `log.jsonl` in the run folder.

    Args:
        run: The folder; with None, the function does nothing.
        records: Those of a training that goes on. They take the place of what the file holds:
            what was logged after the checkpoint will be logged again.
        tensorboard: Write for TensorBoard too.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """
    if run is None:
        yield lambda record: None
        return
    run.mkdir(parents=True, exist_ok=True)
    board = _board(run, records) if tensorboard else None
    with open(run / FILE, "w", encoding="utf-8") as lines:
        for record in records:
            _write(record, lines)

        def log(record: Record) -> None:
            _write(record, lines)
            if board is not None:
                for name in record.keys() - {"step"}:
                    board.add_scalar(name, record[name], int(record["step"]))

        try:
            yield log
        finally:
            if board is not None:
                board.close()


def _write(record: Record, lines: TextIO) -> None:
    plain = {name: value if math.isfinite(value) else None for name, value in record.items()}
    lines.write(json.dumps(plain) + "\n")
    lines.flush()


def _board(run: Path, records: Sequence[Record]) -> "SummaryWriter":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(
            "tensorboard=True needs TensorBoard: pip install tensorboard, or leave it out."
        ) from error
    return SummaryWriter(str(run), purge_step=int(records[-1]["step"]) + 1 if records else None)
