"""What is proved about convolutions: as small matrices, by their Fourier symbol, by row sums."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from preimage.verdicts.circular import circular, is_circular
from preimage.verdicts.facts import Facts, smooth
from preimage.verdicts.linear import affine, norm_bound

MATRIX_SIZE = 400
"""Up to how many inputs and outputs a convolution is written out as a matrix."""


def convolution(module: Any, before: tuple[int, ...], after: tuple[int, ...]) -> Facts:
    """The facts of a convolution, transposed or not, on samples of one shape."""
    what = f"{type(module).__name__}({module.in_channels}, {module.out_channels})"
    n, m = math.prod(before), math.prod(after)
    weight = module.weight.detach().double()
    if all(size == 1 for size in module.kernel_size) and _plain(module):
        small = affine(what, weight.flatten(1), None)
        return replace(small, weight=None)
    # Entries are single weights, unless padding brings one number in twice.
    single = module.padding_mode == "zeros" or (
        module.padding_mode == "circular"
        and all(k <= size for k, size in zip(module.kernel_size, before[1:], strict=True))
    )
    if max(n, m) <= MATRIX_SIZE and single:
        matrix = _matrix(module, before)
        return affine(what, matrix, None if module.bias is None else _constant(module, before))
    if is_circular(module, before, after):
        found = circular(module, what, before)
        if found is not None:
            return found
    facts = smooth(what, lipschitz=_norm(module, weight))
    if n > m:
        return replace(
            facts, injective=False, why_injective=f"{what} has fewer outputs than inputs"
        )
    if n < m:
        why = f"{what} has more outputs than inputs"
        return replace(facts, surjective=False, why_surjective=why)
    return facts


def _plain(module: Any) -> bool:
    ones = all(size == 1 for size in (*module.stride, *module.dilation))
    padding = module.padding
    padded = padding not in ("valid", "same") and any(padding)
    return ones and not padded and module.groups == 1 and not module.transposed


def _matrix(module: Any, before: tuple[int, ...]) -> Tensor:
    """The exact matrix, every entry of which is one weight."""
    n = math.prod(before)
    eye = torch.eye(n, dtype=torch.float64).reshape(n, *before)
    with torch.no_grad():
        bias, module.bias = module.bias, None
        try:
            columns = module(eye)
        finally:
            module.bias = bias
    return columns.reshape(n, -1).T.contiguous()


def _constant(module: Any, before: tuple[int, ...]) -> Tensor:
    with torch.no_grad():
        return module(torch.zeros(1, *before, dtype=torch.float64)).reshape(-1)


def _norm(module: Any, weight: Tensor) -> float:
    r"""$\sqrt{\|K\|_1 \|K\|_\infty}$ over all taps, which every entry of the matrix is one of."""
    if module.padding_mode not in ("zeros", "circular"):
        return math.inf
    groups = module.groups
    size = weight.abs()
    # Sums over all taps, for one input and for one output channel.
    over = [size.flatten(2).sum(dim=(0, 2)).amax(), size.flatten(1).sum(dim=1).amax()]
    if groups > 1:
        over = [size.flatten(1).sum() for _ in range(2)]
    plain = math.sqrt(float(over[0] * over[1])) * (1 + 1e-12)
    # One matrix for every tap: the norm of a sum is at most the sum of the norms.
    if groups == 1 and weight[0, 0].numel() <= 49 and max(weight.shape[:2]) <= 64:
        taps = weight.flatten(2).unbind(2)
        return min(plain, sum(norm_bound(tap) for tap in taps) * (1 + 1e-12))
    return plain
