"""Covariance functions: sums of stationary ARD kernels, one term for each scale of the function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float64
from torch import Tensor


class Correlation(NamedTuple):
    r"""A correlation $\kappa(r^2)$ of the scaled squared distance, and its slope $d\kappa/dr^2$."""

    value: Callable[[Tensor], Tensor]
    with_slope: Callable[[Tensor], tuple[Tensor, Tensor]]


def _root(r2: Tensor) -> Tensor:
    # sqrt(5) r; the offset keeps the derivative of the root finite at r = 0, where it is
    # multiplied by a zero that autograd cannot know of.
    return torch.sqrt(5 * r2 + 1e-24)


def _rbf(r2: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.exp(-r2 / 2)
    return value, -value / 2


def _matern52(r2: Tensor) -> tuple[Tensor, Tensor]:
    root = _root(r2)
    decay = torch.exp(-root)
    return (1 + root + 5 * r2 / 3) * decay, -5 / 6 * (1 + root) * decay


CORRELATIONS = {
    "rbf": Correlation(value=lambda r2: torch.exp(-r2 / 2), with_slope=_rbf),
    "matern52": Correlation(value=lambda r2: _matern52(r2)[0], with_slope=_matern52),
}
"""Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), eq. 4.9 and 4.17."""


@final
@dataclass(frozen=True, kw_only=True)
class Kernel:
    r"""A sum of ARD kernels, one term for each scale of the function.

    $$k(a, b) = \sum_s A_s^2\, \kappa\Big(\sum_d (a_d - b_d)^2 / \ell_{sd}^2\Big)$$

    Args:
        family: A name in `CORRELATIONS`.
        amplitude: $A$, shape (scales,).
        length: $\ell$, shape (scales, p).
    """

    family: str
    amplitude: Float64[Tensor, " scales"]
    length: Float64[Tensor, "scales p"]

    @property
    def variance(self) -> float:
        """The prior variance k(a, a)."""
        return float(self.amplitude.square().sum())

    def __call__(
        self, a: Float64[Tensor, "batch p"], b: Float64[Tensor, "rows p"]
    ) -> Float64[Tensor, "batch rows"]:
        """The covariance of every row of a with every row of b."""
        value = CORRELATIONS[self.family].value
        terms = zip(self.amplitude, self.length, strict=True)
        return sum(
            (A.square() * value(squared_distance(a / ell, b / ell)) for A, ell in terms),
            start=torch.zeros((), dtype=a.dtype),
        )

    def weighted_sum(
        self,
        a: Float64[Tensor, "batch p"],
        b: Float64[Tensor, "rows p"],
        weights: Float64[Tensor, " rows"],
    ) -> tuple[Float64[Tensor, " batch"], Float64[Tensor, "batch p"]]:
        r"""$\sum_j w_j k(a, b_j)$ and its gradient by a, from the same exponentials.

        $$\sum_s \sum_j w_j\, 2 A_s^2\, \kappa'(r_{sj}^2)\, (a - b_j) / \ell_s^2$$
        """
        both = CORRELATIONS[self.family].with_slope
        total, gradient = a.new_zeros(len(a)), torch.zeros_like(a)
        for A, ell in zip(self.amplitude, self.length, strict=True):
            value, slope = both(squared_distance(a / ell, b / ell))
            total = total + value @ (A.square() * weights)
            w = 2 * A.square() * weights * slope
            gradient = gradient + (w.sum(1, keepdim=True) * a - w @ b) / ell.square()
        return total, gradient


def squared_distance(
    a: Float64[Tensor, "batch p"], b: Float64[Tensor, "rows p"]
) -> Float64[Tensor, "batch rows"]:
    """The squared Euclidean distance of every row of a to every row of b."""
    # By matrix products, without an array of (batch, rows, p).
    squares = a.square().sum(1)[:, None] + b.square().sum(1)
    return (squares - 2 * a @ b.T).clamp(min=0)


def pairwise_squares(a: Float64[Tensor, "rows p"]) -> Float64[Tensor, "rows rows p"]:
    """The squared difference of every two rows, column by column."""
    return (a[:, None] - a[None]).square()
