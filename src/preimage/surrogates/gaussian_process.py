"""A Gaussian process for each output, with noise that may grow with the output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import NotFittedError
from preimage.runtime import generator
from preimage.surrogates.base import Surrogate, centre_and_scale, check_inputs, check_measurements
from preimage.surrogates.kernels import Kernel
from preimage.surrogates.marginal_likelihood import minimise
from preimage.surrogates.posterior import Posterior, condition, factor
from preimage.surrogates.scales import candidates, cost, grow_noise, on_scale
from preimage.surrogates.warps import Warp


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
        scaled = min((on_scale(name, x, y, noise, screen) for name in candidates(y)), key=cost)
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
