"""Draws the pictures of the documentation: python docs/images/make.py."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import preimage
from preimage.tables import read_table

HERE = Path(__file__).parent
CO2 = HERE.parents[1] / "examples" / "co2_mauna_loa.csv"
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


def main() -> None:
    """Write `branches.png`."""
    matplotlib.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_cubic(left)
    draw_co2(right)
    figure.savefig(HERE / "branches.png", dpi=130)


if __name__ == "__main__":
    main()
