"""Parts sent to workers a few at a time, and what comes of them as it comes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

from preimage.cluster.parts import Client, Outcome, Part
from preimage.cluster.shipping import perform, sent
from preimage.errors import ClusterError

P = TypeVar("P")
R = TypeVar("R")

AHEAD = 2
"""So many parts are with each worker: one that it works on, and the next."""

UNDONE = ("lost", "pending")
"""What futures are whose results went down with a worker before they were fetched: others do them
again."""


def outcomes(
    client: Client,
    work: Callable[[P], R],
    parts: Iterable[Part[P]],
    *,
    lane: Callable[[Part[P]], Hashable] | None = None,
) -> Iterator[Outcome[P, R]]:
    """Do all parts, and yield what came of each as soon as it is done, in any order.

    The work travels to each worker once, and parts a few at a time, so that memory does not grow
    with their number. When a worker is lost, its parts are done by others; a part during which
    several workers were lost has failed. A part that raises has failed, and the others go on.

    Args:
        client: What `connected` gave.
        work: A function of the content of a part.
        parts: What there is to do.
        lane: Parts of one lane are done one after the other, in their order; None has no lanes.

    Raises:
        ClusterError: The scheduler was lost, or workers cannot take up the work.
    """
    from distributed import as_completed

    waiting, running = iter(parts), {}
    last: dict[Hashable, Any] = {}
    finished = as_completed()
    with sent(client, work) as name:

        def fill() -> None:
            room = AHEAD * max(1, sum(client.nthreads().values()))
            while len(running) < room and (part := next(waiting, None)) is not None:
                before = None if lane is None else last.get(lane(part))
                future = client.submit(
                    perform, name, part.content, before, key=f"{name}-{part.name}", pure=False
                )
                if lane is not None:
                    last[lane(part)] = future
                running[future] = part
                finished.add(future)

        fill()
        while running:
            future = next(finished)
            if future.status in UNDONE:
                finished.add(future)
                continue
            yield _outcome(running.pop(future), future)
            fill()


def _outcome(part: Part[Any], future: Any) -> Outcome[Any, Any]:
    if future.status == "finished":
        return Outcome(part, *future.result())
    if future.status != "error":
        raise ClusterError(
            "the scheduler was lost; what is done is kept. Start it again, and call again to go on."
        )
    return Outcome(part, None, _reason(future.exception()), 0.0)


def _reason(error: BaseException | None) -> str:
    """What Dask says of a part that no worker ended; the work itself raises nothing."""
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return (
            "workers were lost again and again while they worked on it; they may need more "
            "memory, or smaller parts"
        )
    return f"{type(error).__name__}: {error}"
