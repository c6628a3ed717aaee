"""Verdicts on functions of which the truth is known, on random networks, and on large ones.

python -m benchmarks.verdicts
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.tables import write
from preimage import Reals, check
from preimage.verdicts import Report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from check_cases import FACTS, MORE, OPEN, Case, Coupling, gaussian  # pyright: ignore[reportMissingImports]
from check_traps import TRAPS  # pyright: ignore[reportMissingImports]

BUDGET = 10.0
"""Seconds that a verdict may take."""

SIZES = ((2, 8), (4, 16), (8, 32), (16, 64), (32, 128))

SEEDS = range(5)


def _timed(f: Any, *asked: Any, **settings: Any) -> tuple[Report, float, float]:
    """The report, with CPU and wall seconds."""
    cpu, wall = time.process_time(), time.monotonic()
    report = check(f, *asked, budget=BUDGET, **settings)
    return report, time.process_time() - cpu, time.monotonic() - wall


def _claims(case: Case, report: Report) -> list[tuple[str, str]]:
    """What was found and what is true, where the table says."""
    pairs = (
        (report.injective.status.value, case.injective),
        (report.surjective.status.value, case.surjective),
    )
    return [(found, truth) for found, truth in pairs if truth != OPEN]


def cases() -> list[dict[str, Any]]:
    """The cases of the tests: how many verdicts are right, open, and wrong."""
    rows = []
    for name, table in (("published facts", FACTS), ("further", MORE), ("traps", TRAPS)):
        cpu, wall, open_, wrong, asked = [], [], 0, 0, 0
        for case in table:
            f = case.make()
            settings = {"semantics": case.semantics}
            report, used, passed = _timed(f, case.domain, case.codomain, **settings)
            cpu.append(used)
            wall.append(passed)
            for found, truth in _claims(case, report):
                decided = found not in ("unknown", "no collision above resolution")
                asked += 1
                open_ += not decided
                wrong += decided and found != truth
        rows.append(
            {
                "cases": name, "functions": len(table), "questions": asked, "wrong": wrong,
                "undecided": open_, "decided": f"{100 * (1 - open_ / asked):.1f} %",
                "median CPU s": f"{statistics.median(cpu):.3f}",
                "longest CPU s": f"{max(cpu):.2f}", "longest wall s": f"{max(wall):.2f}",
            }
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def refutations() -> list[dict[str, Any]]:
    """Random networks with as many outputs as inputs: a pair of points with one value."""
    rows = []
    for kind in (nn.Tanh, nn.ReLU):
        for n, hidden in SIZES:
            cpu, refuted, pairs, confirmed = [], 0, 0, 0
            for seed in SEEDS:
                with torch.random.fork_rng():
                    torch.manual_seed(seed)
                    net = gaussian(n, hidden, n, activation=kind).eval()
                report, used, _ = _timed(net, Reals(n), seed=seed)
                cpu.append(used)
                refuted += report.injective.status.value == "refuted"
                pairs += report.injective.certificate.get("kind") == "pair"
                settled = report.injective.status.decided
                confirmed += settled and report.injective.recheck(net)
            rows.append(
                {
                    "network": f"{kind.__name__} {n}-{hidden}-{n}", "networks": len(SEEDS),
                    "refuted": refuted, "with a colliding pair": pairs, "rechecked": confirmed,
                    "median CPU s": f"{statistics.median(cpu):.2f}",
                    "longest CPU s": f"{max(cpu):.2f}",
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


class _Glow(nn.Module):
    """Activation norm, 1×1 convolution and an affine coupling, as in Glow."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        nn.init.orthogonal_(self.mix.weight)
        self.net = nn.Sequential(
            nn.Conv2d(channels // 2, hidden, 3, padding=1), nn.ReLU(),
            nn.Conv2d(hidden, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(self.norm(x))
        a, b = x.chunk(2, dim=1)
        scale, shift = self.net(a).chunk(2, dim=1)
        return torch.cat([a, b * torch.sigmoid(scale + 2) + shift], dim=1)


def _glow() -> nn.Module:
    steps = [_Glow(12, 64) for _ in range(8)] + [nn.PixelUnshuffle(2)]
    steps += [_Glow(48, 64) for _ in range(8)]
    return nn.Sequential(nn.PixelUnshuffle(2), *steps)


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after),
            nn.ReLU(inplace=True), nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )  # fmt: skip
        self.short = nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.short(x))


def _resnet18() -> nn.Module:
    widths = (64, 64, 128, 128, 256, 256, 512, 512)
    blocks, before = [], 64
    for place, width in enumerate(widths):
        blocks.append(_Block(before, width, 2 if place in (2, 4, 6) else 1))
        before = width
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def _dcgan() -> nn.Module:
    def block(before: int, after: int, stride: int, padding: int) -> list[nn.Module]:
        turned = nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False)
        return [turned, nn.BatchNorm2d(after), nn.ReLU(True)]

    return nn.Sequential(
        nn.Unflatten(1, (100, 1, 1)), *block(100, 512, 1, 0), *block(512, 256, 2, 1),
        *block(256, 128, 2, 1), *block(128, 64, 2, 1),
        nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip


def large() -> list[dict[str, Any]]:
    """Networks of the usual sizes, by their structure."""
    nets: list[tuple[str, Callable[[], nn.Module], Reals]] = [
        ("Glow, 16 steps, 3×32×32", _glow, Reals((3, 32, 32))),
        ("ResNet-18 classifier, 3×32×32", _resnet18, Reals((3, 32, 32))),
        ("DCGAN generator, 100 to 3×64×64", _dcgan, Reals(100)),
        ("8 affine couplings, 64", lambda: nn.Sequential(
            *[Coupling(64, affine=True, swap=bool(i % 2)) for i in range(8)]), Reals(64)),
    ]  # fmt: skip
    rows = []
    for name, make, domain in nets:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net = make().eval()
        report, used, wall = _timed(net, domain)
        rows.append(
            {
                "network": name, "weights": f"{sum(w.numel() for w in net.parameters()):,}",
                "injective": f"{report.injective.status} ({report.injective.rule})",
                "surjective": f"{report.surjective.status} ({report.surjective.rule})",
                "CPU s": f"{used:.2f}", "wall s": f"{wall:.2f}",
            }
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Runs all parts and writes `results/verdicts.md` and `results/verdicts.json`."""
    torch.set_num_threads(1)
    check(nn.Tanh(), Reals(1))
    sections = {
        "Functions with known truth": cases(),
        "Random networks": refutations(),
        "Large networks": large(),
    }
    notes = (
        "CPU time on one thread of a machine that did other work beside; wall times suffer from "
        f"that. A verdict may take {BUDGET:.0f} s. The first table counts the questions of which "
        "the tests state the truth. Networks are Gaussian with variance 1 / inputs, five seeds "
        "each, on all real vectors. Rules were mended on the traps, and on nothing else."
    )
    write("verdicts", "Verdicts", sections, notes)


if __name__ == "__main__":
    main()
