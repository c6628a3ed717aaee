"""What figures 2 and 4 to 7 of the paper show: one curve, a few anchors, and the half ball."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.domain import Box
from preimage.function import Function
from preimage.inverters.direct import DirectInverter
from preimage.inverters.twin import TwinInverter
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.papers.twin.forward import forward_network
from preimage.solve.neighbours import Neighbours
from preimage.training.recipe import Recipe

CUBIC = Function(lambda x: x**3 - x, Box(-1.5, 1.5))
UNLUCKY = (-1.3, -0.75, 0.05, 0.35, 1.3)
"""Five anchors on x^3 - x that leave the falling branch and both turns to themselves."""

ACCEPTED = 0.05
"""A proposal whose output is within this of its target is on the curve."""


@final
@dataclass(frozen=True)
class Curve:
    """Targets of x^3 - x, and inputs proposed for them.

    Attributes:
        targets: 1,000 outputs over the range of the function.
        proposed: An input for each target from each anchor.
    """

    targets: Float64[Tensor, " targets"]
    proposed: Float64[Tensor, "targets anchors"]

    @property
    def accepted(self) -> Bool[Tensor, "targets anchors"]:
        """Which proposals the function confirms."""
        y = CUBIC(self.proposed.reshape(-1, 1)).reshape(self.proposed.shape)
        return (y - self.targets[:, None]).abs() <= ACCEPTED

    def of_nearest(self, anchors: Float64[Tensor, " anchors"]) -> Float64[Tensor, " targets"]:
        """What the anchor nearest in y proposes for each target."""
        nearest = Neighbours(anchors[:, None]).query(self.targets[:, None], 1)
        return self.proposed.gather(1, nearest)[:, 0]


def targets() -> Float64[Tensor, " targets"]:
    """Outputs over the whole range of the curve."""
    return torch.linspace(-1.875, 1.875, 1000, dtype=torch.float64)


def unlucky() -> tuple[Float64[Tensor, "anchors 1"], Float64[Tensor, "anchors 1"]]:
    """The five anchors and their outputs."""
    x = torch.tensor(UNLUCKY, dtype=torch.float64)[:, None]
    return x, CUBIC(x)


def few_anchors(recipe: Recipe) -> Curve:
    """The twin on x^3 - x with five anchors, asked for every target from every anchor."""
    x, y = unlucky()
    # Five anchors to a box: the range of the training pairs covers the way between them. Steps so
    # long are learned better with the published loss, the mean absolute error.
    recipe = replace(recipe, loss="mae")
    twin = TwinInverter(recipe=recipe, anchors=5, reach=1.0, polish=False).fit_function(CUBIC)
    wanted = targets()
    grid = wanted[:, None, None].expand(-1, len(x), 1).reshape(-1, 1)
    anchor = torch.arange(len(x)).repeat(len(wanted))
    step = twin.step(grid, y[anchor], x[anchor])
    return Curve(wanted, (x[anchor] + step).reshape(len(wanted), len(x)))


@final
@dataclass(frozen=True)
class Fits:
    """Figure 2: a network of f, one of its inverse, and the twin with 600 anchors."""

    forward: Float64[Tensor, "grid 1"]
    inverse: Float64[Tensor, "targets 1"]
    twin: Float64[Tensor, "targets answers"]


def fits(recipe: Recipe) -> Fits:
    """Trains all three on x^3 - x."""
    x = CUBIC.domain.sobol(600)
    wanted = targets()[:, None]
    forward = forward_network(x, CUBIC(x), recipe, seed=0)
    direct = DirectInverter(recipe=recipe).fit(x, CUBIC(x), function=CUBIC)
    twin = TwinInverter(recipe=recipe, anchors=600, neighbours=8, polish=False)
    found = twin.fit_function(CUBIC).invert(wanted, n=8, tol=ACCEPTED)
    return Fits(
        forward(grid()),
        direct.invert(wanted, n=1).x[:, 0],
        torch.where(found.ok, found.x[:, :, 0], torch.nan),
    )


def grid() -> Float64[Tensor, "grid 1"]:
    """Inputs over the whole domain of the curve."""
    return torch.linspace(-1.5, 1.5, 601, dtype=torch.float64)[:, None]


@final
@dataclass(frozen=True)
class HalfBall:
    """Figure 7: for each height, the circle of its preimages and what the anchors propose."""

    heights: tuple[float, ...]
    anchors: list[Float64[Tensor, "asked 2"]]
    found: list[Float64[Tensor, "asked 2"]]


def half_ball(recipe: Recipe, heights: tuple[float, ...] = (0.9, 0.7, 0.4)) -> HalfBall:
    """The twin on the half ball, from the 24 of 300 anchors nearest to each height."""
    experiment = EXPERIMENTS[3]
    twin = TwinInverter(
        recipe=recipe, anchors=300, reach=experiment.reach, polish=False
    ).fit_function(experiment.function())
    known = twin.fitted
    asked, found = [], []
    for height in heights:
        y = torch.full((24, 1), height, dtype=torch.float64)
        index = Neighbours(known.y).query(y[:1], 24)[0]
        asked.append(known.x[index])
        found.append(known.x[index] + twin.step(y, known.y[index], known.x[index]))
    return HalfBall(heights, asked, found)
