"""Images that are alike, as pairs and as groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from jaxtyping import Float

from preimage.images import Entry
from preimage.progress import progress
from preimage.search.features import Feature
from preimage.search.nearest import Exact
from preimage.tables import to_frame
from preimage.tables.table import Kind


@final
@dataclass(frozen=True)
class Duplicates:
    """All pairs of images within a distance of each other.

    Attributes:
        entries: The images that have a partner, by name.
        pairs: Rows of two numbers of `entries`, the first lower.
        distance: The distance of each pair.
        threshold: Up to which distance images are alike.
        looked_at: How many images there were.
        feature: What they were compared by.
    """

    entries: tuple[Entry, ...]
    pairs: np.ndarray
    distance: Float[np.ndarray, " pairs"]
    threshold: float
    looked_at: int
    feature: str

    @cached_property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """The groups as numbers of `entries`.

        A group is a connected component: who is in it is alike to somebody in it, not necessarily
        to everybody. With a large threshold, chains of images that differ little grow long; `pairs`
        tells who is alike directly.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = len(self.entries)
        ones = np.ones(len(self.pairs), dtype=bool)
        graph = coo_array((ones, (self.pairs[:, 0], self.pairs[:, 1])), shape=(n, n))
        _, labels = connected_components(graph, directed=False)
        groups: dict[int, list[int]] = defaultdict(list)
        for i, label in enumerate(labels.tolist()):
            groups[label].append(i)
        return tuple(sorted(map(tuple, groups.values())))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each of `entries` is called: its name, or its place where others have that name."""
        times = Counter(entry.name for entry in self.entries)
        return tuple(
            entry.name if times[entry.name] == 1 else entry.place for entry in self.entries
        )

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The labels of the images of each group."""
        return tuple(tuple(self.labels[i] for i in some) for some in self.members)

    def by_image(self) -> dict[str, list[str]]:
        """For each image that has any, the images within the threshold of it, nearest first.

        This is what `imagededup` calls duplicates.
        """
        near: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for (a, b), distance in zip(self.pairs.tolist(), self.distance.tolist(), strict=True):
            near[a].append((distance, b))
            near[b].append((distance, a))
        return {self.labels[i]: [self.labels[j] for _, j in sorted(near[i])] for i in sorted(near)}

    def to_columns(self) -> dict[str, np.ndarray]:
        """One row for each image of a group: group from 1, image, nearest distance, place."""
        nearest = np.full(len(self.entries), np.inf)
        for column in self.pairs.T:
            np.minimum.at(nearest, column, self.distance)
        rows = [(group, i) for group, some in enumerate(self.members, start=1) for i in some]
        which = [i for _, i in rows]
        return {
            "group": np.array([group for group, _ in rows], dtype=np.int64),
            "image": np.array([self.entries[i].name for i in which], dtype=np.str_),
            "nearest": nearest[which],
            "place": np.array([self.entries[i].place for i in which], dtype=np.str_),
        }

    def to_frame(self, kind: Kind = "pyarrow") -> Any:
        """The columns as a frame.

        Args:
            kind: "pandas", "polars" or "pyarrow".

        Raises:
            MissingExtraError: The library is not installed.
        """
        return to_frame(self.to_columns(), kind)

    def __str__(self) -> str:
        count = len(self.groups)
        head = (
            f"{len(self.entries):,} of {self.looked_at:,} images are in {count:,} "
            f"group{'s' * (count != 1)} (by {self.feature}, up to a distance of {self.threshold:g})"
        )
        return "\n".join([head, *(", ".join(some) for some in self.groups)])


def find(entries: list[Entry], search: Exact, feature: Feature, threshold: float) -> Duplicates:
    """All pairs within the threshold.

    Args:
        entries: The images, by name.
        search: Their vectors, in the same order.
        feature: What gave them.
        threshold: In the unit of the feature.
    """
    radius = feature.squared(threshold)
    ones, others, squares = [], [], []
    with progress("comparing images", len(entries)) as bar:
        for one, other, squared, done in search.within(radius):
            ones.append(one)
            others.append(other)
            squares.append(squared)
            bar.update(done)
    pairs = np.stack([np.concatenate(ones), np.concatenate(others)], axis=1)
    involved, numbers = np.unique(pairs, return_inverse=True)
    return Duplicates(
        entries=tuple(entries[i] for i in involved.tolist()),
        pairs=numbers.reshape(-1, 2),
        distance=feature.shown(np.concatenate(squares)),
        threshold=threshold,
        looked_at=len(entries),
        feature=feature.name,
    )
