"""Draws the pictures of the documentation: python docs/images/make.py."""

from pathlib import Path
from typing import Any, cast

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from mpl_toolkits.mplot3d import Axes3D

import preimage
from preimage.robots import load_urdf
from preimage.tables import read_table

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
CO2 = EXAMPLES / "co2_mauna_loa.csv"
CURVE, TARGET, ANSWER, SHADE = "#3b6ea5", "#555555", "#d1495b", "#eeeeee"
PPM = 340.0


def cubic(x):
    return x**3 - x


def draw_cubic(axes: Axes) -> None:
    """Three targets on a cubic: three answers, one answer, none."""
    x = np.linspace(-1.6, 1.6, 400)
    axes.plot(x, cubic(x), color=CURVE, linewidth=2)
    low, high = cubic(-1.6), cubic(1.6)
    for edge in ((low - 1.5, low), (high, high + 1.5)):
        axes.axhspan(*edge, color=SHADE)
    answers = preimage.invert(cubic, [0.2, 1.5, 3.1], preimage.Box(-1.6, 1.6))
    for target in range(len(answers)):
        wanted, ok = answers.targets[target, 0], answers.ok[target]
        axes.axhline(wanted, color=TARGET, linewidth=0.8, linestyle="--")
        axes.plot(answers.x[target, ok, 0], answers.y[target, ok, 0], "o", color=ANSWER, zorder=3)
        count = int(answers.count[target])
        said = f"{count} answer{'s' * (count > 1)}" if count else f"{answers.status[target]}"
        axes.text(0.0, wanted + 0.08, f"y = {wanted:g}: {said}", fontsize=9, color=TARGET)
    axes.set(xlim=(-1.6, 1.6), ylim=(low - 0.7, high + 1.2), xlabel="x", ylabel="y = x³ − x")
    axes.set_title("A formula", loc="left")


def draw_co2(axes: Axes) -> None:
    """When was it at 340 ppm? Each crossing of the learned curve."""
    weeks = read_table(CO2)
    year, ppm = (weeks[name].to_numpy(zero_copy_only=False) for name in weeks.column_names)
    inverter = preimage.GradientInverter().fit(
        "decimal_year", "co2_ppm", data=weeks, missing="drop"
    )
    answers = inverter.invert([PPM])
    x = answers.x[0, answers.ok[0], 0]
    axes.plot(year, ppm, ".", color=CURVE, markersize=3, alpha=0.6)
    axes.axhline(PPM, color=TARGET, linewidth=0.8, linestyle="--")
    axes.plot(x, np.full_like(x, PPM), "o", color=ANSWER, zorder=3)
    said = f"{PPM:g} ppm: {len(x)} answers"
    axes.text(1984.95, PPM - 0.9, said, fontsize=9, color=TARGET, ha="right")
    axes.set(xlim=(1979.5, 1985), ylim=(334, 346.5), xlabel="year", ylabel="CO₂ (ppm)")
    axes.set_title("Measurements: weekly CO₂ at Mauna Loa", loc="left")


REST = "#d9d9d9"
UR5_POSE = [0.45, 0.18, 0.30, 2.9, 0.9, 0.0]
PANDA_POSE = [0.45, 0.0, 0.40, np.pi, 0.0, 0.0]


def draw_arm(axes: Axes3D, points: np.ndarray, color: str, **how: Any) -> None:
    """One posture, as the line through its joints, with its shadow on the floor."""
    axes.plot(*points.T, color=color, solid_capstyle="round", solid_joinstyle="round", **how)


def draw_postures(figure: SubFigure) -> None:
    """All eight postures of a UR5 for one pose, each in front of the others."""
    arm = load_urdf(EXAMPLES / "robots" / "ur5.urdf", "tool0")
    found = preimage.invert(arm, UR5_POSE)
    x = found.x[0, found.ok[0]]
    lines = skeleton(arm, x)
    for place, (line, angles) in enumerate(zip(lines, np.degrees(x), strict=True)):
        axes = cast(Axes3D, figure.add_subplot(2, 4, place + 1, projection="3d"))
        for other in lines:
            draw_arm(axes, other, REST, linewidth=1)
        draw_arm(axes, line, CURVE, linewidth=3.5)
        axes.plot(*line[:-1].T, "o", color="white", markeredgecolor=CURVE, markersize=4, zorder=9)
        axes.plot(*line[-1:].T, "o", color=ANSWER, markersize=6, zorder=10)
        frame(axes, lines)
        said = f"pan {angles[0]:.0f}°, elbow {angles[2]:.0f}°, wrist {angles[4]:.0f}°"
        axes.set_title(said.replace("-", "−"), fontsize=7, color=TARGET, y=-0.04)
    figure.subplots_adjust(0.01, 0.06, 0.99, 0.94, wspace=0.04, hspace=0.08)
    figure.suptitle(f"UR5: {len(lines)} postures for one pose", x=0.02, ha="left", fontsize=12)


def draw_continuum(figure: SubFigure) -> None:
    """Some of the postures of a Panda for one pose, out of a continuum."""
    arm = load_urdf(EXAMPLES / "robots" / "panda.urdf", "panda_hand")
    found = preimage.invert(arm, PANDA_POSE, n=24)
    x = found.x[0, found.ok[0]]
    lines = skeleton(arm, x)
    axes = cast(Axes3D, figure.add_subplot(projection="3d"))
    shade = matplotlib.colormaps["viridis"]
    for angle, line in zip(x[:, 0], lines, strict=True):
        draw_arm(axes, line, shade((angle + 2.9) / 5.8), linewidth=2)
    axes.plot(*lines[0, -1:].T, "o", color=ANSWER, markersize=8, zorder=10)
    frame(axes, lines)
    figure.subplots_adjust(0, 0.05, 1, 0.95)
    figure.suptitle(f"Panda: {len(lines)} out of a continuum", x=0.02, ha="left", fontsize=12)


def skeleton(arm: preimage.Function, x: np.ndarray) -> np.ndarray:
    """The points of each posture."""
    return arm.fn.skeleton(torch.from_numpy(x)).numpy()  # pyright: ignore[reportFunctionMemberAccess]


def frame(axes: Axes3D, lines: np.ndarray) -> None:
    """The floor and equal scales, without the machinery of an axis."""
    low, high = lines.min(axis=(0, 1)), lines.max(axis=(0, 1))
    angle = np.linspace(0, 2 * np.pi, 60)
    around = 0.13 * np.stack([np.cos(angle), np.sin(angle), 0 * angle])
    axes.plot(*around, color=TARGET, linewidth=1)
    low, high = np.minimum(low, around.min(axis=1)), np.maximum(high, around.max(axis=1))
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
    axes.set_box_aspect(high - low, zoom=1.2)  # pyright: ignore[reportArgumentType]
    axes.set_axis_off()
    axes.view_init(elev=22, azim=-60)


def main() -> None:
    """Write `branches.png` and `postures.png`."""
    matplotlib.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_cubic(left)
    draw_co2(right)
    figure.savefig(HERE / "branches.png", dpi=130)
    figure = Figure(figsize=(12, 4.8))
    left, right = cast(Any, figure.subfigures(1, 2, width_ratios=[1.9, 1]))
    draw_postures(left)
    draw_continuum(right)
    figure.savefig(HERE / "postures.png", dpi=130)


if __name__ == "__main__":
    main()
