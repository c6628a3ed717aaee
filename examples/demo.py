"""The main job on real things: a measured series, and a robot arm.

Run with `make demo`. It prints what it finds and writes two pages under `out/`.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

import preimage
from preimage.report import write_report

HERE = Path(__file__).parent
OUT = Path("out")


def when_was_it(ppm: float) -> None:
    """When was the air over Mauna Loa at so many ppm of CO2? Measured weekly, with gaps."""
    print(f"\n1. When was the CO2 over Mauna Loa at {ppm:g} ppm?\n")
    inverter = preimage.GradientInverter().fit(
        "decimal_year", "co2_ppm", data=HERE / "co2_mauna_loa.csv", missing="drop"
    )
    problem = inverter.fitted
    print(f"learned from {len(problem.x)} weeks; {inverter.dropped_} without a value left out")
    print(inverter.invert([ppm]))
    levels = torch.arange(316.0, 373.0, 3.0)
    page = OUT / "co2.html"
    write_report(inverter.invert(levels, n=32), page, inverter=inverter, force=True)
    print(f"all crossings of {len(levels)} levels: {page}")


# Denavit-Hartenberg parameters of the UR5 as its maker publishes them: a and d in metres.
UR5_A = (0.0, -0.425, -0.39225, 0.0, 0.0, 0.0)
UR5_D = (0.089159, 0.0, 0.0, 0.10915, 0.09465, 0.0823)
UR5_ALPHA = (math.pi / 2, 0.0, 0.0, math.pi / 2, -math.pi / 2, 0.0)


def ur5(joints: Tensor) -> Tensor:
    """Hand position (m) and the directions of the hand's x and z axes, `(batch, 9)`."""
    pose = torch.eye(4, dtype=joints.dtype).expand(len(joints), 4, 4)
    for angle, a, d, alpha in zip(joints.unbind(1), UR5_A, UR5_D, UR5_ALPHA, strict=True):
        c, s, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
        ca, sa = math.cos(alpha), math.sin(alpha)
        rows = [
            [c, -s * ca, s * sa, a * c],
            [s, c * ca, -c * sa, a * s],
            [zero, sa * one, ca * one, d * one],
            [zero, zero, zero, one],
        ]
        pose = pose @ torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    return torch.cat([pose[:, :3, 3], pose[:, :3, 0], pose[:, :3, 2]], dim=1)


def all_postures() -> None:
    """Every way in which a six-joint arm can hold its hand in one pose."""
    print("\n2. In which postures does a UR5 arm reach one pose?\n")
    joints = ["base", "shoulder", "elbow", "wrist1", "wrist2", "wrist3"]
    box = preimage.Box([-math.pi] * 6, [math.pi] * 6, joints, units=["rad"] * 6, periodic=True)
    outputs = [f"{axis}{i}" for axis in ("p", "x", "z") for i in "xyz"]
    arm = preimage.Function(ur5, box, outputs=outputs)
    known = torch.tensor([[0.3, -1.2, 1.4, -0.7, 1.1, 0.4]], dtype=torch.float64)
    inverter = preimage.GradientInverter().fit_function(arm)
    answers = inverter.invert(arm(known))
    print(answers)
    page = OUT / "arm.html"
    write_report(answers, page, inverter=inverter, force=True)
    print(f"the postures drawn: {page}")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    when_was_it(340.0)
    all_postures()
