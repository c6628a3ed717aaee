"""What was measured of one seed for one table, kept as a line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

Values: TypeAlias = dict[str, dict[str, float | None]]
"""The numbers of a table: by row, then by column; None where something was never reached."""


class Key(NamedTuple):
    """What tells cells apart."""

    table: str
    seed: int


@final
@dataclass(frozen=True)
class Cell:
    """A table of one seed.

    Attributes:
        key: Which.
        values: What was measured.
        version: Of preimage, when it was measured.
    """

    key: Key
    values: Values
    version: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "table": self.key.table,
            "seed": self.key.seed,
            "values": self.values,
            "version": self.version,
        }

    @staticmethod
    def from_json(line: dict[str, Any]) -> Cell:
        """From what `to_json` gave."""
        return Cell(Key(line["table"], line["seed"]), dict(line["values"]), line["version"])
