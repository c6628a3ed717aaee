"""What is drawn of an answer."""

from __future__ import annotations

from preimage.app.curve import Curve, CurveAnswer
from preimage.app.sketch import Sketch
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
