"""Does a model notice that its input is not a real image? Section 6 of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from preimage.translation.evaluation import DIRECTIONS, Tally, each_pair
from preimage.translation.kinds import Side, other
from preimage.translation.pairs import Pairs
from preimage.translation.translator import Translator

Input: TypeAlias = Literal["real", "perturbed"]
"""x, or x + dx."""


@final
@dataclass(frozen=True)
class Sensitivity:
    """How much the scores of one model change with its input, in one direction.

    Attributes:
        real: The scores of its answers to real images x.
        perturbed: Those of its answers to x + dx.
    """

    real: Tally
    perturbed: Tally

    def changes(self) -> dict[str, float]:
        r"""$d\lVert E\rVert = |E(y + dy) - E(y)|$ by score, where E is a mean over images.

        Beside it, as "... each", is the mean of the changes of each image, in which changes of
        different sign do not cancel.
        """
        before, after = self.real.scores, self.perturbed.scores
        row: dict[str, float] = {}
        for name, values in vars(before).items():
            other_values = vars(after)[name]
            row[name] = abs(float(other_values.mean() - values.mean()))
            row[f"{name} each"] = float((other_values - values).abs().mean())
        if self.real.confusion is not None and self.perturbed.confusion is not None:
            row["iou"] = abs(self.perturbed.confusion.iou - self.real.confusion.iou)
        return row


def sensitivity(
    models: Mapping[str, Translator], baseline: Translator, pairs: Pairs
) -> dict[str, dict[Side, Sensitivity]]:
    """The paper's four steps, for each model and each side that is given.

    1. The baseline translates y of each pair: x + dx, an image of side x that is not real.
    2. Each model translates the real x.
    3. Each model translates x + dx.
    4. Both answers are scored against y, and the change of the score is the sensitivity.

    A model that changes its answers more is more sensitive, and the paper takes that for evidence
    of being one to one. It is weak evidence: a model that does worse on images unlike those it has
    learned from is more sensitive too. The round trip of `evaluate` says more.

    Args:
        models: By name; the baseline is best among them.
        baseline: Makes the perturbed images; the paper takes pix2pix.
        pairs: Of the kinds of all models.
    """
    found: dict[str, dict[Side, Sensitivity]] = {
        name: {
            side: Sensitivity(*(Tally(pairs.kinds[0 if side == "b" else 1]) for _ in range(2)))
            for side in DIRECTIONS
        }
        for name in models
    }
    for images in each_pair(pairs, "measuring sensitivity"):
        for side in DIRECTIONS:
            y = images[other(side)]
            perturbed = baseline(y, source=other(side))
            for name, model in models.items():
                found[name][side].real.add(model(images[side], source=side), y)
                found[name][side].perturbed.add(model(perturbed, source=side), y)
    return found
