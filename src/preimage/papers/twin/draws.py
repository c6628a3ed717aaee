"""What one run of an experiment is given: anchors, and targets to answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.papers.twin.experiments import Experiment
from preimage.runtime import generator


class Setting(IntEnum):
    """What is known of f; the number is that of the paper's table."""

    FORMULA = 1
    MEASUREMENTS = 2


@final
@dataclass(frozen=True, kw_only=True)
class Draw:
    """The data of an experiment for one seed; the paper draws them once, we draw them anew.

    Attributes:
        experiment: What they are drawn from.
        seed: The seed of the data, and of what is trained on them.
        x: Inputs of the anchors, three fifths of all points.
        y: Their outputs, exact or noisy.
        held_x: Inputs of the fifth between, on which the authors stop their trainings.
        held_y: Their outputs. Of what a method trained on all measurements may know, they are part.
        targets: Outputs to invert, the last fifth; as noisy as the anchors.
    """

    experiment: Experiment
    seed: int
    x: Float64[Tensor, "anchors p"]
    y: Float64[Tensor, "anchors q"]
    held_x: Float64[Tensor, "held p"]
    held_y: Float64[Tensor, "held q"]
    targets: Float64[Tensor, "targets q"]

    @property
    def measured(self) -> tuple[Float64[Tensor, "rows p"], Float64[Tensor, "rows q"]]:
        """All that is not asked for: the anchors, then the points held out."""
        return torch.cat([self.x, self.held_x]), torch.cat([self.y, self.held_y])


def drawn(experiment: Experiment, seed: int, setting: Setting) -> Draw:
    """Draws the data of a seed; both settings have the same points, and measurements have noise.

    Example:
        >>> from preimage.papers.twin.experiments import EXPERIMENTS
        >>> data = drawn(EXPERIMENTS[0], 0, Setting.MEASUREMENTS)
        >>> len(data.x), len(data.targets)
        (300, 100)
    """
    source = generator(seed)
    x, y = experiment.draw(experiment.points, source)
    if setting is Setting.MEASUREMENTS:
        y = experiment.blur(y, source)
    anchors, targets = experiment.points * 3 // 5, experiment.points // 5
    return Draw(
        experiment=experiment,
        seed=seed,
        x=x[:anchors],
        y=y[:anchors],
        held_x=x[anchors:-targets],
        held_y=y[anchors:-targets],
        targets=y[-targets:],
    )
