"""What is drawn of an answer."""

from __future__ import annotations

from torch import Tensor

from preimage.app.arm import Arm, ArmAnswer
from preimage.app.curve import Curve, CurveAnswer
from preimage.app.sketch import Sketch, spatial
from preimage.app.twin import Branches


def draw_curve(curve: Curve, answer: CurveAnswer, width: float, twin: Branches | None) -> Sketch:
    """A curve with its folds, the values that are never reached, a target and its preimages.

    Args:
        curve: The formula on its interval.
        answer: The preimages of one target.
        width: Of the drawing, in pixels.
        twin: What the twin proposes, to be shown beside the curve.
    """
    low, high = curve.view
    ends = (float(curve.x[0]), float(curve.x[-1]))
    sketch = Sketch(width, min(460.0, max(280.0, 0.62 * width)), ends, (low, high), "curve-axes")
    below = low
    for start, end in curve.reached:
        sketch.band(below, start, "no")
        below = max(below, end)
    sketch.band(below, high, "no")
    sketch.axes("x", "y = f(x)")
    sketch.parts.append('<g clip-path="url(#curve-axes)">')
    for x in curve.folds:
        sketch.upright(x, "fold")
    sketch.path(_broken(curve), "curve")
    if twin is not None:
        _draw_twin(sketch, twin, answer.target)
    sketch.parts.append("</g>")
    values = curve.values(curve.folds)
    for x, y in zip(curve.folds, values, strict=True):
        sketch.dot(x, y, "fold-dot", 4)
    if low <= answer.target <= high:
        sketch.level(answer.target, "target")
        for x in answer.x:
            sketch.upright(x, "drop", (low, answer.target))
            sketch.dot(x, answer.target, "answer", 6, f"x = {x:.6g}")
        sketch.dot(ends[1], answer.target, "handle", 7)
    return sketch


def _broken(curve: Curve) -> list[tuple[float, float]]:
    """The points of the curve, with a gap where it is not joined."""
    points = []
    joined = [*curve.joined.tolist(), True]
    for x, y, on in zip(curve.x.tolist(), curve.y.tolist(), joined, strict=True):
        points.append((x, y))
        if not on:
            points.append((x, float("nan")))
    return points


def _draw_twin(sketch: Sketch, twin: Branches, target: float) -> None:
    for proposed in twin.proposed.T.tolist():
        sketch.path(zip(proposed, twin.targets.tolist(), strict=True), "twin")
    for x, y in twin.anchors.tolist():
        sketch.dot(x, y, "anchor", 4, "anchor")
    for x, _ in twin.at(target):
        sketch.dot(x, target, "twin-dot", 4)


def draw_arm(
    arm: Arm, answer: ArmAnswer, width: float, plane: tuple[int, int], *, pick: bool
) -> Sketch:
    """All postures for one place of the hand, seen along one axis, and what can be reached.

    Args:
        arm: The arm.
        answer: Its postures.
        width: Of the drawing, in pixels.
        plane: Which coordinates are shown: 0 is x, 1 is y, 2 is z.
        pick: Whether postures can be clicked on.
    """
    names = "xyz"
    sketch = spatial(width, arm.reach, f"arm-{names[plane[0]]}{names[plane[1]]}")
    _draw_reach(sketch, arm, plane)
    sketch.axes(f"{names[plane[0]]} [m]", f"{names[plane[1]]} [m]")
    sketch.parts.append(f'<g clip-path="url(#{sketch.name})">')
    for index, points in enumerate(_seen(arm, answer.postures, plane)):
        _draw_posture(sketch, points, "other", index if pick else None)
    if answer.followed is not None:
        look = "followed" if answer.reached else "stale"
        _draw_posture(sketch, _seen(arm, answer.followed[None], plane)[0], look, None)
    sketch.parts.append("</g>")
    sketch.dot(0, 0, "base", 6, "base")
    sketch.dot(answer.target[plane[0]], answer.target[plane[1]], "handle", 8, "where the hand goes")
    return sketch


def _seen(arm: Arm, postures: Tensor, plane: tuple[int, int]) -> list[list[list[float]]]:
    return arm.points(postures)[:, :, list(plane)].tolist()


def _draw_posture(sketch: Sketch, points: list[list[float]], look: str, index: int | None) -> None:
    pairs = [(x, y) for x, y in points]
    before = len(sketch.parts)
    if index is not None:
        sketch.path(pairs, "hit")
    sketch.path(pairs, f"arm {look}")
    for x, y in pairs[1:-1]:
        sketch.dot(x, y, f"joint {look}", 4 if look == "followed" else 3)
    parts, sketch.parts = sketch.parts[before:], sketch.parts[:before]
    sketch.group("posture", parts, index)


def _draw_reach(sketch: Sketch, arm: Arm, plane: tuple[int, int]) -> None:
    """Where the hand can be is left as it is, all else is shaded."""
    sketch.fill("no")
    if arm.ring is not None:
        least, most = arm.ring
        sketch.disc(most, "yes")
        if least > 0:
            sketch.disc(least, "no")
    if arm.shadows is not None:
        sketch.rows(arm.shadows[plane], arm.cell, "yes")


def draw_code(z: list[float], width: float) -> Sketch:
    """The numbers of a code as bars."""
    most = max(1.0, *(abs(one) for one in z))
    sketch = Sketch(width, 190.0, (0.0, len(z) + 1.0), (-1.1 * most, 1.1 * most), "code")
    sketch.axes("place in the code", "value")
    sketch.level(0.0, "axis")
    for place, value in enumerate(z, start=1):
        sketch.upright(place, "bar", (0.0, value))
        sketch.dot(place, value, "answer", 4 if len(z) <= 40 else 2)
    return sketch
