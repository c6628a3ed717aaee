"""A model on pairs that it has not seen: both directions, the round trip, segmentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.progress import progress
from preimage.translation.kinds import Kind, Side, other
from preimage.translation.metrics import Scores, scores
from preimage.translation.pairs import Pairs
from preimage.translation.pairs.stack import brightness
from preimage.translation.segmentation import Confusion
from preimage.translation.translator import Translator

DIRECTIONS: dict[Side, str] = {"a": "a to b", "b": "b to a"}
"""What a direction is called, by the side that is given."""


@final
class Tally:
    """The scores of answers of one kind, image by image.

    Args:
        kind: Of the answers. Of a label map, classes are counted too; of images whose channels are
            neighbouring slices, the middle one is scored.
        ignored: Classes that do not count where they are the truth.
    """

    def __init__(self, kind: Kind, ignored: Sequence[int] = ()) -> None:
        self._kind = kind
        self._ignored = tuple(ignored)
        self._parts: list[Scores] = []
        self.confusion = None if kind.palette is None else Confusion.empty(len(kind.palette))

    def add(self, answer: Float[Tensor, "n c h w"], right: Float[Tensor, "n c h w"]) -> None:
        """Score some answers, in [0, 1]."""
        beside = self._kind.neighbours
        middle = slice(beside, -beside if beside else None)
        self._parts.append(scores(answer[:, middle], right[:, middle]))
        if self.confusion is not None:
            labels = self._kind.labels(answer), self._kind.labels(right)
            self.confusion = self.confusion.add(*labels, ignored=self._ignored)

    @property
    def scores(self) -> Scores:
        """One of each for each image."""
        names = ("l1", "psnr", "ssim")
        return Scores(*(torch.cat([vars(part)[name] for part in self._parts]) for name in names))


@final
@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of both directions, image by image.

    Attributes:
        names: Of the pairs.
        groups: The volume that a slice is of, or the pair itself.
        scores: By the side that was given.
        round_trips: PSNR in dB after two translations, by the side that was given.
        confusion: Of the label maps, where the answers are some, by the side that was given.
        parameters: Of the model.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    scores: dict[Side, Scores]
    round_trips: dict[Side, Tensor]
    confusion: dict[Side, Confusion]
    parameters: int

    def summary(self) -> dict[str, dict[str, float]]:
        """Means over images, by direction; scores of label maps are over all pixels."""
        found: dict[str, dict[str, float]] = {}
        for side, name in DIRECTIONS.items():
            found[name] = self.scores[side].means()
            found[name]["round trip psnr"] = float(self.round_trips[side].mean())
            if side in self.confusion:
                found[name] |= self.confusion[side].summary()
        return found

    def of_groups(self) -> dict[str, dict[str, dict[str, float]]]:
        """Means over the images of each group, by direction: per subject, for volumes."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for group in sorted(set(self.groups)):
            rows = [row for row, one in enumerate(self.groups) if one == group]
            found[group] = {
                name: {key: float(values[rows].mean()) for key, values in vars(own).items()}
                for name, own in ((DIRECTIONS[side], self.scores[side]) for side in DIRECTIONS)
            }
        return found

    def rows(self) -> list[dict[str, Any]]:
        """One row for each image and direction."""
        return [
            {
                "name": name,
                "direction": direction,
                **{key: float(values[i]) for key, values in vars(self.scores[side]).items()},
                "round trip psnr": float(self.round_trips[side][i]),
            }
            for side, direction in DIRECTIONS.items()
            for i, name in enumerate(self.names)
        ]


def evaluate(
    model: Translator, pairs: Pairs, *, ignored: Sequence[int] = (), settle: int = 0
) -> Evaluation:
    """Scores a model on pairs.

    Translations are cut off to [0, 1] and not rounded; of a label map, each pixel gets the nearest
    colour of the palette first.

    Args:
        model: A fitted model.
        pairs: Of its two kinds, best ones that it was not trained on.
        ignored: Classes of label maps, by their number in the palette, that do not count where
            they are the truth.
        settle: Steps that move each answer to where it is translated back, as for a call.

    Raises:
        InputError: The pairs are not of the kinds of the model.
        MissingExtraError: torchmetrics is not installed.
    """
    tallies: dict[Side, Tally] = {s: Tally(_answers(pairs, s), ignored) for s in DIRECTIONS}
    trips: dict[Side, list[Tensor]] = {side: [] for side in DIRECTIONS}
    for images in each_pair(pairs, "evaluating"):
        for side, tally in tallies.items():
            trip = model.round_trip(images[side], source=side, settle=settle)
            tally.add(_answers(pairs, side).finish(trip.there), images[other(side)])
            trips[side].append(trip.psnr)
    return Evaluation(
        names=pairs.names,
        groups=pairs.groups,
        scores={side: tally.scores for side, tally in tallies.items()},
        round_trips={side: torch.cat(parts) for side, parts in trips.items()},
        confusion={s: one.confusion for s, one in tallies.items() if one.confusion is not None},
        parameters=model.parameters,
    )


def each_pair(pairs: Pairs, label: str) -> Iterator[dict[Side, Float[Tensor, "1 _ _ _"]]]:
    """Both images of one pair after the other, in [0, 1].

    Args:
        pairs: Where they are.
        label: What the progress bar says.
    """
    with progress(label, len(pairs)) as bar:
        for row in range(len(pairs)):
            yield {"a": brightness(pairs.a[row])[None], "b": brightness(pairs.b[row])[None]}
            bar.update(row + 1)


def _answers(pairs: Pairs, source: Side) -> Kind:
    return pairs.kinds[0 if source == "b" else 1]
