"""What an inverter was fitted to: the function that checks, where to search, known pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from preimage.domain import Box
from preimage.errors import FunctionError
from preimage.function import Function
from preimage.inverters.arguments import numbered
from preimage.solve.neighbours import Neighbours
from preimage.space import EUCLIDEAN, OutputSpace
from preimage.surrogates import Support, Surrogate

RELATIVE_TOLERANCE = 1e-9
"""The default tolerance, in spreads of y; looser for functions of lower precision."""

DAMPING = 1e-4
"""How much of the mean squared slope is added to all of them where steps are predicted."""


@final
@dataclass(frozen=True)
class Problem:
    """A function to invert, exact or learned, with pairs (x, y) known of it.

    Attributes:
        function: The forward map that checks answers: the user's, or the surrogate's mean.
        checker: "function" or "surrogate".
        box: Where answers are searched.
        x: Known inputs (anchors), measured or sampled.
        y: Their outputs.
        scale: The spread of each component of a difference over all known pairs.
        outputs: The names of the outputs.
        surrogate: What was learned from measurements, where there were any.
        support: The measured region, where there is one.
        metric: The spread of each coordinate of an output; over these pairs, unless given.
        noise: The standard deviation of each measured output, where it is known.
        unlabelled: Outputs whose inputs are not known, to train on.
    """

    function: Function
    checker: str
    box: Box
    x: Float64[Tensor, "anchors p"]
    y: Float64[Tensor, "anchors q"]
    scale: Float64[Tensor, " m"]
    outputs: tuple[str, ...]
    surrogate: Surrogate | None = None
    support: Support | None = None
    metric: Float64[Tensor, " c"] | None = None
    noise: Float64[Tensor, "anchors q"] | None = None
    unlabelled: Float64[Tensor, "targets q"] | None = None

    @staticmethod
    def of(function: Function, *, anchors: int, seed: int) -> Problem:
        """The problem of a function that can be evaluated anywhere in its domain.

        Raises:
            FunctionError: If it gives nothing usable anywhere.
        """
        x, y = sampled(function, anchors, seed)
        return Problem(
            function=function,
            checker="function",
            box=function.domain,
            x=x,
            y=y,
            scale=spread(y, function.space),
            outputs=function.outputs or numbered("y", y.shape[1]),
        )

    @property
    def input_dim(self) -> int:
        """The number of inputs, p."""
        return self.x.shape[1]

    @property
    def output_dim(self) -> int:
        """The number of outputs, q."""
        return self.y.shape[1]

    @property
    def difference_dim(self) -> int:
        """How many equations a target is: the components of a difference, m."""
        return len(self.scale)

    @property
    def space(self) -> OutputSpace:
        """How outputs differ."""
        return self.function.space

    @cached_property
    def tol(self) -> float:
        """The residual up to which an answer is confirmed unless the user says otherwise."""
        relative = max(RELATIVE_TOLERANCE, 100 * self.function.precision)
        return relative * float(self.scale.square().mean().sqrt())

    @property
    def separation(self) -> float:
        """How far apart, in box widths, two answers must be to count as two."""
        return 1e-6 if self.difference_dim >= self.input_dim else 1e-3

    @cached_property
    def neighbours(self) -> Neighbours:
        """The anchors by the coordinates of their outputs, in spreads, noisy ones farther off."""
        doubt = None if self.noise is None else (self.noise / self.scale).norm(dim=1)
        return Neighbours(self.space.coordinates(self.y), self._metric, doubt)

    @cached_property
    def lifted(self) -> Float64[Tensor, "anchors l"]:
        """The anchors' outputs as their space lifts them."""
        return self.space.lift(self.y).contiguous()

    @cached_property
    def denoised(self) -> Problem:
        """The same problem with the anchors' outputs freed from noise; itself without a surrogate.

        Each is the mean of what was measured there and what the surrogate predicts, weighted by
        how sure each of them is: with little noise the measurement, with much the prediction.
        """
        if self.surrogate is None:
            return self
        mean, sd = self.surrogate.mean(self.x).detach(), self.surrogate.sd(self.x).detach()
        noise = self.surrogate.noise_sd(mean).detach()
        noise = noise if self.noise is None else noise.hypot(self.noise)
        share = (sd / sd.hypot(noise).clamp(min=1e-300)).square()
        y = mean + share * (self.y - mean)
        return replace(self, y=y, metric=self._metric, noise=None)

    @cached_property
    def _metric(self) -> Float64[Tensor, " c"]:
        if self.metric is not None:
            return self.metric
        return EUCLIDEAN.spread(self.space.coordinates(self.y))

    @cached_property
    def newton(self) -> Float64[Tensor, "anchors p m"]:
        """For each anchor the matrix from a difference, in spreads, to a step in box widths."""
        _, jacobian = self.function.linearize(self.x)
        slope = (jacobian * self.box.width / self.scale[:, None]).nan_to_num()
        # Damped, so that near a singular point no step is longer than the linear model is good for.
        normal = slope @ slope.mT
        diagonal = normal.diagonal(dim1=1, dim2=2)
        diagonal += DAMPING * diagonal.mean(dim=1, keepdim=True) + 1e-300
        return torch.linalg.solve_ex(normal, slope)[0].mT.nan_to_num()

    def within(self, box: Box) -> Problem:
        """The same problem in a smaller box, with the anchors that lie there (all, if none do)."""
        inside = box.contains(self.x)
        if not bool(inside.any()):
            return replace(self, box=box)
        x, y = self.x[inside], self.y[inside]
        noise = None if self.noise is None else self.noise[inside]
        return replace(self, box=box, x=x, y=y, noise=noise, metric=self._metric)

    def nearest_anchors(
        self,
        targets: Float64[Tensor, "targets q"],
        k: int,
        near: Float64[Tensor, "targets p"] | None = None,
    ) -> Int64[Tensor, "targets k"]:
        """The k anchors nearest in y; with `near`, those of 8 k that are closest to it in x."""
        coordinates = self.space.coordinates(targets)
        if near is None:
            return self.neighbours.query(coordinates, k)
        index = self.neighbours.query(coordinates, 8 * k)
        away = self.box.difference(self.x[index], near[:, None]).norm(dim=2)
        return index.gather(1, away.argsort(dim=1, stable=True)[:, :k])


def spread(
    y: Float64[Tensor, "anchors q"], space: OutputSpace = EUCLIDEAN
) -> Float64[Tensor, " m"]:
    """The typical size of each component of a difference of outputs."""
    return space.spread(y)


def sampled(function: Function, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """`count` low-discrepancy inputs and their outputs, without those that could not be had."""
    x = function.domain.sobol(count, seed)
    y = function(x)
    return known_pairs(function, x, y)


def known_pairs(function: Function, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs whose output could be had.

    Raises:
        FunctionError: If there are none.
    """
    usable = y.isfinite().all(dim=1)
    if int(usable.sum()) < 2:
        raise FunctionError(
            f"the function gave a usable output at {int(usable.sum())} of {len(x)} points of "
            f"{function.domain}; check the bounds, or choose a box where it is defined."
        )
    return x[usable], y[usable]
