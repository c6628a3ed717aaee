"""Enclosures of random expressions against thousands of samples in high precision.

python -m benchmarks.soundness [--boxes N] [--samples N] [--processes N] [--first SEED]

A run adds a row to the table, or replaces that of the same first seed.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from multiprocessing import get_context
from typing import Any

import mpmath
import torch
from mpmath import mpf
from torch import Tensor

from benchmarks.tables import read, write
from preimage.intervals.failures import partial
from preimage.intervals.first_order import enclose_jacobian
from tests.expressions import DIGITS, WIDTHS, Expression, Undefined, random_boxes

FIRST_SEED = 1_000_000
"""Other expressions than those of the tests."""

TABLE = "Samples in enclosures"


def _points(low: Tensor, high: Tensor, expression: Expression, count: int, seed: int) -> Tensor:
    """Distinct points of a box: corners, random ones, some on its faces, and extreme ones."""
    generator = torch.Generator().manual_seed(seed)
    p = len(low)
    unit = torch.rand(2 * count, p, generator=generator, dtype=torch.float64)
    face = torch.rand(2 * count, p, generator=generator) < 0.25
    unit[count:] = torch.where(face[count:], unit[count:].round(), unit[count:])
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * p).reshape(-1, p)
    x = (low + (high - low) * torch.cat([corners, unit])).clamp(low, high)
    y = expression.torch(x).nan_to_num(nan=0.0)
    order = [*range(len(corners)), int(y.argmin()), int(y.argmax())]
    order += [i for i in range(len(corners), len(x)) if i not in order[-2:]]
    distinct = list(dict.fromkeys(map(tuple, x[order].tolist())))
    return torch.tensor(distinct[:count], dtype=torch.float64)


def examine(job: tuple[int, int]) -> dict[str, Any]:
    """One expression on one box; how many samples lay in the enclosures, and which did not."""
    seed, samples = job
    source = random.Random(seed)
    inputs = source.randint(1, 3)
    expression = Expression(source, inputs, source.randint(1, 4))
    low, high = random_boxes(source, inputs, 1)
    if bool((low == high).all()):
        high = low + source.choice(WIDTHS[1:])
    with partial():
        value, jacobian = enclose_jacobian(expression.torch, low, high)
    if not bool(value.bounds.finite.all()):
        return {"bounded": False}
    ends = [(value.low[0, 0].item(), value.high[0, 0].item())]
    ends += zip(jacobian.low[0, 0].tolist(), jacobian.high[0, 0].tolist(), strict=True)
    bounds = [(mpf(a), mpf(b)) for a, b in ends]
    checked, undefined, outside = 0, 0, []
    for x in _points(low[0], high[0], expression, samples, seed).tolist():
        try:
            exact = expression.exact([mpf(v) for v in x])
        except (Undefined, OverflowError, ZeroDivisionError):
            undefined += 1
            continue
        checked += 1
        for (least, most), truth in zip(bounds, [exact.value, *exact.slopes], strict=True):
            if not least <= truth <= most:
                outside.append(f"{expression} at {x}: {truth} not in [{least}, {most}]")
    return {
        "bounded": True,
        "checked": checked,
        "undefined": undefined,
        "outside": outside,
        "jacobian": bool(jacobian.bounds.finite.all()),
        "numbers": checked * (1 + inputs),
    }


def main() -> None:
    """Examines expressions until so many had bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    options = parser.parse_args()
    torch.set_num_threads(1)
    mpmath.mp.dps = DIGITS
    totals, outside, drawn, begin = Counter[str](), [], 0, time.monotonic()
    jobs = ((options.first + i, options.samples) for i in range(100 * options.boxes))
    with get_context("spawn").Pool(options.processes) as pool:
        for found in pool.imap(examine, jobs, chunksize=8):
            drawn += 1
            if not found["bounded"]:
                continue
            totals.update({k: int(found[k]) for k in ("bounded", "checked", "undefined")})
            totals.update({k: int(found[k]) for k in ("jacobian", "numbers")})
            outside += found["outside"]
            if totals["bounded"] % 500 == 0 or totals["bounded"] == options.boxes:
                print(totals, len(outside), f"{time.monotonic() - begin:.0f} s", flush=True)
                _record(options.first, drawn, totals, len(outside), options.samples)
            if totals["bounded"] == options.boxes:
                pool.terminate()
                break
    for line in outside[:20]:
        print(line)


def _record(first: int, drawn: int, totals: Counter[str], outside: int, samples: int) -> None:
    """Writes what there is so far, so that a run that is stopped leaves its table."""
    row = {
        "seeds from": first,
        "expressions with a bounded enclosure": totals["bounded"],
        "drawn": drawn,
        "of them with a bounded Jacobian": totals["jacobian"],
        "points": f"{totals['checked']:,}",
        "points a box, mean": f"{totals['checked'] / totals['bounded']:.0f}",
        "undefined there": f"{totals['undefined']:,}",
        "numbers compared": f"{totals['numbers']:,}",
        "outside": outside,
    }
    notes = (
        "Random expressions of one to three inputs and up to four nested operations, each on one "
        "box of a random width from 1e-15 to 4. Its enclosures of value and derivatives are "
        f"compared with the exact value and derivatives, computed by mpmath with {DIGITS} digits, "
        f"at up to {samples:,} distinct points of the box: its corners, the largest and "
        "the smallest value among the sampled ones, random points, and random points on its faces. "
        "A box as narrow as 1e-15 holds fewer points. Expressions whose value has no finite bounds "
        "on the box are drawn again, as there is nothing to refute. A single number outside would "
        "refute the rules; none outside is a test and no proof of them."
    )
    others = [old for old in read("soundness").get(TABLE, []) if old["seeds from"] != first]
    write("soundness", "Soundness of enclosures", {TABLE: [*others, row]}, notes)


if __name__ == "__main__":
    main()
