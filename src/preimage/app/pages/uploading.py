"""The place where files are dropped, or chosen by mouse or key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import events, ui

from preimage.app.guard import MOST, TOO_LARGE
from preimage.app.pages.parts import Message


def dropped(
    label: str, accept: str, taken: Callable[[str, bytes], Awaitable[None]], message: Message
) -> ui.upload:
    """A place for one file.

    Args:
        label: What belongs there.
        accept: The suffixes that the browser offers, such as ".png,.jpg".
        taken: Called with the name and the content.
        message: Says what is wrong with it.
    """

    async def take(event: events.UploadEventArguments) -> None:
        await taken(event.file.name, await event.file.read())

    def refuse() -> None:
        message.show(f"That file is not taken: {accept.replace(',', ', ')} up to {MOST >> 20} MB.")

    place = ui.upload(
        label=label, auto_upload=True, max_file_size=MOST, on_upload=take, on_rejected=refuse
    ).props(f'accept="{accept}" flat bordered hide-upload-btn')

    def fail() -> None:
        message.show(TOO_LARGE)
        place.reset()

    # Not before the browser knows that its file has arrived, or it would stop sending it.
    place.on("uploaded", lambda: place.reset(), args=[])
    place.on("failed", fail, args=[])
    return place.classes("dropped")
