"""Answers that are translated back to the image they came from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Adam

from preimage.translation.objectives import Map

RATE = 0.02
"""How far a step moves a pixel at most, of images in [-1, 1]."""

BETAS = (0.8, 0.95)
"""Shorter memories than Adam's own: there are a few steps in all."""


GROUP = 4
"""So many images are moved at once, which bounds the memory of the way back."""


def settled(
    back: Map, x: Float[Tensor, "n c h w"], y: Float[Tensor, "n c h w"], steps: int
) -> Float[Tensor, "n c h w"]:
    r"""Moves answers y a little, so that they are translated back to x.

    A network that is nearly its own inverse leaves a difference after two translations. Descent on
    $\lVert f(y) - x \rVert^2$ over the pixels of y, from the answer on, takes most of it away: y
    becomes a preimage of x under f that is near $f(x)$. What it needs for that is hidden in small
    changes of y, so that little is left of it in images rounded to 8 bits.

    Args:
        back: Translates answers; gradients go through it. An answer must not depend on others.
        x: What answers should be translated to, in [-1, 1].
        y: Where they begin.
        steps: Of Adam, each a pass forward and one backward. The best place on the way is kept.

    Example:
        >>> x = torch.tensor([0.3, -0.2]).reshape(1, 1, 1, 2)
        >>> y = settled(lambda y: 0.9 * y, x, x, 50)
        >>> bool((0.9 * y - x).abs().max() < 0.01)
        True
    """
    parts = zip(x.split(GROUP), y.split(GROUP), strict=True)
    return torch.cat([_moved(back, *part, steps) for part in parts])


def _moved(back: Map, x: Tensor, y: Tensor, steps: int) -> Tensor:
    """The best of all places on the way, image by image."""
    place = y.detach().clone().requires_grad_()
    adam = Adam([place], lr=RATE, betas=BETAS)
    best, least = y, torch.full((len(y), 1, 1, 1), torch.inf, device=y.device)
    for step in range(steps + 1):
        with torch.enable_grad():
            lost = (back(place) - x).square().sum(dim=(1, 2, 3), keepdim=True)
        better = lost.detach() < least
        best, least = torch.where(better, place.detach(), best), lost.detach().minimum(least)
        if step < steps:
            # Adam goes as far however large a gradient is.
            (place.grad,) = torch.autograd.grad(lost.sum(), place)
            adam.step()
    return best
