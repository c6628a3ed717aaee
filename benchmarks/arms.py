"""Inverse kinematics of real robot arms: solved poses, cost, all postures, beside other solvers.

OMP_NUM_THREADS=1 python -m benchmarks.arms [--quick] [--only WORD]
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch

import preimage
from benchmarks import arms_peers as peers
from benchmarks.tables import read, write
from preimage.function import Function
from preimage.robots import load_urdf, poses_from_matrices
from preimage.surrogates import Ensemble

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "robots"
ARMS = {
    "Panda": ("panda", "panda_link0", "panda_hand"),
    "UR5": ("ur5", "base", "tool0"),
    "iiwa 14": ("iiwa14", "base", "flange"),
    "xArm 7": ("xarm7", "link_base", "link_eef"),
    "Jaco 2": ("jaco2", "link_base", "end_effector"),
    "Gen3": ("gen3", "base_link", "end_effector_link"),
}
MILLIMETRE, TENTH_DEGREE = 1e-3, math.radians(0.1)
ROUNDING = 1e-6
"""Radians or metres by which limits may be passed: TRAC-IK computes them in lower precision."""

OURS = 5
"""How often our own solver is timed beside each other one; the median counts."""

SEED = 20260
SAMPLES = 10_000
NEAR = 0.3
"""Radians: a point of a fibre is covered by an answer that is closer."""


class Reference:
    """Forward kinematics straight from the XML, 4 by 4 matrices in NumPy: what checks everybody."""

    def __init__(self, path: Path, tip: str) -> None:
        above = {_link(joint, "child"): joint for joint in ElementTree.parse(path).iter("joint")}
        self.joints: list[ElementTree.Element] = []
        while tip in above:
            self.joints.insert(0, above[tip])
            tip = _link(above[tip], "parent")
        moving = [one for one in self.joints if one.get("type") != "fixed"]
        bounds = [one.find("limit") for one in moving]
        self.path = path
        self.low = np.array([-math.pi if b is None else float(b.get("lower", 0)) for b in bounds])
        self.high = np.array([math.pi if b is None else float(b.get("upper", 0)) for b in bounds])
        self.endless = np.array([b is None for b in bounds])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The transforms `(rows, 4, 4)` of the tip."""
        out, place = np.tile(np.eye(4), (len(x), 1, 1)), 0
        for joint in self.joints:
            origin, axis = joint.find("origin"), joint.find("axis")
            if origin is not None:
                xyz, rpy = (np.fromstring(origin.get(k, "0 0 0"), sep=" ") for k in ("xyz", "rpy"))
                out = out @ _transform(_turn(2, rpy[2]) @ _turn(1, rpy[1]) @ _turn(0, rpy[0]), xyz)
            if joint.get("type") == "fixed" or axis is None:
                continue
            unit = np.fromstring(axis.get("xyz", "1 0 0"), sep=" ")
            move = np.tile(np.eye(4), (len(x), 1, 1))
            if joint.get("type") == "prismatic":
                move[:, :3, 3] = x[:, place, None] * unit
            else:
                cross = np.cross(unit, np.eye(3)).T
                sine, cosine = np.sin(x[:, place, None, None]), np.cos(x[:, place, None, None])
                move[:, :3, :3] += sine * cross + (1 - cosine) * cross @ cross
            out, place = out @ move, place + 1
        return out

    def draw(self, count: int, seed: int) -> np.ndarray:
        """Uniform postures within the limits."""
        return np.random.default_rng(seed).uniform(self.low, self.high, (count, len(self.low)))

    def inside(self, x: np.ndarray) -> np.ndarray:
        """Which postures are within the limits, up to rounding."""
        there = (x >= self.low - ROUNDING) & (x <= self.high + ROUNDING) | self.endless
        return np.asarray(there.all(axis=-1))

    def solved(self, x: np.ndarray, targets: np.ndarray, goal: str = "pose") -> np.ndarray:
        """Which postures meet their targets: less than 1 mm and 0.1 degrees away, inside."""
        there = self(np.nan_to_num(x))
        good = np.isfinite(x).all(axis=1) & self.inside(x)
        good &= np.linalg.norm(there[:, :3, 3] - targets[:, :3, 3], axis=1) < MILLIMETRE
        if goal == "pose":
            turn = np.einsum("nij,nkj->nik", there[:, :3, :3], targets[:, :3, :3])
            skew = np.stack(
                [
                    turn[:, 2, 1] - turn[:, 1, 2],
                    turn[:, 0, 2] - turn[:, 2, 0],
                    turn[:, 1, 0] - turn[:, 0, 1],
                ]
            )
            angle = np.arctan2(np.linalg.norm(skew, axis=0), np.trace(turn, axis1=1, axis2=2) - 1)
            good &= angle < TENTH_DEGREE
        if goal == "axis":
            cosine = (there[:, :3, 2] * targets[:, :3, 2]).sum(axis=1)
            good &= np.arccos(cosine.clip(-1, 1)) < TENTH_DEGREE
        return good


def _link(joint: ElementTree.Element, end: str) -> str:
    return next(one.get("link", "") for one in joint.iter(end))


def _transform(rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = rotation, shift
    return out


def _turn(axis: int, angle: float) -> np.ndarray:
    out, i, j = np.eye(3), (axis + 1) % 3, (axis + 2) % 3
    out[i, i] = out[j, j] = math.cos(angle)
    out[j, i] = math.sin(angle)
    out[i, j] = -out[j, i]
    return out


def cpu(work: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[Any, float]:
    """What a call returns, and the CPU seconds that it took."""
    begin = time.process_time()
    result = work(*arguments, **named)
    return result, time.process_time() - begin


@cache
def fitted(function: Function) -> tuple[preimage.GradientInverter, float]:
    """The default method, warm, and the CPU seconds of preparing it and of a first answer."""
    inverter, seconds = cpu(preimage.GradientInverter().fit_function, function)
    others = function(function.domain.sobol(64, SEED + 1))
    _, first = cpu(inverter.invert, others[:1], n=1)
    inverter.invert(others, n=1)
    return inverter, seconds + first


@cache
def robot(path: Path, tip: str, goal: str = "pose") -> Function:
    """A robot, loaded once."""
    return load_urdf(path, tip, goal=goal)


def rates() -> list[dict[str, Any]]:
    """Forward kinematics a second, in batches of 10,000; the best of 15 batches."""
    rows = []
    for name, (file, _, tip) in ARMS.items():
        function = robot(FOLDER / f"{file}.urdf", tip)
        x = function.domain.sobol(10_000)
        forward = min(cpu(function, x)[1] for _ in range(15))
        both = min(cpu(function.linearize, x)[1] for _ in range(15))
        rows.append(
            {
                "arm": name,
                "poses / s": f"{1e4 / forward / 1e3:,.0f}k",
                "poses with Jacobian / s": f"{1e4 / both / 1e3:,.0f}k",
            }
        )
    return rows


def full_poses(targets: int) -> list[dict[str, Any]]:
    """Solved poses and cost on five arms."""
    rows = []
    for name, (file, _, tip) in ARMS.items():
        check = Reference(FOLDER / f"{file}.urdf", tip)
        wanted = check(check.draw(targets, SEED))
        inverter, preparation = fitted(robot(check.path, tip))
        poses = poses_from_matrices(wanted)
        found, seconds = cpu(inverter.invert, poses, n=1)
        few = poses[: max(20, targets // 5)]
        alone = [cpu(inverter.invert, one, n=1) for one in few]
        met = [bool(one.ok[0, 0]) for one, _ in alone]
        rows.append(
            {
                "arm": name,
                "solved": _percent(check.solved(found.x[:, 0], wanted).mean()),
                "CPU ms a target": f"{1e3 * seconds / targets:.3f}",
                "calls of f a target": f"{found.evaluations / targets:.0f}",
                "one at a time, ms": f"{1e3 * sum(s for _, s in alone) / len(few):.2f}",
                "solved so": _percent(np.mean(met)),
                "preparing and a first answer, s": f"{preparation:.2f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


def beside(targets: int) -> list[dict[str, Any]]:
    """The same poses for other solvers, in one run."""
    rows = []
    for name, (file, base, tip) in ARMS.items():
        check = Reference(FOLDER / f"{file}.urdf", tip)
        path, low, high = check.path, check.low, check.high
        wanted = check(check.draw(targets, SEED))
        inverter, _ = fitted(robot(path, tip))
        solvers = {
            "preimage": lambda y, it=inverter: it.invert(poses_from_matrices(y), n=1).x[:, 0],
            "preimage, tol=1e-5": lambda y, it=inverter: it.invert(
                poses_from_matrices(y), n=1, tol=peers.TRAC_IK_EPSILON
            ).x[:, 0],
            "TRAC-IK": peers.trac_ik(path, base, tip, low, high),
            "pytorch-kinematics": peers.pytorch_kinematics(path, tip, low, high),
            "pytorch-kinematics, tuned": peers.pytorch_kinematics_tuned(
                path, tip, low, high, check.solved
            ),
        }
        for solver, solve in solvers.items():
            solve(wanted[:20])
            # Ours again just before each, since a machine that is shared changes its pace.
            ours = np.median([cpu(solvers["preimage"], wanted)[1] for _ in range(OURS)])
            x, seconds = cpu(solve, wanted)
            if "preimage" in solver:
                seconds = np.median([seconds, *(cpu(solve, wanted)[1] for _ in range(OURS - 1))])
            rows.append(
                {
                    "arm": name,
                    "solver": solver,
                    "solved": _percent(check.solved(x, wanted).mean()),
                    "CPU ms a target": f"{1e3 * seconds / targets:.3f}",
                    "times preimage": f"{seconds / ours:.1f}",
                }
            )
            print(rows[-1], flush=True)
    return rows


def branches(targets: int) -> list[dict[str, Any]]:
    """All postures of the UR5, against an analytic solver."""
    path, (_, base, tip) = FOLDER / "ur5.urdf", ARMS["UR5"]
    check, oracle = Reference(path, tip), peers.ssik_arm(path, base, tip)
    wanted = check(check.draw(targets, SEED + 2))
    truth, theirs = cpu(lambda: [peers.ssik_branches(oracle, one) for one in wanted])
    inverter, _ = fitted(robot(path, tip))
    found, seconds = cpu(inverter.invert, poses_from_matrices(wanted), n=16)
    there = hit = extra = 0
    for i, known in enumerate(truth):
        mine = found.x[i][found.ok[i]]
        gap = np.abs(_round(known[:, None] - mine[None])).max(axis=2)
        gap = np.pad(gap, ((0, 1), (0, 1)), constant_values=np.inf)
        there += len(known)
        hit += int((gap[:-1].min(axis=1) < 1e-4).sum())
        extra += int((gap.min(axis=0)[:-1] >= 1e-4).sum())
    return [
        {
            "targets": targets,
            "branches by ssik": there,
            "found": _percent(hit / there),
            "found besides": extra,
            "CPU ms a target": f"{1e3 * seconds / targets:.2f}",
            "ssik, ms": f"{1e3 * theirs / targets:.3f}",
        }
    ]


def fibre(targets: int) -> list[dict[str, Any]]:
    """How much of the Panda's postures for a pose is near an answer."""
    path, (_, base, tip) = FOLDER / "panda.urdf", ARMS["Panda"]
    check, oracle = Reference(path, tip), peers.ssik_arm(path, base, tip)
    wanted = check(check.draw(targets, SEED + 13))
    inverter, _ = fitted(robot(path, tip))
    rows = []
    for n, tol in ((16, None), (64, None), (64, peers.TRAC_IK_EPSILON), (128, None)):
        found, seconds = cpu(inverter.invert, poses_from_matrices(wanted), n=n, tol=tol)
        shares = []
        for i, target in enumerate(wanted):
            points, length = peers.ssik_fibre(oracle, target, check.low, check.high)
            mine = found.x[i][found.ok[i]]
            if length.sum() == 0:
                continue
            gap = np.full(len(points), np.inf)
            for one in mine:
                gap = np.minimum(gap, np.linalg.norm(points - one, axis=1))
            shares.append(float(length[gap < NEAR].sum() / length.sum()))
        rows.append(
            {
                "answers asked for": f"{n}{'' if tol is None else f', tol={tol:g}'}",
                "answers, mean": f"{found.count.mean():.1f}",
                "coverage, mean": _percent(float(np.mean(shares))),
                "least": _percent(float(np.min(shares))),
                "CPU ms a target": f"{1e3 * seconds / targets:.2f}",
            }
        )
    return rows


def others(targets: int) -> list[dict[str, Any]]:
    """What analytic solvers do not do, by the same call."""
    panda = FOLDER / "panda.urdf"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rail = _on_a_rail(panda, Path(folder))
        for what, path, goal in (
            ("position only, Panda", panda, "position"),
            ("position and axis, Panda", panda, "axis"),
            ("full pose, Panda on a rail, 8 joints", rail, "pose"),
            ("position only, UR5", FOLDER / "ur5.urdf", "position"),
            ("position and axis, UR5", FOLDER / "ur5.urdf", "axis"),
        ):
            tip = "tool0" if "UR5" in what else "panda_hand"
            check = Reference(path, tip)
            wanted = check(check.draw(targets, SEED + 4))
            function = robot(path, tip, goal)
            inverter, _ = fitted(function)
            asked = _asked(wanted, goal)
            found, seconds = cpu(inverter.invert, asked, n=1)
            rows.append(
                {
                    "what": what,
                    "solved": _percent(check.solved(found.x[:, 0], wanted, goal).mean()),
                    "CPU ms a target": f"{1e3 * seconds / targets:.3f}",
                }
            )
            print(rows[-1], flush=True)
    return [*rows, _learned(targets)]


def _asked(wanted: np.ndarray, goal: str) -> np.ndarray:
    if goal == "pose":
        return poses_from_matrices(wanted)
    return (
        wanted[:, :3, 3] if goal == "position" else np.hstack([wanted[:, :3, 3], wanted[:, :3, 2]])
    )


def _learned(targets: int) -> dict[str, Any]:
    """Networks in place of the arm: where the Panda's hand is, learned from samples."""
    function = robot(FOLDER / "panda.urdf", "panda_hand", "position")
    x = function.domain.sobol(SAMPLES, SEED)
    networks, training = cpu(Ensemble().fit, x, function(x))
    learned = Function(networks.mean, function.domain, networks.jacobian)
    test = function.domain.sobol(targets, SEED + 5)
    wanted = learned(test)
    error = float((wanted - function(test)).norm(dim=1).median())
    inverter, _ = fitted(learned)
    found, seconds = cpu(inverter.invert, wanted, n=1)
    near = (learned(found.x[:, 0]) - wanted).norm(dim=1) < MILLIMETRE
    return {
        "what": f"position only, Panda as an `Ensemble` learned it from {SAMPLES:,} postures in "
        f"{training:.0f} s (median error {1e3 * error:.0f} mm)",
        "solved": _percent(near.double().mean()),
        "CPU ms a target": f"{1e3 * seconds / targets:.3f}",
    }


def _on_a_rail(path: Path, folder: Path) -> Path:
    """The same arm on a sledge that moves 2 m along y."""
    text = path.read_text("utf-8").replace(
        "</robot>",
        '<link name="rail"/><joint name="sledge" type="prismatic"><parent link="rail"/>'
        '<child link="panda_link0"/><axis xyz="0 1 0"/>'
        '<limit lower="-1" upper="1" effort="0" velocity="0"/></joint></robot>',
    )
    out = folder / "rail.urdf"
    out.write_text(text, "utf-8")
    return out


def _round(angle: np.ndarray) -> np.ndarray:
    return (angle + math.pi) % (2 * math.pi) - math.pi


def _percent(share: Any) -> str:
    return f"{100 * float(share):.2f} %"


def _versions() -> str:
    said = []
    for name in ("pytracik", "pytorch-kinematics", "ssik", "yourdfpy"):
        try:
            said.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            said.append(f"{name} not installed")
    return ", ".join(said)


def main() -> None:
    """Runs everything and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few targets, for a look")
    parser.add_argument("--only", default="", help="a word of the section to measure again")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    quick = arguments.quick
    notes = (
        "Targets are the poses of uniform postures within the limits, so that each can be reached. "
        "Solved: less than 1 mm and 0.1 degrees away and within the limits, by a forward "
        "kinematics in NumPy that shares nothing with the library. CPU time of one process on one "
        "thread, one batch of targets at a time where a solver takes batches. Ours is "
        "`GradientInverter`, default settings, `n=1`, which solves to 1e-9 of the spread; "
        "`tol=1e-5` is what TRAC-IK solves to. pytorch-kinematics runs with 10 retries and its own "
        "defaults, and tuned by us: it stops at the first success, and its failures get up to "
        "nine more rounds. Postures of the UR5: one for each branch that ssik, an analytic solver, "
        "finds. Fibre: the share, by length, of the curves of postures that ssik gives within the "
        "limits that is closer than 0.3 rad to an answer (Euclidean, all joints), mean over "
        f"targets. Seeds {SEED} and following. Peers: {_versions()}. "
        "`OMP_NUM_THREADS=1 python -m benchmarks.arms`."
    )
    sections = read("arms")
    for title, measure in {
        "Forward kinematics": rates,
        "Full poses": lambda: full_poses(100 if quick else 1000),
        "Beside other solvers": lambda: beside(100 if quick else 1000),
        "All postures of the UR5": lambda: branches(50 if quick else 500),
        "Fibre of the Panda, within 0.3 rad": lambda: fibre(10 if quick else 300),
        "Other goals and arms": lambda: others(100 if quick else 1000),
    }.items():
        if arguments.only not in title:
            continue
        sections[title] = measure()
        write("arms", "Robot arms", sections, notes)
        print(title, *sections[title], sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
