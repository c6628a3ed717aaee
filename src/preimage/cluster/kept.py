"""What was done, in a file that grows by a line of JSON a piece: work that stops goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

from preimage.errors import StoreError


@runtime_checkable
class Measured(Protocol):
    """A piece of work that was done once, such as a measured cell."""

    @property
    def key(self) -> Hashable:
        """What tells it apart from others."""
        ...

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        ...


C = TypeVar("C", bound=Measured)


@final
class Kept(Generic[C]):
    """The pieces of a folder; the last of a key counts.

    Args:
        path: The file; it need not be there yet.
        read: Makes a piece of what its `to_json` gave.

    Raises:
        StoreError: If a line of it cannot be read; only the last may be cut short.
    """

    def __init__(self, path: Path, read: Callable[[dict[str, Any]], C]) -> None:
        self.path = path
        self._cells: dict[Hashable, C] = {}
        lines = path.read_text("utf-8").split("\n") if path.exists() else []
        for number, line in enumerate(lines[:-1], 1):
            try:
                cell = read(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise StoreError(
                    f"line {number} of {path} is damaged ({error}); remove the line, and what it "
                    "stands for is done again."
                ) from error
            self._cells[cell.key] = cell
        # A line without an end was being written when something stopped it.
        self._whole = "".join(f"{line}\n" for line in lines[:-1])
        self._cut = bool(lines) and lines[-1] != ""

    def __iter__(self) -> Iterator[C]:
        return iter(self._cells.values())

    def __contains__(self, key: Hashable) -> bool:
        return key in self._cells

    def __len__(self) -> int:
        return len(self._cells)

    def get(self, key: Hashable) -> C | None:
        """The piece of this key; None where there is none."""
        return self._cells.get(key)

    def add(self, cell: C) -> None:
        """Keeps a piece, on disk before this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._cut:
            self.path.write_text(self._whole, "utf-8")
            self._cut = False
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(cell.to_json()) + "\n")
        self._cells[cell.key] = cell
