"""The nine experiments of the twin-network paper, as the authors' code runs them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.domain import Box
from preimage.function import Function


@final
@dataclass(frozen=True)
class Experiment:
    """A function with its domain, its numbers of points, and its noise.

    Attributes:
        number: 1 to 9, as in the paper.
        name: What it is.
        fn: The function, on batches.
        box: Its domain; the function may be undefined in a part of it.
        points: Points drawn in all; three fifths are anchors, a fifth each validates and tests.
        noise: The standard deviation of the factor on y in the noisy setting.
        reach: The constant c of the range of pairs.
        radius: How far from the origin the function is defined, where that is less than the box.
    """

    number: int
    name: str
    fn: Callable[[Tensor], Tensor]
    box: Box
    points: int
    noise: float
    reach: float
    radius: float | None = None

    def function(self) -> Function:
        """The forward map with its domain, not called yet."""
        return Function(self.fn, self.box)

    def draw(
        self, count: int, source: torch.Generator
    ) -> tuple[Float64[Tensor, "count p"], Float64[Tensor, "count q"]]:
        """Uniform inputs where the function is defined, and their exact outputs."""
        parts: list[Tensor] = []
        while sum(len(part) for part in parts) < count:
            unit = torch.rand(2 * count, self.box.dim, generator=source, dtype=torch.float64)
            x = self.box.low + self.box.width * unit
            parts.append(x[self.fn(x).reshape(len(x), -1).isfinite().all(dim=1)])
        x = torch.cat(parts)[:count]
        return x, self.evaluate(x)

    def evaluate(self, x: Float64[Tensor, "rows p"]) -> Float64[Tensor, "rows q"]:
        """The exact outputs, one row each."""
        return self.fn(x).reshape(len(x), -1)

    def put_inside(self, x: Float64[Tensor, "rows p"]) -> Float64[Tensor, "rows p"]:
        """Proposals where the function is defined: in experiment 4 on the disc, as published.

        In the others proposals may leave the box, and are measured where they are.
        """
        return x if self.radius is None else x * (self.radius / x.norm(dim=1)).clamp(max=1)[:, None]

    def blur(self, y: Float64[Tensor, "rows q"], source: torch.Generator) -> Tensor:
        """The outputs with multiplicative noise, a factor N(1, noise) on every value."""
        return y * (1 + self.noise * torch.randn(y.shape, generator=source, dtype=y.dtype))


def half_ball(x: Float64[Tensor, "batch 2"]) -> Float64[Tensor, " batch"]:
    """The height of the unit ball above a point of the disc r^2 < .99; NaN elsewhere (A.4)."""
    r2 = x.square().sum(dim=1)
    return torch.where(r2 < 0.99, 1 - r2, torch.nan).sqrt()


def bivariate(v: Float64[Tensor, "batch 2"]) -> Float64[Tensor, "batch 2"]:
    """Equation A.5."""
    x, y = v.unbind(dim=1)
    return torch.stack(
        [x**3 - 2 * x * y**2 + 5 * x + 5 * y, y**2 - 2 * x * y + 3 * x - 2 * y], dim=1
    )


def trivariate(v: Float64[Tensor, "batch 3"]) -> Float64[Tensor, "batch 3"]:
    """Equation A.6."""
    x, y, z = v.unbind(dim=1)
    return torch.stack([x**2 - y**2 + z, 2 * x * y + z, x + y + z**2], dim=1)


def planar_arm(theta: Float64[Tensor, "batch links"]) -> Float64[Tensor, "batch 2"]:
    """The hand of a planar arm with links of length one (A.7, A.8)."""
    angle = theta.cumsum(dim=1)
    return torch.stack([angle.cos().sum(dim=1), angle.sin().sum(dim=1)], dim=1)


def yaw_pitch_pitch(theta: Float64[Tensor, "batch 3"]) -> Float64[Tensor, "batch 3"]:
    """The hand of a yaw-pitch-pitch arm with links of length one (A.9)."""
    yaw, first, second = theta[:, 0], theta[:, 1], theta[:, 1] + theta[:, 2]
    reach = first.cos() + second.cos()
    return torch.stack([yaw.cos() * reach, yaw.sin() * reach, first.sin() + second.sin()], dim=1)


def _cube(half: float, dim: int) -> Box:
    return Box([-half] * dim, [half] * dim)


_TURN = math.pi / 2
_RIM = math.sqrt(0.99) - 1e-12

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(1, "x^3 - x", lambda x: x**3 - x, _cube(2, 1), 500, 0.01, 1.0),
    # The text prints x^4 - 4x; the saved results of the authors need x^4 - 4x^2.
    Experiment(2, "x^4 - 4x^2", lambda x: x**4 - 4 * x**2, _cube(2, 1), 500, 0.01, 1.0),
    Experiment(3, "sin 5x", lambda x: torch.sin(5 * x), _cube(2, 1), 500, 0.01, 1.0),
    # The text says 1 % noise; the code uses 2 %.
    Experiment(4, "half ball, 2 to 1", half_ball, _cube(1, 2), 500, 0.02, 1.0, _RIM),
    Experiment(5, "polynomial, 2 to 2", bivariate, _cube(3, 2), 1000, 0.01, 2.0),
    Experiment(6, "polynomial, 3 to 3", trivariate, _cube(3, 3), 1000, 0.01, 2.0),
    Experiment(7, "2-link arm", planar_arm, _cube(_TURN, 2), 1000, 0.01, 2.0),
    Experiment(8, "3-link arm, 3 to 2", planar_arm, _cube(_TURN, 3), 1000, 0.01, 2.0),
    Experiment(9, "yaw-pitch-pitch arm", yaw_pitch_pitch, _cube(_TURN, 3), 1000, 0.01, 2.0),
)
