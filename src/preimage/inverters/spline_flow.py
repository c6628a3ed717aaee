"""A conditional spline flow: samples of p(x | y) of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from preimage.inverters.posterior import PosteriorInverter
from preimage.nets.conditional import ConditionalNet
from preimage.nets.spline_flow import SplineFlow
from preimage.training.recipe import Recipe

DEFAULT = Recipe(depth=2, learning_rate=2e-3)


@final
@dataclass(kw_only=True)
class FlowInverter(PosteriorInverter):
    r"""Learns p(x | y) as a normal density that an invertible map of splines moves.

    $$p(x \mid y) = N\big(T_y(x);\, 0, I\big)\, \lvert \det \partial T_y / \partial x \rvert$$

    It takes the shape of curved continua of answers, which a mixture of normal densities only
    tiles. Between separate branches it must leave a thin bridge, on which some samples lie.

    Args:
        transforms: How many autoregressive maps follow each other.
        bins: Pieces of each spline.

    References:
        [1] Durkan, Bekasov, Murray, Papamakarios, Neural spline flows, 2019; the code is zuko's.
        [2] Ardizzone, Lüth, Kruse, Rother, Köthe, Guided image generation with conditional
        invertible neural networks, 2019: the conditional flow of the deep-inverse benchmark.

    Example:
        >>> from preimage.domain import Box
        >>> inverter = FlowInverter(recipe=Recipe(width=32, depth=2, steps=100))
        >>> inverter.fit_function(lambda x: x**2, Box(-2, 2)).invert(2.25).x[0, :2, 0].round(6)
        array([-1.5,  1.5])
        >>> inverter.log_density([1.5, 0.0], [2.25, 2.25]).shape
        (2,)
    """

    kind: ClassVar[str] = "flow"

    recipe: Recipe = DEFAULT
    transforms: int = 3
    bins: int = 8

    def _network(self, inputs: int, conditions: int) -> ConditionalNet:
        return SplineFlow(
            inputs=inputs,
            conditions=conditions,
            transforms=self.transforms,
            bins=self.bins,
            width=self.recipe.width,
            depth=self.recipe.depth,
            activation=self.recipe.activation,
            seed=self.seed,
        )
