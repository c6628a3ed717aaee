"""The mean of a network's weights over the last steps of a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Update: TypeAlias = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]


def moving_mean(decay: float) -> Update:
    r"""What brings an `AveragedModel` up to date: $\bar w \leftarrow \bar w + s (w - \bar w)$.

    The share is $s = \max(1 - d,\ 9 / (10 + n))$ at step n, so that a short training does not keep
    its first weights.

    Args:
        decay: d, below 1.

    Example:
        >>> mean, steps = [torch.zeros(1)], range(1, 1000)
        >>> for n in steps:
        ...     moving_mean(0.9)(mean, [torch.full((1,), float(n))], n)
        >>> round(mean[0].item())
        990
    """

    def update(means: Sequence[Tensor], weights: Sequence[Tensor], count: Tensor | int) -> None:
        share = max(1 - decay, 9 / (10 + float(count)))
        with torch.no_grad():
            for mean, weight in zip(means, weights, strict=True):
                mean.lerp_(weight, share)

    return update
