"""Cells measured as tasks: each is kept as soon as it is there, and a lost worker costs its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, final

from preimage.cluster.kept import Kept, Measured
from preimage.cluster.parts import Part
from preimage.cluster.place import check_shared, connected
from preimage.cluster.running import outcomes
from preimage.errors import ClusterError
from preimage.progress import progress

K = TypeVar("K", bound=Hashable)
C = TypeVar("C", bound=Measured)


@final
@dataclass(frozen=True, kw_only=True)
class Sweep:
    """How cells are spread.

    Args:
        on: As `connected` takes it.
        things: What cells are called, such as "cells".
        shared: A folder that workers write to, if they do.
    """

    on: str
    things: str
    shared: Path | None = None

    def run(
        self,
        kept: Kept[C],
        keys: Sequence[K],
        work: Callable[[K], C],
        *,
        said: Callable[[K], str],
        lane: Callable[[K], Hashable] | None = None,
        after: Callable[[], object] = lambda: None,
    ) -> int:
        """Measures the cells that are not kept yet.

        Args:
            kept: Gets each cell as soon as it is measured.
            keys: Of all cells, in the order in which they are to be measured.
            work: Measures a cell, on a worker.
            said: What a cell is called beside the bar.
            lane: Cells of one lane are measured one after the other; None has no lanes.
            after: Called after each cell.

        Returns:
            How many were measured.

        Raises:
            ClusterError: There is no cluster, or cells failed; the others are kept.
        """
        missing = [key for key in keys if key not in kept]
        if not missing:
            return 0
        done, failed = len(keys) - len(missing), {}
        parts = [
            Part(name=f"{number:06d}", source=said(key), size=1, stamp="", content=key)
            for number, key in enumerate(missing)
        ]
        lanes = None if lane is None else (lambda part: lane(part.content))
        with (
            connected(self.on) as client,
            progress(self.things, len(keys), done=done) as bar,
        ):
            if self.shared is not None:
                check_shared(client, self.shared)
            for count, outcome in enumerate(outcomes(client, work, parts, lane=lanes), done + 1):
                bar.update(count, outcome.part.source)
                if outcome.value is None:
                    failed[outcome.part.source] = outcome.error
                    continue
                kept.add(outcome.value)
                after()
        if failed:
            first, reason = next(iter(failed.items()))
            raise ClusterError(
                f"{len(failed)} of {len(missing)} {self.things} failed; the first, {first}: "
                f"{reason}. The others are kept, and the next call measures these alone."
            )
        return len(missing)
