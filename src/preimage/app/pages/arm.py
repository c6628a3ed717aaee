"""The tab Arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

from nicegui import ui
from torch import Tensor

from preimage.app.arm import LENGTHS, URDF, VIEWS, Arm, ArmAnswer, ArmState, from_urdf, planar
from preimage.app.downloads import csv
from preimage.app.drawings import draw_arm
from preimage.app.links import query, state_of
from preimage.app.pages.figure import Figure
from preimage.app.pages.parts import (
    Entry,
    Tab,
    button,
    copy_link,
    download,
    number_of,
)
from preimage.app.pages.postures import COLOURS, explained, followed, headline, rows
from preimage.app.pages.uploading import dropped
from preimage.app.sketch import Sketch
from preimage.app.uploads import from_upload
from preimage.errors import InputError
from preimage.robots import link_names

STEP = 0.01
"""What an arrow key moves the hand, in parts of the arm's reach."""

CHOICES = {"2": "2 joints", "3": "3 joints", "6": "6 joints", URDF: "from a URDF file"}


@final
class ArmTab(Tab):
    """An arm, its hand to drag, and all postures."""

    name: ClassVar[str] = "arm"
    title: ClassVar[str] = "Arm"
    lead: ClassVar[str] = (
        "Which joint angles put the hand here? Drag the hand; click on a posture to follow it."
    )

    def build(self) -> None:
        """Makes the elements, and something to show in them."""
        self._urdf: Arm | None = None
        self._file: bytes | None = None
        self._state = ArmState()
        self._arm = planar(LENGTHS["2"])
        self._answer: ArmAnswer = self._arm.move(self._target(self._state, self._arm), None)
        self._sketches: dict[int, Sketch] = {}
        with ui.element("div").classes("tab"):
            with ui.element("div").classes("main"):
                with ui.element("div").classes("views"):
                    self._figures = [self._figure(i, view) for i, view in enumerate(VIEWS)]
                ui.html(COLOURS, sanitize=False)
            with ui.element("div").classes("side"):
                self._kind = ui.select(CHOICES, label="Arm", value="2", on_change=self._chosen)
                self._kind.props("outlined dense")
                self._lengths = Entry("lengths of the links [m]", self._relinked)
                self._upload = dropped(
                    "Drop a .urdf file here", ".urdf,.xml", self._take_urdf, self.message
                )
                self._tip = ui.select([], label="Link of the hand", on_change=self._tipped)
                self._tip.props("outlined dense")
                with ui.element("div").classes("fields"):
                    self._entries = [
                        Entry(f"hand {axis} [m]", lambda text, i=i: self._entered(i, text))
                        for i, axis in enumerate("xyz")
                    ]
                self._facts = ui.label().classes("facts").props('aria-live="polite"')
                self._table = ui.html(sanitize=False).classes("scroll")
                self._note = ui.label().classes("note")
                with ui.element("div").classes("buttons"):
                    button("Next posture", self._next, icon="skip_next")
                    download("CSV", "postures.csv", self._csv, self.message)
                    button("PNG", self._png, icon="image")
                    copy_link(self)
        if self.resources.robot is not None:
            self._load(self.resources.robot.read_bytes(), None)

    def open(self, given: Mapping[str, str]) -> None:
        """Takes up the state that an address names."""
        state = state_of(ArmState, given)
        if "arm" not in given and self._urdf is not None:
            state = replace(state, arm=URDF)
        self._take(state, self._arm_of(state).posture(state.q) if state.q else None)

    def link(self) -> str:
        """The address that shows the same again."""
        return query(self.name, self._state)

    def draw(self) -> None:
        """Shows the state."""
        arm, answer = self._arm, self._answer
        space = arm.shadows is not None
        words = headline(answer)
        for i, (figure, view) in enumerate(zip(self._figures, VIEWS, strict=True)):
            figure.set_visibility(i == 0 or space)
            if i == 0 or space:
                self._sketches[i] = draw_arm(arm, answer, figure.width, view, pick=True)
                figure.show(self._sketches[i].svg(), words)
        self._lengths.show(not space)
        self._upload.set_visibility(self._state.arm == URDF)
        self._tip.set_visibility(self._state.arm == URDF and self._urdf is not None)
        self._lengths.fill(" ".join(f"{one:g}" for one in self._links(self._state)))
        for i, entry in enumerate(self._entries):
            entry.show(i < len(answer.target))
            if i < len(answer.target):
                entry.fill(f"{answer.target[i]:.5g}")
        self._facts.text = words
        self._note.text = explained(arm, answer)
        self._table.set_content(rows(arm, answer))

    def _figure(self, place: int, view: tuple[int, int]) -> Figure:
        figure = Figure("Where the hand goes: arrow keys move it", self.draw, role="application")
        figure.on_move(
            lambda across, down: self._drag(place, across, down),
            lambda right, up: self._step(place, right, up),
            self.share,
        )
        figure.on_choose(self._pick)
        return figure

    def _links(self, state: ArmState) -> tuple[float, ...]:
        return state.lengths or LENGTHS.get(state.arm, ())

    def _target(self, state: ArmState, arm: Arm) -> tuple[float, ...]:
        place = (state.x, state.y, state.z)
        return place if arm.shadows is not None else place[:2]

    def _take(self, state: ArmState, before: Tensor | None) -> None:
        """Makes a state what is shown, if it can be.

        Args:
            state: The state.
            before: The posture that is followed from; None begins with any.
        """
        arm = self._arm_of(state)
        answer = arm.move(self._target(state, arm), before)
        self._arm, self._answer = arm, answer
        q = () if answer.followed is None else arm.shown(answer.followed)
        self._state = replace(state, q=tuple(round(one, 3) for one in q))
        if self._kind.value != state.arm:
            self._kind.set_value(state.arm)

    def _arm_of(self, state: ArmState) -> Arm:
        if state.arm == URDF:
            if self._urdf is None:
                raise InputError("this arm comes from a URDF file; drop it here first.")
            return self._urdf
        if state.arm not in LENGTHS:
            raise InputError(f"there is no arm {state.arm!r}; there are {', '.join(CHOICES)}.")
        same = state.arm == self._state.arm and self._links(state) == self._links(self._state)
        return self._arm if same else planar(self._links(state))

    def _chosen(self) -> None:
        kind = str(self._kind.value)
        if kind == self._state.arm:
            return
        if kind == URDF and self._urdf is None:
            self._upload.set_visibility(True)
            self.message.show("Drop a URDF file of an arm, and choose the link that is its hand.")
            return
        with self.message.reporting():
            self._take(replace(self._state, arm=kind, lengths=(), q=()), None)
            self.share()
            self.draw()

    def _relinked(self, text: str) -> None:
        with self.message.reporting():
            parts = text.replace(",", " ").split()
            lengths = tuple(number_of("a length", part) for part in parts)
            planar(lengths)
            self._take(replace(self._state, lengths=lengths, q=()), None)
            self.share()
            self.draw()

    def _entered(self, place: int, text: str) -> None:
        with self.message.reporting():
            value = number_of(f"hand {'xyz'[place]}", text)
            self._take(replace(self._state, **{"xyz"[place]: value}), self._answer.followed)
            self.share()
            self.draw()

    def _drag(self, place: int, across: float, down: float) -> None:
        if place in self._sketches:
            first, second = VIEWS[place]
            values = self._sketches[place].data(across, down)
            names = ("xyz"[first], "xyz"[second])
            self._move({n: float(f"{v:.5g}") for n, v in zip(names, values, strict=True)})

    def _step(self, place: int, right: float, up: float) -> None:
        state, (first, second) = self._state, VIEWS[place]
        moves = {"xyz"[first]: right, "xyz"[second]: up}
        reach = STEP * self._arm.reach
        self._move({n: float(f"{getattr(state, n) + k * reach:.5g}") for n, k in moves.items()})

    def _move(self, changes: dict[str, float]) -> None:
        with self.message.reporting():
            self._take(replace(self._state, **changes), self._answer.followed)
            self.draw()

    def _pick(self, index: int) -> None:
        if 0 <= index < len(self._answer.postures):
            posture = self._answer.postures[index]
            self._answer = replace(self._answer, followed=posture, kept=True)
            shown = tuple(round(one, 3) for one in self._arm.shown(posture))
            self._state = replace(self._state, q=shown)
            self.share()
            self.draw()

    def _next(self) -> None:
        chosen = followed(self._arm, self._answer)
        if self._answer.reached:
            self._pick(0 if chosen is None else (chosen + 1) % len(self._answer.postures))

    async def _take_urdf(self, name: str, data: bytes) -> None:
        with self.message.reporting():
            self._load(data, None)
            self._take(replace(self._state, arm=URDF, q=()), None)
            self.share()
            self.draw()

    def _load(self, data: bytes, tip: str | None) -> None:
        links = from_upload(data, ".urdf", link_names)
        tip = tip or links[-1]
        self._urdf = from_upload(data, ".urdf", lambda path: from_urdf(path, tip))
        self._file = data
        self._tip.set_options(list(links), value=tip)

    def _tipped(self) -> None:
        tip = str(self._tip.value)
        if self._file is None or self._state.arm != URDF:
            return
        with self.message.reporting():
            self._load(self._file, tip)
            self._take(replace(self._state, arm=URDF, q=()), None)
            self.draw()

    def _csv(self) -> bytes:
        if not self._answer.reached:
            raise InputError("there is no posture to save; move the hand to where it can be.")
        return csv(self._answer.found.to_columns())

    def _png(self) -> None:
        for i in self._sketches:
            if self._figures[i].visible:
                self._figures[i].save_png(f"arm-{i + 1}.png")
