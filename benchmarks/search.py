"""Searching 100,000 codes in memory, and 20,000 in Milvus's local store.

OMP_NUM_THREADS=1 python -m benchmarks.search
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.tables import write
from preimage.images import Entry
from preimage.runtime import generator
from preimage.search import DHash, ImageIndex, PHash
from preimage.search import milvus as store
from preimage.search.nearest import Exact
from preimage.search.vectors import InMemory

DIM = 100
QUERIES = 64
NEIGHBOURS = 5
ROUNDS = 9


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """The median CPU and wall seconds of some rounds, after one that does not count."""
    work()
    cpu, wall = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begin[0])
        cpu.append(time.process_time() - begin[1])
    return statistics.median(cpu), statistics.median(wall)


def drawn(n: int, bits: bool) -> torch.Tensor:
    """Codes of a uniform prior, or bits."""
    source = generator(0)
    if bits:
        return torch.randint(0, 2, (n, 64), generator=source).float()
    return torch.rand(n, DIM, generator=source) * 2 - 1


def same_as_sorting(codes: torch.Tensor, queries: torch.Tensor, found: tuple[Any, Any]) -> bool:
    """Whether rows and distances are those of all distances in float64, sorted stably."""
    values = codes.double().numpy()
    for i, query in enumerate(queries.double().numpy()):
        parts = np.array_split(values, max(1, len(values) // 10_000))
        exact = np.concatenate([np.square(part - query).sum(axis=1) for part in parts])
        first = np.argsort(exact, kind="stable")[:NEIGHBOURS]
        if not (np.array_equal(found[1][i], first) and np.array_equal(found[0][i], exact[first])):
            return False
    return True


def in_memory(counts: list[int]) -> list[dict[str, Any]]:
    """Exact search in memory."""
    rows = []
    for n in counts:
        for bits in (False, True):
            codes = drawn(n, bits)
            search = Exact(codes, np.arange(n))
            near = codes[:: n // QUERIES][:QUERIES]
            queries = near if bits else near + 0.1 * drawn(QUERIES, False)
            cpu, wall = timed(lambda s=search, q=queries: s.nearest(q, NEIGHBOURS))
            found = search.nearest(queries, NEIGHBOURS)
            rows.append(
                {
                    "vectors": f"{n:,} × {codes.shape[1]} {'bits' if bits else 'numbers'}",
                    "64 queries, CPU s": f"{cpu:.3f}",
                    "wall s": f"{wall:.3f}",
                    "as by sorting all distances in float64": same_as_sorting(
                        codes, queries, found
                    ),
                }
            )
            print(rows[-1], flush=True)
    return rows


def in_milvus(n: int) -> list[dict[str, Any]]:
    """The same calls on vectors in memory and in milvus-lite."""
    codes = drawn(n, False)
    entries = [Entry(f"{i:06d}", f"/benchmark/{i:06d}", "") for i in range(n)]
    queries = codes[:: n // QUERIES][:QUERIES] + 0.1 * drawn(QUERIES, False)
    rows, answers = [], []
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "codes.db")
        client = store.connect(place, None)
        kinds = {
            "memory": InMemory(DIM),
            "milvus-lite": store.collection(client, place, "benchmark", DIM, {}),
        }
        for name, vectors in kinds.items():
            begin = time.process_time(), time.perf_counter()
            for start in range(0, n, 1000):
                some = slice(start, start + 1000)
                vectors.put(entries[some], codes[some])
            spent = time.process_time() - begin[0], time.perf_counter() - begin[1]
            cpu, wall = timed(lambda v=vectors: v.nearest(queries, NEIGHBOURS))
            answers.append(vectors.nearest(queries, NEIGHBOURS))
            rows.append(
                {
                    "where": name,
                    f"{n:,} inserted, CPU s": f"{spent[0]:.2f}",
                    "insert, wall s": f"{spent[1]:.2f}",
                    "64 queries, CPU s": f"{cpu:.3f}",
                    "queries, wall s": f"{wall:.3f}",
                }
            )
            print(rows[-1], flush=True)
        client.close()
    same = answers[0][0] == answers[1][0] and np.array_equal(answers[0][1], answers[1][1])
    for row in rows:
        row["same answers"] = same
    return rows


def hashing(n: int) -> list[dict[str, Any]]:
    """CPU time of hashing images that are in memory, and of finding all duplicates."""
    images = torch.rand(n, 1, 32, 32, generator=generator(0)).mul(255).to(torch.uint8).numpy()
    rows = []
    for feature in (DHash(), PHash()):
        index = ImageIndex(feature=feature)
        begin = time.process_time()
        index.add(images[:, 0])
        middle = time.process_time()
        index.duplicates()
        rows.append(
            {
                "feature": feature.name,
                "images": f"{n:,}",
                "added, CPU ms an image": f"{(middle - begin) / n * 1e3:.3f}",
                "all duplicates, CPU s": f"{time.process_time() - middle:.2f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Runs everything and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few vectors, for a look; not written")
    quick = parser.parse_args().quick
    sections = {
        "In memory": in_memory([10_000] if quick else [20_000, 100_000]),
        "In Milvus's local store": in_milvus(1_000 if quick else 20_000),
        "Hashes": hashing(500 if quick else 20_000),
    }
    if quick:
        return
    peers = ", ".join(f"{n} {version(n)}" for n in ("pymilvus", "milvus-lite", "imagehash"))
    notes = (
        "Random codes, uniform on (-1, 1), and random bits; queries are codes with some noise, or "
        "bits as they are; the 5 nearest. Medians of 9 calls; CPU time is that of the whole "
        "process, in which milvus-lite runs too, and wall time is that of a machine with other "
        "work on it. Images to hash are 32 × 32 noise. " + peers + ". `OMP_NUM_THREADS=1 python -m "
        "benchmarks.search`."
    )
    write("search", "Searching images", sections, notes)


if __name__ == "__main__":
    main()
