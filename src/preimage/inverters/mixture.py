"""A mixture density network: a few normal densities, one for each branch at best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from preimage.inverters.posterior import PosteriorInverter
from preimage.nets.conditional import ConditionalNet
from preimage.nets.mixture import MixtureNet, mixture_outputs
from preimage.runtime import generator
from preimage.training.recipe import Recipe

DEFAULT = Recipe(learning_rate=2e-3)


@final
@dataclass(kw_only=True)
class MixtureInverter(PosteriorInverter):
    r"""Learns p(x | y) as a mixture of normal densities, by a network that sees y.

    $$p(x \mid y) = \sum_k \pi_k(y)\, N\big(x;\, \mu_k(y), \Sigma_k(y)\big)$$

    The means are proposed first, then samples. With fewer branches than components, each branch
    has a mean of its own; a continuum of answers is covered by long normal densities, which lie
    along it only roughly.

    We differ from the source [1] in full covariances in place of one variance a component.

    Args:
        components: The number of normal densities.

    References:
        [1] Bishop, Mixture density networks, Aston University NCRG/94/004, 1994.

    Example:
        >>> from preimage.domain import Box
        >>> inverter = MixtureInverter(recipe=Recipe(steps=300, learning_rate=2e-3))
        >>> inverter.fit_function(lambda x: x**2, Box(-2, 2)).invert(2.25).x[0, :2, 0].round(6)
        array([-1.5,  1.5])
        >>> inverter.sample(2.25, 100).shape
        (1, 100, 1)
    """

    kind: ClassVar[str] = "mixture"

    recipe: Recipe = DEFAULT
    components: int = 16

    def _network(self, inputs: int, conditions: int) -> ConditionalNet:
        outputs = mixture_outputs(inputs, self.components)
        body = self.recipe.network(conditions, outputs, generator(self.seed))
        return MixtureNet(body, inputs=inputs, components=self.components)
