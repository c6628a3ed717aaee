"""Work that tests send to workers."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed

from preimage.cluster import Job, Made, Part, place


@contextmanager
def here(workers: int = 2, threads: int = 1) -> Iterator[Any]:
    """A cluster within this process, which is up at once."""
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        processes=False,
        dashboard_address=place.LOOPBACK,
    ) as cluster:
        yield cluster


@dataclass(frozen=True, kw_only=True)
class Squaring:
    """Writes the square of a number; some numbers raise, and some end their worker."""

    folder: str
    raises: tuple[int, ...] = ()
    kills_once: tuple[int, ...] = ()
    kills: tuple[int, ...] = ()

    def __call__(self, number: int) -> Made:
        folder = Path(self.folder)
        if number in self.raises:
            raise ZeroDivisionError(f"number {number}")
        mark = folder / ".job" / f"killed-{number}"
        if number in self.kills or (number in self.kills_once and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        # Every call adds a line, so that it can be seen how often a part was done.
        with (folder / ".job" / "calls").open("a") as file:
            file.write(f"{number}\n")
        (folder / f"{number}.txt").write_text(f"{number**2}")
        return Made(files=(f"{number}.txt",), size=1)


def squares(
    folder: Path,
    numbers: range = range(12),
    *,
    raises: tuple[int, ...] = (),
    kills_once: tuple[int, ...] = (),
    kills: tuple[int, ...] = (),
    exponent: int = 2,
    stamp: str = "",
) -> Job[int]:
    return Job(
        folder=folder,
        identity={"job": "powers", "exponent": exponent},
        parts=[
            Part(name=str(i), source=f"number {i}", size=1, stamp=stamp, content=i) for i in numbers
        ],
        work=Squaring(folder=str(folder), raises=raises, kills_once=kills_once, kills=kills),
        things="numbers",
    )


def calls(folder: Path) -> list[int]:
    return sorted(map(int, (folder / ".job" / "calls").read_text().split()))
