"""One network for both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError
from preimage.training import Loop
from preimage.translation.augment import mirrored, relit
from preimage.translation.kinds import Side, other
from preimage.translation.networks import FineUNet, InvolutionNet, PatchGAN, UNet
from preimage.translation.objectives import Objective
from preimage.translation.tiling import tiled
from preimage.translation.translator import Translator

SIGNS: dict[Side, float] = {"a": 1.0, "b": -1.0}
"""What the channel of the direction is filled with."""


@final
@dataclass(kw_only=True)
class SelfInverse(Translator):
    r"""One network $f \approx f^{-1}$ that translates either kind of images into the other.

    Batches alternate: at one step a pair is learned as $x \to y$, at the next as $y \to x$. One
    discriminator judges both directions. With one network there are half the parameters of two.

    With `core="involution"` the network is its own inverse by construction, $f(f(x)) = x$ up to
    rounding, whatever it has learned; it translates images in one piece.

    Args:
        core: The network: "unet", the paper's; "fine", a `FineUNet`, which starts as the
            identity unless a side has label maps; or "involution", an `InvolutionNet`.
        directions: "alternating", or both "together" in each step.
        direction_channel: Tells the network by a further channel which side it is given. It is not
            one function any more, and has to be told the side.
        cycle: The weight of $\lVert f(f(x)) - x \rVert_1$ at the end of training, to which it
            grows evenly from 0: from the start it would hold f at the identity, an inverse of
            itself. It costs a further pass. Photos whose other side is a label map are left out:
            a map can only give them back by a pattern that hides them.
        cycle_jitter: How much light varies in the images of the round trip. These are half of a
            batch, with brightness $v$ in [0, 1] changed to $e^s v^{e^t}$, s and t uniform within
            $\pm$ this; label maps stay. No pairs are needed for a round trip, and with other
            light it holds for images unlike those learned from. 0 takes the batch as it is.
        couplings: Pairs of couplings of the involution.
        levels: How often the involution squeezes an image.

    References:
        Shen et al., Towards learning a self-inverse network for bidirectional image-to-image
        translation, 2019.

    Example:
        >>> from preimage.translation import Pairs
        >>> images = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> pairs = Pairs.from_arrays(images, 1 - images)
        >>> model = SelfInverse(size=32, width=4, epochs=2, device="cpu").fit(pairs)
        >>> model(images).shape, model.history_.steps
        (torch.Size([8, 1, 32, 32]), 32)
    """

    core: Literal["unet", "fine", "involution"] = "unet"
    directions: Literal["alternating", "together"] = "alternating"
    direction_channel: bool = False
    cycle: float = 0.0
    cycle_jitter: float = 0.0
    couplings: int = 4
    levels: int = 2

    kind: ClassVar[str] = "self-inverse"

    def check(self) -> None:
        """Complain about settings; see `Settings.check`."""
        super().check()
        if self.core == "involution" and self.direction_channel:
            raise InputError(
                "an involution is one function of its input alone; use core='unet' with "
                "direction_channel=True."
            )
        if min(self.cycle, self.cycle_jitter) < 0 or self.couplings < 1 or self.levels < 1:
            raise InputError(
                f"cycle={self.cycle}, cycle_jitter={self.cycle_jitter}, "
                f"couplings={self.couplings}, levels={self.levels}; the first two are 0 or more, "
                "the others are 1 or more."
            )

    @property
    def _repeats(self) -> int:
        return 2 if self.directions == "alternating" else 1

    def _generators(self, channels: int, draws: torch.Generator) -> dict[str, nn.Module]:
        if self.core == "involution":
            net: nn.Module = InvolutionNet(
                channels,
                width=self.width,
                couplings=self.couplings,
                levels=self.levels,
                generator=draws,
            )
        elif self.core == "fine":
            net = FineUNet(
                channels + self.direction_channel,
                out_channels=channels,
                width=self.width,
                norm=self.norm,
                residual=all(kind.palette is None for kind in self.kinds_),
                generator=draws,
            )
        else:
            net = UNet(
                channels + self.direction_channel,
                out_channels=channels,
                size=self.size,
                width=self.width,
                norm=self.norm,
                dropout=self.dropout,
                dropout_at_test=self.dropout_at_test,
                generator=draws,
            )
        return {"f": net}

    def _judges(self, channels: int, draws: torch.Generator) -> dict[str, nn.Module]:
        if not self.adversarial:
            return {}
        return {"d": PatchGAN(channels, width=self.width, norm=self.norm, generator=draws)}

    def _learn(self, loop: Loop, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        f = loop.networks["f"]
        images: dict[Side, Tensor] = {"a": a, "b": b}
        turn: Side = "b" if loop.steps % 2 else "a"
        sides: tuple[Side, ...] = ("a", "b") if self.directions == "together" else (turn,)
        given = torch.cat([images[side] for side in sides])
        real = torch.cat([images[other(side)] for side in sides])
        ones = a.new_ones(len(a), 1, 1, 1)
        signs = torch.cat([ones * SIGNS[side] for side in sides])
        back = [place for place, side in enumerate(sides) if self._comes_back(side)]
        rows = slice(back[0] * len(a), (back[-1] + 1) * len(a)) if back else slice(0)
        objective = Objective(l1=self.l1, adversarial=self.adversarial, cycle=self.cycle)
        return objective.step(
            loop,
            "f",
            "d",
            given=given,
            real=real,
            forward=lambda x: f(self._told(x, signs)),
            lost=(lambda y: self._lost(loop, given[rows], y[rows], signs[rows])) if back else None,
        )

    def _comes_back(self, side: Side) -> bool:
        """Whether the other side can hold all of an image: a label map does not hold a photo."""
        own, opposite = self.kinds_ if side == "a" else self.kinds_[::-1]
        return own.palette is not None or opposite.palette is None

    def _lost(self, loop: Loop, given: Tensor, answer: Tensor, signs: Tensor) -> Tensor:
        """What two translations lose of the batch, or of half of it in another light."""
        f = loop.networks["f"]
        if not self.cycle_jitter:
            return (f(self._told(answer, -signs)) - given).abs().mean()
        order = torch.rand(len(given), generator=loop.generator, device=loop.device).argsort()
        half = order[: -(-len(given) // 2)]
        sign = signs[half]
        of_a, of_b = (0.0 if one.palette else self.cycle_jitter for one in self.kinds_)
        spread = torch.where(sign > 0, of_a, of_b)
        x = relit(given[half], spread, loop.generator)
        return (f(self._told(f(self._told(x, sign)), -sign)) - x).abs().mean()

    def _answer(self, x: Float[Tensor, "n c h w"], source: Side | None) -> Float[Tensor, "n c h w"]:
        f = self.networks_["f"]
        if self.core == "involution":
            height, width = x.shape[2:]
            whole = mirrored(
                x, *(-(-side // 2**self.levels) * 2**self.levels for side in x.shape[2:])
            )
            # One by one: another size of batch may round sums otherwise, and a shift to the next
            # multiple.
            return torch.cat([f(one) for one in whole.split(1)])[..., :height, :width]
        if self.direction_channel and source is None:
            raise InputError(
                "this model has a direction channel and must be told which side the images are "
                'of: source="a" or source="b".'
            )
        sign = x.new_full((1, 1, 1, 1), SIGNS[source or "a"])
        return tiled(lambda tile: f(self._told(tile, sign)), x, self.size)

    def _told(self, x: Tensor, signs: Tensor) -> Tensor:
        """The images, and the side that they are of where the network is told."""
        if not self.direction_channel:
            return x
        return torch.cat([x, signs.expand(len(x), 1, *x.shape[2:])], dim=1)
