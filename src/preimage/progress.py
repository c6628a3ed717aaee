"""A bar with the time left, on the terminal, for what lasts longer than two seconds."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    import rich.progress

WORTH_SHOWING = 2.0
"""What is expected to be over after so many seconds shows nothing."""

REFRESH = 0.25
"""Seconds between two drawings; in between, an update costs less than a microsecond."""


@final
class Bar:
    """How far something is; drawn on stderr when that is a terminal (or a notebook).

    Args:
        label: What is going on.
        total: How many steps there are.
        done: How many of them are done already.
        show: False draws nothing.
    """

    def __init__(self, label: str, total: int, *, done: int = 0, show: bool = True) -> None:
        self.label = label
        self.total = total
        self._first = done
        self._begin = time.monotonic()
        self._next = self._begin + REFRESH if show else math.inf
        self._done, self._note = done, ""
        self._drawn: rich.progress.Progress | None = None

    def update(self, done: int, note: str = "") -> None:
        """Say that `done` steps are done; `note` is shown beside the bar.

        Args:
            done: Steps done in all.
            note: For instance the present loss.
        """
        self._done, self._note = done, note
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + REFRESH
        if self._drawn is None and done > self._first:
            left = (now - self._begin) / (done - self._first) * (self.total - done)
            if now - self._begin + left > WORTH_SHOWING:
                self._drawn = self._draw()
        self._redraw()

    def close(self) -> None:
        """Leave the bar as it is, and the terminal to others."""
        if self._drawn is not None:
            self._redraw()
            self._drawn.stop()

    def _redraw(self) -> None:
        if self._drawn is not None:
            self._drawn.update(self._drawn.task_ids[0], completed=self._done, note=self._note)

    def _draw(self) -> "rich.progress.Progress":
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        console = Console(stderr=True)
        drawn = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            refresh_per_second=1 / REFRESH,
            disable=not (console.is_terminal or console.is_jupyter),
        )
        drawn.add_task(self.label, total=self.total, completed=self._done, note="")
        drawn.start()
        return drawn


@contextmanager
def progress(label: str, total: int, *, done: int = 0, show: bool = True) -> Iterator[Bar]:
    """Yield a bar to update while the block runs.

    Args:
        label: What is going on.
        total: How many steps there are.
        done: How many of them are done already, when something is taken up again.
        show: False draws nothing.

    Example:
        >>> with progress("adding", 3) as bar:
        ...     for step in range(3):
        ...         bar.update(step + 1)
    """
    bar = Bar(label, total, done=done, show=show)
    try:
        yield bar
    finally:
        bar.close()
