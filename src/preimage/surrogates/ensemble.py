"""An ensemble of networks, for more measurements than a Gaussian process can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from preimage.errors import NotFittedError
from preimage.surrogates.base import Surrogate, centre_and_scale, check_inputs, check_measurements
from preimage.training import Loop, Trainer

HELD_OUT = 0.1  # share of the rows that validates


@final
class Networks(nn.Module):
    """Several perceptrons of the same shape, computed as batched matrix products.

    Args:
        sizes: Number of inputs, units of each hidden layer, number of outputs.
        members: Number of networks.
        generator: Where the first weights are drawn from.
    """

    def __init__(self, sizes: list[int], *, members: int, generator: torch.Generator) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for before, after in pairwise(sizes):
            bound = 1 / math.sqrt(before)
            shapes = (members, before, after), (members, 1, after)
            weight, bias = (
                bound * (2 * torch.rand(shape, generator=generator) - 1) for shape in shapes
            )
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(bias))

    def forward(
        self, x: Float[Tensor, "members batch inputs"]
    ) -> Float[Tensor, "members batch outputs"]:
        """Apply each network to its own batch."""
        layers = list(zip(self.weights, self.biases, strict=True))
        for weight, bias in layers[:-1]:
            x = nn.functional.silu(torch.baddbmm(bias, x, weight))
        weight, bias = layers[-1]
        return torch.baddbmm(bias, x, weight)


@final
@dataclass(kw_only=True)
class Ensemble(Surrogate):
    r"""Networks that agree where there are measurements and differ elsewhere.

    Each member predicts a mean and a variance of the standardised outputs, and is trained from its
    own first weights on its own batches, all together, by the $\beta$-likelihood ($\beta = 1/2$)

    $$L = \lfloor \sigma^{2\beta} \rfloor \Big( \tfrac12 \log \sigma^2
          + \frac{(y - \mu)^2}{2 \sigma^2} \Big)$$

    where no gradient flows through the brackets. What is known of a row's noise is added to the
    predicted variance in the loss. The prediction is the mean of the members' means.
    Its standard deviation is their disagreement, and at least the typical disagreement on the rows
    held out, since members that happen to agree share their errors. The noise is the members'
    variance, summarised as $s_0^2 + s_1^2 y^2$ by non-negative least squares.

    Args:
        members: Number of networks.
        width: Units in each hidden layer.
        depth: Number of hidden layers.
        steps: Optimiser steps.
        batch: Rows in each member's batch.
        rate: The first learning rate; it falls to zero as a cosine.
        seed: Decides weights, batches and which rows are held out.
        run: A folder for log and checkpoint; None writes nothing.

    Source: Lakshminarayanan, Pritzel, Blundell, "Simple and scalable predictive uncertainty
    estimation using deep ensembles" (2017); Seitzer et al., "On the pitfalls of heteroscedastic
    uncertainty estimation with probabilistic neural networks" (2022), eq. 4. No adversarial
    examples, and the two variances are told apart instead of added.

    Example:
        >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
        >>> ensemble = Ensemble(width=32, steps=200).fit(x, x**2)
        >>> bool((ensemble.mean(x) - x**2).abs().max() < 0.2)
        True
    """

    members: int = 5
    width: int = 128
    depth: int = 3
    steps: int = 4000
    batch: int = 256
    rate: float = 3e-3
    seed: int = 0
    run: str | None = None

    def fit(
        self,
        x: Float64[Tensor, "rows p"],
        y: Float64[Tensor, "rows q"],
        noise: Float64[Tensor, "rows q"] | None = None,
    ) -> Ensemble:
        """Train all members; see `Surrogate.fit`."""
        x, y, noise = check_measurements(x, y, noise)
        self.x_centre_, self.x_scale_ = centre_and_scale(x)
        self.y_centre_, self.y_scale_ = centre_and_scale(y)
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(x), generator=generator)
        held_out = order[: max(1, round(HELD_OUT * len(x)))]
        used = order[len(held_out) :]
        networks = Networks(
            self._sizes(x.shape[1], y.shape[1]), members=self.members, generator=generator
        )
        # The weights move in float32, at half the cost, and predict in float64.
        self._train(
            networks,
            ((x - self.x_centre_) / self.x_scale_).float(),
            ((y - self.y_centre_) / self.y_scale_).float(),
            (noise / self.y_scale_).square().float(),
            used,
            held_out,
        )
        self.networks_ = networks.double().requires_grad_(False)
        self.floor_ = torch.zeros_like(self.y_scale_)
        self.floor_ = self.sd(x[held_out]).square().mean(0).sqrt()
        self.noise_ = self._summarise_noise(x)
        return self

    def mean(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """The mean of the members' predictions; see `Surrogate.mean`."""
        return self._predict(x)[0].mean(0) * self.y_scale_ + self.y_centre_

    def linearize(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, "batch q"], Float64[Tensor, "batch q p"]]:
        """`mean` and its Jacobian, by one backward pass for each output."""
        x = x.detach().clone().requires_grad_()
        with torch.enable_grad():
            y = self.mean(x)
            rows = [torch.autograd.grad(one, x, retain_graph=True)[0] for one in y.sum(0)]
        return y.detach(), torch.stack(rows, dim=1)

    def sd(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """The members' disagreement, and at least its typical size; see `Surrogate.sd`."""
        disagreement = self._predict(x)[0].std(0) * self.y_scale_
        return torch.hypot(disagreement, self.floor_)

    def noise_sd(self, y: Float64[Tensor, "*batch q"]) -> Float64[Tensor, "*batch q"]:
        """The learned noise; see `Surrogate.noise_sd`."""
        self._fitted()
        constant, proportional = self.noise_
        return torch.hypot(constant, proportional * y)

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return asdict(self)

    def state(self) -> dict[str, Tensor]:
        """Weights, scales, noise and floor."""
        weights = self._weights()
        scales = {
            "x_centre": self.x_centre_,
            "x_scale": self.x_scale_,
            "y_centre": self.y_centre_,
            "y_scale": self.y_scale_,
            "floor": self.floor_,
            "noise": self.noise_,
        }
        return {name: one.detach().clone() for name, one in (scales | weights).items()}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Ensemble:
        """Rebuild the ensemble."""
        ensemble = cls(**settings)
        ensemble.x_centre_, ensemble.x_scale_ = tensors["x_centre"], tensors["x_scale"]
        ensemble.y_centre_, ensemble.y_scale_ = tensors["y_centre"], tensors["y_scale"]
        ensemble.floor_, ensemble.noise_ = tensors["floor"], tensors["noise"]
        networks = Networks(
            ensemble._sizes(len(ensemble.x_centre_), len(ensemble.y_centre_)),
            members=ensemble.members,
            generator=torch.Generator(),
        ).double()
        weights = {name: tensors[f"networks.{name}"] for name in networks.state_dict()}
        networks.load_state_dict(weights)
        ensemble.networks_ = networks.requires_grad_(False)
        return ensemble

    def _weights(self) -> dict[str, Tensor]:
        return {f"networks.{name}": one for name, one in self._fitted().state_dict().items()}

    def _sizes(self, inputs: int, outputs: int) -> list[int]:
        return [inputs, *[self.width] * self.depth, 2 * outputs]

    def _fitted(self) -> Networks:
        if "networks_" not in vars(self):
            raise NotFittedError("This Ensemble has learned nothing yet. Call fit first.")
        return self.networks_

    def _predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        networks = self._fitted()
        z = (check_inputs(x, len(self.x_centre_)) - self.x_centre_) / self.x_scale_
        return split(networks(z.expand(self.members, -1, -1)))

    def _summarise_noise(self, x: Tensor) -> Float64[Tensor, "2 q"]:
        from scipy.optimize import nnls

        level = self.mean(x).square()
        variance = self._predict(x)[1].exp().mean(0) * self.y_scale_.square()
        columns = zip(level.T, variance.T, strict=True)
        terms = [
            torch.from_numpy(nnls(torch.stack([u**0, u], dim=1).numpy(), v.numpy())[0])
            for u, v in columns
        ]
        return torch.stack(terms, dim=1).sqrt()

    def _train(
        self,
        networks: Networks,
        x: Tensor,
        y: Tensor,
        known: Tensor,
        used: Tensor,
        held_out: Tensor,
    ) -> None:
        def step(loop: Loop) -> Mapping[str, Tensor]:
            shape = (self.members, self.batch)
            rows = used[torch.randint(len(used), shape, generator=loop.generator)]
            mean, log_rest = split(loop.networks["networks"](x[rows]))
            log_variance = (log_rest.exp() + known[rows]).log()
            square = (y[rows] - mean).square()
            nll = (log_variance + square * (-log_variance).exp()) / 2
            # The members share no weights: the sum trains each as if alone.
            loss = ((log_rest.detach() / 2).exp() * nll).mean((1, 2)).sum()
            loop.minimise("adam", loss)
            return {"loss": loss.detach(), "mean_square": square.detach().mean()}

        def validate() -> float:
            mean, _ = split(networks(x[held_out].expand(self.members, -1, -1)))
            return (weight * (mean.mean(0) - y[held_out]).square()).mean().item()

        # Rows that are known to be off by more than a tenth of the spread tell little about which
        # weights are best.
        weight = 1 / (1 + 100 * known[held_out])
        adam = torch.optim.Adam(networks.parameters(), lr=self.rate, fused=True)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.steps)
        Trainer(steps=self.steps, seed=self.seed, run=self.run, device="cpu", clip_norm=5.0).fit(
            {"networks": networks},
            {"adam": adam},
            step,
            schedulers={"adam": cosine},
            validate=validate,
            label="surrogate",
        )


def split(outputs: Float[Tensor, "members batch outputs"]) -> tuple[Tensor, Tensor]:
    """The means and the logarithms of the variances, these held within what float32 can square."""
    mean, log_variance = outputs.chunk(2, dim=-1)
    return mean, -16 + nn.functional.softplus(log_variance + 16)
