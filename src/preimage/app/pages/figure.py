"""A drawing in the page: dragged, moved by keys, clicked on, saved as PNG."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from nicegui.element import Element
from nicegui.events import GenericEventArguments

START_WIDTH = 680.0
"""Pixels, until the page has said how wide it is."""


@final
class Figure(Element, component="figure.js"):
    """Shows SVG text, and says where it was dragged to.

    Args:
        label: What it is, for those who do not see it.
        redraw: Called when the width has changed.

    Attributes:
        width: Of the drawing, in pixels.
    """

    def __init__(self, label: str, redraw: Callable[[], None], *, role: str = "img") -> None:
        super().__init__()
        self.width = START_WIDTH
        self._serial = 0
        self._props.update(svg="", serial=0, label=label, role=role, movable=False)
        self.on("width", lambda event: self._resized(event, redraw))

    def on_move(
        self,
        drag: Callable[[float, float], None],
        step: Callable[[float, float], None],
        settle: Callable[[], None],
    ) -> None:
        """Makes it movable.

        Args:
            drag: Called with the place of the pointer, in pixels from the upper left.
            step: Called with the arrow keys pressed, to the right and up; shift gives tenths.
            settle: Called when the hand lets go.
        """
        self._props["movable"] = True
        self.on("drag", lambda e: drag(*_pair(e, "x", "y")))
        self.on("step", lambda e: step(*_pair(e, "right", "up")))
        self.on("settle", lambda _: settle())

    def on_choose(self, choose: Callable[[int], None]) -> None:
        """Calls back with the number of a part that was clicked on."""
        self.on("choose", lambda event: choose(int(event.args)))

    def show(
        self, svg: str, value: str = "", slider: tuple[float, float, float] | None = None
    ) -> None:
        """Draws.

        Args:
            svg: What to show.
            value: The same in words.
            slider: For figures that are sliders: the value, the least and the most.
        """
        self._serial += 1
        self._props.update(svg=svg, serial=self._serial, value=value)
        if slider is not None:
            self._props.update(now=slider[0], least=slider[1], most=slider[2])
        self.update()

    def save_png(self, name: str) -> None:
        """Has the browser save what it shows."""
        self.run_method("png", name)

    def _resized(self, event: GenericEventArguments, redraw: Callable[[], None]) -> None:
        width = float(event.args)
        if 200 <= width <= 4000 and width != self.width:
            self.width = width
            redraw()


def _pair(event: GenericEventArguments, first: str, second: str) -> tuple[float, float]:
    detail: dict[str, Any] = event.args
    return float(detail[first]), float(detail[second])
