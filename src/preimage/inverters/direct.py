"""Regression from y to x: fast, and wrong wherever a target has several preimages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

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
class DirectInverter(Inverter):
    r"""Answers with a network regressed from outputs to inputs.

    For $g(y) \approx x$, the squared error is least at the mean of all preimages of y, which need
    not be a preimage: this is the baseline that fails in the twin-network paper [1]. It is right
    for injective functions, and a fair first guess with `polish=True`.

    Args:
        recipe: The network and its training; `preimage.RECIPES["paper"]` is the published one.
        polish: Whether to refine; the published baseline does not.

    References:
        [1] Wetzel, Inverting Non-Injective Functions with Twin Neural Network Regression, 2026.

    Example:
        >>> from preimage.domain import Box
        >>> inverter = DirectInverter(recipe=Recipe(steps=300), polish=True)
        >>> answers = inverter.fit_function(lambda x: x.exp(), Box(0, 1)).invert(2.0)
        >>> answers.best.round(6)
        array([[0.693147]])
    """

    kind: ClassVar[str] = "direct"

    polish: bool = False
    recipe: Recipe = DEFAULT

    def _train(self, problem: Problem) -> None:
        draws = generator(self.seed)
        self.inputs_, self.targets_ = self._scaling(problem)
        self.network_ = self.recipe.network(problem.output_dim, problem.input_dim, draws)
        rows = Rows(self.inputs_(problem.y), self.targets_(problem.x), self.recipe.batch, draws)
        self.recipe.train(
            self.network_, rows.draw, rows.held_out, seed=self.seed, label="direct network"
        )
        # The last digits depend on which other targets are in the batch; a polish magnifies them.
        self.network_.double().requires_grad_(False)

    def _propose(self, request: Request) -> Proposals:
        guess = self.network_(self.inputs_(request.targets))
        return Proposals.from_grid(self.targets_.inverse(guess)[:, None])

    def _scaling(self, problem: Problem) -> tuple[Standardize, Standardize]:
        """Maps for y and for x; the identity where the recipe keeps raw units."""
        if self.recipe.standardize:
            return Standardize.of(problem.y), Standardize.of(problem.x)
        return Standardize.identity(problem.output_dim), Standardize.identity(problem.input_dim)

    def _state(self) -> dict[str, Tensor]:
        return dict(self.network_.state_dict())

    def _restore(self, state: Mapping[str, Tensor]) -> None:
        problem = self.fitted
        self.inputs_, self.targets_ = self._scaling(problem)
        network = self.recipe.network(problem.output_dim, problem.input_dim, generator(self.seed))
        network.double().load_state_dict(dict(state))
        self.network_ = network.requires_grad_(False).eval()
