"""Refinement of codes by descent on the difference of images."""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.generators.generator import Generator


def refine(
    generator: Generator, z: Tensor, target: Tensor, *, steps: int, learning_rate: float = 0.05
) -> Tensor:
    """Lowers the mean squared difference of each image by Adam in free coordinates.

    Args:
        generator: Makes the images.
        z: Where each image starts.
        target: The images.
        steps: How many steps.
        learning_rate: Of Adam.
    """
    prior = generator.prior
    free = prior.to_free(z).clone().requires_grad_(True)
    adam = torch.optim.Adam([free], lr=learning_rate)
    for _ in range(steps):
        adam.zero_grad()
        loss = (generator(prior.from_free(free)) - target).square().flatten(1).mean(1).sum()
        loss.backward()
        adam.step()
    return prior.from_free(free.detach())
