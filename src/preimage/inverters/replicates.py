"""Rows of measurements that repeat each other's inputs."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import DataError, InputError


def check_repeats(x: Float64[Tensor, "rows p"], y: Float64[Tensor, "rows q"], repeats: str) -> None:
    """Complains about rows with equal inputs and different outputs, unless they are wanted.

    Raises:
        DataError: If there are such rows.
    """
    if repeats not in ("error", "keep"):
        raise InputError(f"repeats={repeats!r} is not known; give 'error' or 'keep'.")
    if repeats == "keep":
        return
    _, group, size = torch.unique(x, dim=0, return_inverse=True, return_counts=True)
    first = torch.full((len(size),), len(x)).scatter_reduce(0, group, torch.arange(len(x)), "amin")
    differs = (y != y[first[group]]).any(dim=1)
    if bool(differs.any()):
        row = int(differs.nonzero()[0, 0])
        raise DataError(
            f"{int(differs.sum())} rows repeat the inputs of an earlier row with other outputs "
            f"(rows {int(first[group[row]])} and {row}, for instance). If they are repeated "
            "measurements, pass repeats='keep' (--repeats keep on the command line), and the "
            "differences count as noise; otherwise an input is missing from x."
        )


def averaged(
    x: Float64[Tensor, "rows p"],
    y: Float64[Tensor, "rows q"],
    noise: Float64[Tensor, "rows q"] | None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    r"""One row for each distinct input, in order of first appearance.

    Its output is the mean of the measurements there. Where their noise $n_i$ is known, they weigh
    $1 / n_i^2$, and the noise of the mean is $(\sum_i 1 / n_i^2)^{-1/2}$.

    Example:
        >>> x = torch.tensor([[2.0], [1.0], [2.0]], dtype=torch.float64)
        >>> averaged(x, x * torch.tensor([[1.0], [1.0], [3.0]]), None)[:2]
        (tensor([[2.],
                [1.]], dtype=torch.float64), tensor([[4.],
                [1.]], dtype=torch.float64))
    """
    _, group, size = torch.unique(x, dim=0, return_inverse=True, return_counts=True)
    if len(size) == len(x):
        return x, y, noise
    first = torch.full((len(size),), len(x)).scatter_reduce(0, group, torch.arange(len(x)), "amin")
    order = first.argsort()
    # Exact measurements get a noise that no other can outweigh.
    level = torch.ones_like(y) if noise is None else noise.clamp(min=1e-9 * float(y.std()))
    weight = level.square().reciprocal()
    total = torch.zeros(len(size), y.shape[1], dtype=y.dtype).index_add(0, group, weight)
    mean = torch.zeros_like(total).index_add(0, group, weight * y) / total
    spread = None if noise is None else total.rsqrt()[order]
    return x[first[order]], mean[order], spread
