"""The models that are compared: the paper's two, and one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

from preimage.translation import Pix2Pix, SelfInverse, Translator, preset

PIX2PIX, SELF_INVERSE = "pix2pix", "self-inverse"


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """How models are trained.

    Args:
        preset: "paper", or "paper-small" for a CPU.
        epochs: How often each pair is seen in each direction.
        device: Where; None takes the best there is.
    """

    preset: str = "paper"
    epochs: float = 200.0
    device: str | None = None

    def pix2pix(self) -> Pix2Pix:
        """The baseline."""
        return replace(preset(self.preset, Pix2Pix), epochs=self.epochs, device=self.device)

    def paper(self) -> SelfInverse:
        """The paper's self-inverse network, with as many epochs."""
        return replace(preset(self.preset, SelfInverse), epochs=self.epochs, device=self.device)

    def default(self) -> SelfInverse:
        """The default preset with the same networks and epochs."""
        paper = self.paper()
        chosen = replace(preset("default", SelfInverse), size=paper.size, width=paper.width)
        return replace(chosen, epochs=self.epochs, device=self.device)


METHODS: dict[str, Callable[[Plan], Translator]] = {
    PIX2PIX: lambda plan: plan.pix2pix(),
    SELF_INVERSE: lambda plan: plan.paper(),
    "equal-updates": lambda plan: replace(plan.paper(), epochs=plan.epochs / 2),
    "together": lambda plan: replace(plan.paper(), directions="together"),
    "round-trip": lambda plan: replace(plan.paper(), cycle=10.0),
    "direction-channel": lambda plan: replace(plan.paper(), direction_channel=True),
    "l1-only": lambda plan: replace(plan.paper(), adversarial=0.0, l1=1.0),
    "averaged": lambda plan: replace(plan.paper(), ema=0.999),
    "instance-batch-4": lambda plan: replace(plan.paper(), norm="instance", batch=4),
    "involution": lambda plan: replace(plan.paper(), core="involution"),
    "default": lambda plan: plan.default(),
}
"""By name. A self-inverse network takes two steps where each network of pix2pix takes one; with
equal updates it sees each pair half as often. `together` has both directions in one step."""

TABLES = (PIX2PIX, SELF_INVERSE)
"""What the paper's tables need; the rest are ablations."""
