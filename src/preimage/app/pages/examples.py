"""Small pictures to choose from, by mouse or key."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable

from jaxtyping import Float
from nicegui import ui
from torch import Tensor

from preimage.app.downloads import png


def examples(pictures: Float[Tensor, "n c h w"], chosen: Callable[[int], Awaitable[None]]) -> None:
    """A button for each picture.

    Args:
        pictures: In [0, 1].
        chosen: Called with the number of the picture.
    """
    with ui.element("div").classes("examples").props('role="group" aria-label="Examples"'):
        for place, pixels in enumerate(pictures):
            data = base64.b64encode(png(pixels)).decode()
            with (
                ui.element("button")
                .props(f'type="button" aria-label="Example {place + 1}"')
                .on("click", lambda _, place=place: chosen(place))
            ):
                ui.html(f'<img alt="" src="data:image/png;base64,{data}">', sanitize=False)
