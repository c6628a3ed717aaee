"""Other solvers of inverse kinematics, brought to one form for `benchmarks.arms`.

They are optional: `pip install pytracik pytorch-kinematics ssik EAIK`.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

TRAC_IK_EPSILON = 1e-5
"""TRAC-IK's own default, in metres and radians."""

Solve = Callable[[np.ndarray], np.ndarray]
"""From transforms `(targets, 4, 4)` to one posture each, NaN where none was found."""


Check = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Which postures meet their targets."""


def trac_ik(path: Path, base: str, tip: str, low: np.ndarray, high: np.ndarray) -> Solve:
    """TRAC-IK, "Speed", from the middle of the limits, at most 50 ms a target."""
    from trac_ik import TracIK  # pyright: ignore[reportMissingImports]

    solver = TracIK(base, tip, str(path), timeout=0.05, epsilon=TRAC_IK_EPSILON)
    seed = (low + high) / 2

    def solve(targets: np.ndarray) -> np.ndarray:
        out = np.full((len(targets), len(low)), np.nan)
        for i, target in enumerate(targets):
            found = solver.ik(target[:3, 3], target[:3, :3], seed)
            if found is not None:
                out[i] = found
        return out

    return solve


def pytorch_kinematics(path: Path, tip: str, low: np.ndarray, high: np.ndarray) -> Solve:
    """pytorch-kinematics, damped least squares in float64, 10 retries, its own defaults."""

    def any_will_do(x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.ones(len(x), dtype=bool)

    return _pseudo_inverse(path, tip, low, high, any_will_do, rounds=1)


def pytorch_kinematics_tuned(
    path: Path, tip: str, low: np.ndarray, high: np.ndarray, solved: Check
) -> Solve:
    """The same, tuned by us: stops at the first success, and failures get more rounds."""
    return _pseudo_inverse(
        path, tip, low, high, solved, rounds=10,
        max_iterations=30, early_stopping_any_converged=True, early_stopping_no_improvement=None,
    )  # fmt: skip


def _pseudo_inverse(
    path: Path,
    tip: str,
    low: np.ndarray,
    high: np.ndarray,
    solved: Check,
    *,
    rounds: int,
    **settings: Any,
) -> Solve:
    import pytorch_kinematics as pk  # pyright: ignore[reportMissingImports]

    # With infinite limits it samples infinite angles.
    turn = f'type="revolute"><limit lower="-{math.pi}" upper="{math.pi}" effort="0" velocity="0"/>'
    text = path.read_text("utf-8").replace('type="continuous">', turn)
    with contextlib.redirect_stdout(io.StringIO()):
        chain = pk.build_serial_chain_from_urdf(text.encode(), tip).to(dtype=torch.float64)

    def solver() -> Any:
        """With starts of its own, which are drawn when it is built."""
        return pk.PseudoInverseIK(
            chain,
            num_retries=10,
            joint_limits=torch.from_numpy(np.stack([low, high], axis=1)),
            pos_tolerance=9e-4,
            rot_tolerance=math.radians(0.09),
            **settings,
        )

    torch.manual_seed(0)

    def solve(targets: np.ndarray) -> np.ndarray:
        out = np.full((len(targets), len(low)), np.nan)
        for _ in range(rounds):
            open_ = np.flatnonzero(np.isnan(out[:, 0]))
            if len(open_) == 0:
                break
            found = solver().solve(pk.Transform3d(matrix=torch.from_numpy(targets[open_])))
            x = found.solutions.numpy()
            inside = ((x >= low - 1e-6) & (x <= high + 1e-6)).all(axis=2)
            good = found.converged.numpy() & inside
            best = x[np.arange(len(x)), good.argmax(axis=1)]
            done = good.any(axis=1) & solved(best, targets[open_])
            out[open_[done]] = best[done]
        return out

    return solve


def ssik_arm(path: Path, base: str, tip: str) -> Any:
    """An analytic solver, which knows every branch."""
    import ssik  # pyright: ignore[reportMissingImports]

    return ssik.Manipulator.from_urdf(str(path), base=base, ee=tip)


def ssik_branches(arm: Any, target: np.ndarray) -> np.ndarray:
    """All branches for one target, one representative each."""
    found = arm.solve(target, enumerate_windings=False)
    return np.array([one.q for one in found]).reshape(-1, arm.dof)


def ssik_fibre(
    arm: Any, target: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points of the one-dimensional set of postures within the limits, with their arc lengths."""
    points, lengths = [np.zeros((0, len(low)))], [np.zeros(0)]
    middle = (low + high) / 2
    for chart in arm.self_motion(target).charts:
        for _, curve in chart.curve(1441):
            step = np.linalg.norm(np.diff(curve, axis=0), axis=1)
            length = (np.append(step, 0.0) + np.insert(step, 0, 0.0)) / 2
            wrapped = middle + (curve - middle + math.pi) % (2 * math.pi) - math.pi
            inside = ((wrapped >= low) & (wrapped <= high)).all(axis=1)
            points.append(wrapped[inside])
            lengths.append(length[inside])
    return np.concatenate(points), np.concatenate(lengths)
