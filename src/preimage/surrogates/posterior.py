"""What measurements say of an output, given the hyperparameters of its Gaussian process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import TrainingError
from preimage.surrogates.kernels import Kernel
from preimage.surrogates.marginal_likelihood import Hypothesis, Measurements

CELLS = 2**22  # covariances held at a time: 32 MiB


@final
@dataclass(frozen=True, kw_only=True)
class Posterior:
    r"""The posterior of one output at standardised inputs.

    $$\mu(x) = k(x, X)\,\alpha,\qquad \alpha = (K + N)^{-1} u,\qquad
      \sigma^2(x) = k(x, x) - k(x, X) (K + N)^{-1} k(X, x)$$

    with $N$ the diagonal of noise variances (Rasmussen and Williams, eq. 2.25 and 2.26).

    Args:
        kernel: The prior covariance.
        noise: The two noise terms $s_0, s_1$.
        noise_variance: The diagonal of N.
        weights: $\alpha$.
        cholesky: The lower factor of K + N.
        x: The standardised inputs X.
    """

    kernel: Kernel
    noise: Float64[Tensor, 2]
    noise_variance: Float64[Tensor, " rows"]
    weights: Float64[Tensor, " rows"]
    cholesky: Float64[Tensor, "rows rows"]
    x: Float64[Tensor, "rows p"]

    def mean(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, " batch"]:
        """The posterior mean."""
        return torch.cat([self.kernel(part, self.x) @ self.weights for part in self._parts(x)])

    def with_gradient(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, " batch"], Float64[Tensor, "batch p"]]:
        """The posterior mean and its gradient."""
        parts = [self.kernel.weighted_sum(p, self.x, self.weights) for p in self._parts(x)]
        means, gradients = zip(*parts, strict=True)
        return torch.cat(means), torch.cat(gradients)

    def variance(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, " batch"]:
        """The posterior variance of the noise-free function."""
        explained = [
            torch.linalg.solve_triangular(self.cholesky, self.kernel(self.x, part), upper=False)
            .square()
            .sum(0)
            for part in self._parts(x)
        ]
        # The difference of nearly equal numbers: no smaller than their rounding.
        return (self.kernel.variance - torch.cat(explained)).clamp(min=1e-12 * self.kernel.variance)

    def _parts(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split(max(1, CELLS // len(self.x)))


def factor(kernel: Kernel, x: Tensor, noise_variance: Tensor) -> tuple[Tensor, Tensor]:
    """The Cholesky factor of the measurements' covariance, and the noise with which it exists.

    Raises:
        TrainingError: If even noise of a ten-thousandth of the prior variance does not help.
    """
    covariance = kernel(x, x)
    for power in range(-9, -3):
        # In place on a copy: a diagonal matrix of its own would be as large again.
        noisy = covariance.clone()
        noisy.diagonal().add_(noise_variance)
        L, failed = torch.linalg.cholesky_ex(noisy)
        if not failed:
            return L, noise_variance
        noise_variance = noise_variance + 10.0**power * kernel.variance
    raise TrainingError(
        "The Gaussian process found no positive definite covariance for these measurements. "
        "Rescale the inputs, or remove rows whose inputs are nearly the same."
    )


def condition(hypothesis: Hypothesis, data: Measurements) -> Posterior:
    """The posterior under these hyperparameters, given the measurements."""
    kernel = hypothesis.kernel
    L, noise_variance = factor(kernel, data.x, hypothesis.noise_variance(data))
    return Posterior(
        kernel=kernel,
        noise=hypothesis.noise,
        noise_variance=noise_variance,
        weights=torch.cholesky_solve(data.u[:, None], L)[:, 0],
        cholesky=L,
        x=data.x,
    )
