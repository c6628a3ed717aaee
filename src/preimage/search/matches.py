"""What a search found."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Float

from preimage.images import Entry
from preimage.tables import to_frame
from preimage.tables.table import Kind


@final
@dataclass(frozen=True)
class Matches:
    """The nearest images of each query.

    Attributes:
        queries: The images asked about.
        entries: For each query the images found, nearest first.
        distance: How far each is: bits for hashes, Euclidean otherwise.
        feature: What they were compared by.
        skipped: Queries that could not be read and why, by name.
    """

    queries: tuple[Entry, ...]
    entries: tuple[tuple[Entry, ...], ...]
    distance: Float[np.ndarray, "queries k"]
    feature: str
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """What the images found are called, for each query."""
        return tuple(tuple(entry.name for entry in some) for some in self.entries)

    def to_columns(self) -> dict[str, np.ndarray]:
        """One row for each image found: query, rank from 1, image, distance, place."""
        counts = [len(some) for some in self.entries]
        found = [entry for some in self.entries for entry in some]
        return {
            "query": np.repeat(_texts([query.name for query in self.queries]), counts),
            "rank": np.concatenate([np.arange(1, count + 1) for count in counts]),
            "image": _texts([entry.name for entry in found]),
            "distance": self.distance.reshape(-1),
            "place": _texts([entry.place for entry in found]),
        }

    def to_frame(self, kind: Kind = "pyarrow") -> Any:
        """The columns as a frame.

        Args:
            kind: "pandas", "polars" or "pyarrow".

        Raises:
            MissingExtraError: The library is not installed.
        """
        return to_frame(self.to_columns(), kind)

    def page(
        self,
        path: str | os.PathLike[str],
        *,
        images: Any = None,
        queries: Any = None,
        title: str | None = None,
        force: bool = False,
    ) -> None:
        """Write one HTML page with the images as thumbnails; it needs no other file.

        Images are read again from where they were. Those that are no longer there, or never were in
        a file, are taken from `images` and `queries` where given, and named without a picture
        otherwise.

        Args:
            path: The file, ending in `.html`.
            images: The images of the index, as `open_images` takes them.
            queries: The images asked about, likewise.
            title: A heading.
            force: Replace a file that is already there.

        Raises:
            OutputExistsError: The file is there already; choose another, or `force=True`.
        """
        from preimage.search.page import write_page

        write_page(self, path, images=images, queries=queries, title=title, force=force)

    def __str__(self) -> str:
        lines = []
        for query, some, distances in zip(self.queries, self.entries, self.distance, strict=True):
            near = ", ".join(
                f"{entry.name} ({distance:.3g})"
                for entry, distance in zip(some, distances, strict=True)
            )
            lines.append(f"{query.name}: {near}")
        lines += [f"{name}: not read: {reason}" for name, reason in self.skipped.items()]
        return "\n".join(lines)


def _texts(values: Sequence[str]) -> np.ndarray:
    return np.array(list(values), dtype=np.str_)
