"""The tab Translate."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

from nicegui import ui
from torch import Tensor

from preimage.app.downloads import csv, png
from preimage.app.links import query, state_of
from preimage.app.pages.examples import examples
from preimage.app.pages.gallery import framed, row
from preimage.app.pages.parts import copy_link, download
from preimage.app.pages.pictured import PicturedTab
from preimage.app.pages.uploading import dropped
from preimage.app.pictures import example, from_text, strip, to_text
from preimage.app.sketch import number
from preimage.app.translating import SIDES, TranslateState, Trip, bureau
from preimage.errors import InputError

STRETCH = 4
"""Differences are shown so many times brighter."""


@final
class TranslateTab(PicturedTab[TranslateState]):
    """An image of either kind, the other, and the way back."""

    name: ClassVar[str] = "translate"
    title: ClassVar[str] = "Translate"
    lead: ClassVar[str] = (
        "One network, both directions: drop an image of either kind, and see the other, and what "
        "comes back."
    )

    def build(self) -> None:
        """Makes the elements, and something to show in them."""
        self._bureau = bureau(self.resources.translator)
        self._state = TranslateState()
        self._image: Tensor | None = None
        self._trip: Trip | None = None
        self._turn = asyncio.Lock()
        with ui.element("div").classes("tab asking"):
            with ui.element("div").classes("main"):
                self._facts = ui.label().classes("facts").props('aria-live="polite"')
                self._pictures = ui.html(sanitize=False)
            with ui.element("div").classes("side"):
                dropped("Drop an image here", ".png,.jpg,.jpeg,.webp,.tif,.tiff,.bmp", self._taken,
                        self.message)  # fmt: skip
                if self._bureau.examples is not None:
                    examples(self._bureau.examples, self._chosen)
                self._side = ui.select(SIDES, label="It is of", on_change=self._sided)
                self._side.props("outlined dense")
                ui.label(f"The kinds: {self._bureau.whose}.").classes("note")
                with ui.element("div").classes("buttons"):
                    download("CSV", "round-trip.csv", self._csv, self.message)
                    download("PNG", "translation.png", self._png, self.message)
                    copy_link(self)

    def open(self, given: Mapping[str, str]) -> None:
        """Takes up the state that an address names."""
        self._take(state_of(TranslateState, given), None)

    def link(self) -> str:
        """The address that shows the same again."""
        return query(self.name, self._state)

    def draw(self) -> None:
        """Shows the state."""
        self._side.set_value(self._state.side)
        trip = self._trip
        if trip is None:
            self._facts.text = "Drop an image to begin."
            self._pictures.set_content("")
            return
        self._facts.text = (
            f"The round trip is off by {number(trip.error, 3)} at most (white is 1); "
            f"PSNR {number(trip.psnr, 3)} dB"
        )
        there = [framed(trip.given, "the image"), framed(trip.there, "its translation")]
        back = [
            framed(trip.back, "the translation of that"),
            framed((STRETCH * trip.difference).clamp(0, 1), f"the difference, {STRETCH} times"),
        ]
        self._pictures.set_content(row("There", there, "large") + row("And back", back, "large"))

    def _take(self, state: TranslateState, image: Tensor | None) -> None:
        """Makes a state what is shown, if it can be."""
        shown, before = self._bureau.examples, self._state
        if image is not None:
            state = replace(state, image=to_text(image))
        elif self._image is not None and (state.example, state.image) == (
            before.example, before.image
        ):  # fmt: skip
            image = self._image
        elif state.image:
            image = from_text(state.image)
        elif shown is not None:
            image = example(shown, state.example)
        trip = None if image is None else self._bureau.trip(image, state.side)
        self._state, self._image, self._trip = state, image, trip

    async def _sided(self) -> None:
        side = str(self._side.value or "")
        if side != self._state.side:
            await self._change(lambda state: replace(state, side=side))

    def _known(self) -> Trip:
        if self._trip is None:
            raise InputError("there is nothing to save yet; drop an image first.")
        return self._trip

    def _csv(self) -> bytes:
        return csv(self._known().columns())

    def _png(self) -> bytes:
        trip = self._known()
        pictures = [trip.given, trip.there, trip.back, trip.difference]
        return png(strip(pictures), max(1, 256 // trip.given.shape[1]))
