"""What the methods that learn a density p(x | y) have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import InputError
from preimage.inverters.arguments import rows_of, whole_number
from preimage.inverters.base import Inverter
from preimage.inverters.flow import Proposals, Request
from preimage.inverters.problem import Problem
from preimage.inverters.rows import Rows
from preimage.nets.conditional import Conditional, ConditionalNet
from preimage.nets.mlp import Standardize
from preimage.runtime import generator
from preimage.training.recipe import Recipe

TARGETS = 256
"""Targets whose samples are drawn at a time, which bounds memory."""

SURE = 1e-7
"""How close to 0 and 1 the uniform numbers behind samples come: 5.2 standard deviations."""


@dataclass(kw_only=True)
class PosteriorInverter(Inverter, ABC):
    r"""A method that learns a density $p(x \mid y)$ and proposes samples of it.

    The network is trained on the known pairs by maximum likelihood. Measured pairs make it the
    posterior under their noise and under the distribution of the measured x as the prior; a
    function's own pairs are uniform in its domain and without noise.

    Args:
        recipe: The network and its training. Its `loss` and `standardize` are not used: the loss
            is the negative log density, and inputs and outputs are always standardised.
        draws: Samples proposed for a target in one attempt, and at least as many as answers are
            wanted.
    """

    recipe: Recipe
    draws: int = 64

    @abstractmethod
    def _network(self, inputs: int, conditions: int) -> ConditionalNet:
        """The network with its first weights."""

    def _train(self, problem: Problem) -> None:
        self._scale(problem)
        self.network_ = self._network(problem.input_dim, problem.output_dim)
        rows = Rows(
            self.conditions_(problem.y),
            self.inputs_(problem.x),
            self.recipe.batch,
            generator(self.seed),
        )
        self.recipe.train(
            self.network_,
            rows.draw,
            rows.held_out,
            seed=self.seed,
            label=f"{self.kind} network",
            measure=_surprise,
        )
        # The inverse of a flow magnifies the rounding of single precision.
        self.network_.double().requires_grad_(False)

    def _propose(self, request: Request) -> Proposals:
        draws = max(self.draws, request.n)
        # The same for every target, so that answers do not depend on what else is asked.
        spread = torch.quasirandom.SobolEngine(
            self.network_.base, scramble=True, seed=self.seed + request.attempt
        ).draw(draws, dtype=torch.float64)
        parts = []
        for some in request.targets.split(TARGETS):
            density = self._density(some)
            drawn = density.transport(_open(spread.expand(len(some), -1, -1)))
            parts.append(torch.cat([density.centres(), drawn], dim=1))
        # Rounded, since the last digits depend on which other targets are in the batch.
        z = torch.cat(parts).round(decimals=6)
        return Proposals.from_grid(self.inputs_.inverse(z), complete=False)

    def sample(self, y: Any, n: int, *, seed: int = 0) -> Any:
        r"""Draws from $p(x \mid y)$, not checked by anything.

        Some lie outside of the domain: the density knows nothing of it.

        Args:
            y: Targets, `(targets, q)`, in any kind of table.
            n: Draws for each target.
            seed: Decides the draws.

        Returns:
            `(targets, n, p)`, a tensor for targets that are a tensor and an array otherwise.

        Raises:
            NotFittedError: Before `fit` or `fit_function`.
            InputError: If the targets do not fit.
        """
        table = self._targets(y)
        count, source = whole_number(n), generator(seed)
        parts = []
        for some in torch.from_numpy(table.values).split(TARGETS):
            shape = len(some), count, self.network_.base
            u = torch.rand(shape, generator=source, dtype=torch.float64)
            parts.append(self.inputs_.inverse(self._density(some).transport(_open(u))))
        drawn = torch.cat(parts)
        return drawn if table.kind == "torch" else drawn.numpy()

    def log_density(self, x: Any, y: Any) -> Any:
        r"""The learned $\log p(x \mid y)$, per unit of x.

        Args:
            x: Inputs, `(rows, p)`, in any kind of table.
            y: Outputs, `(rows, q)`, likewise.

        Returns:
            `(rows,)`, a tensor for an x that is a tensor and an array otherwise.

        Raises:
            NotFittedError: Before `fit` or `fit_function`.
            InputError: If x and y do not fit the problem or each other.
        """
        inputs, outputs = rows_of(x, self.fitted.box.names, "x"), self._targets(y)
        if len(inputs.values) != len(outputs.values):
            raise InputError(
                f"x has {len(inputs.values)} rows and y has {len(outputs.values)}; give one row "
                "of y for each row of x."
            )
        pairs = zip(
            self.inputs_(torch.from_numpy(inputs.values)).split(TARGETS),
            torch.from_numpy(outputs.values).split(TARGETS),
            strict=True,
        )
        density = torch.cat([self._density(some).log_prob(z) for z, some in pairs])
        found = density - self.inputs_.scale.log().sum()
        return found if inputs.kind == "torch" else found.numpy()

    def _density(self, targets: Float64[Tensor, "targets q"]) -> Conditional:
        """The density of standardised inputs; beyond the known outputs, that of the nearest."""
        known = self.conditions_(self.fitted.y)
        condition = self.conditions_(targets).clamp(known.amin(dim=0), known.amax(dim=0))
        return self.network_(condition)

    def _scale(self, problem: Problem) -> None:
        self.conditions_, self.inputs_ = Standardize.of(problem.y), Standardize.of(problem.x)

    def _state(self) -> dict[str, Tensor]:
        return dict(self.network_.state_dict())

    def _restore(self, state: Mapping[str, Tensor]) -> None:
        problem = self.fitted
        self._scale(problem)
        network = self._network(problem.input_dim, problem.output_dim).double()
        network.load_state_dict(dict(state))
        self.network_ = network.requires_grad_(False).eval()


def _surprise(density: Conditional, x: Tensor) -> Tensor:
    """The mean negative log density."""
    return -density.log_prob(x).mean()


def _open(u: Tensor) -> Tensor:
    """Uniform numbers off 0 and 1, where no normal number is."""
    return u.clamp(SURE, 1 - SURE)
