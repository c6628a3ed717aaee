"""Known pairs as batches to train on, with some held out."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.training.recipe import Batch

HELD_OUT = 10
"""One known pair in so many is kept for validation."""


@final
class Rows:
    """Inputs and targets of a network, row by row, in single precision.

    Args:
        inputs: What the network sees.
        targets: What it should give.
        batch: Rows of a batch.
        source: Decides which rows are held out.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "rows inputs"],
        targets: Float[Tensor, "rows targets"],
        batch: int,
        source: torch.Generator,
    ) -> None:
        self._inputs, self._targets, self._batch = inputs.float(), targets.float(), batch
        order = torch.randperm(len(inputs), generator=source)
        held = len(order) // HELD_OUT
        self._held, self._kept = order[:held], order[held:]

    def draw(self, source: torch.Generator) -> Batch:
        """A batch of the rows that are not held out."""
        return self._rows(
            self._kept[torch.randint(len(self._kept), (self._batch,), generator=source)]
        )

    @property
    def held_out(self) -> Batch | None:
        """The rows kept for validation; none where there are too few."""
        return self._rows(self._held) if len(self._held) else None

    def _rows(self, index: Tensor) -> Batch:
        return self._inputs[index], self._targets[index]
