"""What work is cut into, and what comes of a part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, final

P = TypeVar("P")
R = TypeVar("R")

Client: TypeAlias = Any
"""A `distributed.Client`. By its types every call may be a coroutine, which none is here."""


@final
@dataclass(frozen=True, kw_only=True)
class Part(Generic[P]):
    """A part of the work.

    Attributes:
        name: What tells it apart from the others, and what its files are called.
        source: What it is made of, as messages to the user call it.
        size: How many targets or images it holds; 0 where that is not known.
        stamp: Changes when what it is made of changes.
        content: What the work is given.
    """

    name: str
    source: str
    size: int
    stamp: str
    content: P


@final
@dataclass(frozen=True)
class Outcome(Generic[P, R]):
    """What came of a part.

    Attributes:
        part: Which.
        value: What the work returned; None where it failed.
        error: Why it failed; None where it did not.
        seconds: How long it took, on the worker.
    """

    part: Part[P]
    value: R | None
    error: str | None
    seconds: float


def grain(size: int, least: int, most: int) -> int:
    """How many rows or images a part should hold: a sixty-fourth of them all, within bounds.

    It depends on nothing but what there is to do, so that a restart cuts in the same places.

    Args:
        size: How many there are.
        least: The fewest of a part. The answer is a multiple of it, so that batches stay those
            of a run in one piece.
        most: The most.

    Example:
        >>> grain(10_000_000, 8192, 131_072), grain(1000, 8192, 131_072)
        (131072, 8192)
    """
    batches = -(-size // (64 * least))
    return min(max(1, batches) * least, most)
