"""A tandem network: an inverse trained through a forward network, on the error in y."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float64
from torch import Tensor

from preimage.inverters.base import Inverter
from preimage.inverters.flow import Proposals, Request
from preimage.inverters.problem import Problem
from preimage.inverters.rows import Rows
from preimage.nets.mlp import Standardize
from preimage.runtime import generator
from preimage.training.recipe import DEFAULT, Recipe


@final
@dataclass(kw_only=True)
class TandemInverter(Inverter):
    r"""Learns an inverse g by how well a learned forward map takes it back to y.

    A forward network $\hat f(x) \approx y$ is trained on the known pairs and frozen; then g is
    trained on $\lVert \hat f(g(y)) - y \rVert^2$. Any preimage has a loss of zero, so that g need
    not average over branches as `DirectInverter` does: it settles on one answer for each target,
    and where it has to change from one branch to another it is wrong in between.

    We differ from the source [1] in the last layer of g, a logistic function onto the domain, so
    that the forward network is never asked beyond it.

    Args:
        recipe: Both networks and the training of each.

    References:
        [1] Liu, Tan, Khoram, Yu, Training deep neural networks for the inverse design of
        nanophotonic structures, ACS Photonics 5, 2018.

    Example:
        >>> from preimage.domain import Box
        >>> inverter = TandemInverter(recipe=Recipe(steps=200))
        >>> answers = inverter.fit_function(lambda x: x**2, Box(-2, 2)).invert(2.25, n=1)
        >>> abs(answers.best).round(6)
        array([[1.5]])
    """

    kind: ClassVar[str] = "tandem"

    recipe: Recipe = DEFAULT

    def _train(self, problem: Problem) -> None:
        draws = generator(self.seed)
        self.conditions_ = self._scaling(problem.y)
        inputs = self._scaling(problem.x)
        y, x = self.conditions_(problem.y), inputs(problem.x)
        forward = self.recipe.network(problem.input_dim, problem.output_dim, draws)
        known = Rows(x, y, self.recipe.batch, draws)
        self.recipe.train(
            forward, known.draw, known.held_out, seed=self.seed, label="forward network"
        )
        forward.requires_grad_(False)
        self.network_ = self.recipe.network(problem.output_dim, problem.input_dim, draws)
        box, error = problem.box, self.recipe.measure
        low, width = inputs(box.low).float(), (box.width / inputs.scale).float()

        def miss(out: Tensor, target: Tensor) -> Tensor:
            return error(forward(low + width * out.sigmoid()), target)

        wanted = Rows(y, y, self.recipe.batch, draws)
        self.recipe.train(
            self.network_,
            wanted.draw,
            wanted.held_out,
            seed=self.seed,
            label="tandem network",
            measure=miss,
        )
        self.network_.double().requires_grad_(False)

    def _propose(self, request: Request) -> Proposals:
        box = self.fitted.box
        share = self.network_(self.conditions_(request.targets)).sigmoid()
        # Rounded, since the last digits depend on which other targets are in the batch.
        return Proposals.from_grid((box.low + box.width * share.round(decimals=6))[:, None])

    def _scaling(self, values: Float64[Tensor, "rows columns"]) -> Standardize:
        """The map that standardises; the identity where the recipe keeps raw units."""
        if self.recipe.standardize:
            return Standardize.of(values)
        return Standardize.identity(values.shape[1])

    def _state(self) -> dict[str, Tensor]:
        return dict(self.network_.state_dict())

    def _restore(self, state: Mapping[str, Tensor]) -> None:
        problem = self.fitted
        self.conditions_ = self._scaling(problem.y)
        network = self.recipe.network(problem.output_dim, problem.input_dim, generator(self.seed))
        network.double().load_state_dict(dict(state))
        self.network_ = network.requires_grad_(False).eval()
