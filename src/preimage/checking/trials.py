"""The small problems of the shared suite, and an inverter fitted to one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from preimage.domain import Box
from preimage.inverters.base import Inverter
from preimage.preimages import Preimages

PLACES = 6
"""Answers asked for a target."""

LOOSE = 0.05
"""A tolerance that methods without a polish meet too, in the units of y."""


@final
@dataclass(frozen=True)
class Trial:
    """A small problem: a function, or measurements of one, with targets in and out of reach."""

    name: str
    fn: Callable[[Tensor], Tensor]
    box: Box
    unreachable: list[list[float]]
    rows: int = 0
    noise: float = 0.0

    @cached_property
    def targets(self) -> np.ndarray:
        """Outputs of six inputs from the inner part of the box."""
        x = self.box.center + 0.8 * (self.box.sobol(32, seed=1) - self.box.center)
        y = self.fn(x)
        return y[y.isfinite().all(dim=1)][:6].numpy()

    def fit(self, inverter: Inverter) -> Inverter:
        """Fits the inverter to the function, or to the measurements where there are rows."""
        if not self.rows:
            return inverter.fit_function(self.fn, self.box)
        x = self.box.sobol(self.rows, seed=2)
        noise = torch.randn(self.rows, 2, generator=torch.Generator().manual_seed(2)).double()
        return inverter.fit(x, self.fn(x) + self.noise * noise)


def _cubic(x: Tensor) -> Tensor:
    return x**3 - x


def _arm(x: Tensor) -> Tensor:
    first, both = x[:, 0], x[:, 0] + x[:, 1]
    return torch.stack([first.cos() + both.cos(), first.sin() + both.sin()], dim=1)


def _half_ball(x: Tensor) -> Tensor:
    return (1 - x.square().sum(dim=1)).sqrt()[:, None]


def _bent(x: Tensor) -> Tensor:
    a, b = x.unbind(dim=1)
    return torch.stack([a + 0.3 * (3 * b).sin(), b + 0.3 * a**2], dim=1)


TRIALS = (
    Trial("the cubic x^3 - x", _cubic, Box(-2, 2), [[7.0], [-9.0]]),
    Trial("a planar arm", _arm, Box([-1.5, -1.5], [1.5, 1.5]), [[3.0, 0.0], [-1.9, 0.5]]),
    Trial("a half ball", _half_ball, Box([-1, -1], [1, 1]), [[1.5], [-0.5]]),
    Trial("measurements", _bent, Box([-1, -1], [1, 1]), [[9.0, 9.0], [0.0, -8.0]], 80, 0.01),
)


@final
class Subject:
    """An inverter fitted to a trial, with the answers that most checks look at."""

    def __init__(self, inverter: Inverter, trial: Trial) -> None:
        self.trial = trial
        self.settings = {field.name: getattr(inverter, field.name) for field in fields(inverter)}
        self.before = _surroundings()
        self.unfitted = replace(inverter)
        self.inverter = trial.fit(self.unfitted)
        self.found = self.invert()
        self.loose = self.invert(tol=LOOSE)
        self.after = _surroundings()

    @property
    def both(self) -> tuple[Preimages, Preimages]:
        """The answers at the default and at a loose tolerance."""
        return self.found, self.loose

    def invert(self, y: Any = None, **options: Any) -> Preimages:
        """Answers to the targets of the trial, or to others."""
        targets = self.trial.targets if y is None else y
        return self.inverter.invert(targets, n=PLACES, **options)


def _surroundings() -> list[Any]:
    """The global state that an inverter has no business with."""
    name, keys, *position = np.random.get_state()  # noqa: NPY002 - to see that nobody drew from it
    return [
        torch.get_rng_state().tolist(),
        (name, np.asarray(keys).tolist(), *position),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
    ]
