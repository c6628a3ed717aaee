"""Pictures in the page, with words below."""

from __future__ import annotations

import base64
from html import escape

from jaxtyping import Float
from torch import Tensor

from preimage.app.downloads import png


def framed(pixels: Float[Tensor, "c h w"], caption: str) -> str:
    """A picture with its caption, as HTML."""
    data = base64.b64encode(png(pixels)).decode()
    sharp = " sharp" if max(pixels.shape[1:]) <= 128 else ""
    return (
        f'<figure class="picture{sharp}"><img alt="{escape(caption)}" '
        f'src="data:image/png;base64,{data}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def row(title: str, pictures: list[str], look: str = "") -> str:
    """Pictures side by side under a title; small ones with look "small"."""
    return (
        f'<section class="row-of {look}"><h2>{escape(title)}</h2>'
        f'<div class="shelf">{"".join(pictures)}</div></section>'
    )
