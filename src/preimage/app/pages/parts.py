"""What all tabs are built of: complaints, fields, tables, downloads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import ClassVar, final

from nicegui import ui

from preimage.app.formulas import constant
from preimage.app.resources import Resources
from preimage.errors import InputError, PreimageError

BUTTON = 'outline no-caps dense padding="xs sm"'


class Tab(ABC):
    """One tab of the page: its elements, and its state."""

    name: ClassVar[str]
    title: ClassVar[str]
    lead: ClassVar[str]

    def __init__(self, given: Mapping[str, str], resources: Resources) -> None:
        self.resources = resources
        ui.html(escape(self.lead), sanitize=False, tag="p").classes("lead")
        self.message = Message()
        self.build()
        with self.message.reporting():
            self.open(given)
        self.draw()

    @abstractmethod
    def build(self) -> None:
        """Makes the elements, and something to show in them."""

    @abstractmethod
    def open(self, given: Mapping[str, str]) -> None:
        """Takes up the state that an address names."""

    @abstractmethod
    def draw(self) -> None:
        """Shows the state."""

    @abstractmethod
    def link(self) -> str:
        """The address that shows the same again."""

    def share(self) -> None:
        """Puts the state into the address of the page."""
        ui.navigate.history.replace(self.link())


@final
class Message:
    """Says what is wrong, where it can be seen; nothing while nothing is."""

    def __init__(self) -> None:
        self._shown = ui.label().classes("complaint").props('role="alert"')
        self._shown.visible = False

    def show(self, words: str) -> None:
        """Says it."""
        self._shown.text, self._shown.visible = words, bool(words)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Says what goes wrong in the block because of what was given; clears what was said."""
        try:
            yield
        except PreimageError as error:
            self.show(str(error))
        else:
            self.show("")


@final
class Entry:
    """A field that calls back when Enter is pressed or it is left, if something else was typed.

    Args:
        label: Its name, with the unit.
        entered: Called with what was typed.
    """

    def __init__(self, label: str, entered: Callable[[str], None]) -> None:
        self._entered = entered
        self._known = ""
        self._field = ui.input(label).props('outlined dense autocomplete="off" spellcheck=false')
        self._field.on("keydown.enter", self._enter).on("blur", self._enter)

    def fill(self, value: str) -> None:
        """Shows a value, without it being entered."""
        self._known = value
        self._field.set_value(value)

    def show(self, visible: bool) -> None:
        """Shows it, or hides it."""
        self._field.set_visibility(visible)

    def _enter(self) -> None:
        text = str(self._field.value or "")
        if text != self._known:
            self._known = text
            self._entered(text)


def number_of(name: str, text: str) -> float:
    """The number that somebody typed, such as 0.5 or pi/2.

    Raises:
        InputError: It is none.
    """
    try:
        return constant(text)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def table(names: Sequence[str], rows: Sequence[Sequence[str]], chosen: int | None = None) -> str:
    """A table of numbers as HTML."""
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr{' class=chosen' if place == chosen else ''}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for place, row in enumerate(rows)
    )
    return f"<table class=numbers><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def legend(entries: Sequence[tuple[str, str, str]]) -> str:
    """What the colours mean: a variable of the style, a shape (dot, line, square), and words."""
    items = "".join(
        f'<li class="{shape}" style="--swatch: var(--{colour})">{escape(words)}</li>'
        for colour, shape, words in entries
    )
    return f'<ul class="legend">{items}</ul>'


def download(label: str, name: str, made: Callable[[], bytes], message: Message) -> ui.button:
    """A button that saves a file."""

    def save() -> None:
        with message.reporting():
            ui.download.content(made(), name)

    return button(label, save, icon="download")


def button(label: str, pressed: Callable[..., object], icon: str | None = None) -> ui.button:
    """A plain button."""
    return ui.button(label, on_click=pressed, icon=icon).props(
        "outline no-caps dense padding=xs\\ md"
    )


def copy_link(tab: Tab) -> ui.button:
    """A button that copies the address of what is shown."""

    def copy() -> None:
        tab.share()
        ui.run_javascript("navigator.clipboard?.writeText(location.href)")
        ui.notify("The link is copied; it shows the same again.", position="bottom")

    return button("Copy link", copy, icon="link")
