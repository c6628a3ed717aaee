"""How fast images are encoded, beside the networks alone; and what a training step takes.

python -m benchmarks.generators [--quick] [--device cuda]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.tables import write
from preimage.generators import CombinedInverter, EncoderInverter, Generator, Uniform
from preimage.generators.collection import invert_into
from preimage.generators.learned import LearnedInverter
from preimage.images import Picture, writing_pictures
from preimage.nets.convolutional import DeconvNet

BATCH = 256
"""What the inverters take at a time."""


def _model(width: int, method: type[LearnedInverter], device: str) -> LearnedInverter:
    draws = torch.Generator().manual_seed(0)
    net = DeconvNet(100, size=64, channels=3, width=width, generator=draws)
    generator = Generator(net, prior=Uniform(100))
    return method(width=width, steps=1, batch=8, device=device).fit(generator)


def _forward(inverter: LearnedInverter, images: Tensor) -> Callable[[], None]:
    """The networks alone, as often as the inverter calls them, on batches that are in place."""
    device = inverter.fitted.device
    parts = [
        one.to(device).contiguous(memory_format=torch.channels_last)
        for one in (images.float() / 255).split(BATCH)
    ]

    def loop() -> None:
        with torch.no_grad():
            for part in parts:
                z = inverter.fitted.prior.from_free(inverter.encoder_(part))
                for _ in range(inverter.passes):
                    inverter.encoder_(inverter.fitted(z))
                inverter.fitted(z)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return loop


@dataclass(frozen=True)
class Cost:
    """What a call took.

    Attributes:
        wall: Seconds.
        main: CPU seconds of the thread that runs the networks.
        others: CPU seconds of the threads that decode and write.
    """

    wall: float
    main: float
    others: float


PARTS = [one.name for one in fields(Cost)]


def _timed(call: Callable[[], Any]) -> Cost:
    wall, main, whole = time.perf_counter(), time.thread_time(), time.process_time()
    call()
    own = time.thread_time() - main
    return Cost(time.perf_counter() - wall, own, time.process_time() - whole - own)


def _least(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, Cost]:
    """The least cost of each; they take turns, so that all meet the same machine."""
    met: dict[str, list[Cost]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            met[name].append(_timed(call))
    return {
        name: Cost(*(min(getattr(one, part) for one in some) for part in PARTS))
        for name, some in met.items()
    }


def _rows(
    width: int, method: type[LearnedInverter], n: int, rounds: int, device: str
) -> list[dict[str, Any]]:
    inverter = _model(width, method, device)
    draws = torch.Generator().manual_seed(1)
    # Images with the spectrum of photos, about: PNG does not decode noise at the speed of photos.
    coarse = torch.rand(n, 3, 16, 16, generator=draws)
    smooth = torch.nn.functional.interpolate(coarse, size=64, mode="bilinear")
    images = (smooth * 255).round().to(torch.uint8)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "images"
        with writing_pictures(folder) as put:
            for i, image in enumerate(images):
                put(f"{i:06d}.png", Picture(image / 255))
        fresh = iter(range(10_000))

        def stream(source: Any) -> Callable[[], None]:
            def call() -> None:
                for _ in inverter.stream(source):
                    pass

            return call

        def to_files() -> None:
            invert_into(inverter, folder, Path(place) / f"out{next(fresh)}")

        calls: dict[str, Callable[[], Any]] = {
            "networks alone": _forward(inverter, images),
            "an array, codes and reconstructions": stream(images),
            "a folder of PNG, codes and reconstructions": stream(folder),
            "a folder of PNG to a folder of PNG and a table": to_files,
        }
        least = _least(calls, rounds)
    alone = least["networks alone"]
    return [
        {
            "method": inverter.kind,
            "passes": inverter.passes,
            "width": width,
            "from": name,
            "ms an image, network thread": f"{1e3 * cost.main / n:.2f}",
            "other threads": f"{1e3 * cost.others / n:.2f}",
            "share of the networks": f"{alone.main / cost.main:.0%}",
            "wall": f"{1e3 * cost.wall / n:.2f}",
        }
        for name, cost in least.items()
    ]


def main() -> None:
    """Measures, and writes the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    rounds = 2 if chosen.quick else 7
    rows: list[dict[str, Any]] = []
    for width, n in ((16, 2048), (64, 512)):
        for method in (EncoderInverter, CombinedInverter):
            rows += _rows(width, method, n // (4 if chosen.quick else 1), rounds, chosen.device)
            print(*rows[-4:], sep="\n", flush=True)
    notes = (
        "Images of 64 by 64 in colour, float32, batches of 256. The networks alone are the calls "
        "of encoder and generator that the method makes, on batches that are in place. The "
        f"least of {rounds} rounds, in which all take turns. {torch.get_num_threads()} torch "
        f"thread(s), device {chosen.device}. CPU milliseconds an image: of the thread that runs "
        "the networks, and of those that decode and write beside it. With cores to spare for the "
        "others, the share of the networks is the throughput over that of the networks alone; wall "
        "time says that only on a machine that is otherwise idle."
    )
    write("generators", "Encoding images", {"throughput": rows}, notes)


if __name__ == "__main__":
    main()
