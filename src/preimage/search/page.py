"""A page of thumbnails."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, final

import numpy as np

from preimage.errors import InputError
from preimage.files import check_file, writing_file
from preimage.images import Entry, Picture, open_images, read_places
from preimage.images.decoding import pillow
from preimage.images.picture import Raster, as_bytes
from preimage.runtime import package_version
from preimage.templates import template

if TYPE_CHECKING:
    from preimage.search.matches import Matches

SIDE = 144
"""Pixels of the longer side of a thumbnail."""

SHOWN = 200
"""So many queries are on a page."""


@final
@dataclass(frozen=True)
class Thumbnail:
    """One image on the page.

    Attributes:
        name: What it is called.
        place: Where it is.
        note: What is said under its name.
        data: The picture as a `data:` address; empty where there is none.
        tiny: Whether single pixels are to be seen.
    """

    name: str
    place: str
    note: str
    data: str
    tiny: bool


def write_page(
    matches: Matches,
    path: str | os.PathLike[str],
    *,
    images: Any,
    queries: Any,
    title: str | None,
    force: bool,
) -> None:
    """Write the page of `Matches.page`."""
    target = check_file(path, force=force)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path} does not end in .html, which is what is written.")
    text = render(matches, images, queries, title)
    with writing_file(path, force=force) as aside:
        aside.write_text(text, encoding="utf-8")


def render(matches: Matches, images: Any, queries: Any, title: str | None) -> str:
    """The page as text. The template escapes every value, so that names cannot become markup."""
    asked = matches.queries[:SHOWN]
    found = matches.entries[:SHOWN]
    needed = {entry.place: entry for some in found for entry in some}
    pictures = {
        **_pictures({entry.place: entry for entry in asked}, queries),
        **_pictures(needed, images),
    }
    rows = [
        (
            _thumbnail(query, "", pictures),
            [
                _thumbnail(entry, f"{distance:.3g}", pictures)
                for entry, distance in zip(some, distances, strict=True)
            ],
        )
        for query, some, distances in zip(asked, found, matches.distance, strict=False)
    ]
    return template("preimage.search", "page.html").render(
        title=title or "Similar images",
        rows=rows,
        more=max(0, len(matches) - SHOWN),
        skipped=matches.skipped,
        feature=matches.feature,
        version=package_version(),
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )


def _pictures(wanted: dict[str, Entry], given: Any) -> dict[str, Picture]:
    """The pictures by place: from what is given, and else from where they are."""
    if given is None:
        return dict(read_places(list(wanted)))
    opened = open_images(given)
    place = {entry.name: entry.place for entry in opened.entries}
    names = [name for name in opened.names if place[name] in wanted]
    return (
        {place[name]: picture for name, picture in opened.only(names).pictures()} if names else {}
    )


def _thumbnail(entry: Entry, note: str, pictures: dict[str, Picture]) -> Thumbnail:
    picture = pictures.get(entry.place)
    if picture is None:
        return Thumbnail(entry.name, entry.place, note, "", False)
    raster = picture.raster()
    tiny = max(raster.size) < SIDE // 2
    return Thumbnail(entry.name, entry.place, note, _address(raster, tiny), tiny)


def _address(raster: Raster, tiny: bool) -> str:
    values = raster.values if raster.values.dtype == np.uint8 else as_bytes(raster.values)
    library = pillow()
    image = library.fromarray(values[..., 0] if values.shape[2] == 1 else values)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    # JPEG blurs what is to be seen pixel by pixel.
    kind, options = ("png", {}) if tiny else ("jpeg", {"quality": 85})
    image.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
