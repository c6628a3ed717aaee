"""What a translation is trained on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from preimage.training import Loop
from preimage.training.freezing import frozen

Images: TypeAlias = Float[Tensor, "n c h w"]

Map: TypeAlias = Callable[[Images], Images]


@final
@dataclass(frozen=True, kw_only=True)
class Objective:
    r"""$w_1 \lVert f(x) - y \rVert_1 + w_2 \mathcal L_{GAN} + w_3 \lVert f(f(u)) - u \rVert_1$.

    Images u are those of the batch, or others that are like them.

    Norms are means over pixels, of images in [-1, 1]. The adversarial term is that of a conditional
    GAN, equation 2 of the paper; where it has the generator minimise $\log(1 - D)$, ours maximises
    $\log D$, as pix2pix does, whose gradient does not vanish while the discriminator is ahead.

    Args:
        l1: The weight of the distance to the other image.
        adversarial: That of the discriminator's opinion; 0 trains without one.
        cycle: That of what is left after two translations, at the end of training, to which it
            grows evenly from 0.
    """

    l1: float
    adversarial: float
    cycle: float = 0.0

    def step(
        self,
        loop: Loop,
        net: str,
        judge: str,
        *,
        given: Images,
        real: Images,
        forward: Map,
        lost: Callable[[Images], Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """One step of a discriminator, where there is one, and then one of a generator.

        The loss of the discriminator is halved, which slows it down (pix2pix).

        Args:
            loop: The training.
            net: The name of the generator.
            judge: That of the discriminator.
            given: What is translated.
            real: What it should become.
            forward: Translates it.
            lost: What two translations lose, given the answer; needed where `cycle` is not 0.

        Returns:
            The losses by name, before they are weighted.
        """
        answer = forward(given)
        found = {"l1": (answer - real).abs().mean()}
        weights: dict[str, float | Tensor] = {"l1": self.l1}
        judging = nullcontext()
        logged: dict[str, Tensor] = {}
        if self.adversarial:
            opinion = loop.networks[judge]
            of_real, of_answer = opinion(given, real), opinion(given, answer.detach())
            logged[judge] = (softplus(-of_real).mean() + softplus(of_answer).mean()) / 2
            loop.minimise(judge, logged[judge])
            judging = frozen(opinion)
        with judging:
            if self.adversarial:
                found["adversarial"] = softplus(-loop.networks[judge](given, answer)).mean()
                weights["adversarial"] = self.adversarial
            if lost is not None and self.cycle:
                found["cycle"] = lost(answer)
                weights["cycle"] = self.cycle * loop.share
            loop.minimise(net, torch.stack([weights[n] * found[n] for n in found]).sum())
        return found | logged
