"""Where the vectors of an index are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from preimage.images import Entry
from preimage.search.nearest import Exact

Hits = tuple[list[list[Entry]], Float[np.ndarray, "queries k"]]
"""For each query the entries found, nearest first, and their squared distances."""


class Vectors(ABC):
    """Entries with a vector each; an entry's place is its key."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def stamps(self, places: Sequence[str]) -> dict[str, str]:
        """The stamps of those of these places that are there."""

    @abstractmethod
    def put(self, entries: Sequence[Entry], vectors: Float[Tensor, "n d"]) -> None:
        """Add entries, or replace those at the same places."""

    @abstractmethod
    def nearest(self, vectors: Float[Tensor, "n d"], k: int) -> Hits:
        """The nearest entries of each vector; of several at the same distance, by name."""

    @abstractmethod
    def all(self) -> tuple[list[Entry], Float[Tensor, "n d"]]:
        """Everything, by name and then by place."""


@final
class InMemory(Vectors):
    """Vectors in memory, searched exactly."""

    def __init__(self, dim: int) -> None:
        self._entries: list[Entry] = []
        self._row: dict[str, int] = {}
        self._parts: list[Tensor] = [torch.zeros(0, dim)]
        self._exact: Exact | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)

    def stamps(self, places: Sequence[str]) -> dict[str, str]:
        """The stamps of those of these places that are there."""
        there = (place for place in places if place in self._row)
        return {place: self._entries[self._row[place]].stamp for place in there}

    def put(self, entries: Sequence[Entry], vectors: Float[Tensor, "n d"]) -> None:
        """Add entries, or replace those at the same places."""
        self._exact = None
        fresh = [i for i, entry in enumerate(entries) if entry.place not in self._row]
        for i in sorted(set(range(len(entries))) - set(fresh)):
            row = self._row[entries[i].place]
            self._entries[row] = entries[i]
            self._whole()[row] = vectors[i]
        for i in fresh:
            self._row[entries[i].place] = len(self._entries)
            self._entries.append(entries[i])
        self._parts.append(vectors[fresh].to(torch.float32))

    def nearest(self, vectors: Float[Tensor, "n d"], k: int) -> Hits:
        """The nearest entries of each vector; of several at the same distance, by name."""
        if self._exact is None:
            self._exact = Exact(self._whole(), np.argsort(self._sorted()))
        squared, rows = self._exact.nearest(vectors, k)
        return [[self._entries[row] for row in some] for some in rows.tolist()], squared

    def all(self) -> tuple[list[Entry], Float[Tensor, "n d"]]:
        """Everything, by name and then by place."""
        rows = self._sorted()
        return [self._entries[row] for row in rows], self._whole()[rows]

    def _sorted(self) -> list[int]:
        """Rows by name and then by place."""
        keys: list[Any] = [(entry.name, entry.place) for entry in self._entries]
        return sorted(range(len(keys)), key=keys.__getitem__)

    def _whole(self) -> Tensor:
        """The vectors as one tensor, which later parts are added to."""
        if len(self._parts) > 1:
            self._parts = [torch.cat(self._parts)]
        return self._parts[0]
