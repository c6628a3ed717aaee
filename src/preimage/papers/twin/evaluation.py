"""How the paper scores proposals: each anchor alone, and the best of five, in either convention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, final

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from preimage.papers.twin.draws import Draw
from preimage.solve.neighbours import Neighbours

ANCHORS = 5
"""How many anchors propose for a target."""

Propose: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""From outputs wanted `(rows, q)` and the places of their anchors `(rows,)` to inputs."""

Forward: TypeAlias = Callable[[Tensor], Tensor]
"""From inputs `(rows, p)` to outputs `(rows, q)`, exact or learned."""


class Convention(Enum):
    """Which anchors are asked: the first of them is the nearest, or the one after it.

    The published evaluation asks for k + 1 neighbours of a target and takes the last, for k from
    one to five, as one does for a point that is its own first neighbour. A target is no anchor, so
    its nearest anchor is never used.
    """

    NEAREST = 0
    PUBLISHED = 1


@final
@dataclass(frozen=True, kw_only=True)
class Scores:
    """RMSE of the exact f, over targets and outputs, in the units of y.

    Attributes:
        curve: From the k-th anchor alone, k = 1 to 5.
        best: From the proposal of the five that the exact f finds best.
        learned: From the one that a learned f finds best, where there is one.
    """

    curve: tuple[float, ...]
    best: float
    learned: float | None


def anchors_asked(data: Draw, convention: Convention) -> Int64[Tensor, "targets 5"]:
    """The five anchors that propose for each target, by distance in y as it is measured."""
    index = Neighbours(data.y).query(data.targets, ANCHORS + convention.value)
    return index[:, convention.value :]


def score(
    data: Draw, propose: Propose, convention: Convention, learned: Forward | None = None
) -> Scores:
    """Scores what is proposed from the anchors of each target."""
    index = anchors_asked(data, convention)
    rows = index.flatten()
    wanted = data.targets.repeat_interleave(ANCHORS, dim=0)
    x = data.experiment.put_inside(propose(wanted, rows))
    squares = squared_errors(data, data.experiment.evaluate(x))
    return Scores(
        curve=tuple(_rmse(squares[:, k]) for k in range(ANCHORS)),
        best=_rmse(_chosen(squares, squares)),
        learned=None
        if learned is None
        else _rmse(_chosen(squares, squared_errors(data, learned(x)))),
    )


def squared_errors(
    data: Draw, y: Float64[Tensor, "rows q"]
) -> Float64[Tensor, "targets per_target q"]:
    """How far each of the same number of outputs for every target is from it, squared."""
    return (y.reshape(len(data.targets), -1, y.shape[1]) - data.targets[:, None]).square()


def _chosen(squares: Tensor, judged: Tensor) -> Float64[Tensor, "targets q"]:
    """The errors of the proposal that is judged best."""
    best = judged.sum(dim=2).argmin(dim=1)
    return squares[torch.arange(len(squares)), best]


def _rmse(squares: Tensor) -> float:
    return float(squares.mean().sqrt())
