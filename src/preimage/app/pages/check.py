"""The tab Check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from typing import Any, ClassVar, final

from nicegui import run, ui

from preimage.app.downloads import csv
from preimage.app.gallery import EXHIBITS
from preimage.app.links import query, state_of
from preimage.app.pages.parts import Entry, Tab, copy_link, download
from preimage.app.pages.uploading import dropped
from preimage.app.uploads import network
from preimage.app.verdict import BUDGET, CheckState, Verdict, domain_of, examine, subject
from preimage.domain import Box
from preimage.errors import InputError, PreimageError
from preimage.report.verdict import facts
from preimage.verdicts import Claim, Reals, Status

OWN = "one's own formula"


@final
class CheckTab(Tab):
    """A function or a network, and whether it is invertible."""

    name: ClassVar[str] = "check"
    title: ClassVar[str] = "Check"
    lead: ClassVar[str] = (
        "Can it be inverted at all? Choose a case, type a formula of x, or of x and y, or drop a "
        "network that torch.export saved."
    )

    def build(self) -> None:
        """Makes the elements, and something to show in them."""
        self._state = CheckState()
        self._verdict: Verdict | None = None
        self._network: Callable[[Any], Any] | None = None
        self._asked = 0
        with ui.element("div").classes("tab asking"):
            with ui.element("div").classes("main"):
                self._tiles = ui.html(sanitize=False)
                self._facts = ui.label().classes("facts").props('aria-live="polite"')
                self._busy = ui.linear_progress(show_value=False).props("indeterminate")
                self._pictures = ui.html(sanitize=False).classes("pictures")
                self._claims = ui.html(sanitize=False)
            with ui.element("div").classes("side"):
                names = {0: OWN} | {i + 1: one.name for i, one in enumerate(EXHIBITS)}
                self._case = ui.select(names, label="Case", value=0, on_change=self._chosen)
                self._case.props("outlined dense options-dense")
                self._formula = Entry("f", self._typed)
                self._domain = Entry("domain: intervals low, high; ... or R, R8", self._bounded)
                self._range = ui.switch(
                    "Inverse on the values that occur", on_change=self._switched
                )
                dropped("Drop a .pt2 network here", ".pt2", self._take_network, self.message)
                self._note = ui.label().classes("note")
                with ui.element("div").classes("buttons"):
                    download(
                        "CSV", "verdict.csv", lambda: csv(self._known().columns()), self.message
                    )
                    download("PNG", "verdict.png", lambda: self._known().png(), self.message)
                    download("Page", "verdict.html", lambda: self._known().page(), self.message)
                    copy_link(self)

    def open(self, given: Mapping[str, str]) -> None:
        """Takes up the state that an address names."""
        state = state_of(CheckState, given)
        self._start(state)

    def link(self) -> str:
        """The address that shows the same again."""
        return query(self.name, self._state)

    def draw(self) -> None:
        """Shows the state."""
        state, verdict = self._state, self._verdict
        self._formula.fill("a network" if self._is_network() else state.f)
        self._domain.fill(state.domain)
        self._case.set_value(state.case)
        self._range.set_value(state.range)
        self._busy.set_visibility(verdict is None and self._asked > 0)
        if verdict is None:
            for element in (self._tiles, self._pictures, self._claims):
                element.set_content("")
            self._facts.text = "Looking for a proof or a counterexample ..." if self._asked else ""
            return
        report = verdict.report
        self._tiles.set_content(_tiles(verdict))
        self._facts.text = report.conclusion[3:4].upper() + report.conclusion[4:]
        self._pictures.set_content(_pictures(verdict))
        self._claims.set_content(_claim(report.injective) + _claim(report.surjective))
        self._note.text = " ".join([*report.notes, _checked(verdict)])

    def _is_network(self) -> bool:
        case = self._state.case
        return self._network is not None or (case > 0 and EXHIBITS[case - 1].make is not None)

    def _start(self, state: CheckState) -> None:
        """Looks for the verdict in the background; what was asked before is forgotten."""
        if state.case and 0 < state.case <= len(EXHIBITS):
            exhibit = EXHIBITS[state.case - 1]
            state = replace(state, domain=exhibit.domain, f=exhibit.formula or state.f)
        if self._network is not None and not state.case:
            function, domain = self._network, domain_of(state.domain, None)
        else:
            function, domain = subject(state)
        self._state, self._verdict = state, None
        self._asked += 1
        asked = self._asked
        ui.timer(0, lambda: self._examine(function, domain, asked), once=True)

    async def _examine(
        self, function: Callable[[Any], Any], domain: Box | Reals, asked: int
    ) -> None:
        onto = "range" if self._state.range else None
        try:
            verdict = await run.io_bound(examine, function, domain, onto)
        except PreimageError as error:
            if asked == self._asked:
                self._asked = 0
                self.message.show(str(error))
                self.draw()
            return
        if asked == self._asked and verdict is not None:
            self._verdict = verdict
            self.draw()

    def _try(self, state: CheckState) -> None:
        with self.message.reporting():
            self._start(state)
            self.share()
            self.draw()

    def _chosen(self) -> None:
        case = int(self._case.value or 0)
        if case != self._state.case:
            self._network = None
            self._try(replace(self._state, case=case))

    def _typed(self, text: str) -> None:
        self._network = None
        self._try(replace(self._state, case=0, f=text))

    def _bounded(self, text: str) -> None:
        self._try(replace(self._state, case=0, domain=text))

    def _switched(self) -> None:
        if bool(self._range.value) != self._state.range:
            self._try(replace(self._state, range=bool(self._range.value)))

    async def _take_network(self, name: str, data: bytes) -> None:
        with self.message.reporting():
            self._network = network(data)
            domain = self._state.domain if self._state.domain.startswith("R") else "R"
            self._state = replace(self._state, case=0, domain=domain)
            self.draw()
            self._start(self._state)
            self.draw()

    def _csv(self) -> bytes:
        return csv(self._known().columns())

    def _known(self) -> Verdict:
        if self._verdict is None:
            raise InputError("there is no verdict yet; wait until it is there.")
        return self._verdict


def _tiles(verdict: Verdict) -> str:
    report = verdict.report
    tiles = ""
    for claim in (report.injective, report.surjective, report.bijective):
        look = "unknown"
        if claim.status.decided:
            look = "yes" if claim.status is Status.PROVED else "not"
        tiles += (
            f'<div class="{look}"><dt>{escape(str(claim.property))}</dt>'
            f"<dd>{escape(str(claim.status))}</dd></div>"
        )
    return f'<dl class="tiles">{tiles}</dl>'


def _pictures(verdict: Verdict) -> str:
    return "".join(
        f"<figure>{picture}<figcaption>{escape(drawing.caption)}</figcaption></figure>"
        for drawing, picture in zip(verdict.drawings, verdict.pictures, strict=True)
    )


def _claim(claim: Claim) -> str:
    rows = "".join(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in facts(claim))
    title = f"{str(claim.property).capitalize()}: {claim.status}"
    return (
        f'<section class="claim"><h2>{escape(title)}</h2><p>{escape(claim.reason)}</p>'
        f"<dl>{rows}</dl></section>"
    )


def _checked(verdict: Verdict) -> str:
    if verdict.confirmed is None:
        return f"Nothing was decided within {BUDGET:g} s."
    if verdict.confirmed:
        return "What was decided was verified a second time."
    return "What was decided could not be verified a second time."
