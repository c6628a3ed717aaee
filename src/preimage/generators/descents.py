"""How codes are moved to lower a misfit: many images at a time, each its own small problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.generators.priors import Prior

EDGE = 1e-4
"""A number this close to its bound, in units of the code, is taken to sit on it."""


@dataclass(frozen=True)
class Descent(ABC):
    """A rule for the next codes, from values and gradients where the codes were."""

    @abstractmethod
    def begin(self, prior: Prior, z: Float[Tensor, "n p"], shape: tuple[int, ...]) -> Course:
        """A course from these codes, each flattened; `shape` is that of one code."""


class Course(ABC):
    """The state of a descent; `propose` and `learn` take turns, one call of the generator each."""

    z: Float[Tensor, "n p"]
    value: Float[Tensor, " n"]

    @abstractmethod
    def propose(self) -> Float[Tensor, "n p"]:
        """The codes at which value and gradient are wanted next."""

    @abstractmethod
    def learn(self, value: Float[Tensor, " n"], gradient: Float[Tensor, "n p"]) -> None:
        """Takes up what was found there; `z` and `value` are the best so far afterwards."""

    @abstractmethod
    def keep(self, rows: Bool[Tensor, " n"]) -> None:
        """Goes on with some of the rows."""


@final
@dataclass(frozen=True)
class Adam(Descent):
    """Adam on the codes in free coordinates, as is usual for generators.

    Args:
        learning_rate: The length of a step in each coordinate.

    Raises:
        InputError: If it is not positive.
    """

    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"learning_rate={self.learning_rate}; give a positive number.")

    def begin(self, prior: Prior, z: Float[Tensor, "n p"], shape: tuple[int, ...]) -> Course:
        """Starts without momentum."""
        return _AdamCourse(self.learning_rate, prior, z, shape)


@final
class _AdamCourse(Course):
    def __init__(
        self, learning_rate: float, prior: Prior, z: Tensor, shape: tuple[int, ...]
    ) -> None:
        self.z, self.value = z, torch.full_like(z[:, 0], torch.inf)
        self._rate, self._prior, self._shape, self._step = learning_rate, prior, shape, 0
        self._free = self._prior.to_free(z.unflatten(1, shape)).flatten(1)
        self._mean, self._square = torch.zeros_like(z), torch.zeros_like(z)

    def propose(self) -> Tensor:
        return self._prior.from_free(self._free.unflatten(1, self._shape)).flatten(1)

    def learn(self, value: Tensor, gradient: Tensor) -> None:
        at = self.propose()
        better = value < self.value
        self.z = at.where(better[:, None], self.z)
        self.value = value.where(better, self.value)
        free = self._free.detach().requires_grad_()
        with torch.enable_grad():
            z = self._prior.from_free(free.unflatten(1, self._shape)).flatten(1)
        (slope,) = torch.autograd.grad(z, free, gradient)
        self._step += 1
        self._mean = 0.9 * self._mean + 0.1 * slope
        self._square = 0.999 * self._square + 0.001 * slope.square()
        mean = self._mean / (1 - 0.9**self._step)
        spread = (self._square / (1 - 0.999**self._step)).sqrt()
        self._free = self._free - self._rate * mean / (spread + 1e-12)

    def keep(self, rows: Tensor) -> None:
        self.z, self.value = self.z[rows], self.value[rows]
        self._free, self._mean, self._square = (
            one[rows] for one in (self._free, self._mean, self._square)
        )


@final
@dataclass(frozen=True)
class QuasiNewton(Descent):
    r"""L-BFGS in each row, inside the prior's bounds.

    The direction is $-H \nabla f$ with $H$ from the last pairs of steps and changes of the gradient
    (the two loops of Nocedal and Wright, *Numerical Optimization*, algorithm 7.4). Numbers that sit
    on a bound and would leave it are held for the step; the trial is projected onto the bounds. A
    trial that is no better is not taken, but its pair is, since the curvature is true all the same;
    the next is shorter. So each step costs one value with its gradient, as a step of Adam does.

    Args:
        memory: How many pairs are kept.
        first: The length of the first step, as a share of the distance from the centre of the
            prior to a typical code.

    Raises:
        InputError: If the memory is less than 1, or the first step not positive.
    """

    memory: int = 10
    first: float = 0.1

    def __post_init__(self) -> None:
        if self.memory < 1:
            raise InputError(f"memory={self.memory}; give 1 or more.")
        if not 0 < self.first < float("inf"):
            raise InputError(f"first={self.first}; give a positive number.")

    def begin(self, prior: Prior, z: Float[Tensor, "n p"], shape: tuple[int, ...]) -> Course:
        """Starts with an empty memory."""
        length = self.first * _typical(prior)
        return _QuasiNewtonCourse(self.memory, length, prior, z, shape)


@final
class _QuasiNewtonCourse(Course):
    def __init__(
        self, memory: int, length: float, prior: Prior, z: Tensor, shape: tuple[int, ...]
    ) -> None:
        self._memory, self._length, self._prior, self._shape = memory, length, prior, shape
        self.z, self.value = self._inside(z), torch.full_like(z[:, 0], torch.inf)
        self._gradient = torch.zeros_like(z)
        self._trial = self.z
        self._shorter = torch.ones_like(z[:, :1])
        self._steps: list[Tensor] = []
        self._changes: list[Tensor] = []

    def propose(self) -> Tensor:
        if bool(self.value.isfinite().any()):
            self._trial = self._inside(self.z + self._shorter * self._direction())
        return self._trial

    def learn(self, value: Tensor, gradient: Tensor) -> None:
        if bool(self.value.isfinite().any()):
            step, change = self._trial - self.z, gradient - self._gradient
            bent = (step * change).sum(dim=1, keepdim=True) > 1e-10
            self._steps = [*self._steps, step * bent][-self._memory :]
            self._changes = [*self._changes, change * bent][-self._memory :]
        better = value < self.value
        self.z = self._trial.where(better[:, None], self.z)
        self._gradient = gradient.where(better[:, None], self._gradient)
        self.value = value.where(better, self.value)
        self._shorter = torch.where(better[:, None], 1.0, 0.4 * self._shorter)

    def keep(self, rows: Tensor) -> None:
        self.z, self.value, self._gradient = self.z[rows], self.value[rows], self._gradient[rows]
        self._trial, self._shorter = self._trial[rows], self._shorter[rows]
        self._steps = [one[rows] for one in self._steps]
        self._changes = [one[rows] for one in self._changes]

    def _direction(self) -> Tensor:
        slope = self._gradient
        held = (self._inside(self.z - EDGE * slope.sign()) - self.z).abs() < EDGE / 2
        slope = slope.masked_fill(held, 0.0)
        right, used = slope, []
        scale = self._length / slope.norm(dim=1, keepdim=True).clamp(min=1e-30)
        for step, change in zip(self._steps, self._changes, strict=True):
            product, square = _dot(step, change), _dot(change, change)
            scale = torch.where(product > 0, product / square.clamp(min=1e-30), scale)
        for step, change in zip(reversed(self._steps), reversed(self._changes), strict=True):
            product = _dot(step, change)
            weight = torch.where(product > 0, _dot(step, right) / product, 0.0)
            right = right - weight * change
            used.append((step, change, product, weight))
        right = scale * right
        for step, change, product, weight in reversed(used):
            again = torch.where(product > 0, _dot(change, right) / product, 0.0)
            right = right + (weight - again) * step
        down = _dot(right, slope) > 0
        steepest = self._length * slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-30)
        return -torch.where(down, right, steepest).masked_fill(held, 0.0)

    def _inside(self, z: Tensor) -> Tensor:
        return self._prior.clamp(z.unflatten(1, self._shape)).flatten(1)


def _dot(a: Tensor, b: Tensor) -> Float[Tensor, "n 1"]:
    return (a * b).sum(dim=1, keepdim=True)


def _typical(prior: Prior) -> float:
    """The root mean square distance of two codes over the root of two."""
    pair = prior.sample(64, torch.Generator().manual_seed(0)).flatten(1)
    return float((pair - pair.mean(dim=0)).square().sum(dim=1).mean().sqrt())
