"""Learning the hyperparameters of a Gaussian process from one output of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.runtime import single_threaded
from preimage.surrogates.kernels import CORRELATIONS, Kernel, pairwise_squares

JITTER = 1e-10  # of the prior variance: the smallest noise that keeps Cholesky going in float64
NO_NOISE = -30.0  # the logarithm of a noise term that is switched off


@final
@dataclass(frozen=True, kw_only=True)
class Measurements:
    r"""Standardised measurements of one output.

    Args:
        x: Inputs.
        u: Outputs.
        known: The part of their noise variance that is known.
        level: $E[f^2]$ at the rows, counted from the output's own zero and in the units of u; the
            rest of the noise variance is $s_0^2 + s_1^2\, level$. None: it is the same everywhere.
    """

    x: Float64[Tensor, "rows p"]
    u: Float64[Tensor, " rows"]
    known: Float64[Tensor, " rows"]
    level: Float64[Tensor, " rows"] | None = None

    def rows(self, index: Tensor) -> Measurements:
        """The measurements in the named rows."""
        level = None if self.level is None else self.level[index]
        return Measurements(x=self.x[index], u=self.u[index], known=self.known[index], level=level)


@final
@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    r"""One setting of the hyperparameters, with its negative log posterior on some rows.

    Args:
        family: The kernel's family.
        theta: log amplitudes (scales), log lengths (scales, p), $\log s_0$, $\log s_1$, in a row.
        inputs: p.
        loss: The negative log marginal likelihood less the log prior.
    """

    family: str
    theta: np.ndarray
    inputs: int
    loss: float = math.inf

    @property
    def scales(self) -> int:
        """The number of terms in the kernel."""
        return (len(self.theta) - 2) // (1 + self.inputs)

    @property
    def kernel(self) -> Kernel:
        """The kernel of this setting."""
        return _unpack(torch.from_numpy(self.theta), self.family, self.inputs).kernel

    @property
    def noise(self) -> Float64[Tensor, 2]:
        """The two noise terms: constant, and proportional to the output."""
        return torch.from_numpy(np.where(self.theta[-2:] > NO_NOISE, np.exp(self.theta[-2:]), 0.0))

    def noise_variance(self, data: Measurements) -> Float64[Tensor, " rows"]:
        """The noise variance of every row, jitter included."""
        constant, proportional = self.noise.square()
        level = torch.zeros_like(data.u) if data.level is None else data.level
        return data.known + constant + proportional * level + JITTER * self.kernel.variance


class _Parts(NamedTuple):
    kernel: Kernel
    constant: Tensor
    proportional: Tensor


def _unpack(theta: Tensor, family: str, inputs: int) -> _Parts:
    scales = (len(theta) - 2) // (1 + inputs)
    amplitude, length, noise = theta.exp().split([scales, scales * inputs, 2])
    kernel = Kernel(family=family, amplitude=amplitude, length=length.reshape(scales, inputs))
    return _Parts(kernel, *noise.square())


def minimise(start: Hypothesis, data: Measurements, *, steps: int) -> Hypothesis:
    r"""Improve hyperparameters by L-BFGS on the log marginal likelihood.

    $$\log p(u) = -\tfrac12 u^\top K^{-1} u - \tfrac12 \log |K| - \tfrac n2 \log 2\pi,$$

    plus a broad log-normal prior on the lengths (median e, $\sigma = \sqrt 3$), which only matters
    for a handful of rows. The gradient by K is
    $\tfrac12 (K^{-1} - K^{-1} u u^\top K^{-1})$ (Rasmussen and Williams, eq. 5.9); autograd
    goes on from there through the elementwise kernel, and not through the Cholesky factor.

    Args:
        start: Where to begin.
        data: The measurements.
        steps: At most so many iterations.

    Returns:
        The improved hyperparameters with their loss.
    """
    from scipy.optimize import minimize

    squares = pairwise_squares(data.x)
    level = torch.zeros_like(data.u) if data.level is None else data.level
    value = CORRELATIONS[start.family].value
    scales, inputs = start.scales, start.inputs

    def loss(vector: np.ndarray) -> tuple[float, np.ndarray]:
        theta = torch.tensor(vector, requires_grad=True)
        kernel, constant, proportional = _unpack(theta, start.family, inputs)
        terms = zip(kernel.amplitude.square(), kernel.length.square(), strict=True)
        K = torch.stack([A * value(squares @ (1 / ell)) for A, ell in terms]).sum(0)
        noise = constant + proportional * level + JITTER * kernel.amplitude.square().sum()
        noise = data.known + noise
        prior = (theta[scales : scales * (1 + inputs)] - 1).square().sum() / 6
        with torch.no_grad():
            L, failed = torch.linalg.cholesky_ex(K + noise.diag())
            if failed:
                return 1e10, np.zeros_like(vector)
            weights = torch.cholesky_solve(data.u[:, None], L)
            G = (torch.cholesky_inverse(L) - weights @ weights.T) / 2
            nll = data.u @ weights[:, 0] / 2 + L.diagonal().log().sum()
            nll = nll + len(data.u) * math.log(2 * math.pi) / 2
        (gradient,) = torch.autograd.grad((K * G).sum() + noise @ G.diagonal() + prior, theta)
        return float(nll + prior.detach()), gradient.numpy()

    bounds = [(-7.0, 8.0)] * scales + [(-5.0, 5.0)] * (scales * inputs) + [(-12.0, 1.0)] * 2
    if data.level is None:
        bounds[-1] = (NO_NOISE, NO_NOISE)
    # A few hundred rows are many times slower on threads that wait for each other.
    with single_threaded():
        found = minimize(
            loss,
            start.theta,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": steps, "ftol": 1e-8},
        )
    return replace(start, theta=np.asarray(found.x), loss=float(found.fun))


def starts(inputs: int) -> list[Hypothesis]:
    """Settings to begin from: short to long lengths, alone and a long with a short one.

    The likelihood of a function with a fast and a slow part has a poor optimum where the fast part
    passes for noise; only a start with a short length finds the other one.
    """
    lengths = ([0.1], [0.4], [1.6], [3.0, 0.1])
    return [
        Hypothesis(
            family=family,
            theta=np.array(
                [0.0] * len(scales)
                + [math.log(ell * math.sqrt(inputs)) for ell in scales for _ in range(inputs)]
                + [math.log(0.1), NO_NOISE]
            ),
            inputs=inputs,
        )
        for family in CORRELATIONS
        for scales in lengths
    ]
