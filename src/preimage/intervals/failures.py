"""Why an enclosure could not be computed: no rule for an operation, or a hole in the function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from torch import Tensor

from preimage.errors import PreimageError


class UnsupportedOperation(PreimageError, NotImplementedError):
    """The function uses an operation that has no rule for intervals.

    Catch it where an enclosure is one way among others of settling a question, skip that way, and
    show the message: it names the operation.
    """


class UndefinedEnclosure(PreimageError, ArithmeticError):
    """The function divides by zero, or is otherwise undefined, somewhere in a box.

    Catch it where a smaller box, or none, would do. Inside `partial` it is not raised.
    """


@dataclass
class Holes:
    """Whether a function was found to be undefined somewhere, within `partial`."""

    seen: bool = False


_HOLES: ContextVar[Holes | None] = ContextVar("holes", default=None)


@contextmanager
def partial() -> Iterator[None]:
    """Within it, a function that is undefined in a box is enclosed by the whole line there."""
    token = _HOLES.set(Holes())
    try:
        yield
    finally:
        _HOLES.reset(token)


def undefined(where: Tensor, reason: str) -> Tensor:
    """Returns `where`; raises unless within `partial`, if the function is undefined anywhere."""
    if bool(where.any()):
        holes = _HOLES.get()
        if holes is None:
            raise UndefinedEnclosure(
                f"{reason}, in {int(where.sum())} of {where.numel()} intervals. Choose a smaller "
                "box, on which the function is defined everywhere."
            )
        holes.seen = True
    return where


def holes_seen() -> bool:
    """Whether whole lines may stand for undefined values, so that they must be passed on."""
    holes = _HOLES.get()
    return holes is not None and holes.seen
