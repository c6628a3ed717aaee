"""A mixture density network: from a condition to a mixture of normal densities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.nets.conditional import Conditional, ConditionalNet

NARROWEST = 1e-3
"""The smallest standard deviation along an axis; without it, exact data drive some to zero."""


@final
@dataclass(frozen=True)
class Mixture(Conditional):
    r"""$\sum_k \pi_k \, N(x; \mu_k, (L_k L_k^\top)^{-1})$ for each row of a batch.

    Attributes:
        log_weight: $\log \pi_k$.
        mean: $\mu_k$.
        root: $L_k$, the lower Cholesky factors of the inverse covariances.
    """

    log_weight: Float[Tensor, "rows components"]
    mean: Float[Tensor, "rows components p"]
    root: Float[Tensor, "rows components p p"]

    def log_prob(self, x: Float[Tensor, "rows p"]) -> Float[Tensor, " rows"]:
        """The log density of each row at its own x."""
        white = torch.einsum("rkij,rki->rkj", self.root, x[:, None] - self.mean)
        volume = self.root.diagonal(dim1=2, dim2=3).log().sum(dim=2)
        normal = volume - white.square().sum(dim=2) / 2 - x.shape[1] * math.log(2 * math.pi) / 2
        return (self.log_weight + normal).logsumexp(dim=1)

    def transport(self, u: Float[Tensor, "rows draws base"]) -> Float[Tensor, "rows draws p"]:
        """Samples: the first uniform number chooses the component, the others the place in it."""
        steps = self.log_weight.exp().cumsum(dim=1)
        chosen = torch.searchsorted(steps, u[:, :, 0] * steps[:, -1:])
        chosen = chosen.clamp(max=steps.shape[1] - 1)
        row = torch.arange(len(u))[:, None]
        white = torch.special.ndtri(u[:, :, 1:, None])
        away = torch.linalg.solve_triangular(self.root[row, chosen].mT, white, upper=True)
        return self.mean[row, chosen] + away[:, :, :, 0]

    def centres(self) -> Float[Tensor, "rows centres p"]:
        """The means, those of the heaviest components first."""
        order = self.log_weight.argsort(dim=1, descending=True, stable=True)
        return self.mean.gather(1, order[:, :, None].expand_as(self.mean))


def mixture_outputs(inputs: int, components: int) -> int:
    """How many outputs the body of a `MixtureNet` must have."""
    return components * (1 + inputs + inputs * (inputs + 1) // 2)


@final
class MixtureNet(ConditionalNet):
    r"""A network whose outputs are the parameters of a mixture of normal densities.

    The weights are a softmax; of the inverse covariance it is the Cholesky factor that is
    predicted, its diagonal as $e^{u}$ with u bounded, so that no standard deviation along an axis
    falls below a thousandth.

    Args:
        body: From q columns to `mixture_outputs(p, components)`.
        inputs: The number of inputs, p.
        components: The number of components.

    Source: Bishop, Mixture density networks, 1994, equations 20 to 26, which have one variance a
    component; the full covariance is Williams, Using neural networks to model conditional
    multivariate densities, 1996.
    """

    def __init__(self, body: nn.Module, *, inputs: int, components: int) -> None:
        super().__init__()
        self.body = body
        self.base = inputs + 1
        self._inputs, self._components = inputs, components

    def forward(self, condition: Float[Tensor, "rows q"]) -> Mixture:
        """The mixture under each condition."""
        rows, p, k = len(condition), self._inputs, self._components
        out = self.body(condition)
        logits, mean, diagonal, below = out.split([k, k * p, k * p, k * p * (p - 1) // 2], dim=1)
        steepest = -math.log(NARROWEST)
        # Smoothly below the bound: a hard one would stop the gradient there.
        u = steepest - nn.functional.softplus(steepest - diagonal)
        root = u.reshape(rows, k, p).exp().diag_embed()
        i, j = torch.tril_indices(p, p, offset=-1)
        lower = torch.zeros_like(root)
        lower[:, :, i, j] = below.reshape(rows, k, p * (p - 1) // 2)
        return Mixture(logits.log_softmax(dim=1), mean.reshape(rows, k, p), root + lower)
