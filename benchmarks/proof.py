"""All solutions with proof, beside codac; and what it costs to prove the answers of a search.

python -m benchmarks.proof [--quick]
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

import preimage
from benchmarks.tables import write
from preimage.intervals.branch_and_prune import solve_all
from preimage.intervals.krawczyk import certify
from preimage.papers.twin.experiments import EXPERIMENTS, planar_arm

codac: Any = import_module("codac")

EPS = 1e-6
"""Boxes narrower than this are not cut further: in x for codac, in box widths for preimage."""

SEEDS = range(5)


@dataclass(frozen=True)
class Case:
    """One equation in both languages; `half` is the half-width of the box around 0."""

    name: str
    fn: Callable[[Tensor], Tensor]
    symbols: Callable[[Any], list[Any]]
    y: Tensor
    half: float


def _network(p: int, hidden: int, seed: int) -> nn.Sequential:
    source = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Linear(p, hidden), nn.Tanh(), nn.Linear(hidden, p)).double()
    for tensor in network.parameters():
        # Gain 2 folds the plane a few times.
        spread = 2 / math.sqrt(tensor.shape[1]) if tensor.ndim > 1 else 1.0
        tensor.data = spread * torch.randn(tensor.shape, generator=source, dtype=torch.float64)
    return network


def _symbolic(network: nn.Sequential) -> Callable[[Any], list[Any]]:
    inner, outer = [layer for layer in network if isinstance(layer, nn.Linear)]

    def weighted(layer: Any, parts: list[Any]) -> list[Any]:
        rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        return [
            sum((w * part for w, part in zip(weights, parts, strict=True)), bias)
            for weights, bias in rows
        ]

    def build(x: Any) -> list[Any]:
        hidden = weighted(inner, [x[i] for i in range(inner.in_features)])
        return weighted(outer, [codac.tanh(h) for h in hidden])

    return build


def _cases() -> list[Case]:
    def bivariate(v: Any) -> list[Any]:
        x, y = v[0], v[1]
        return [x**3 - 2 * x * y**2 + 5 * x + 5 * y, y**2 - 2 * x * y + 3 * x - 2 * y]

    def trivariate(v: Any) -> list[Any]:
        x, y, z = v[0], v[1], v[2]
        return [x**2 - y**2 + z, 2 * x * y + z, x + y + z**2]

    def arm(v: Any) -> list[Any]:
        both = v[0] + v[1]
        return [
            codac.cos(v[0]) + codac.cos(both),
            codac.sin(v[0]) + codac.sin(both),
        ]

    a5, a6 = EXPERIMENTS[4].fn, EXPERIMENTS[5].fn
    two, three = torch.tensor([[0.5, -0.7]]).double(), torch.tensor([[0.5, -0.7, 0.3]]).double()
    cubic = torch.tensor([0.2]).double()
    cases = [
        Case("x^3 - x = .2", lambda x: x**3 - x, lambda v: [v[0] ** 3 - v[0]], cubic, 2.0),
        Case("2-link arm at (1.2, .7)", planar_arm, arm, torch.tensor([1.2, 0.7]).double(), 3.2),
        Case("A.5", a5, bivariate, a5(two)[0], 3.0),
        Case("A.6", a6, trivariate, a6(three)[0], 3.0),
    ]
    for p, hidden in ((2, 32), (3, 16)):
        for seed in SEEDS:
            network = _network(p, hidden, seed)
            source = torch.Generator().manual_seed(seed)
            x = 2 * torch.rand(1, p, generator=source, dtype=torch.float64) - 1
            name = f"tanh {p}-{hidden}-{p}, seed {seed}"
            y = network(x)[0].detach()
            cases.append(Case(name, network, _symbolic(network), y, 2.0))
    return cases


def _median(run: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    result, times = run(), []
    for _ in range(repeats):
        begin = time.process_time()
        result = run()
        times.append(time.process_time() - begin)
    return result, statistics.median(times)


def exhaustive(repeats: int, limit: float) -> list[dict[str, Any]]:
    """All solutions in a box, by both."""
    rows = []
    for case in _cases():
        p = len(case.y)
        bound = torch.full((p,), case.half, dtype=torch.float64)

        def mine(case: Case = case, bound: Tensor = bound) -> Any:
            return solve_all(case.fn, case.y, -bound, bound, width=EPS)

        found, ours = _median(mine, repeats)
        box_ = preimage.Box([-case.half] * p, [case.half] * p)
        whole, public = _median(
            lambda c=case, b=box_: preimage.invert(c.fn, c.y[None], b, exhaustive=True), repeats
        )
        again = whole.certify().certificates
        contractor, box = _contractor(case, case.y)
        begin = time.process_time()
        paving = codac.pave(box, contractor, EPS)
        once = time.process_time() - begin
        theirs = once
        if once < limit:
            _, theirs = _median(lambda c=contractor, b=box: codac.pave(b, c, EPS), repeats)
        clusters = paving.connected_subsets()
        held = sum(any(_holds(cluster.box(), x) for x in found.x.tolist()) for cluster in clusters)
        rows.append(
            {
                "equation": case.name,
                "preimages": int(whole.enumeration.total[0]),
                "status": str(whole.status[0]),
                "certified again": int(again.proved.sum()),
                "boxes": found.boxes,
                "invert ms": f"{1e3 * public:.1f}",
                "search ms": f"{1e3 * ours:.1f}",
                "codac clusters": len(clusters),
                "of them spurious": len(clusters) - held,
                "codac ms": f"{1e3 * theirs:.1f}",
                "codac / search": f"{theirs / ours:.2f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


def _contractor(case: Case, y: Tensor) -> tuple[Any, Any]:
    """What codac contracts boxes with, and the box."""
    p = len(y)
    v = codac.VectorVar(p)
    f = codac.AnalyticFunction([v], codac.vec(*case.symbols(v)))
    contractor = codac.CtcInverse(f, codac.IntervalVector([[t, t] for t in y.tolist()]))
    return contractor, codac.IntervalVector([[-case.half, case.half]] * p)


def together(repeats: int, formulas: int, networks: int) -> list[dict[str, Any]]:
    """Many targets in one call, whose cells go through the passes together."""
    rows = []
    for case in _cases():
        if "seed" in case.name and not case.name.endswith("seed 0"):
            continue
        p, count = len(case.y), networks if "seed" in case.name else formulas
        source = torch.Generator().manual_seed(7)
        x = case.half / 2 * (2 * torch.rand(count, p, generator=source, dtype=torch.float64) - 1)
        y = case.fn(x).detach().reshape(count, p)
        box = preimage.Box([-case.half] * p, [case.half] * p)
        found, ours = _median(
            lambda c=case, y=y, b=box: preimage.invert(c.fn, y, b, exhaustive=True, budget=60.0),
            repeats,
        )
        ready = [_contractor(case, target) for target in y]
        begin = time.process_time()
        clusters = [len(codac.pave(b, c, EPS).connected_subsets()) for c, b in ready]
        theirs = time.process_time() - begin
        whole = sum(status is preimage.Status.ALL_FOUND for status in found.status)
        rows.append(
            {
                "equation": case.name,
                "targets": count,
                "all preimages found": whole,
                "preimages": int(found.enumeration.total.sum()),
                "codac clusters": sum(clusters),
                "invert, ms a target": f"{1e3 * ours / count:.2f}",
                "codac, ms a target": f"{1e3 * theirs / count:.2f}",
                "codac / preimage": f"{theirs / ours:.2f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


def _holds(box: Any, x: list[float]) -> bool:
    return all(box[i].lb() - 1e-9 <= t <= box[i].ub() + 1e-9 for i, t in enumerate(x))


def answers(repeats: int, count: int) -> list[dict[str, Any]]:
    """The proof of many answers at once: a true solution near each, and how near."""
    rows = []
    networks = [(f"tanh {p}-{h}-{p}", _network(p, h, 0), p) for p, h in ((2, 32), (3, 16), (8, 64))]
    functions = [("2-link arm", planar_arm, 2), ("A.5", EXPERIMENTS[4].fn, 2), *networks]
    for name, fn, p in functions:
        source = torch.Generator().manual_seed(1)
        x = 2 * torch.rand(count, p, generator=source, dtype=torch.float64) - 1
        y = fn(x).detach()
        found, spent = _median(lambda f=fn, x=x, y=y: certify(f, x, y), repeats)
        proved = found.proved
        rows.append(
            {
                "function": name,
                "answers": count,
                "proved": f"{100 * float(proved.double().mean()):.2f} %",
                "median radius": f"{float(found.radius[proved].median()):.1e}",
                "median isolation": f"{float(found.isolation[proved].median()):.2g}",
                "us an answer": f"{1e6 * spent / count:.0f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Runs both parts and writes `results/proof.md` and `results/proof.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    repeats = 3 if quick else 5
    sections = {
        "All solutions in a box": exhaustive(repeats, 0.3),
        "Many targets in one call": together(1, 20, 3) if quick else together(2, 200, 10),
        "Proof of given answers": answers(3, 200 if quick else 500),
    }
    notes = (
        "Medians of CPU time on one thread, after a first call that is not counted; codac "
        f"{version('codac')} needs every function rewritten in its own symbols, and that time is "
        "not counted either. It returns clusters of boxes that may hold a solution and proves "
        "nothing about them; a cluster is called spurious if none of the solutions that are proved "
        "to be all lies in it. Weights and targets of the networks are random, of gain 2, five "
        "seeds each; the box is [-2, 2] in every input. `invert` is the public call, "
        "preimage.invert(..., exhaustive=True); "
        "most of what it takes beyond the search is a sample of 4,096 points for the tolerance. "
        "Targets of the second table are images of random points of the middle of the box; for "
        "them, codac contracts one target after the other, and contractors are built before."
    )
    if not quick:
        write("proof", "Answers with proof", sections, notes)


if __name__ == "__main__":
    main()
