"""Two tasks of the deep-inverse benchmark, as its authors' code draws them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.runtime import generator

MEASURED = 10_000
"""Measured pairs of a task."""


@final
@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Inputs with their exact outputs."""

    x: Float64[Tensor, "rows p"]
    y: Float64[Tensor, "rows q"]


@final
@dataclass(frozen=True, kw_only=True)
class Task:
    """A function, and how its inputs are drawn.

    Attributes:
        name: A word for it.
        title: What it is.
        fn: The function, on batches.
        spread: The half width, or the standard deviation, of each input.
        uniform: Whether inputs are uniform in their half widths; otherwise they are normal.
    """

    name: str
    title: str
    fn: Callable[[Tensor], Tensor]
    spread: tuple[float, ...]
    uniform: bool

    def draw(self, count: int, seed: int) -> Pairs:
        """Independent inputs, and their outputs without noise."""
        shape, source = (count, len(self.spread)), generator(seed)
        if self.uniform:
            unit = 2 * torch.rand(shape, generator=source, dtype=torch.float64) - 1
        else:
            unit = torch.randn(shape, generator=source, dtype=torch.float64)
        x = unit * torch.tensor(self.spread, dtype=torch.float64)
        return Pairs(x=x, y=self.fn(x))


def sine(x: Float64[Tensor, "batch 2"]) -> Float64[Tensor, "batch 1"]:
    r"""$y = \sin 3 \pi x_1 + \cos 3 \pi x_2$."""
    return ((3 * math.pi * x[:, 0]).sin() + (3 * math.pi * x[:, 1]).cos())[:, None]


def arm(x: Float64[Tensor, "batch 4"]) -> Float64[Tensor, "batch 2"]:
    r"""The hand of three links on a rail, $(\sum_i L_i \cos \varphi_i, x_1 + \sum_i L_i \sin \varphi_i)$.

    Lengths are 1/2, 1/2 and 1; $\varphi = (x_2, x_3 - x_2, x_4 - x_3 - x_2)$, as in the code of
    the authors.
    """  # noqa: E501 - a formula
    rail, first, second, third = x.unbind(dim=1)
    angles = torch.stack([first, second - first, third - second - first], dim=1)
    length = torch.tensor([0.5, 0.5, 1.0], dtype=x.dtype)
    along, up = (length * angles.cos()).sum(dim=1), (length * angles.sin()).sum(dim=1)
    return torch.stack([along, rail + up], dim=1)


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(name="sine", title="sine wave, 2 to 1", fn=sine, spread=(1, 1), uniform=True),
        Task(
            name="arm",
            title="robotic arm on a rail, 4 to 2",
            fn=arm,
            spread=(0.25, 0.5, 0.5, 0.5),
            uniform=False,
        ),
    )
}
