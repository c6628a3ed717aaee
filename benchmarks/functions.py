"""Function inversion: solved targets, branches found, cost of training, speed, memory, start-up.

python -m benchmarks.functions [--quick]
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq

import preimage
from benchmarks.tables import read, write
from preimage.papers.twin.experiments import EXPERIMENTS, Experiment

SEEDS = range(5)
TRAINING_SEEDS = range(3)
SCAN = 400_001


def solved(targets: int) -> list[dict[str, Any]]:
    """The share of targets answered to 1e-9 of the spread of y, default settings."""
    rows = []
    for experiment in EXPERIMENTS:
        shares, evaluations, worst = [], [], 0.0
        for seed in SEEDS:
            _, y = experiment.draw(targets, torch.Generator().manual_seed(seed))
            spread = float(y.std(dim=0).square().mean().sqrt())
            found = preimage.invert(experiment.function(), y, tol=1e-9 * spread, seed=seed)
            shares.append(float(found.ok[:, 0].double().mean()))
            evaluations.append(found.evaluations / targets)
            worst = max(worst, float(found.residual[found.ok].max()) / spread)
        rows.append(
            {
                "experiment": f"{experiment.number} {experiment.name}",
                "solved, mean of 5 seeds": f"{100 * statistics.mean(shares):.3f} %",
                "least": f"{100 * min(shares):.3f} %",
                "worst residual / spread": f"{worst:.1e}",
                "calls of f a target": f"{statistics.mean(evaluations):.0f}",
            }
        )
    return rows


def branches(targets: int) -> list[dict[str, Any]]:
    """Branches found and branches reported, against all that there are."""
    rows = []
    for experiment in [*EXPERIMENTS[:3], EXPERIMENTS[6]]:
        there = found = reported = false = 0
        for seed in SEEDS:
            _, y = experiment.draw(targets, torch.Generator().manual_seed(seed))
            answers = preimage.invert(experiment.function(), y, n=32)
            for i in range(targets):
                truth = _roots(experiment, y[i])
                mine = answers.x[i][answers.ok[i]].numpy()
                gap = np.abs(truth[:, None] - mine[None]).max(axis=2)
                gap = np.pad(gap, ((0, 0), (0, 1)), constant_values=np.inf)
                there, reported = there + len(truth), reported + len(mine)
                found += int((gap.min(axis=1) < 1e-5).sum())
                false += int((gap.min(axis=0)[: len(mine)] >= 1e-5).sum()) if len(truth) else 0
        rows.append(
            {
                "experiment": f"{experiment.number} {experiment.name}",
                "branches": there,
                "found": f"{100 * found / there:.3f} %",
                "reported": reported,
                "not a branch": false,
            }
        )
    return rows


def _roots(experiment: Experiment, target: torch.Tensor) -> np.ndarray:
    """All preimages: by a fine scan for sign changes, or the arm's closed form."""
    if experiment.box.dim == 2:
        return _elbows(*target.tolist())
    low, high = float(experiment.box.low), float(experiment.box.high)
    wanted = float(target)

    def miss(x: float) -> float:
        return float(experiment.fn(torch.tensor([[x]], dtype=torch.float64))) - wanted

    grid = torch.linspace(low, high, SCAN, dtype=torch.float64)
    sign = (experiment.fn(grid) - wanted).sign()
    change = (sign[:-1] * sign[1:] < 0).nonzero()[:, 0].tolist()
    roots = [brentq(miss, float(grid[i]), float(grid[i + 1]), xtol=1e-14) for i in change]
    roots += grid[sign == 0].tolist()
    return np.array(roots).reshape(-1, 1)


def _elbows(x: float, y: float) -> np.ndarray:
    """Both elbows of the 2-link arm with unit links, where they are within the limits."""
    cosine = (x * x + y * y) / 2 - 1
    out = []
    for elbow in {math.acos(cosine), -math.acos(cosine)}:
        shoulder = math.atan2(y, x) - math.atan2(math.sin(elbow), 1 + math.cos(elbow))
        shoulder = math.remainder(shoulder, 2 * math.pi)
        if max(abs(shoulder), abs(elbow)) <= math.pi / 2 + 1e-12:
            out.append([shoulder, elbow])
    return np.array(out).reshape(-1, 2)


def training() -> list[dict[str, Any]]:
    """CPU seconds of TwinInverter().fit on measured data, its surrogate included."""
    rows = []
    for experiment in EXPERIMENTS:
        seconds, errors = [], []
        for seed in TRAINING_SEEDS:
            source = torch.Generator().manual_seed(seed)
            x, exact = experiment.draw(experiment.points, source)
            y = experiment.blur(exact, source)
            anchors, test = experiment.points * 3 // 5, experiment.points // 5
            begin = time.process_time()
            twin = preimage.TwinInverter(seed=seed, polish=False)
            twin.fit(x[:anchors], y[:anchors])
            seconds.append(time.process_time() - begin)
            found = twin.invert(y[-test:], n=1)
            again = experiment.fn(found.x[:, 0]).reshape(test, -1)
            errors.append(float((again - y[-test:]).square().nanmean().sqrt()))
        rows.append(
            {
                "experiment": f"{experiment.number} {experiment.name}",
                "CPU s, mean of 3 seeds": f"{statistics.mean(seconds):.1f}",
                "most": f"{max(seconds):.1f}",
                "RMSE in y, without polish": f"{statistics.mean(errors):.5f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


_RATE = """
import json, resource, sys, time, torch, preimage
from preimage.papers.twin.experiments import EXPERIMENTS
arm, count = EXPERIMENTS[6], int(sys.argv[1])
_, y = arm.draw(count, torch.Generator().manual_seed(0))
inverter = preimage.GradientInverter().fit_function(arm.function())
inverter.invert(y[:100])
begin = time.perf_counter()
found = inverter.invert(y)
seconds = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(json.dumps([count / seconds, peak, float(found.ok[:, 0].double().mean())]))
"""


def speed(counts: list[int]) -> list[dict[str, Any]]:
    """Targets a second and peak memory on experiment 7, each in a fresh process."""
    rows = []
    for count in counts:
        rate, peak, share = _fresh(_RATE, str(count))
        rows.append(
            {
                "targets of experiment 7": count,
                "targets / s": f"{rate:.0f}",
                "peak memory": f"{peak:.2f} GiB",
                "solved": f"{100 * share:.3f} %",
            }
        )
    return rows


def start_up() -> list[dict[str, Any]]:
    """Wall time of imports and of the command line's help: the median of nine processes."""
    median = {
        name: _median([sys.executable, "-c", code])
        for name, code in {"torch": "import torch", "preimage": "import torch, preimage"}.items()
    }
    alone = _median([sys.executable, "-c", "import preimage"])
    help_ = _median([str(Path(sys.executable).with_name("preimage")), "--help"])
    ratio = median["preimage"] / median["torch"]
    return [
        {"what": "import torch", "time": f"{median['torch']:.2f} s"},
        {"what": "import torch, preimage; over import torch", "time": f"{ratio:.2f} times"},
        {"what": "import preimage", "time": f"{alone:.2f} s"},
        {"what": "preimage --help", "time": f"{help_:.2f} s"},
    ]


def _median(command: list[str]) -> float:
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _fresh(code: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def main() -> None:
    """Runs everything and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few targets, for a look")
    parser.add_argument("--only", default="", help="a word of the section to measure again")
    arguments = parser.parse_args()
    quick = arguments.quick
    notes = (
        "The nine experiments of the twin-network paper, data redrawn for seeds 0 to 4. Solved: "
        "the best answer's residual is at most 1e-9 of the spread (root mean variance) of y. "
        "Branches: against all sign changes of a scan with 400,001 points, refined by bisection, "
        "or the closed form of the arm. Training: CPU seconds of `TwinInverter().fit` on the "
        "anchors with noisy y for seeds 0 to 2, its surrogate included; RMSE of the exact f at "
        "the best answer for noisy test targets, some of which no x can reach. "
        "`python -m benchmarks.functions`."
    )
    sections = read("functions")
    for title, measure in {
        "Speed and memory": lambda: speed([10_000] if quick else [100_000, 1_000_000]),
        "Start-up": start_up,
        "Solved, exact f": lambda: solved(100 if quick else 1000),
        "Branches, exact f": lambda: branches(20 if quick else 500),
        "TwinInverter on noisy data": training,
    }.items():
        if arguments.only not in title:
            continue
        sections[title] = measure()
        write("functions", "Function inversion", sections, notes)
        print(title, *sections[title], sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
