"""A million codes added and found, and images indexed; a part of `benchmarks.scale`."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from preimage.images import Entry, Picture, open_images, write_picture
from preimage.runtime import generator
from preimage.search import ImageIndex, milvus
from preimage.search.nearest import Exact
from preimage.search.vectors import InMemory, Vectors

DIM, QUERIES, NEIGHBOURS, ROUNDS = 100, 64, 10, 3
WRITTEN = 10_000


def codes(folder: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    """Codes in memory and in a local file of Milvus: adding, finding, and what is found."""
    values = torch.rand(count, DIM, generator=generator(0)) * 2 - 1
    noise = 0.1 * (torch.rand(QUERIES, DIM, generator=generator(1)) * 2 - 1)
    queries = values[:: count // QUERIES][:QUERIES] + noise
    entries = [Entry(f"{i:08d}", f"/codes/{i:08d}", "") for i in range(count)]
    _, exact = Exact(values, np.arange(count)).nearest(queries, NEIGHBOURS)
    wanted = [{f"{i:08d}" for i in some} for some in exact.tolist()]
    file = folder / "codes.db"
    client = milvus.connect(str(file), None)
    kinds: dict[str, Vectors] = {
        "memory": InMemory(DIM),
        "codes.db": milvus.collection(client, str(file), "scale", DIM, {}),
    }
    rows = []
    for name, vectors in kinds.items():
        begin = time.perf_counter()
        for start in range(0, count, WRITTEN):
            vectors.put(entries[start : start + WRITTEN], values[start : start + WRITTEN])
        added = time.perf_counter() - begin
        seconds, found = [], []
        for _ in range(1 + ROUNDS):
            begin = time.perf_counter()
            found, _ = vectors.nearest(queries, NEIGHBOURS)
            seconds.append(time.perf_counter() - begin)
        hits = [
            len({one.name for one in some} & near) for some, near in zip(found, wanted, strict=True)
        ]
        size = sum(one.stat().st_size for one in file.rglob("*") if one.is_file())
        rows.append(
            {
                "where": name,
                "codes": f"{count:,} × {DIM}",
                "added, codes/s": f"{count / added:,.0f}",
                f"recall@{NEIGHBOURS}": f"{sum(hits) / (QUERIES * NEIGHBOURS):.4f}",
                "queries/s, 64 together": f"{QUERIES / statistics.median(seconds[1:]):,.1f}",
                "on disk, MB": f"{size / 1e6:,.0f}" if name != "memory" else "",
            }
        )
        print(rows[-1], flush=True)
    client.close()
    return {"Codes": rows}


def images(folder: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    """JPEG files of 256 by 256 pixels listed, then indexed by one process and by all cores."""
    place = folder / "images"
    source = generator(0)
    coarse = torch.rand(count, 3, 8, 8, generator=source)
    for number, small in enumerate(coarse.split(1)):
        pixels = interpolate(small, size=256, mode="bicubic").clamp(0, 1)[0]
        write_picture(place / f"{number // 1000:04d}" / f"{number:07d}.jpg", Picture(pixels))
    begin = time.perf_counter()
    open_images(place)
    listed = time.perf_counter() - begin
    tracemalloc.start()
    opened = open_images(place)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    begin, spent = time.perf_counter(), time.process_time()
    ImageIndex().add(opened)
    one, spent = time.perf_counter() - begin, time.process_time() - spent
    begin = time.perf_counter()
    added = ImageIndex().add_many(place, folder / "vectors", on="local")
    many = time.perf_counter() - begin
    line = {
        "images": f"{added.new:,}, 256 × 256, JPEG",
        "listed, files/s": f"{count / listed:,.0f}",
        "bytes a listed file": f"{held / count:.0f}",
        "CPU ms an image": f"{spent / count * 1e3:.2f}",
        "one process, images/s": f"{count / one:,.0f}",
        "--on local with start-up, images/s": f"{count / many:,.0f}",
    }
    print(line, flush=True)
    return {"Images": [line]}
