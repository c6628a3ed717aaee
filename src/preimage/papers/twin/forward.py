"""The learned f of the paper: a network from x to y that chooses among the proposals."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.papers.twin.evaluation import Forward
from preimage.runtime import generator
from preimage.training.recipe import Batch, Recipe

HELD_OUT = 10
"""One row in so many is kept for validation."""


def forward_network(
    x: Float64[Tensor, "rows p"], y: Float64[Tensor, "rows q"], recipe: Recipe, seed: int
) -> Forward:
    """Regresses y on x, in raw units."""
    source = generator(seed)
    network = recipe.network(x.shape[1], y.shape[1], source)
    inputs, outputs = x.float(), y.float()
    order = torch.randperm(len(x), generator=source)
    held, kept = order[: len(x) // HELD_OUT], order[len(x) // HELD_OUT :]

    def draw(stream: torch.Generator) -> Batch:
        rows = kept[torch.randint(len(kept), (recipe.batch,), generator=stream)]
        return inputs[rows], outputs[rows]

    held_out = (inputs[held], outputs[held])
    recipe.train(network, draw, held_out, seed=seed, label="forward network")

    def forward(where: Tensor) -> Tensor:
        with torch.no_grad():
            return network(where.float()).double()

    return forward
