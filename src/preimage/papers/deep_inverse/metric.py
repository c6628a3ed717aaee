"""The measure of the benchmark: how the error falls with the number of candidates."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.papers.deep_inverse.tasks import Task

CANDIDATES = 50
"""The most candidates for a target."""


def errors(
    task: Task, x: Float64[Tensor, "targets candidates p"], y: Float64[Tensor, "targets q"]
) -> Float64[Tensor, "targets candidates"]:
    """The squared error of the exact function, mean over outputs; infinite for no candidate."""
    reached = task.fn(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
    return (reached - y[:, None]).square().mean(dim=2).nan_to_num(nan=torch.inf)


def resimulation(
    errors: Float64[Tensor, "targets candidates"],
) -> Float64[Tensor, " candidates"]:
    r"""$r_T$, the mean over targets of the smallest error among the first T candidates.

    Source: Ren, Padilla, Malof 2020, equation 2.

    Example:
        >>> found = torch.tensor([[4.0, 1.0], [2.0, 3.0]], dtype=torch.float64)
        >>> resimulation(found).tolist()
        [3.0, 1.5]
    """
    return errors.cummin(dim=1).values.mean(dim=0)
