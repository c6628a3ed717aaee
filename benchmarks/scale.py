"""Ten million targets in parts, the same with a worker killed, a million codes, and images.

OMP_NUM_THREADS=1 python -m benchmarks.scale [targets] [killed] [codes] [images] [--quick]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pyarrow
from pyarrow import parquet

from benchmarks.scale_images import codes, images
from benchmarks.scale_paper import on_paper
from benchmarks.tables import read, write
from preimage import GradientInverter
from preimage.cluster import Finished
from preimage.cluster.parts import grain
from preimage.inverters.base import CHUNK
from preimage.inverters.many import MOST, Question, job_of
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.runtime import generator, single_threaded

ARM = EXPERIMENTS[6]
AT_A_TIME = 1_000_000
PART = MOST * CHUNK


@dataclass
class Watch:
    """What the processes of this machine's cluster take, looked at now and then."""

    own: int = 0
    workers: dict[int, int] = field(default_factory=dict)

    def look(self) -> None:
        """Notes the largest resident memory of this process and of each worker."""
        me = psutil.Process()
        self.own = max(self.own, me.memory_info().rss)
        for child in me.children():
            try:
                self.workers[child.pid] = max(
                    self.workers.get(child.pid, 0), child.memory_info().rss
                )
            except psutil.NoSuchProcess:
                continue


@contextmanager
def watching(kill_after: int | None, folder: Path) -> Iterator[Watch]:
    """Look at memory while the block runs; end a worker when so many parts are done."""
    watch, over = Watch(), threading.Event()

    def look() -> None:
        left = kill_after
        while not over.wait(0.25):
            watch.look()
            if left is not None and done_in(folder) >= left:
                victim = max(watch.workers, key=lambda pid: watch.workers[pid])
                os.kill(victim, signal.SIGKILL)
                print(f"killed the worker {victim} after {done_in(folder)} parts", flush=True)
                left = None

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def done_in(folder: Path) -> int:
    """How many parts of a job are done."""
    file = folder / ".job" / "done.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def targets_file(folder: Path, count: int) -> Path:
    """Reachable targets of experiment 7, in a file that is made once."""
    path = folder / f"targets-{count}.parquet"
    if not path.exists():
        source = generator(0)
        schema = pyarrow.schema([("y1", pyarrow.float64()), ("y2", pyarrow.float64())])
        with parquet.ParquetWriter(path, schema) as file:
            for start in range(0, count, AT_A_TIME):
                _, y = ARM.draw(min(AT_A_TIME, count - start), source)
                columns = {name: y[:, i].numpy() for i, name in enumerate(schema.names)}
                file.write_table(pyarrow.table(columns, schema=schema))
    return path


def digest(done: Finished) -> str:
    """A few digits that differ when any byte of any answer does."""
    total = hashlib.sha256()
    for made in done.made.values():
        for file in made.files:
            with (done.folder / file).open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()[:12]


def alone(folder: Path, path: Path, count: int) -> dict[str, Any]:
    """One process and one thread: read, answer, write; and answering alone."""
    inverter = GradientInverter().fit_function(ARM.function())
    asked = Question.of(inverter.fitted.box, n=16, near=None, within=None, tol=None, certify=False)
    job = job_of(inverter, path, folder / "alone", asked, None, CHUNK)
    parts = [part for part in job.parts if part.content.first < count]
    with single_threaded():
        job.work(parts[0].content)
        begin = time.perf_counter()
        size = sum(job.work(part.content).size for part in parts)
        whole = time.perf_counter() - begin
        y = parquet.read_table(path).slice(0, size).to_pandas().to_numpy()
        begin = time.perf_counter()
        inverter.invert(y)
        call = time.perf_counter() - begin
    return {"size": size, "rate": size / whole, "call": size / call}


def in_parts(folder: Path, path: Path, name: str, *, kill: bool = False) -> dict[str, Any]:
    """The whole file on the cores of this machine."""
    inverter = GradientInverter().fit_function(ARM.function())
    output = folder / name
    count = parquet.read_metadata(path).num_rows
    rows = grain(count, CHUNK, PART)
    half = -(-count // rows) // 2
    begin = time.perf_counter()
    with watching(half if kill else None, output) as watch:
        done = inverter.invert_many(path, output, on="local", rows=rows)
    return {
        "done": done,
        "seconds": time.perf_counter() - begin,
        "rate": done.size / done.seconds,
        "own": watch.own / 2**20,
        "worker": max(watch.workers.values()) / 2**20,
    }


def row(what: str, path: Path, single: float, ran: dict[str, Any]) -> dict[str, Any]:
    """A line of the table."""
    made, rate, targets = ran["done"], ran["rate"], ran["done"].size
    out = sum(
        (made.folder / file).stat().st_size for one in made.made.values() for file in one.files
    )
    manifest = (made.folder / ".job" / "done.jsonl").stat().st_size
    return {
        "run": what,
        "targets": f"{targets:,}",
        "targets/s": f"{rate:,.0f}",
        "of twice one core": f"{rate / (2 * single):.0%}",
        "seconds with start-up": f"{ran['seconds']:.1f}",
        "largest worker, MiB": f"{ran['worker']:.0f}",
        "this process, MiB": f"{ran['own']:.0f}",
        "answered": f"{sum(one.record['answered'] for one in made.made.values()):,}",
        "targets in a part": f"{max(one.size for one in made.made.values()):,}",
        "bytes in": f"{path.stat().st_size / targets:.1f}",
        "bytes out, a target": f"{out / targets:.1f}",
        "manifest, a part": f"{manifest / len(made.made):.0f}",
        "digest of all files": digest(made),
    }


def targets(folder: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    """One core, then all cores on a tenth and on all of the targets."""
    whole, tenth = targets_file(folder, count), targets_file(folder, count // 10)
    single = alone(folder, whole, min(count, 4 * PART))
    print(single, flush=True)
    small = in_parts(folder, tenth, "tenth")
    large = in_parts(folder, whole, "whole")
    rate = single["rate"]
    one = {
        "one process, one thread": f"{single['size']:,} targets",
        "read, answered and written, targets/s": f"{rate:,.0f}",
        "`invert` alone, targets/s": f"{single['call']:,.0f}",
    }
    rows = [
        row("--on local", tenth, rate, small),
        row("--on local", whole, rate, large),
    ]
    print(*rows, sep="\n", flush=True)
    return {"One core": [one], "All cores": rows}


def killed(folder: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    """The same job with a worker killed when half of the parts are done."""
    path = targets_file(folder, count)
    ran = in_parts(folder, path, "killed", kill=True)
    single = alone(folder, path, min(count, 2 * PART))
    line = row("--on local, a worker killed half-way", path, single["rate"], ran)
    print(line, flush=True)
    return {"A worker killed half-way": [line]}


PARTS = {"targets": targets, "killed": killed, "codes": codes, "images": images}
COUNTS = {"targets": 10_000_000, "killed": 10_000_000, "codes": 1_000_000, "images": 20_000}


def main() -> None:
    """Runs what is named, and keeps what was measured of the rest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="some of them; all else")
    parser.add_argument("--quick", action="store_true", help="small, for a look; not written")
    given = parser.parse_args()
    sections = read("scale")
    with tempfile.TemporaryDirectory() as place:
        for name in given.parts or PARTS:
            count = COUNTS[name]
            sections |= PARTS[name](Path(place), count // 50 if given.quick else count)
            sections |= on_paper(sections)
            if not given.quick:
                write("scale", "Scale", sections, NOTES)
    if given.quick:
        print(*sections.get("On paper", []), sep="\n")


NOTES = (
    "Targets are outputs of the 2-link arm of experiment 7 of the twin paper, in Parquet; the "
    "inverter is `GradientInverter`, up to 16 answers of each, a worker for each core with one "
    "thread, parts of 131,072 targets. One core runs the work of a worker in this process. Rates "
    "are wall times from when the cluster is up to when the last part is written; memory is the "
    "largest resident size, looked at four times a second. The killed worker got SIGKILL when half "
    "of the parts were done; equal digests mean equal bytes. Codes are uniform on (-1, 1), queries "
    "are 64 of them with noise, searched exactly, recall against exact search in float64; "
    "the median of 3 calls. Images are smooth noise on a local disk; one process decodes with a "
    "thread for each core. On paper, what was measured is multiplied. "
    + ", ".join(f"{one} {version(one)}" for one in ("distributed", "pyarrow", "milvus-lite"))
    + ". `OMP_NUM_THREADS=1 python -m benchmarks.scale`."
)

if __name__ == "__main__":
    main()
