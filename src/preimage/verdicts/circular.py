"""Circular convolutions: by their Fourier symbol, one small matrix for every frequency."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, final

import torch
from torch import Tensor

from preimage.intervals.bounds import Bounds, around, up
from preimage.intervals.matrices import left_inverse
from preimage.verdicts.facts import Facts
from preimage.verdicts.linear import rational_null_vector

WORK = 1 << 28
"""Up to how many multiplications the symbol is inverted with."""

ROUNDING = 1e-14
"""The error of a sine or cosine of an angle that was computed, with room to spare."""

CHANNELS = 32
"""Up to how many channels a symbol of rational numbers is reduced exactly."""


@final
@dataclass(frozen=True)
class Symbol:
    r"""The matrices $\hat K(\omega)$, of which a circular convolution is the orthogonal sum.

    Attributes:
        matrices: Enclosures, `(frequencies, 2 outputs, 2 inputs)`, as real matrices of twice the
            size, which have the same singular values.
    """

    matrices: Bounds


def is_circular(module: Any, before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether a convolution wraps around, and gives as many numbers per channel as it takes."""
    return (
        module.padding_mode == "circular" and not module.transposed
        and before[1:] == after[1:] and all(step == 1 for step in module.stride)
    )  # fmt: skip


def circular(module: Any, what: str, before: tuple[int, ...]) -> Facts | None:
    """The facts of a circular convolution; None where it is too large.

    It is injective exactly if its symbol has full column rank at every frequency of the grid, and
    onto exactly if it has full row rank there.
    """
    sizes = before[1:]
    groups = module.groups
    q, p = module.out_channels // groups, module.in_channels // groups
    work = groups * math.prod(sizes) * 8 * max(p, q) ** 3
    if work > WORK:
        return None
    weight = module.weight.detach().double().reshape(groups, q, p, *module.kernel_size)
    tall = q >= p
    lost = _lost_exactly(weight if tall else weight.transpose(1, 2), sizes, module.dilation)
    full, inverse, lipschitz = False, math.inf, 0.0
    for kernel in weight:
        symbol = _symbol(kernel, sizes, module.dilation)
        lipschitz = max(lipschitz, _largest(symbol))
        if lost is None:
            side = symbol.matrices
            turned = side if tall else Bounds(side.low.mT, side.high.mT)
            found = left_inverse(turned)
            full = bool((found.norm < 1).all())
            bound = float(found.lipschitz.amax()) * math.sqrt(2 * min(p, q)) * (1 + 1e-12)
            inverse = bound if inverse == math.inf else max(inverse, bound)
            if not full:
                break
    rank = True if full else False if lost is not None else None
    where = f"its Fourier symbol has full rank at every frequency of the grid, in {what}"
    gone = f"its Fourier symbol is singular at the frequency {lost}, in {what}"
    fewer = f"{what} has fewer outputs than inputs"
    more = f"{what} has more outputs than inputs"
    return Facts(
        what=what, injective=rank if tall else False,
        surjective=rank if q <= p else False,
        why_injective=(where if rank else gone) if tall else fewer,
        why_surjective=(where if rank else gone) if q <= p else more,
        lipschitz=lipschitz, inverse=inverse if full and tall else math.inf,
        continuous=True, locally_lipschitz=True,
    )  # fmt: skip


def _symbol(kernel: Tensor, sizes: tuple[int, ...], dilation: Iterable[int]) -> Symbol:
    """Both parts of the sums of taps times powers of roots of unity, with their errors."""
    taps = list(product(*(range(k) for k in kernel.shape[2:])))
    waves = []
    for place in taps:
        turns = torch.zeros(sizes, dtype=torch.float64)
        for axis, (step, size, by) in enumerate(zip(place, sizes, dilation, strict=True)):
            # Whole numbers are reduced before they become an angle.
            turn = (torch.arange(size) * (step * by) % size).double() / size
            turns += turn.reshape([-1 if i == axis else 1 for i in range(len(sizes))])
        waves.append((2 * math.pi * (turns % 1.0)).flatten())
    angle = torch.stack(waves, dim=1)
    flat = kernel.flatten(2)
    real = torch.einsum("ft,qpt->fqp", angle.cos(), flat)
    imaginary = torch.einsum("ft,qpt->fqp", angle.sin(), flat)
    size = flat.abs().sum(dim=2)
    error = up(size, len(taps)) * (ROUNDING * (1 + len(sizes)) + (len(taps) + 4) * 2.0**-52)
    whole = torch.cat(
        [torch.cat([real, -imaginary], dim=2), torch.cat([imaginary, real], dim=2)], dim=1
    )
    return Symbol(around(whole, error.repeat(2, 2).expand_as(whole)))


def _largest(symbol: Symbol) -> float:
    """An upper bound of the largest singular value over all frequencies."""
    size = symbol.matrices.magnitude
    rows, columns = size.sum(dim=2).amax(dim=1), size.sum(dim=1).amax(dim=1)
    middle = symbol.matrices.mid
    # The norm of H is at most the root of any norm of its Gram matrix, which is symmetric.
    gram = (middle.mT @ middle).abs().sum(dim=2).amax(dim=1).sqrt()
    spread = (symbol.matrices.high - symbol.matrices.low).sum(dim=(1, 2))
    best = torch.minimum((rows * columns).sqrt(), gram * (1 + 1e-10) + spread)
    return float(best.amax()) * (1 + 1e-12)


def _lost_exactly(
    weight: Tensor, sizes: tuple[int, ...], dilation: Iterable[int]
) -> tuple[int, ...] | None:
    """A frequency at which all waves are ±1, and the symbol is singular in rational numbers."""
    p = weight.shape[2]
    if p > CHANNELS:
        return None
    halves = [(0, size // 2) if size % 2 == 0 else (0,) for size in sizes]
    for kernel in weight:
        for frequency in product(*halves):
            rows = _rational(kernel, frequency, tuple(dilation))
            values = torch.linalg.svdvals(
                torch.tensor([[float(v) for v in row] for row in rows]).double()
            )
            if (
                float(values[-1]) <= 1e-9 * float(values[0])
                and rational_null_vector(rows, p) is not None
            ):
                return frequency
    return None


def _rational(
    kernel: Tensor, frequency: tuple[int, ...], dilation: tuple[int, ...]
) -> list[list[Fraction]]:
    q, p = kernel.shape[:2]
    rows = [[Fraction(0)] * p for _ in range(q)]
    for place in product(*(range(k) for k in kernel.shape[2:])):
        odd = sum(s * d for s, d, w in zip(place, dilation, frequency, strict=True) if w) % 2
        for i, row in enumerate(kernel[(slice(None), slice(None), *place)].tolist()):
            for j, value in enumerate(row):
                rows[i][j] += -Fraction(value) if odd else Fraction(value)
    return rows
