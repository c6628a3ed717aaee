"""What is compared: the paper's own training, ours, and the baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias, final

import torch
from torch import Tensor

from preimage.inverters.base import Inverter
from preimage.inverters.direct import DirectInverter
from preimage.inverters.gradient import GradientInverter
from preimage.inverters.twin import TwinInverter
from preimage.papers.twin.draws import Draw, Setting
from preimage.papers.twin.evaluation import Forward, Propose
from preimage.papers.twin.published_training import FORWARD_RATE, train_network, train_twin
from preimage.training.recipe import PAPER, Recipe

QUICK = replace(TwinInverter.recipe, steps=600)
"""Our training, cut short."""


@final
@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What came out of a training, as far as it is scored.

    Attributes:
        propose: A proposal from each anchor, to be scored as the paper does.
        learned: A learned f that chooses among the proposals.
        inverter: What answers the targets by itself, polish and all.
    """

    propose: Propose | None = None
    learned: Forward | None = None
    inverter: Inverter | None = None


Fit: TypeAlias = Callable[[Draw, Setting], Fitted]


@final
@dataclass(frozen=True, kw_only=True)
class Method:
    """One row of the comparison.

    Attributes:
        name: What it is called on the command line and in the kept cells.
        settings: The tables in which it has a place.
        fit: Its training.
    """

    name: str
    settings: tuple[Setting, ...]
    fit: Fit


def methods(recipe: Recipe | None = None) -> dict[str, Method]:
    """All methods by name, cheap ones first.

    Args:
        recipe: Our training of networks, by default each method's own; the published one is always
            the published one.
    """

    def twin(data: Draw, setting: Setting) -> Fitted:
        return _twin(data, setting, recipe or TwinInverter.recipe)

    def network(data: Draw, setting: Setting) -> Fitted:
        return _network(data, recipe or DirectInverter.recipe)

    formula, measurements = (Setting.FORMULA,), (Setting.MEASUREMENTS,)
    rows = [
        Method(name="knn", settings=formula + measurements, fit=_nearest),
        Method(name="floor", settings=measurements, fit=_floor),
        Method(name="gradient", settings=formula, fit=_gradient),
        Method(name="nn", settings=formula, fit=network),
        Method(name="twin", settings=formula + measurements, fit=twin),
        Method(name="gradient-data", settings=measurements, fit=_gradient),
        Method(name="paper-nn", settings=formula, fit=_paper_network),
        Method(name="paper", settings=formula + measurements, fit=_paper_twin),
    ]
    return {row.name: row for row in rows}


SLOW = ("gradient-data", "paper-nn", "paper")
"""What takes minutes a cell, and is left out of a quick run."""


def _nearest(data: Draw, setting: Setting) -> Fitted:
    return Fitted(propose=lambda y, anchor: data.x[anchor])


def _floor(data: Draw, setting: Setting) -> Fitted:
    return Fitted(
        inverter=GradientInverter(seed=data.seed).fit_function(data.experiment.function())
    )


def _gradient(data: Draw, setting: Setting) -> Fitted:
    inverter = GradientInverter(seed=data.seed)
    if setting is Setting.FORMULA:
        return Fitted(inverter=inverter.fit_function(data.experiment.function()))
    return Fitted(inverter=inverter.fit(*data.measured, domain=data.experiment.box))


def _twin(data: Draw, setting: Setting, recipe: Recipe) -> Fitted:
    """Our twin: as many anchors as the paper has, and else the defaults.

    On measurements it also learns from the points that the paper holds out to stop its training.
    """
    inverter = TwinInverter(recipe=recipe, anchors=len(data.x), seed=data.seed)
    if setting is Setting.FORMULA:
        inverter.fit_function(data.experiment.function())
        return Fitted(propose=_from_anchors(inverter, data.x, data.y), inverter=inverter)
    inverter.fit(*data.measured, domain=data.experiment.box)
    known = inverter.fitted.denoised
    return Fitted(
        propose=_from_anchors(inverter, known.x, known.y),
        learned=inverter.fitted.function,
        inverter=inverter,
    )


def _network(data: Draw, recipe: Recipe) -> Fitted:
    inverter = DirectInverter(recipe=recipe, seed=data.seed)
    inverter.fit(data.x, data.y, function=data.experiment.function())

    def propose(y: Tensor, anchor: Tensor) -> Tensor:
        return inverter.targets_.inverse(inverter.network_(inverter.inputs_(y)))

    return Fitted(propose=propose)


def _paper_network(data: Draw, setting: Setting) -> Fitted:
    inverse = train_network(
        data.y,
        data.x,
        (data.held_y, data.held_x),
        learning_rate=PAPER.learning_rate,
        seed=data.seed,
    )
    return Fitted(propose=lambda y, anchor: inverse(y))


def _paper_twin(data: Draw, setting: Setting) -> Fitted:
    network = train_twin(data, setting)

    def propose(y: Tensor, anchor: Tensor) -> Tensor:
        with torch.no_grad():
            return data.x[anchor] + network(y, data.y[anchor], data.x[anchor])

    if setting is Setting.FORMULA:
        return Fitted(propose=propose)
    learned = train_network(
        data.x, data.y, (data.held_x, data.held_y), learning_rate=FORWARD_RATE, seed=data.seed
    )
    return Fitted(propose=propose, learned=learned)


def _from_anchors(twin: TwinInverter, x: Tensor, y: Tensor) -> Propose:
    """The twin's step from each anchor."""
    return lambda wanted, anchor: x[anchor] + twin.step(wanted, y[anchor], x[anchor])
