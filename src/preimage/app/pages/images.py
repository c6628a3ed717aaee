"""The tab Images."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

from nicegui import ui
from torch import Tensor

from preimage.app.downloads import csv, png
from preimage.app.drawings import draw_code
from preimage.app.faces import (
    DAMAGES,
    MOST_STEPS,
    ImagesState,
    Match,
    Restored,
    columns,
    studio,
)
from preimage.app.links import query, state_of
from preimage.app.pages.examples import examples
from preimage.app.pages.figure import Figure
from preimage.app.pages.gallery import framed, row
from preimage.app.pages.parts import copy_link, download
from preimage.app.pages.pictured import PicturedTab
from preimage.app.pages.uploading import dropped
from preimage.app.pictures import example, fitted, from_text, strip, to_text
from preimage.app.sketch import number
from preimage.generators.codes import Codes


@final
class ImagesTab(PicturedTab[ImagesState]):
    """An image, its code, what is made of it, and what is like it."""

    name: ClassVar[str] = "images"
    title: ClassVar[str] = "Images"
    lead: ClassVar[str] = (
        "Which code makes this image? Drop one, or choose an example. The generator makes an image "
        "like it, which is no recovered original."
    )

    def build(self) -> None:
        """Makes the elements, and something to show in them."""
        self._studio = studio(self.resources.model, self.resources.images)
        self._state = ImagesState()
        self._image: Tensor = self._studio.examples[:1]
        self._codes: Codes = self._studio.codes(self._image, 0)
        self._matches: list[Match] = []
        self._restored: Restored | None = None
        self._turn, self._refining = asyncio.Lock(), False
        with ui.element("div").classes("tab asking"):
            with ui.element("div").classes("main"):
                self._facts = ui.label().classes("facts").props('aria-live="polite"')
                self._pair = ui.html(sanitize=False)
                self._bars = Figure("The numbers of the code", self.draw)
                self._near = ui.html(sanitize=False)
                self._found = ui.html(sanitize=False)
            with ui.element("div").classes("side"):
                dropped("Drop an image here", ".png,.jpg,.jpeg,.webp,.tif,.tiff,.bmp", self._taken,
                        self.message)  # fmt: skip
                examples(self._studio.examples, self._chosen)
                self._label = ui.label().classes("note").props('id="refining"')
                self._steps = ui.slider(min=0, max=MOST_STEPS, step=5, on_change=self._refined)
                self._steps.props('aria-labelledby="refining"')
                self._damage = ui.select(DAMAGES, label="Restore an image of which",
                                         on_change=self._damaged)  # fmt: skip
                self._damage.props("outlined dense")
                ui.label(f"Compared with {self._studio.whose}.").classes("note")
                with ui.element("div").classes("buttons"):
                    download("CSV", "code.csv", self._csv, self.message)
                    download("PNG", "images.png", self._png, self.message)
                    copy_link(self)

    def open(self, given: Mapping[str, str]) -> None:
        """Takes up the state that an address names."""
        self._take(state_of(ImagesState, given), None)
        self._steps.set_value(self._state.refine)
        self._damage.set_value(self._state.damage)

    def link(self) -> str:
        """The address that shows the same again."""
        return query(self.name, self._state)

    def draw(self) -> None:
        """Shows the state."""
        codes, state = self._codes, self._state
        made = codes.reconstruction[0]
        off = (made - self._image[0]).abs().amax(dim=0, keepdim=True)
        self._facts.text = f"Residual {number(float(codes.residual[0]), 3)} (white is 1)"
        pictures = [
            framed(self._image[0], "the image"),
            framed(made, "what the generator makes of its code"),
            framed(off, "the difference"),
        ]
        self._pair.set_content(row("Image and reconstruction", pictures, "three"))
        self._bars.show(draw_code(codes.z[0].flatten().tolist(), self._bars.width).svg())
        near = [framed(m.pixels, f"{m.name}: {number(m.distance, 3)}") for m in self._matches]
        self._near.set_content(row("Nearest images, by the distance of their codes", near, "small"))
        self._found.set_content(_restoration(self._restored, state.damage))
        self._label.text = f"Refinement of the code: {state.refine} steps"

    def _take(self, state: ImagesState, image: Tensor | None) -> None:
        """Makes a state what is shown, if it can be.

        Args:
            state: The state.
            image: An image that was dropped, in its own size.
        """
        shape, before = self._studio.shape, self._state
        if image is not None:
            given = fitted(image, shape)
            state = replace(state, image=to_text(given[0]))
        elif (state.example, state.image) == (before.example, before.image):
            given = self._image
        elif state.image:
            given = fitted(from_text(state.image), shape)
        else:
            given = example(self._studio.examples, state.example)[None]
        changed = given is not self._image or not self._matches
        codes = self._studio.codes(given, state.refine)
        restored = self._restored
        if changed or state.damage != before.damage:
            restored = self._studio.restored(given, state.damage)
        if changed:
            self._matches = self._studio.nearest(given)
        self._state, self._image, self._codes, self._restored = state, given, codes, restored

    async def _refined(self) -> None:
        """Refines for where the slider is now, however often it moved meanwhile."""
        if self._refining:
            return
        self._refining = True
        steps = -1
        while steps != int(self._steps.value or 0) != self._state.refine:
            steps = int(self._steps.value or 0)
            await self._change(lambda state, steps=steps: replace(state, refine=steps))
        self._refining = False

    async def _damaged(self) -> None:
        damage = str(self._damage.value)
        if damage != self._state.damage:
            await self._change(lambda state: replace(state, damage=damage))

    def _csv(self) -> bytes:
        return csv(columns(self._codes, self._matches))

    def _png(self) -> bytes:
        pictures = [self._image[0], self._codes.reconstruction[0]]
        if self._restored is not None:
            pictures += [self._restored.seen, self._restored.found.images[0]]
        side = pictures[0].shape[1]
        return png(strip(pictures), max(1, 256 // side))


def _restoration(restored: Restored | None, damage: str) -> str:
    if restored is None:
        return ""
    found = restored.found
    pictures = [
        framed(restored.seen, f"what was seen: {DAMAGES.get(damage, damage)}"),
        framed(
            found.images[0], f"consistent with it; residual {number(float(found.residual[0]), 3)}"
        ),
    ]
    if found.plain is not None and found.plain_residual is not None:
        apart = number(float(found.plain_residual[0]), 3)
        pictures.append(framed(found.plain[0], f"one pass of the encoder; residual {apart}"))
    return row("Restoration: one image of many that are consistent", pictures, "three")
