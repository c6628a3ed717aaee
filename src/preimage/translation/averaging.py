"""The mean of a network's weights over the last steps of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Update: TypeAlias = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]


AVERAGE = "average."
"""Before the name of a network, that of the mean of its weights."""


@final
class Averages:
    """The means of the weights of some networks.

    Args:
        networks: By name.
        decay: Of the means; 0 keeps none.

    Attributes:
        networks: The means, to be kept in checkpoints beside the networks themselves.
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float) -> None:
        self.networks = {
            AVERAGE + name: AveragedModel(one, multi_avg_fn=moving_mean(decay))
            for name, one in networks.items()
            if decay
        }

    def update(self, networks: Mapping[str, nn.Module]) -> None:
        """Take a step of the networks into account."""
        for name, average in self.networks.items():
            average.update_parameters(networks[name.removeprefix(AVERAGE)])

    def final(self, networks: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
        """What is used in the end: the means, or the networks themselves where there are none."""
        means = {
            name.removeprefix(AVERAGE): average.module for name, average in self.networks.items()
        }
        return {**networks, **means}


def moving_mean(decay: float) -> Update:
    r"""What brings an `AveragedModel` up to date: $\bar w \leftarrow \bar w + s (w - \bar w)$.

    The share is $s = \max(1 - d,\ 9 / (10 + n))$ at step n, so that a short training does not keep
    its first weights.

    Args:
        decay: d, below 1.

    Example:
        >>> mean = [torch.zeros(1)]
        >>> for n in range(1, 200):
        ...     moving_mean(0.9)(mean, [torch.full((1,), float(n))], n)
        >>> round(mean[0].item())
        190
    """

    def update(means: Sequence[Tensor], weights: Sequence[Tensor], count: Tensor | int) -> None:
        share = max(1 - decay, 9 / (10 + float(count)))
        with torch.no_grad():
            for mean, weight in zip(means, weights, strict=True):
                mean.lerp_(weight, share)

    return update
