"""A generator adapted to one observation, for images that it cannot make as it is."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.optim import Adam

from preimage.errors import InputError
from preimage.generators.degradations import Degradation
from preimage.generators.generator import Generator
from preimage.generators.refinement import Misfit
from preimage.progress import progress

WEIGHT_RATE = 3e-4
"""The learning rate of the weights: they stay near those of the trained generator."""

CODE_RATE = 1e-2
"""The learning rate of the codes."""


@final
@dataclass(frozen=True)
class Adapted:
    """What adapted generators made.

    Attributes:
        images: `(n, c, h, w)`.
        residual: The root mean square difference of an observed value.
        calls: Calls of the generator, each forward and backward.
    """

    images: Float[Tensor, "n c h w"]
    residual: Float[Tensor, " n"]
    calls: Int64[Tensor, " n"]


def adapt(
    generator: Generator,
    z: Float[Tensor, "n ..."],
    target: Float[Tensor, "n ..."],
    *,
    steps: int,
    degradation: Degradation | None = None,
) -> Adapted:
    r"""Lowers $\|A(G_\theta(z)) - y\|$ over the weights $\theta$ too, for each observation anew.

    No code gives an image that the generator cannot make. A few hundred steps of Adam from the
    trained weights and a good code reach it, and where nothing was observed the image still is what
    the generator would make. Too many steps fit the noise too: rows stop at it, where it is known.

    Args:
        generator: Makes the images; it stays as it is.
        z: Where each starts, best at the end of a search.
        target: What was observed, one row each.
        steps: The most steps, each a call of the generator forward and backward.
        degradation: What lies between image and observation; None where images were observed.

    Raises:
        InputError: If the shapes do not fit, or there are no steps.

    References:
        Hussein, Tirer and Giryes, Image-adaptive GAN based reconstruction, AAAI 2020.

    Example:
        >>> from preimage.generators.priors import Uniform
        >>> net = torch.nn.Sequential(
        ...     torch.nn.Linear(3, 64), torch.nn.Sigmoid(), torch.nn.Unflatten(1, (1, 8, 8))
        ... )
        >>> g = Generator(net, prior=Uniform(3))
        >>> image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> before, after = (adapt(g, torch.zeros(1, 3), image, steps=n) for n in (1, 400))
        >>> bool(after.residual < 0.8 * before.residual)
        True
    """
    if steps < 1:
        raise InputError(f"{steps} steps of adaptation; give 1 or more.")
    Misfit(generator, target, degradation).check(z)
    found = []
    with progress("images adapted to", len(z)) as bar:
        for row in range(len(z)):
            one = slice(row, row + 1)
            found.append(_adapted(generator, z[one], target[one], steps, degradation))
            bar.update(row + 1)
    if not found:
        none = torch.zeros(0)
        return Adapted(torch.zeros(0, *generator.image_shape), none, none.long())
    return Adapted(
        torch.cat([one.images for one in found]),
        torch.cat([one.residual for one in found]),
        torch.cat([one.calls for one in found]),
    )


def _adapted(
    generator: Generator,
    z: Float[Tensor, "1 ..."],
    target: Float[Tensor, "1 ..."],
    steps: int,
    degradation: Degradation | None,
) -> Adapted:
    own, code = deepcopy(generator).requires_grad_(True), z.detach().clone().requires_grad_()
    adam = Adam(
        [
            {"params": list(own.parameters()), "lr": WEIGHT_RATE},
            {"params": [code], "lr": CODE_RATE},
        ]
    )
    enough = 0.0 if degradation is None else degradation.noise
    best, image, calls = torch.inf, torch.zeros(1, *generator.image_shape), 0
    wanted = target.to(generator.device)
    while calls < steps and best > enough:
        calls += 1
        with torch.enable_grad():
            made = own(own.prior.clamp(code))
            seen = made if degradation is None else degradation(made)
            square = (seen - wanted).square().mean()
            adam.zero_grad()
            square.backward()
        residual = float(square.detach().sqrt())
        if residual < best:
            best, image = residual, made.detach().cpu()
        adam.step()
    return Adapted(image, torch.tensor([best]), torch.tensor([calls]))
