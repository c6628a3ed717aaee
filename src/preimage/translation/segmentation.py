"""How far a label map is from the right one, over all images together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from preimage.errors import InputError


@final
@dataclass(frozen=True)
class Confusion:
    """How often a pixel of one class was taken for another, over a whole set of images.

    Classes that are nowhere in the truth are left out of the means, as in the scores of pix2pix.

    Attributes:
        counts: Rows are true classes, columns found ones.

    Example:
        >>> truth = torch.tensor([[0, 0, 1, 1]])
        >>> found = torch.tensor([[0, 1, 1, 1]])
        >>> total = Confusion.empty(3).add(found, truth)
        >>> total.pixel_accuracy, total.class_accuracy, round(total.iou, 3)
        (0.75, 0.75, 0.583)
    """

    counts: Int[Tensor, "classes classes"]

    @classmethod
    def empty(cls, classes: int) -> Confusion:
        """Nothing counted yet.

        Args:
            classes: How many there are.
        """
        return cls(torch.zeros(classes, classes, dtype=torch.int64))

    def add(
        self,
        found: Int[Tensor, "*shape"],
        truth: Int[Tensor, "*shape"],
        ignored: tuple[int, ...] = (),
    ) -> Confusion:
        """The counts with those of further pixels.

        Args:
            found: Classes, counted from 0.
            truth: The right ones.
            ignored: True classes whose pixels do not count, such as "void".

        Raises:
            InputError: Shapes differ, or there is a class beyond those counted.
        """
        classes = len(self.counts)
        if found.shape != truth.shape or max(int(found.max()), int(truth.max())) >= classes:
            raise InputError(
                f"classes of shape {tuple(found.shape)} against {tuple(truth.shape)}, up to "
                f"{int(found.max())} and {int(truth.max())}; there are {classes}."
            )
        kept = ~torch.isin(truth, torch.tensor(ignored, dtype=truth.dtype))
        place = truth[kept] * classes + found[kept]
        more = torch.bincount(place, minlength=classes**2).reshape(classes, classes)
        return Confusion(self.counts + more)

    @property
    def pixel_accuracy(self) -> float:
        """The share of pixels that are right."""
        return float(self.counts.diagonal().sum() / self.counts.sum())

    @property
    def class_accuracy(self) -> float:
        """The mean over classes of the share of their pixels that are right."""
        return float((self._right / self._true).mean())

    @property
    def iou(self) -> float:
        """The mean over classes of intersection over union."""
        union = self._true + self.counts.sum(dim=0)[self._there] - self._right
        return float((self._right / union).mean())

    def summary(self) -> dict[str, float]:
        """The three scores by name."""
        return {
            "pixel accuracy": self.pixel_accuracy,
            "class accuracy": self.class_accuracy,
            "iou": self.iou,
        }

    @property
    def _there(self) -> Tensor:
        return self.counts.sum(dim=1) > 0

    @property
    def _right(self) -> Float[Tensor, " there"]:
        return self.counts.diagonal()[self._there].double()

    @property
    def _true(self) -> Float[Tensor, " there"]:
        return self.counts.sum(dim=1)[self._there].double()
