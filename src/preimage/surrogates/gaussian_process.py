"""A Gaussian process for each output, with noise that may grow with the output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import NotFittedError, TrainingError
from preimage.runtime import generator
from preimage.surrogates.base import Surrogate, centre_and_scale, check_inputs, check_measurements
from preimage.surrogates.kernels import Kernel
from preimage.surrogates.marginal_likelihood import Hypothesis, Measurements, minimise, starts
from preimage.surrogates.warps import SCALES, Warp

CELLS = 2**22  # covariances held at a time: 32 MiB
EVIDENCE = 3.0  # nats by which a richer model must raise the log likelihood to be kept


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


@final
@dataclass(frozen=True, kw_only=True)
class Output:
    """One output: the scale on which it is modelled, and its posterior there.

    Args:
        warp: The change of scale.
        centre: The mean of the warped output.
        scale: The standard deviation of the warped output.
        posterior: The posterior of the standardised warped output.
    """

    warp: Warp
    centre: float
    scale: float
    posterior: Posterior

    def mean(self, x: Tensor) -> Tensor:
        """The output whose warped value is the posterior mean: its median."""
        return self.warp.inverse(self._warped(x))

    def with_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`mean`, and its gradient by the standardised inputs."""
        value, gradient = self.posterior.with_gradient(x)
        warped = value * self.scale + self.centre
        slope = self.warp.slope(warped) * self.scale
        return self.warp.inverse(warped), slope[:, None] * gradient

    def sd(self, x: Tensor) -> Tensor:
        """The standard deviation of the output, to first order in the warp."""
        slope = self.warp.slope(self._warped(x)) * self.scale
        return slope * self.posterior.variance(x).sqrt()

    def noise_sd(self, y: Tensor) -> Tensor:
        """The standard deviation of a measurement at output y, to first order in the warp."""
        u = self.warp.forward(y)
        constant, proportional = self.posterior.noise * torch.tensor([self.scale, 1.0]).to(y)
        return self.warp.slope(u) * torch.hypot(constant, proportional * u)

    def _warped(self, x: Tensor) -> Tensor:
        return self.posterior.mean(x) * self.scale + self.centre


@final
@dataclass(kw_only=True)
class GaussianProcess(Surrogate):
    r"""A Gaussian process for each output, learned by marginal likelihood.

    Inputs and outputs are standardised. Each output has its own ARD kernel, the likeliest of a
    squared exponential and a Matérn 5/2, with one length scale or a long and a short one
    (`starts`); its own noise

    $$\mathrm{Var}[y \mid f] = s_0^2 + s_1^2\, E[f^2] + n_i^2,$$

    where $n_i$ is the noise of a row as far as it is known, and $E[f^2]$ is the squared posterior
    mean plus the posterior variance (without the variance the noise would vanish where the mean
    crosses zero, and with it the predicted error); and, if all its values are positive and span a
    factor of two, its own scale (`Warp`). A richer choice is kept only if it raises the log
    likelihood by `EVIDENCE`.

    Args:
        screen_rows: Rows on which the starts compete.
        learn_rows: Rows on which the winner's hyperparameters are learned.
        rows: The most rows on which the posterior is conditioned; of more, so many are drawn. It
            keeps rows x rows numbers for each output, and every prediction visits each row.
        seed: Decides which rows these are.

    Example:
        >>> x = torch.linspace(0, 6, 40, dtype=torch.float64)[:, None]
        >>> gp = GaussianProcess().fit(x, torch.sin(x))
        >>> at = torch.tensor([[1.0], [2.5]], dtype=torch.float64)
        >>> bool((gp.mean(at) - torch.sin(at)).abs().max() < 1e-3)
        True

    Source: Rasmussen and Williams, *Gaussian Processes for Machine Learning* (2006), chapters 2
    and 5; the noise model is Goldberg, Williams, Bishop, "Regression with input-dependent noise"
    (1997), with two numbers in place of a second process.
    """

    screen_rows: int = 200
    learn_rows: int = 300
    rows: int = 4000
    seed: int = 0

    def fit(
        self,
        x: Float64[Tensor, "rows p"],
        y: Float64[Tensor, "rows q"],
        noise: Float64[Tensor, "rows q"] | None = None,
    ) -> GaussianProcess:
        """Learn each output by itself; see `Surrogate.fit`."""
        x, y, noise = check_measurements(x, y, noise)
        # An order of the rows' own, so that the same table shuffled gives the same process.
        order = np.lexsort(torch.cat([noise, y, x], dim=1).T.numpy())
        if len(order) > self.rows:
            drawn = torch.randperm(len(order), generator=generator(self.seed))[: self.rows]
            order = order[drawn.sort().values.numpy()]
        x, y, noise = x[order], y[order], noise[order]
        self.centre_, self.scale_ = centre_and_scale(x)
        self.x_ = (x - self.centre_) / self.scale_
        columns = zip(y.T, noise.T, strict=True)
        self.outputs_ = [self._learn(self.x_, column, known) for column, known in columns]
        return self

    def mean(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """The predicted output; see `Surrogate.mean`."""
        z = self._standardised(x)
        return torch.stack([output.mean(z) for output in self.outputs_], dim=1)

    def linearize(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, "batch q"], Float64[Tensor, "batch q p"]]:
        """`mean` and its analytic Jacobian; see `Surrogate.linearize`."""
        z = self._standardised(x)
        values, gradients = zip(*(output.with_gradient(z) for output in self.outputs_), strict=True)
        return torch.stack(values, dim=1), torch.stack(gradients, dim=1) / self.scale_

    def sd(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """The posterior standard deviation; see `Surrogate.sd`."""
        z = self._standardised(x)
        return torch.stack([output.sd(z) for output in self.outputs_], dim=1)

    def noise_sd(self, y: Float64[Tensor, "*batch q"]) -> Float64[Tensor, "*batch q"]:
        """The learned noise; see `Surrogate.noise_sd`."""
        columns = zip(self._fitted(), y.unbind(-1), strict=True)
        return torch.stack([output.noise_sd(column) for output, column in columns], dim=-1)

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments and, for each output, its kernel family and its scale."""
        outputs = [
            {
                "family": output.posterior.kernel.family,
                "warp": asdict(output.warp),
                "centre": output.centre,
                "scale": output.scale,
            }
            for output in self._fitted()
        ]
        return {
            "screen_rows": self.screen_rows,
            "learn_rows": self.learn_rows,
            "rows": self.rows,
            "seed": self.seed,
            "outputs": outputs,
        }

    def state(self) -> dict[str, Tensor]:
        """The measured inputs, and for each output its hyperparameters and weights."""
        outputs = self._fitted()
        tensors = {"centre": self.centre_, "scale": self.scale_, "x": self.x_}
        for number, output in enumerate(outputs):
            posterior = output.posterior
            tensors |= {
                f"{number}.amplitude": posterior.kernel.amplitude,
                f"{number}.length": posterior.kernel.length,
                f"{number}.noise": posterior.noise,
                f"{number}.noise_variance": posterior.noise_variance,
                f"{number}.weights": posterior.weights,
            }
        return {name: tensor.clone().contiguous() for name, tensor in tensors.items()}

    @classmethod
    def from_state(
        cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> GaussianProcess:
        """Rebuild the process; only the Cholesky factors are computed again."""
        process = cls(
            screen_rows=settings["screen_rows"],
            learn_rows=settings["learn_rows"],
            rows=settings["rows"],
            seed=settings["seed"],
        )
        process.centre_, process.scale_ = tensors["centre"], tensors["scale"]
        process.x_ = tensors["x"]
        process.outputs_ = []
        for number, saved in enumerate(settings["outputs"]):
            kernel = Kernel(
                family=saved["family"],
                amplitude=tensors[f"{number}.amplitude"],
                length=tensors[f"{number}.length"],
            )
            cholesky, noise_variance = factor(
                kernel, process.x_, tensors[f"{number}.noise_variance"]
            )
            posterior = Posterior(
                kernel=kernel,
                noise=tensors[f"{number}.noise"],
                noise_variance=noise_variance,
                weights=tensors[f"{number}.weights"],
                cholesky=cholesky,
                x=process.x_,
            )
            output = Output(
                warp=Warp(**saved["warp"]),
                centre=saved["centre"],
                scale=saved["scale"],
                posterior=posterior,
            )
            process.outputs_.append(output)
        return process

    def _fitted(self) -> list[Output]:
        if "outputs_" not in vars(self):
            raise NotFittedError("This GaussianProcess has learned nothing yet. Call fit first.")
        return self.outputs_

    def _standardised(self, x: Tensor) -> Tensor:
        self._fitted()
        return (check_inputs(x, len(self.centre_)) - self.centre_) / self.scale_

    def _learn(
        self,
        x: Float64[Tensor, "rows p"],
        y: Float64[Tensor, " rows"],
        noise: Float64[Tensor, " rows"],
    ) -> Output:
        order = torch.randperm(len(y), generator=generator(self.seed))
        screen, learn = order[: self.screen_rows], order[: self.learn_rows]
        scaled = min((on_scale(name, x, y, noise, screen) for name in candidates(y)), key=_cost)
        hypothesis = minimise(scaled.hypothesis, scaled.data.rows(learn), steps=40)
        data = scaled.data
        if scaled.warp.name != "log":  # whose zero is not the output's
            hypothesis, data = grow_noise(hypothesis, data, learn, scaled.centre / scaled.scale)
        return Output(
            warp=scaled.warp,
            centre=scaled.centre,
            scale=scaled.scale,
            posterior=condition(hypothesis, data),
        )


@final
@dataclass(frozen=True, kw_only=True)
class Scaled:
    """An output on one scale, with the best hyperparameters found there.

    Args:
        warp: The change of scale.
        centre: The mean of the warped output.
        scale: The standard deviation of the warped output.
        data: The standardised measurements, all rows.
        hypothesis: The best hyperparameters on the rows that screen.
        loss: Their loss, as a density of the unwarped output.
    """

    warp: Warp
    centre: float
    scale: float
    data: Measurements
    hypothesis: Hypothesis
    loss: float


def candidates(y: Float64[Tensor, " rows"]) -> list[str]:
    """The scales worth trying.

    A warp needs positive values, and bends little over less than a factor of two.
    """
    bends = float(y.min()) > 0 and float(y.max()) >= 2 * float(y.min())
    return list(SCALES) if bends else ["identity"]


def on_scale(
    name: str,
    x: Float64[Tensor, "rows p"],
    y: Float64[Tensor, " rows"],
    noise: Float64[Tensor, " rows"],
    screen: Tensor,
) -> Scaled:
    """Standardise the warped output and let the starts compete on the rows that screen."""
    warp = Warp(name=name, knee=float(y.min()))
    u = warp.forward(y)
    centre, scale = (float(moment) for moment in centre_and_scale(u[:, None]))
    known = (noise / (warp.slope(u) * scale)).square()
    data = Measurements(x=x, u=(u - centre) / scale, known=known)
    few = data.rows(screen)
    begun = sorted((minimise(h, few, steps=10) for h in starts(x.shape[1])), key=_loss)
    hypothesis = min((minimise(h, few, steps=20) for h in begun[:3]), key=_loss)
    # dy = slope * scale * du
    volume = warp.slope(u[screen]).log().sum() + len(screen) * math.log(scale)
    return Scaled(
        warp=warp,
        centre=centre,
        scale=scale,
        data=data,
        hypothesis=hypothesis,
        loss=_loss(hypothesis) + float(volume),
    )


def grow_noise(
    hypothesis: Hypothesis, data: Measurements, learn: Tensor, offset: float
) -> tuple[Hypothesis, Measurements]:
    """Let the noise grow with the output, if that makes the measurements likelier.

    Args:
        hypothesis: The hyperparameters under even noise.
        data: The measurements, all rows.
        learn: The rows to learn from.
        offset: What to add to a standardised output to count it from the output's own zero.
    """
    best, level = hypothesis, data
    for _ in range(2):
        posterior = condition(best, level.rows(learn))
        square = (posterior.mean(data.x) + offset).square() + posterior.variance(data.x)
        grown = replace(data, level=square)
        if best is hypothesis:
            theta = hypothesis.theta.copy()
            theta[-1] = max(theta[-2] - math.log(float(square.mean())) / 2, -12)
            theta[-2] -= 1
            begin = replace(hypothesis, theta=theta)
        else:
            begin = best
        found = minimise(begin, grown.rows(learn), steps=40)
        if best is hypothesis and found.loss > hypothesis.loss - EVIDENCE:
            break
        best, level = found, grown
    return best, level


def _loss(hypothesis: Hypothesis) -> float:
    return hypothesis.loss + EVIDENCE * (hypothesis.scales - 1)


def _cost(scaled: Scaled) -> float:
    return scaled.loss + (0 if scaled.warp.name == "identity" else EVIDENCE)
