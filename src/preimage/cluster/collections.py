"""Collections of images, cut into parts."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import final

from preimage.cluster.parts import Part, grain
from preimage.errors import InputError
from preimage.images import Images

MOST = 1024
"""So many images are at most in a part, unless one says otherwise."""


@final
@dataclass(frozen=True)
class Some:
    """Images that follow each other in a collection.

    Attributes:
        name: Of the part.
        images: The images, listed and not read.
    """

    name: str
    images: Images


def image_parts(images: Images, *, least: int, part: int | None = None) -> list[Part[Some]]:
    """Cut a collection into parts.

    Args:
        images: Files, or the members of an archive, that workers see under the same paths.
        least: The fewest of a part, unless one says otherwise.
        part: So many in a part; None chooses by the size of the collection.

    Raises:
        InputError: The images are in memory.
    """
    if any(not entry.stamp for entry in images.entries):
        raise InputError(
            "images that are in memory cannot be sent to workers; name a folder or an archive, or "
            "leave on= out."
        )
    each = part or grain(len(images), least, max(MOST, least))
    found = []
    for number, some in enumerate(images.cut(each)):
        first, last = some.entries[0], some.entries[-1]
        listed = "\n".join(f"{entry.place} {entry.stamp}" for entry in some.entries)
        found.append(
            Part(
                name=f"part-{number:06d}",
                source=f"{images.source.title}, {first.name} to {last.name}",
                size=len(some),
                stamp=sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()[:16],
                content=Some(f"part-{number:06d}", some),
            )
        )
    return found
