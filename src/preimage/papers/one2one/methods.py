"""The models that are compared: the paper's two, and one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar, final

from preimage.runtime import Precision, best_device
from preimage.translation import Pix2Pix, SelfInverse, Translator, preset

PIX2PIX, SELF_INVERSE, DEFAULT = "pix2pix", "self-inverse", "default"
Model = TypeVar("Model", Pix2Pix, SelfInverse)

NEIGHBOURS = "neighbours"
"""The one that wants other data: slices beside each slice."""


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """How models are trained.

    Args:
        preset: Of the paper's two methods: "paper", or "paper-small" for a CPU.
        epochs: How often each pair is seen in each direction.
        ablated: The same in the ablations, and in the run that they are compared with.
        stretch: So many times as many epochs has the default, whose batches of 4 in both
            directions make an epoch as much shorter on a CPU.
        longer: So many times as many as in the tables has the default in its longer training.
        segmenter_epochs: How often the network that segments photos sees each of them.
        precision: What networks compute in while they are trained.
        compiled: Whether they are compiled for it, on a GPU.
        device: Where; None takes the best there is.
    """

    preset: str = "paper"
    epochs: float = 200.0
    ablated: float = 200.0
    stretch: float = 1.0
    longer: float = 2.0
    segmenter_epochs: float = 12.0
    precision: Precision = "no"
    compiled: bool = False
    device: str | None = None

    @property
    def size(self) -> int:
        """The sides of the squares that the networks work on."""
        return preset(self.preset, SelfInverse).size

    def pix2pix(self) -> Pix2Pix:
        """The baseline."""
        return self._trained(preset(self.preset, Pix2Pix), self.epochs)

    def paper(self, epochs: float) -> SelfInverse:
        """The paper's self-inverse network."""
        return self._trained(preset(self.preset, SelfInverse), epochs)

    def default(self, epochs: float) -> SelfInverse:
        """The default preset at the same size and width.

        Args:
            epochs: Of the paper's methods beside it.
        """
        paper = preset(self.preset, SelfInverse)
        model = replace(preset("default", SelfInverse), size=paper.size, width=paper.width)
        return self._trained(model, epochs * self.stretch)

    def _trained(self, model: Model, epochs: float) -> Model:
        """The model with what this plan says of trainings."""
        return replace(
            model,
            epochs=epochs,
            mixed_precision=self.precision,
            compiled=self.compiled and (self.device or best_device()) == "cuda",
            device=self.device,
        )


PLANS = {
    "paper": Plan(precision="bf16", compiled=True),
    "paper-small": Plan(
        preset="paper-small", epochs=6, ablated=3, stretch=4, longer=2.5, precision="bf16"
    ),
}
"""By name: the paper's sizes, for a GPU, and small ones, for a CPU."""


@final
@dataclass(frozen=True)
class Method:
    """One of the models.

    Attributes:
        title: What it is called on the page.
        make: The model, untrained.
        single: Whether the first seed is enough.
        trained: The name of the method whose models these are; None for models of its own.
        settle: Steps that move each answer to where it is translated back.
    """

    title: str
    make: Callable[[Plan], Translator]
    single: bool = False
    trained: str | None = None
    settle: int = 0


MAIN = {
    PIX2PIX: Method("pix2pix", Plan.pix2pix),
    SELF_INVERSE: Method("self-inverse, equal epochs", lambda plan: plan.paper(plan.epochs)),
    "equal-updates": Method(
        "self-inverse, equal updates", lambda plan: plan.paper(plan.epochs / 2)
    ),
    DEFAULT: Method("default", lambda plan: plan.default(plan.epochs)),
    "default-settled": Method(
        "default, answers settled by 8 steps",
        lambda plan: plan.default(plan.epochs),
        trained=DEFAULT,
        settle=8,
    ),
    "default-one-way": Method(
        "default without a round-trip loss",
        lambda plan: replace(plan.default(plan.epochs), cycle=0.0),
        single=True,
    ),
    "default-back": Method(
        "default, round trips of weight 1.5 in varied light, trained for longer",
        lambda plan: replace(plan.default(plan.longer * plan.epochs), cycle=1.5, cycle_jitter=0.3),
        single=True,
    ),
}
"""Those of the tables. A self-inverse network takes two steps where each network of pix2pix takes
one; with equal updates it sees each pair half as often."""


def _changed(title: str, change: Callable[[SelfInverse], SelfInverse]) -> Method:
    return Method(title, lambda plan: change(plan.paper(plan.ablated)), single=True)


ABLATIONS = {
    "unchanged": _changed("the paper's self-inverse network", lambda paper: paper),
    "together": _changed(
        "both directions in one step", lambda paper: replace(paper, directions="together")
    ),
    "round-trip": _changed("round-trip loss, weight 10", lambda paper: replace(paper, cycle=10.0)),
    "instance": _changed("instance normalisation", lambda paper: replace(paper, norm="instance")),
    "averaged": _changed("averaged weights (EMA)", lambda paper: replace(paper, ema=0.999)),
    "l1-only": _changed("L1 alone", lambda paper: replace(paper, adversarial=0.0, l1=1.0)),
    "no-norm": _changed(
        "L1 alone, no normalisation",
        lambda paper: replace(paper, adversarial=0.0, l1=1.0, norm="none"),
    ),
    "direction-channel": _changed(
        "a channel for the direction", lambda paper: replace(paper, direction_channel=True)
    ),
    NEIGHBOURS: _changed("slices beside each slice (2.5-D)", lambda paper: paper),
    "fine": _changed(
        "L1 alone, maps of the full size",
        lambda paper: replace(paper, adversarial=0.0, l1=1.0, core="fine", norm="none"),
    ),
    "involution": _changed("exact involution", lambda paper: replace(paper, core="involution")),
    "default-settings": Method(
        "all settings of the default", lambda plan: plan.default(plan.ablated), single=True
    ),
}
"""One change at a time, and in the end all that the default keeps of them."""

METHODS: dict[str, Method] = MAIN | ABLATIONS
"""All of them, by name."""
