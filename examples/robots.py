"""Real arms: all postures for a pose, the posture nearest to the present one, and a path.

Run with `python examples/robots.py`; it needs `pip install 'preimage[robots]'`.
"""

from pathlib import Path

import numpy as np

import preimage
from preimage.robots import load_urdf, poses_from_quaternions

ROBOTS = Path(__file__).parent / "robots"


def all_postures() -> None:
    """Every way in which a UR5 can hold its tool in one pose."""
    arm = load_urdf(ROBOTS / "ur5.urdf", "tool0")
    down = poses_from_quaternions([0.45, 0.18, 0.30], [1.0, 0.0, 0.0, 0.0])
    found = preimage.invert(arm, down)
    print(f"UR5: {found.headline}")
    for posture in np.degrees(found.x[0, found.ok[0]]):
        print("  ", ", ".join(f"{angle:7.1f}°" for angle in posture))


def draw_a_circle() -> None:
    """A Panda moves its hand along a circle, from the posture that is nearest to the present."""
    arm = load_urdf(ROBOTS / "panda.urdf", "panda_hand")
    solver = preimage.GradientInverter().fit_function(arm)
    angle = np.linspace(0, 2 * np.pi, 50)
    circle = np.tile([0.45, 0.0, 0.40, np.pi, 0.0, 0.0], (len(angle), 1))
    circle[:, 0] += 0.1 * np.cos(angle)
    circle[:, 1] += 0.1 * np.sin(angle)
    present = np.array([0.1, -0.5, 0.0, -2.3, 0.0, 1.9, 0.8])
    start = solver.invert(circle[:1], near=present, n=1).best
    print(f"Panda: starts {np.abs(start - present).max():.2f} rad from the present posture")
    path = solver.invert(circle, near="previous")
    step = np.abs(np.diff(path.best, axis=0)).max()
    print(f"Panda: {path.headline} No joint moves by more than {step:.3f} rad at a time.")


def drill_holes() -> None:
    """Where only the drill's direction matters, its turn about itself is left to the arm."""
    arm = load_urdf(ROBOTS / "ur5.urdf", "tool0", goal="axis")
    holes = np.array([[0.4, y, 0.1, 0.0, 0.0, -1.0] for y in np.linspace(-0.3, 0.3, 7)])
    print(f"UR5 with a drill: {preimage.invert(arm, holes, n=1).headline}")


if __name__ == "__main__":
    all_postures()
    draw_a_circle()
    drill_holes()
