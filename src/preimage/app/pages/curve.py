"""The tab Curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

from nicegui import run, ui

from preimage.app import twin
from preimage.app.curve import EXAMPLES, Curve, CurveState
from preimage.app.downloads import csv
from preimage.app.drawings import draw_curve
from preimage.app.links import query, state_of
from preimage.app.pages.figure import Figure
from preimage.app.pages.parts import (
    Entry,
    Tab,
    button,
    copy_link,
    download,
    legend,
    number_of,
    table,
)
from preimage.app.sketch import Sketch, number
from preimage.errors import InputError

STEP = 0.01
"""What an arrow key moves, in parts of what is shown."""


@final
class CurveTab(Tab):
    """A formula, a target line to drag, and all preimages."""

    name: ClassVar[str] = "curve"
    title: ClassVar[str] = "Curve"

    lead: ClassVar[str] = "Which x gives this y? Type a formula and drag the target line."

    def open(self, given: Mapping[str, str]) -> None:
        """Takes up the state that an address names."""
        self._take(state_of(CurveState, given))

    def link(self) -> str:
        """The address that shows the same again."""
        return query(self.name, self._state)

    def build(self) -> None:
        """Makes the elements, and something to show in them."""
        self._branches: twin.Branches | None = None
        self._state = CurveState()
        self._curve = Curve(self._state.f, self._state.low, self._state.high)
        self._answer = self._curve.answer(self._state.y)
        self._sketch: Sketch | None = None
        with ui.element("div").classes("tab"):
            with ui.element("div").classes("main"):
                self._figure = Figure("The target y", self.draw, role="slider")
                self._figure.on_move(self._drag, self._step, self.share)
                self._legend = ui.html(sanitize=False)
            with ui.element("div").classes("side"):
                ui.select(
                    list(EXAMPLES), label="Examples", on_change=lambda e: self._example(e.value)
                ).props("outlined dense")
                self._formula = Entry("f(x) =", lambda f: self._change(f=f))
                with ui.element("div").classes("fields"):
                    self._low = Entry("x from", lambda t: self._bound("low", t))
                    self._high = Entry("x to", lambda t: self._bound("high", t))
                    self._y = Entry("target y", self._entered)
                self._twin = ui.switch("Twin with five unlucky anchors", on_change=self._switched)
                self._facts = ui.label().classes("facts").props('aria-live="polite"')
                self._table = ui.html(sanitize=False).classes("scroll")
                self._note = ui.label().classes("note")
                with ui.element("div").classes("buttons"):
                    download("CSV", "preimages.csv", self._csv, self.message)
                    button("PNG", lambda: self._figure.save_png("curve.png"), icon="image")
                    copy_link(self)

    def _change(self, **changes: str | float | bool) -> None:
        with self.message.reporting():
            self._take(replace(self._state, **changes))
            self.share()
            self.draw()

    def _take(self, state: CurveState) -> None:
        """Makes a state what is shown, if it can be; else everything stays as it was."""
        before = (self._state.f, self._state.low, self._state.high)
        now = (state.f, state.low, state.high)
        curve = self._curve if now == before else Curve(*now)
        answer = curve.answer(state.y)
        same = now == (twin.FORMULA, twin.LOW, twin.HIGH)
        self._curve, self._answer = curve, answer
        self._state = replace(state, twin=state.twin and same)
        if self._twin.value != self._state.twin:
            self._twin.set_value(self._state.twin)

    def _bound(self, name: str, text: str) -> None:
        with self.message.reporting():
            value = number_of("x from" if name == "low" else "x to", text)
            self._take(replace(self._state, **{name: value}))
            self.share()
            self.draw()

    def _entered(self, text: str) -> None:
        with self.message.reporting():
            self._take(replace(self._state, y=number_of("the target y", text)))
            self.share()
            self.draw()

    def _example(self, formula: str | None) -> None:
        if formula in EXAMPLES:
            low, high, y = EXAMPLES[formula]
            self._change(f=formula, low=low, high=high, y=y)

    async def _switched(self) -> None:
        wanted = bool(self._twin.value)
        if wanted == self._state.twin and (not wanted or self._branches is not None):
            return
        if wanted and self._branches is None:
            self._note.text = "The twin is being trained; this takes some seconds."
            self._branches = await run.io_bound(twin.branches)
        with self.message.reporting():
            state = replace(self._state, twin=wanted)
            if wanted:
                state = replace(state, f=twin.FORMULA, low=twin.LOW, high=twin.HIGH)
            self._take(state)
            self.share()
            self.draw()

    def _drag(self, across: float, down: float) -> None:
        if self._sketch is not None:
            self._move(self._sketch.data(across, down)[1])

    def _step(self, right: float, up: float) -> None:
        low, high = self._curve.view
        moved = self._state.y + (up + right) * STEP * (high - low)
        self._move(min(max(moved, low), high))

    def _move(self, y: float) -> None:
        with self.message.reporting():
            self._take(replace(self._state, y=float(f"{y:.5g}")))
            self.draw()

    def draw(self) -> None:
        """Shows the state."""
        state, answer = self._state, self._answer
        shown = self._branches if state.twin else None
        self._sketch = draw_curve(self._curve, answer, self._figure.width, shown)
        low, high = self._curve.view
        count = len(answer.x)
        words = "no preimage" if count == 0 else f"{count} preimage{'s' * (count != 1)}"
        self._figure.show(
            self._sketch.svg(), f"y = {number(state.y)}: {words}", (state.y, low, high)
        )
        for field, value in ((self._low, state.low), (self._high, state.high), (self._y, state.y)):
            field.fill(f"{value:.6g}")
        self._formula.fill(state.f)
        self._facts.text = f"y = {number(state.y)} has {words}"
        self._note.text = self._words()
        self._table.set_content(self._rows())
        self._legend.set_content(self._colours())

    def _words(self) -> str:
        reached = ", ".join(f"{number(a)} to {number(b)}" for a, b in self._curve.reached[:4])
        parts = [self._answer.words + ".", f"Values that occur on the domain: {reached}."]
        if self._curve.folds:
            folds = ", ".join(number(x) for x in self._curve.folds[:8])
            parts.append(f"The derivative is 0 at x = {folds}.")
        return " ".join(parts)

    def _rows(self) -> str:
        if not self._answer.x:
            return ""
        slopes = self._curve.slopes(self._answer.x)
        rows = [
            (str(i + 1), number(x, 7), number(slope))
            for i, (x, slope) in enumerate(zip(self._answer.x, slopes, strict=True))
        ]
        return table(("", "x", "f′(x)"), rows)

    def _colours(self) -> str:
        entries = [
            ("miss", "line", "target y"),
            ("answer", "dot", "preimages"),
            ("fold", "dot", "derivative 0"),
            ("no", "square", "never reached"),
        ]
        if self._state.twin:
            entries += [("good", "line", "what the twin proposes, and its five anchors")]
        return legend(entries)

    def _csv(self) -> bytes:
        if not self._answer.x:
            raise InputError("there is no answer to save; move the target to where there is one.")
        return csv(self._answer.found.to_columns())
