"""The trainings of the authors' code: their pairs, their first weights, and their stopping."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from preimage.inverters.pairs import Pairs
from preimage.nets.twin import TwinNet, TwinScales
from preimage.papers.twin.draws import Draw, Setting
from preimage.papers.twin.evaluation import Forward
from preimage.papers.twin.experiments import Experiment
from preimage.runtime import generator
from preimage.solve.neighbours import Neighbours
from preimage.training.recipe import PAPER, Batch

EPOCHS = 2000
"""The most epochs of the authors' trainings."""

PARTNERS = 6
"""With how many nearest in x a measured point is paired, itself included."""

FORWARD_RATE = 1e-4
"""The learning rate of the learned f, ten times that of the twin."""


def train_twin(data: Draw, setting: Setting) -> TwinNet:
    """The twin network, trained as published, on exact pairs or on measured ones.

    Both stop on pairs of neighbours among the points held out. These lie farther apart than the
    pairs trained on, so that trainings end earlier than on held-out pairs of the same kind.
    """
    p, q = data.x.shape[1], data.y.shape[1]
    source = generator(data.seed)
    network = TwinNet(_keras(PAPER.network(2 * q + p, p, source), source), TwinScales.raw(p, q))
    measured = _neighbours(data.x, data.y)

    def batch(pairs: Pairs) -> Batch:
        inputs = network.features(pairs.y, pairs.y_anchor, pairs.x_anchor)
        return inputs, network.target(pairs.x - pairs.x_anchor)

    def draw(stream: torch.Generator) -> Batch:
        if setting is Setting.FORMULA:
            return batch(exact_pairs(data.experiment, len(data.x), PAPER.batch, stream))
        rows = torch.randint(len(measured.x), (PAPER.batch,), generator=stream)
        return batch(Pairs(*(one[rows] for one in vars(measured).values())))

    # An epoch of the authors' generator of exact pairs: five for each point, of all points.
    pairs = 5 * data.experiment.points if setting is Setting.FORMULA else len(measured.x)
    epoch = math.ceil(pairs / PAPER.batch)
    recipe = replace(PAPER, steps=EPOCHS * epoch, validate_every=epoch)
    held_out = batch(_neighbours(data.held_x, data.held_y))
    recipe.train(network.body, draw, held_out, seed=data.seed, label="twin network")
    return network


def exact_pairs(experiment: Experiment, anchors: int, count: int, source: torch.Generator) -> Pairs:
    """Uniform points, and anchors within the range of the experiment in every input.

    Anchors may leave the domain; those of experiment 4 are put on the rim of the disc.
    """
    x, y = experiment.draw(count, source)
    away = 2 * torch.rand(x.shape, generator=source, dtype=x.dtype) - 1
    anchor = experiment.put_inside(x + away * pair_range(experiment, anchors))
    return Pairs(x, y, anchor, experiment.evaluate(anchor))


def pair_range(experiment: Experiment, anchors: int) -> Float64[Tensor, " p"]:
    r"""How far apart the points of an exact pair are at the most, in every input.

    $\epsilon = c\,w\,\frac{\Gamma(d/2)}{\sqrt\pi\,\Gamma((d+1)/2)} (2 / (n V_d))^{1/d}$ with the
    width w of the domain, n anchors, and the volume $V_d$ of the unit ball.

    Example:
        >>> from preimage.papers.twin.experiments import EXPERIMENTS
        >>> pair_range(EXPERIMENTS[3], 300).numpy().round(4)
        array([0.0587, 0.0587])
    """
    d = experiment.box.dim
    ball = math.pi ** (d / 2) / math.gamma(1 + d / 2)
    share = math.gamma(d / 2) / (math.sqrt(math.pi) * math.gamma((d + 1) / 2))
    return experiment.reach * share * (2 / (anchors * ball)) ** (1 / d) * experiment.box.width


def train_network(
    inputs: Float64[Tensor, "rows columns"],
    targets: Float64[Tensor, "rows outputs"],
    held_out: tuple[Tensor, Tensor],
    *,
    learning_rate: float,
    seed: int,
) -> Forward:
    """A network regressed as published, in raw units: the learned f, or its inverse (NN).

    Args:
        inputs: What it is given.
        targets: What it should give.
        held_out: Inputs and targets that its training stops on.
        learning_rate: Of Adam, at the start.
        seed: Decides the first weights and the batches.
    """
    source = generator(seed)
    network = _keras(PAPER.network(inputs.shape[1], targets.shape[1], source), source)
    x, y = inputs.float(), targets.float()

    def draw(stream: torch.Generator) -> Batch:
        rows = torch.randint(len(x), (PAPER.batch,), generator=stream)
        return x[rows], y[rows]

    epoch = math.ceil(len(x) / PAPER.batch)
    recipe = replace(PAPER, learning_rate=learning_rate, steps=EPOCHS * epoch, validate_every=epoch)
    held = held_out[0].float(), held_out[1].float()
    recipe.train(network, draw, held, seed=seed, label="network")

    def apply(rows: Tensor) -> Tensor:
        with torch.no_grad():
            return network(rows.float()).double()

    return apply


def _neighbours(x: Tensor, y: Tensor) -> Pairs:
    """Each point with its nearest in x, itself included (algorithm 1)."""
    anchor = Neighbours(x).query(x, PARTNERS).flatten()
    return Pairs(
        x.repeat_interleave(PARTNERS, 0), y.repeat_interleave(PARTNERS, 0), x[anchor], y[anchor]
    )


def _keras(network: nn.Module, source: torch.Generator) -> nn.Module:
    """First weights as Keras draws them: uniform after Glorot, and biases of zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight, generator=source)
            nn.init.zeros_(layer.bias)
    return network
