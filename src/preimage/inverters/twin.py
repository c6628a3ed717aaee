"""Twin neural network regression: learn the step from a known pair to a preimage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.inverters.base import Inverter
from preimage.inverters.consistency import Consistency
from preimage.inverters.flow import Proposals, Request
from preimage.inverters.pairs import MeasuredPairs, Pairs, PairSource, PerturbedPairs
from preimage.inverters.problem import Problem
from preimage.nets.twin import TwinNet, TwinScales
from preimage.runtime import generator
from preimage.solve.neighbours import Neighbours
from preimage.training.recipe import TWIN, Batch, Recipe


@final
@dataclass(kw_only=True)
class TwinInverter(Inverter):
    r"""Learns the step from a known pair to a neighbour and answers from pairs near the target.

    A network learns $F(y, y_a, x_a) \approx x - x_a$. Training pairs have x close to each other:
    on measurements each point with its nearest in x (algorithm 1), on a function a random point
    with a perturbed one. For a target, each of the anchors nearest in y proposes
    $\hat x = x_a + F(y, y_a, x_a)$, and the proposals are checked with the function or the
    surrogate (algorithm 2). An anchor keeps to its own branch, so branches are never averaged.

    We differ from the paper [1] in scaled inputs, a shorter training, and the polish; the
    published network and optimiser are `recipe=preimage.RECIPES["paper"]` with `polish=False`.

    Args:
        recipe: The network and its training.
        neighbours: How many anchors propose for a target (published: 5).
        pairs: With how many nearest in x a measured point is paired, itself included.
        reach: How far apart the points of a pair drawn from a function are at the most, in typical
            distances between neighbouring anchors (published: 1 or 2 for all pairs).
        shortest: How far at the most in the closest pairs; others are in between (published: as
            `reach`).
        denoise: Whether the outputs of measured anchors are first freed from noise with the help
            of the surrogate, where there is one (published: no).

    References:
        [1] Wetzel, Inverting Non-Injective Functions with Twin Neural Network Regression, 2026.

    Example:
        >>> from preimage.domain import Box
        >>> inverter = TwinInverter(recipe=Recipe(steps=300))
        >>> inverter.fit_function(lambda x: x**3 - x, Box(-2, 2)).invert(0.5, n=3).best.round(6)
        array([[1.191488]])
    """

    kind: ClassVar[str] = "twin"
    semi_supervised: ClassVar[bool] = True

    recipe: Recipe = TWIN
    neighbours: int = 5
    pairs: int = 6
    reach: float = 8.0
    shortest: float = 0.1
    denoise: bool = True

    def _train(self, problem: Problem) -> None:
        problem = self._anchored(problem)
        draws = generator(self.seed)
        source: PairSource = (
            PerturbedPairs(problem, self.shortest, self.reach, self.seed)
            if problem.support is None
            else MeasuredPairs(problem, self.pairs, draws)
        )
        self.network_ = self._network(problem, self._scales(problem, source.sample(draws, 4096)))
        held_out = source.held_out()
        self.recipe.train(
            self.network_.body,
            lambda stream: self._batch(source.sample(stream, self.recipe.batch)),
            self._batch(held_out) if len(held_out.x) else None,
            seed=self.seed,
            label="twin network",
            regulariser=self._consistency(problem),
        )

    def _propose(self, request: Request) -> Proposals:
        problem, k = self._anchored(request.problem), self.neighbours
        index = problem.nearest_anchors(request.targets, k * (request.attempt + 1), request.near)
        index = index[:, k * request.attempt :]
        anchors = index.flatten()
        target = torch.arange(len(index)).repeat_interleave(index.shape[1])
        x_anchor, y_anchor = problem.x[anchors], problem.y[anchors]
        step = self.step(request.targets[target], y_anchor, x_anchor)
        return Proposals(target, x_anchor + step, complete=False)

    def step(
        self,
        y: Float64[Tensor, "rows q"],
        y_anchor: Float64[Tensor, "rows q"],
        x_anchor: Float64[Tensor, "rows p"],
    ) -> Float64[Tensor, "rows p"]:
        """The learned F: the step from each anchor to a preimage of y, in the units of x."""
        with torch.no_grad():
            return self.network_(y, y_anchor, x_anchor)

    def loop_error(
        self, x: Float64[Tensor, "rows p"], y: Float64[Tensor, "rows q"]
    ) -> Float64[Tensor, " rows"]:
        r"""How far the network contradicts itself at an answer, in the units of x.

        $\|F(y, y_a, x_a) + F(y_a, y, \hat x)\|$ with $\hat x = x_a + F(y, y_a, x_a)$ and the
        anchor nearest to x: a step and the step back must cancel (the paper's loop consistency,
        figure 1). It is large where the network has not learned the function.

        Args:
            x: Answers.
            y: The targets that they answer.

        Example:
            >>> from preimage.domain import Box
            >>> twin = TwinInverter(recipe=Recipe(steps=300))
            >>> twin = twin.fit_function(lambda x: x**3 - x, Box(-2, 2))
            >>> x = torch.tensor([[1.5]], dtype=torch.float64)
            >>> bool(twin.loop_error(x, x**3 - x) < 0.01)
            True
        """
        problem = self._anchored(self.fitted)
        anchor = Neighbours(problem.x, problem.box.width).query(x, 1)[:, 0]
        x_anchor, y_anchor = problem.x[anchor], problem.y[anchor]
        there = self.step(y, y_anchor, x_anchor)
        back = self.step(y_anchor, y, x_anchor + there)
        return (there + back).norm(dim=1)

    def _consistency(self, problem: Problem) -> Consistency | None:
        if problem.unlabelled is None or problem.surrogate is None:
            return None
        return Consistency(
            self.network_, problem, problem.surrogate, problem.unlabelled, self.neighbours
        )

    def _anchored(self, problem: Problem) -> Problem:
        return problem.denoised if self.denoise else problem

    def _batch(self, pairs: Pairs) -> Batch:
        net = self.network_
        inputs = net.features(pairs.y, pairs.y_anchor, pairs.x_anchor)
        return inputs, net.target(pairs.x - pairs.x_anchor)

    def _scales(self, problem: Problem, pairs: Pairs) -> TwinScales:
        if not self.recipe.standardize:
            return TwinScales.raw(problem.input_dim, problem.output_dim)
        return TwinScales.of(
            problem.x, problem.y, pairs.x - pairs.x_anchor, pairs.y - pairs.y_anchor
        )

    def _network(self, problem: Problem, scales: TwinScales) -> TwinNet:
        p, q = problem.input_dim, problem.output_dim
        return TwinNet(self.recipe.network(2 * q + p, p, generator(self.seed)), scales)

    def _state(self) -> dict[str, Tensor]:
        return dict(self.network_.state_dict())

    def _restore(self, state: Mapping[str, Tensor]) -> None:
        problem = self.fitted
        scales = TwinScales.raw(problem.input_dim, problem.output_dim)
        self.network_ = self._network(problem, scales)
        self.network_.load_state_dict(dict(state))
        self.network_.eval()
