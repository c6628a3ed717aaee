"""Where a twin network's training pairs come from: measurements, or a function."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.inverters.problem import Problem
from preimage.solve.neighbours import Neighbours

HELD_OUT = 10
"""One measured point in so many is kept for validation, with all pairs that lead to it."""


@final
@dataclass(frozen=True)
class Pairs:
    """New points and, row by row, the anchors that they are reached from."""

    x: Float64[Tensor, "pairs p"]
    y: Float64[Tensor, "pairs q"]
    x_anchor: Float64[Tensor, "pairs p"]
    y_anchor: Float64[Tensor, "pairs q"]


@runtime_checkable
class PairSource(Protocol):
    """Something that training pairs are drawn from."""

    def sample(self, source: torch.Generator, count: int) -> Pairs:
        """Draws pairs to train on."""
        ...

    def held_out(self) -> Pairs:
        """Pairs that are never trained on; none where there are too few points."""
        ...


@final
class MeasuredPairs:
    """Each measured point with its nearest in x, itself included (algorithm 1)."""

    def __init__(self, problem: Problem, k: int, source: torch.Generator) -> None:
        self._x, self._y = problem.x, problem.y
        self._partners = Neighbours(problem.x, problem.box.width).query(problem.x, k)
        order = torch.randperm(len(problem.x), generator=source)
        held = len(order) // HELD_OUT
        self._held, self._kept = order[:held], order[held:]

    def sample(self, source: torch.Generator, count: int) -> Pairs:
        """Draws new points at random, and one of the nearest of each as its anchor."""
        new = self._kept[torch.randint(len(self._kept), (count,), generator=source)]
        which = torch.randint(self._partners.shape[1], (count,), generator=source)
        return self._pairs(new, self._partners[new, which])

    def held_out(self) -> Pairs:
        """All pairs that lead to the points kept for validation."""
        k = self._partners.shape[1]
        return self._pairs(self._held.repeat_interleave(k), self._partners[self._held].flatten())

    def _pairs(self, new: Tensor, anchor: Tensor) -> Pairs:
        return Pairs(self._x[new], self._y[new], self._x[anchor], self._y[anchor])


@final
class PerturbedPairs:
    r"""A random new point and an anchor within $\pm\epsilon$ of it in every input (section 5.1).

    Each pair has its own range $\epsilon$, since anchors at hand are now close together and now far
    apart: log-uniform from the shortest to the longest (published: one for all). The range is
    $\epsilon = c\,w\,\frac{\Gamma(d/2)}{\sqrt\pi\,\Gamma((d+1)/2)} (2 / (n V_d))^{1/d}$ with the
    box width w, n anchors, and the volume $V_d$ of the unit ball: c times the mean, over
    directions, of one coordinate of the distance within which an anchor has two others. Source:
    the authors' code. Anchors that would leave the box are put on its edge.
    """

    def __init__(self, problem: Problem, shortest: float, longest: float, seed: int) -> None:
        self._problem = problem
        d, n = problem.input_dim, len(problem.x)
        ball = math.pi ** (d / 2) / math.gamma(1 + d / 2)
        share = math.gamma(d / 2) / (math.sqrt(math.pi) * math.gamma((d + 1) / 2))
        self._unit = share * (2 / (n * ball)) ** (1 / d) * problem.box.width
        self._shortest, self._longest = shortest, longest
        self._seed = seed

    def sample(self, source: torch.Generator, count: int) -> Pairs:
        """Draws pairs until `count` have outputs at both ends."""
        box, function = self._problem.box, self._problem.function
        parts: list[Tensor] = []
        while sum(len(part) for part in parts) < count:
            here = torch.rand(count, box.dim, generator=source, dtype=torch.float64)
            away = 2 * torch.rand(count, box.dim, generator=source, dtype=torch.float64) - 1
            level = torch.rand(count, 1, generator=source, dtype=torch.float64)
            reach = self._shortest * (self._longest / self._shortest) ** level
            x = box.low + box.width * here
            anchor = box.clip(x + away * reach * self._unit)
            both = function(torch.cat([x, anchor]))
            rows = torch.cat([x, both[:count], anchor, both[count:]], dim=1)
            parts.append(rows[rows.isfinite().all(dim=1)])
        p, q = box.dim, self._problem.output_dim
        return Pairs(*torch.cat(parts)[:count].split([p, q, p, q], dim=1))

    def held_out(self) -> Pairs:
        """Fresh pairs from a stream of their own."""
        return self.sample(torch.Generator().manual_seed(self._seed + 1), 2048)
