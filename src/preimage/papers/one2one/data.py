"""The pairs that the experiments are run on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

from preimage.errors import InputError
from preimage.translation import Pairs
from preimage.translation.evaluation import DIRECTIONS
from preimage.translation.kinds import Side
from preimage.translation.pairs.opening import open_pairs

TEST = ("test", "val")
"""What the folder of the pairs that are scored is called."""


@final
@dataclass(frozen=True)
class Data:
    """Pairs to learn from, and pairs to score.

    Attributes:
        name: What they are called on the page.
        train: Those learned from.
        test: Others, best of other subjects or places.
        called: What side a and side b are called.
        ignored: Classes of label maps that do not count where they are the truth.
        beside: The same slices with those beside each as further channels; None where the pairs
            are no slices.
        validation: Of the pairs learned from, some to learn from and others to choose settings by;
            None where there are too few for that.
    """

    name: str
    train: Pairs
    test: Pairs
    called: tuple[str, str] = ("a", "b")
    ignored: tuple[int, ...] = ()
    beside: Data | None = None
    validation: Data | None = None

    @property
    def sides(self) -> dict[Side, str]:
        """What the sides are called."""
        return {"a": self.called[0], "b": self.called[1]}

    @property
    def directions(self) -> dict[str, str]:
        """What "a to b" and "b to a" are called on the page."""
        one, two = self.called
        return {DIRECTIONS["a"]: f"{one} to {two}", DIRECTIONS["b"]: f"{two} to {one}"}

    @property
    def choosing(self) -> Data:
        """What changes to a method are compared on: not the pairs that are scored, if possible."""
        return self.validation or self

    @property
    def digest(self) -> str:
        """Differs when any of the images does."""
        return f"{self.train.digest} {self.test.digest}"


def open_data(folder: Path) -> Data:
    """Pairs of a folder with `train` and `test` (or `val`) in it.

    Each of them holds two folders, `a` and `b`, with images or volumes of equal names; or images
    that show both sides next to each other, as the data sets of pix2pix do. Beside them,
    `palette-a.json` and `palette-b.json` may give the colours of label maps.

    Args:
        folder: Where they are.

    Raises:
        InputError: They are not there, or cannot be used.
    """
    test = next((folder / name for name in TEST if (folder / name).is_dir()), None)
    if test is None or not (folder / "train").is_dir():
        raise InputError(
            f"{folder} does not hold the folders train and test (or val); put pairs to learn from "
            "and pairs to score there: train/a, train/b, test/a, test/b, or images side by side."
        )
    return Data(folder.resolve().name, _open(folder / "train", folder), _open(test, folder))


def _open(part: Path, folder: Path) -> Pairs:
    both = part / "a", part / "b"
    apart = all(one.is_dir() for one in both)
    return open_pairs(
        both[0] if apart else part,
        both[1] if apart else None,
        palette_a=_palette(folder / "palette-a.json"),
        palette_b=_palette(folder / "palette-b.json"),
    )


def _palette(path: Path) -> list[list[int]] | None:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no list of colours in JSON: {error}.") from error
