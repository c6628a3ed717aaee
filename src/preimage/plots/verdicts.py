"""Pictures of a verdict: the points that collide, the fold between them, the image of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from preimage.domain import Box
from preimage.plots.drawing import (
    ANSWER,
    BAND,
    CURVE,
    DATA,
    MISS,
    Drawing,
    figure,
    finite_range,
    legend,
)
from preimage.verdicts import Report
from preimage.verdicts.domains import Finite
from preimage.verdicts.subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW = 3.0
"""On all real vectors, how far from 0 is shown, unless a witness lies further out."""

FINE = 121
"""Points a side at which determinants are computed."""

LINES, ALONG = 15, 241
"""Lines of the grid in each direction, and points on each."""

JUMP = 0.2
"""Neighbouring values farther apart than this share of their range are not joined."""


def draw_verdict(report: Report, f: Any) -> list[Drawing]:
    """Draws every picture that suits a verdict: of one number, and of two.

    Args:
        report: What `check` found.
        f: The function that was checked.

    Example:
        >>> from preimage.verdicts import check
        >>> f = lambda x: x**3 - x
        >>> [drawing.name for drawing in draw_verdict(check(f, Box(-2, 2)), f)]
        ['graph']
    """
    domain = report.injective.domain
    if isinstance(domain, Finite):
        return []
    subject = Subject(f, domain, 0)
    pair = _pair(report)
    if subject.dim > 2:
        return []
    low, high = _window(subject, pair)
    outputs = subject.raw(torch.tensor(0.5 * (low + high))[None]).shape[1]
    if subject.dim == outputs == 1:
        return [_graph(subject, low, high, pair)]
    if subject.dim == 2 and outputs == 1:
        return [_levels(subject, low, high, pair)]
    if subject.dim == outputs == 2:
        return [_fold(subject, low, high, pair), _image(subject, low, high, pair)]
    return []


def _pair(report: Report) -> np.ndarray | None:
    """Two points with one value, `(2, p)`."""
    witness = report.injective.witness
    if "a" not in witness or "b" not in witness or "y" not in witness:
        return None
    return np.array([witness["a"], witness["b"]], dtype=float).reshape(2, -1)


def _window(subject: Subject, pair: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(subject.domain, Box):
        return subject.domain.low.numpy(), subject.domain.high.numpy()
    reach = np.full(subject.dim, WINDOW)
    if pair is not None:
        reach = np.maximum(reach, 1.2 * np.abs(pair).max(axis=0))
    return -reach, reach


def _values(subject: Subject, x: np.ndarray) -> np.ndarray:
    """Values at points; not a number where the function fails."""
    try:
        y = subject.raw(torch.from_numpy(np.ascontiguousarray(x))).numpy()
    except Exception:  # noqa: BLE001 - whatever a user's function raises
        return np.full((len(x), 1), np.nan)
    return np.where(np.isfinite(y), y, np.nan)


def _names(subject: Subject) -> tuple[str, ...]:
    if isinstance(subject.domain, Box):
        return subject.domain.names
    return ("x",) if subject.dim == 1 else ("x1", "x2")


def _graph(subject: Subject, low: np.ndarray, high: np.ndarray, pair: np.ndarray | None) -> Drawing:
    x = np.linspace(low[0], high[0], 2001)
    y = _values(subject, x[:, None])[:, 0]
    shown = finite_range(_typical(y))
    if shown is not None:
        # A jump or a pole is not joined.
        steps = np.abs(np.diff(y)) > JUMP * (shown[1] - shown[0])
        y = np.insert(y, np.flatnonzero(steps) + 1, np.nan)
        x = np.insert(x, np.flatnonzero(steps) + 1, x[:-1][steps])
    words = "The function on its domain."
    with figure(3.6) as (made, (axes,)):
        axes.plot(x, y, color=CURVE, linewidth=1.6, label="the function")
        if pair is not None:
            level = _values(subject, pair[:1])[0, 0]
            axes.axhline(level, color=MISS, linewidth=0.9, linestyle="--")
            axes.scatter(pair[:, 0], [level, level], color=MISS, s=34, zorder=5,
                         label="two points with one value")  # fmt: skip
            words += " The dots have exactly the same value, and are proved to be there."
        if shown is not None:
            axes.set_ylim(*shown)
        axes.set_xlabel(_names(subject)[0])
        axes.set_ylabel("f(x)")
        legend(axes)
    return Drawing("graph", "The function", made, words)


def _typical(y: np.ndarray) -> np.ndarray:
    """The values without the few that a pole makes very large."""
    finite = y[np.isfinite(y)]
    if len(finite) < 8:
        return finite
    low, high = np.quantile(finite, [0.01, 0.99])
    room = 2 * (high - low) + 1e-12
    return finite[(finite > low - room) & (finite < high + room)]


def _levels(
    subject: Subject, low: np.ndarray, high: np.ndarray, pair: np.ndarray | None
) -> Drawing:
    first, second, points = _mesh(low, high)
    value = _values(subject, points)[:, 0].reshape(FINE, FINE)
    with figure(4.4) as (made, (axes,)):
        axes.contour(first, second, value, levels=14, colors=DATA, linewidths=0.8)
        if pair is not None:
            level = _values(subject, pair[:1])[0, 0]
            axes.contour(first, second, value, levels=[level], colors=ANSWER, linewidths=1.6)
            _mark_pair(axes, pair)
        _dress(axes, subject, low, high)
    return Drawing(
        "levels", "Lines of equal value", made,
        "Points on one line have the same value, so that no continuous function of two numbers to "
        "one is injective.",
    )  # fmt: skip


def _fold(subject: Subject, low: np.ndarray, high: np.ndarray, pair: np.ndarray | None) -> Drawing:
    first, second, points = _mesh(low, high)
    sign = _determinants(subject, points).reshape(FINE, FINE)
    words = "The determinant of the Jacobian keeps its sign."
    with figure(4.8) as (made, (axes,)):
        if np.nanmin(sign) < 0 < np.nanmax(sign):
            axes.contourf(first, second, sign, levels=[-2, 0], colors=[BAND])
            axes.contour(first, second, sign, levels=[0], colors=CURVE, linewidths=1.6)
            axes.plot([], [], color=CURVE, linewidth=1.6, label="the fold: determinant 0")
            words = "Where it is shaded, the determinant of the Jacobian is negative."
        if pair is not None:
            _mark_pair(axes, pair)
            words += " The two dots have one value, which is proved."
        _dress(axes, subject, low, high)
    return Drawing("fold", "Where the function folds", made, words)


def _image(subject: Subject, low: np.ndarray, high: np.ndarray, pair: np.ndarray | None) -> Drawing:
    words = "What becomes of a square grid on the domain."
    lines = []
    with figure(4.8) as (made, (axes,)):
        for line in _grid(low, high):
            y = _values(subject, line)
            lines.append(y)
            axes.plot(y[:, 0], y[:, 1], color=DATA, linewidth=0.8, zorder=1)
        for edge in _contour(subject, low, high):
            y = _values(subject, edge)
            axes.plot(y[:, 0], y[:, 1], color=CURVE, linewidth=1.6, zorder=3)
            words = "What becomes of a square grid on the domain, and, in bold, of the fold."
        if pair is not None:
            y = _values(subject, pair[:1])
            axes.scatter(y[:, 0], y[:, 1], color=MISS, s=34, zorder=5, label="the common value")
        axes.set_xlabel("f1")
        axes.set_ylabel("f2")
        every = np.concatenate(lines)
        for column, limits in enumerate((axes.set_xlim, axes.set_ylim)):
            shown = finite_range(_typical(every[:, column]))
            if shown is not None:
                limits(*shown)
        legend(axes)
    return Drawing("image", "The image of a grid", made, words)


def _determinants(subject: Subject, points: np.ndarray) -> np.ndarray:
    """Determinants of unit size, so that their zeros are found whatever their scale."""
    try:
        _, slope = subject.linearize(torch.from_numpy(points))
    except Exception:  # noqa: BLE001 - no derivatives, for whatever reason
        return np.zeros(len(points))
    size = slope.flatten(1).norm(dim=1).square().clamp(min=1e-300)
    return (torch.linalg.det(slope) / size).nan_to_num().numpy()


def _contour(subject: Subject, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """The lines on which the determinant vanishes."""
    from matplotlib.figure import Figure

    first, second, points = _mesh(low, high)
    sign = _determinants(subject, points).reshape(FINE, FINE)
    if not np.nanmin(sign) < 0 < np.nanmax(sign):
        return []
    drawn = Figure().subplots().contour(first, second, sign, levels=[0])
    return [np.asarray(part) for part in cast(Any, drawn).allsegs[0] if len(part) > 1]


def _mesh(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, second = (np.linspace(a, b, FINE) for a, b in zip(low, high, strict=True))
    across, up = np.meshgrid(first, second)
    return first, second, np.stack([across.ravel(), up.ravel()], axis=1)


def _grid(low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    found = []
    for axis in (0, 1):
        along = np.linspace(low[axis], high[axis], ALONG)
        for place in np.linspace(low[1 - axis], high[1 - axis], LINES):
            line = np.full((ALONG, 2), place)
            line[:, axis] = along
            found.append(line)
    return found


def _mark_pair(axes: Axes, pair: np.ndarray) -> None:
    axes.plot(pair[:, 0], pair[:, 1], color=MISS, linewidth=0.9, linestyle="--", zorder=4)
    axes.scatter(pair[:, 0], pair[:, 1], color=MISS, s=34, zorder=5,
                 label="two points with one value")  # fmt: skip


def _dress(axes: Axes, subject: Subject, low: np.ndarray, high: np.ndarray) -> None:
    names = _names(subject)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    legend(axes)
