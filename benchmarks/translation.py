"""How fast a translation trains, beside a plain loop of the same networks; how fast files go.

python -m benchmarks.translation [--device cpu] [--size 128] [--width 16] [--steps 40]

Results are kept by device; sections that were not asked for stay as they are.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam

from benchmarks.tables import read, write
from preimage.images import Picture, writing_pictures
from preimage.runtime import generator
from preimage.translation import Pairs, SelfInverse, preset
from preimage.translation.networks import PatchGAN, UNet
from preimage.translation.running import TOGETHER, translate_files

BATCHES = (1, 16)
PAIRS = 64
WARM = 20
"""Steps before the clock of the plain loop starts."""

ROUNDS = 3

PARTS = 5
"""A training is so many times as long as what is timed at once."""


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
        device: Where.
        size: The sides of the images.
        width: Of the networks.
        steps: Of a timed part of a training of batches of one; larger batches have fewer.
    """

    device: str
    size: int
    width: int
    steps: int

    def steps_of(self, batch: int) -> int:
        """Steps that are timed at once."""
        return max(10, self.steps // (1 if batch == 1 else 4))

    def wait(self) -> None:
        """Until the device is done."""
        if self.device == "cuda":
            torch.cuda.synchronize()


def _photos(n: int, side: int, seed: int) -> Tensor:
    """Images with about the spectrum of photos, in [0, 1]: PNG decodes noise at another speed."""
    coarse = torch.rand(n, 3, side // 16, side // 16, generator=generator(seed))
    return functional.interpolate(coarse, size=side, mode="bilinear")


def _plain(case: Case, batch: int) -> float:
    """Images a second of a loop as it is written first: float32, batches that are in place."""
    f = UNet(3, size=case.size, width=case.width, generator=generator(0))
    d = PatchGAN(3, width=case.width, generator=generator(1))
    for net in (f, d):
        net.to(case.device, memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
    x, y = (2 * _photos(batch, case.size, seed).to(case.device) - 1 for seed in (2, 3))
    of_f, of_d = (Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (f, d))

    def step() -> None:
        answer = f(x)
        of_real, of_answer = d(x, y), d(x, answer.detach())
        loss = (functional.softplus(-of_real).mean() + functional.softplus(of_answer).mean()) / 2
        of_d.zero_grad()
        loss.backward()
        of_d.step()
        d.requires_grad_(False)
        fooled = functional.softplus(-d(x, answer)).mean()
        of_f.zero_grad()
        (100 * (answer - y).abs().mean() + fooled).backward()
        of_f.step()
        d.requires_grad_(True)

    for _ in range(WARM if case.device == "cuda" else 2):
        step()
    seconds = []
    for _ in range(ROUNDS):
        case.wait()
        begin = time.perf_counter()
        for _ in range(case.steps_of(batch)):
            step()
        case.wait()
        seconds.append(time.perf_counter() - begin)
    return batch * case.steps_of(batch) / statistics.median(seconds)


def _fitted(case: Case, model: SelfInverse, parts: int) -> float:
    """Images a second of `fit`, with batches cut from images on the CPU; later parts alone count.

    Args:
        case: What is measured.
        model: With its batch.
        parts: The training is that many times as long as what is timed at once.
    """
    side = round(case.size * 286 / 256)
    a, b = ((255 * _photos(PAIRS, side, seed)).round().to(torch.uint8) for seed in (4, 5))
    pairs = Pairs.from_arrays(a, b)
    part = case.steps_of(model.batch)
    repeats = 2 if model.directions == "alternating" else 1
    per_epoch = PAIRS // model.batch * repeats
    steps = parts * part
    model = replace(model, epochs=steps / per_epoch, device=case.device)
    trainer = replace(model.trainer(steps), log_every=part, progress=False)
    model.trainer = lambda steps: trainer  # pyright: ignore[reportAttributeAccessIssue]
    model.fit(pairs)
    clock = [record["seconds"] for record in model.history_.records] if model.history_ else []
    spans = [after - before for before, after in pairwise(clock)]
    images = model.batch * part * (1 if repeats == 2 else 2)
    return images / statistics.median(spans[-ROUNDS:])


def training(case: Case) -> Iterator[dict[str, Any]]:
    """Rows of the table of trainings of the paper's networks."""
    paper = SelfInverse(size=case.size, width=case.width)
    for batch in BATCHES:
        plain = _plain(case, batch)
        yield _row("plain loop, float32, batches in place", batch, plain, plain)
        for name, model in _variants(case, replace(paper, batch=batch)).items():
            yield _row(f"fit, {name}", batch, _fitted(case, model, PARTS), plain)


def default(case: Case) -> Iterator[dict[str, Any]]:
    """Rows of the table of trainings of the default."""
    model = replace(preset("default", SelfInverse), size=case.size, width=case.width)
    first = None
    for name, variant in _variants(case, model).items():
        speed = _fitted(case, variant, PARTS)
        first = first or speed
        yield _row(f"fit, {name}", model.batch, speed, first)


def _variants(case: Case, model: SelfInverse) -> dict[str, SelfInverse]:
    """In float32, and as fast as the device allows."""
    if case.device == "cpu":
        return {"float32": model, "bf16": replace(model, mixed_precision="bf16")}
    fast = replace(model, mixed_precision="bf16", compiled=True)
    return {"float32": model, "bf16, compiled": fast}


def _row(what: str, batch: int, speed: float, plain: float) -> dict[str, Any]:
    return {
        "": what,
        "batch": batch,
        "images/s": f"{speed:.1f}",
        "of the first of its kind": f"{speed / plain:.2f}",
    }


@dataclass(frozen=True)
class Cost:
    """What a call took: seconds of the clock, and CPU seconds of the thread of the network."""

    wall: float
    main: float


def _timed(call: Callable[[], Any]) -> Cost:
    wall, main = time.perf_counter(), time.thread_time()
    call()
    return Cost(time.perf_counter() - wall, time.thread_time() - main)


def folder(case: Case, count: int) -> Iterator[dict[str, Any]]:
    """Rows of the table of files: a folder, beside the network alone."""
    pairs = Pairs.from_arrays(*(_photos(2, case.size, seed) for seed in (6, 7)))
    model = SelfInverse(size=case.size, width=case.width, epochs=1, device=case.device).fit(pairs)
    network = model.networks_["f"].to(case.device)
    images = _photos(count, case.size, 8)
    parts = [
        (2 * part - 1).to(case.device).contiguous(memory_format=torch.channels_last)
        for part in images.split(TOGETHER)
    ]

    def alone() -> None:
        with torch.no_grad():
            for part in parts:
                network(part)
        case.wait()

    with tempfile.TemporaryDirectory() as place:
        given, fresh = Path(place) / "images", iter(range(100))
        with writing_pictures(given) as put:
            for i, image in enumerate(images):
                put(f"{i:06d}.png", Picture(image))
        calls = {
            "the network alone, batches in place": alone,
            "translate_files, a folder of PNG to a folder of PNG": lambda: translate_files(
                model, given, Path(place) / f"out{next(fresh)}"
            ),
        }
        met: dict[str, list[Cost]] = {name: [] for name in calls}
        for name, call in calls.items():
            call()
            met[name].clear()
        for _ in range(ROUNDS):
            for name, call in calls.items():
                met[name].append(_timed(call))
    least = {
        name: Cost(min(one.wall for one in some), min(one.main for one in some))
        for name, some in met.items()
    }
    first = next(iter(least.values()))
    for name, cost in least.items():
        yield {
            "": name,
            "images": count,
            "images/s": f"{count / cost.wall:.1f}",
            "share": f"{first.wall / cost.wall:.0%}",
            "ms an image, thread of the network": f"{1e3 * cost.main / count:.2f}",
            "share of that": f"{first.main / cost.main:.0%}",
        }


NOTES = f"""Training: the paper's U-Net and PatchGAN on colour images, one direction a step, as the
self-inverse method takes them. The plain loop has its batches in place on the device, contiguous
weights, float32 with what torch allows convolutions by default (TF32 on a GPU), and torch's Adam.
`fit` is all of the product's training: windows cut by threads, channels-last weights, fused Adam,
log. Images a second are those translated and learned from; a step of the default has both
directions of its batch, and a round trip. The median of {ROUNDS} parts.

Files: the least of {ROUNDS} rounds, in which both take turns; reading, writing and the conversion
of numbers are included, on as many threads as there are cores."""


def main() -> None:
    """Measures, and writes the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--only", choices=("training", "default", "files"))
    chosen = parser.parse_args()
    case = Case(chosen.device, chosen.size, chosen.width, chosen.steps)
    where = f"{_device(case.device)}, {case.size} by {case.size}, width {case.width}"
    results = f"translation_{case.device}"
    sections = read(results)
    parts = {
        "training": lambda: training(case),
        "default": lambda: default(case),
        "files": lambda: folder(case, chosen.images),
    }
    for name, part in parts.items():
        if chosen.only in (None, name):
            rows = []
            for row in part():
                rows.append(row)
                print(row, flush=True)
            sections[f"{name}: {where}"] = rows
            write(results, "Translations: training and files", sections, NOTES)


def _device(kind: str) -> str:
    if kind == "cuda":
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} thread(s)"


if __name__ == "__main__":
    main()
