"""Drawings as SVG text: axes with ticks, lines, marks, in colours that the page defines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import final

Range = tuple[float, float]

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 44
"""Pixels around the axes."""

EQUAL_MARGIN = 0.04
"""Room around a drawing in space, in parts of its extent."""


@final
@dataclass
class Sketch:
    """One pair of axes in pixels, with what is drawn on it.

    Args:
        width: Of the whole, in pixels.
        height: Likewise.
        x: What the horizontal axis shows, in units of the data.
        y: What the vertical axis shows.
        name: A word that no other drawing of the page has.
    """

    width: float
    height: float
    x: Range
    y: Range
    name: str
    parts: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point of the data, in pixels."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            LEFT + across * (self.width - LEFT - RIGHT),
            self.height - BOTTOM - up * (self.height - TOP - BOTTOM),
        )

    def data(self, across: float, down: float) -> tuple[float, float]:
        """The point of the data at pixels `across` and `down`, kept within the axes."""
        share = (across - LEFT) / (self.width - LEFT - RIGHT)
        up = (self.height - BOTTOM - down) / (self.height - TOP - BOTTOM)
        x = self.x[0] + min(max(share, 0.0), 1.0) * (self.x[1] - self.x[0])
        y = self.y[0] + min(max(up, 0.0), 1.0) * (self.y[1] - self.y[0])
        return x, y

    def axes(self, x_label: str, y_label: str) -> None:
        """Ticks, a grid and labels."""
        left, bottom = self.at(self.x[0], self.y[0])
        right, top = self.at(self.x[1], self.y[1])
        for value in ticks(self.x, self.width / 90):
            at = self.at(value, 0)[0]
            self._line((at, bottom), (at, top), "grid")
            self.text(at, bottom + 16, number(value), "middle")
        for value in ticks(self.y, self.height / 60):
            at = self.at(0, value)[1]
            self._line((left, at), (right, at), "grid")
            self.text(left - 7, at + 4, number(value), "end")
        self._line((left, bottom), (right, bottom), "axis")
        self._line((left, bottom), (left, top), "axis")
        self.text((left + right) / 2, self.height - 7, x_label, "middle", "label")
        self.parts.append(
            f'<text class="label" text-anchor="middle" transform="translate(13 '
            f'{(top + bottom) / 2:.1f}) rotate(-90)">{escape(y_label)}</text>'
        )

    def path(self, points: Iterable[tuple[float, float]], look: str) -> None:
        """A line through points of the data; it is interrupted where a number is not finite."""
        text, pen = [], "M"
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            across, down = self.at(x, y)
            # Far outside is cut off where nobody sees it.
            text.append(f"{pen}{across:.1f} {min(max(down, -2e3), 4e3):.1f}")
            pen = "L"
        if text:
            self.parts.append(f'<path class="{look}" d="{"".join(text)}"/>')

    def level(self, y: float, look: str) -> None:
        """A line at one value, all the way across."""
        self._line(self.at(self.x[0], y), self.at(self.x[1], y), look)

    def upright(self, x: float, look: str, y: Range | None = None) -> None:
        """A line at one x, from bottom to top, or between two values."""
        low, high = y or self.y
        self._line(self.at(x, low), self.at(x, high), look)

    def band(self, low: float, high: float, look: str) -> None:
        """Everything between two values."""
        low, high = max(low, self.y[0]), min(high, self.y[1])
        if low < high:
            (left, bottom), (right, top) = self.at(self.x[0], low), self.at(self.x[1], high)
            self.parts.append(
                f'<rect class="{look}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}"/>'
            )

    def fill(self, look: str) -> None:
        """All of the axes."""
        self.band(*self.y, look)

    def dot(self, x: float, y: float, look: str, radius: float = 5, title: str = "") -> None:
        """A round mark."""
        across, down = self.at(x, y)
        told = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(
            f'<circle class="{look}" cx="{across:.1f}" cy="{down:.1f}" r="{radius}">{told}</circle>'
        )

    def disc(self, radius: float, look: str) -> None:
        """A circle around the origin, with a radius in units of the data."""
        across, down = self.at(0, 0)
        size = abs(self.at(radius, 0)[0] - across)
        self.parts.append(
            f'<circle class="{look}" cx="{across:.1f}" cy="{down:.1f}" r="{size:.1f}"/>'
        )

    def rows(self, places: Iterable[tuple[float, float, float]], height: float, look: str) -> None:
        """Rectangles of one height, by their left ends, lower ends and lengths."""
        text = []
        for x, y, length in places:
            (left, bottom), (right, top) = self.at(x, y), self.at(x + length, y + height)
            text.append(f"M{left:.1f} {bottom:.1f}H{right:.1f}V{top:.1f}H{left:.1f}z")
        self.parts.append(f'<path class="{look}" d="{"".join(text)}"/>')

    def text(
        self, across: float, down: float, words: str, anchor: str = "start", look: str = "tick"
    ) -> None:
        """Words at a place in pixels."""
        self.parts.append(
            f'<text class="{look}" x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def group(self, look: str, parts: Sequence[str], index: int | None = None) -> None:
        """Parts that belong together; with a number, they can be clicked on."""
        which = "" if index is None else f' data-index="{index}"'
        self.parts.append(f'<g class="{look}"{which}>{"".join(parts)}</g>')

    def svg(self) -> str:
        """The whole as an `<svg>` element."""
        (left, bottom), (right, top) = self.at(self.x[0], self.y[0]), self.at(self.x[1], self.y[1])
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:.0f} '
            f'{self.height:.0f}" aria-hidden="true">'
            f'<clipPath id="{self.name}"><rect x="{left:.1f}" y="{top:.1f}" '
            f'width="{right - left:.1f}" height="{bottom - top:.1f}"/></clipPath>'
            f"{''.join(self.parts)}</svg>"
        )

    def _line(self, a: tuple[float, float], b: tuple[float, float], look: str) -> None:
        self.parts.append(
            f'<line class="{look}" x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" '
            f'y2="{b[1]:.1f}"/>'
        )


def ticks(shown: Range, most: float) -> list[float]:
    """Round numbers in a range, at steps of 1, 2 or 5 times a power of ten.

    Example:
        >>> ticks((-1.2, 1.3), 6)
        [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    rough = (shown[1] - shown[0]) / max(most, 2.0)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough)
    first, last = math.ceil(shown[0] / step), math.floor(shown[1] / step)
    return [round(i * step, 12) for i in range(first, last + 1)]


def number(value: float, digits: int = 5) -> str:
    """A number as people read it, with a proper minus sign.

    Example:
        >>> number(-0.25), number(1e-20), number(123456.7)
        ('−0.25', '1e−20', '1.2346e+05')
    """
    return f"{value + 0.0:.{digits}g}".replace("-", "−")


def spatial(width: float, reach: float, name: str) -> Sketch:
    """Axes around a base at 0, on which a metre is as long across as up.

    Args:
        width: In pixels.
        reach: How far from the base is shown at least, in metres.
        name: As of `Sketch`.
    """
    height = min(560.0, max(300.0, 0.8 * width))
    across, up = width - LEFT - RIGHT, height - TOP - BOTTOM
    metre = min(across, up) / (2 * reach * (1 + EQUAL_MARGIN))
    x, y = across / (2 * metre), up / (2 * metre)
    return Sketch(width, height, (-x, x), (-y, y), name)
