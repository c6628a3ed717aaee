"""AEGAN's inverse: the encoder of an autoencoder whose decoder is the generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from preimage.generators.generator import Generator
from preimage.generators.learned import LearnedInverter
from preimage.generators.pixels import cross_entropy


@final
@dataclass(kw_only=True)
class EncoderInverter(LearnedInverter):
    r"""Learns the inverse by what its codes look like, as AEGAN does.

    For $z \sim p(z)$ and $x = G(z)$, the encoder E is trained to the least pixel cross-entropy
    between x and $G(E(x))$; only E is changed. Two codes that make the same image are equally
    good, so nothing forces the encoder to average them.

    The network is the paper's at `width=64`, for images of 64 by 64.

    References:
        Luo, Xu, Tang, Lv, Learning Inverse Mapping by AutoEncoder Based Generative Adversarial
        Nets, 2017, algorithm 1 and equation 5.

    Example:
        >>> from preimage.generators import Generator, Uniform
        >>> from preimage.nets.convolutional import DeconvNet
        >>> import torch
        >>> net = DeconvNet(4, size=8, channels=1, width=4, generator=torch.Generator())
        >>> g = Generator(net, prior=Uniform(4))
        >>> codes = EncoderInverter(width=4, steps=20).fit(g).invert(g.sample(3)[1])
        >>> codes.z.shape, codes.residual.shape
        (torch.Size([3, 4]), torch.Size([3]))
    """

    kind: ClassVar[str] = "aegan"

    def _losses(
        self,
        free: Float[Tensor, "n latent"],
        z: Float[Tensor, "n ..."],
        x: Float[Tensor, "n c h w"],
        generator: Generator,
    ) -> Mapping[str, Tensor]:
        made = generator(self._code(free, generator))
        return {"image": cross_entropy(made, x).mean()}
