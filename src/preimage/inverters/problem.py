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
from preimage.solve.neighbours import Neighbours
from preimage.surrogates import Support, Surrogate

RELATIVE_TOLERANCE = 1e-9
"""The default tolerance, in spreads of y; looser for functions of lower precision."""


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
        scale: The spread of each output over all known pairs, as `spread` gives it.
        outputs: The names of the outputs.
        surrogate: What was learned from measurements, where there were any.
        support: The measured region, where there is one.
    """

    function: Function
    checker: str
    box: Box
    x: Float64[Tensor, "anchors p"]
    y: Float64[Tensor, "anchors q"]
    scale: Float64[Tensor, " q"]
    outputs: tuple[str, ...]
    surrogate: Surrogate | None = None
    support: Support | None = None

    @property
    def input_dim(self) -> int:
        """The number of inputs, p."""
        return self.x.shape[1]

    @property
    def output_dim(self) -> int:
        """The number of outputs, q."""
        return self.y.shape[1]

    @cached_property
    def tol(self) -> float:
        """The residual up to which an answer is confirmed unless the user says otherwise."""
        relative = max(RELATIVE_TOLERANCE, 100 * self.function.precision)
        return relative * float(self.scale.square().mean().sqrt())

    @property
    def separation(self) -> float:
        """How far apart, in box widths, two answers must be to count as two."""
        return 1e-6 if self.output_dim >= self.input_dim else 1e-3

    @cached_property
    def neighbours(self) -> Neighbours:
        """The anchors by their outputs, in spreads of y."""
        return Neighbours(self.y, self.scale)

    @cached_property
    def newton(self) -> Float64[Tensor, "anchors p q"]:
        """For each anchor the matrix from a gap in y, in spreads, to a step in box widths."""
        _, jacobian = self.function.linearize(self.x)
        slope = jacobian * self.box.width / self.scale[:, None]
        return torch.linalg.pinv(slope.nan_to_num(), rtol=1e-3)

    def within(self, box: Box) -> Problem:
        """The same problem in a smaller box, with the anchors that lie there (all, if none do)."""
        inside = box.contains(self.x)
        if not bool(inside.any()):
            return replace(self, box=box)
        return replace(self, box=box, x=self.x[inside], y=self.y[inside])

    def nearest_anchors(
        self,
        targets: Float64[Tensor, "targets q"],
        k: int,
        near: Float64[Tensor, "targets p"] | None = None,
    ) -> Int64[Tensor, "targets k"]:
        """The k anchors nearest in y; with `near`, those of 8 k that are closest to it in x."""
        if near is None:
            return self.neighbours.query(targets, k)
        index = self.neighbours.query(targets, 8 * k)
        away = self.box.difference(self.x[index], near[:, None]).norm(dim=2)
        return index.gather(1, away.argsort(dim=1, stable=True)[:, :k])


def spread(y: Float64[Tensor, "anchors q"]) -> Float64[Tensor, " q"]:
    """The standard deviation of each output; one where it is constant."""
    sd = y.std(dim=0)
    return torch.where(sd > 1e-12 * (1 + y.abs().amax(dim=0)), sd, 1.0)


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
