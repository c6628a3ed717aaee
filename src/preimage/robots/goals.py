"""What is asked of a tool: its pose, its position, or its position and where its z axis points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.robots.chain import Frames
from preimage.robots.rotations import vector_of_axes
from preimage.robots.spaces import AxisSpace, PoseSpace, perpendicular
from preimage.space import EUCLIDEAN, OutputSpace


class Goal(ABC):
    """Which outputs a tool has, how they differ, and how they move with the joints."""

    outputs: ClassVar[tuple[str, ...]]
    space: ClassVar[OutputSpace]

    @abstractmethod
    def values(self, frames: Frames) -> Float64[Tensor, "q rows"]:
        """The outputs."""

    def lifted(self, frames: Frames) -> Float64[Tensor, "l rows"]:
        """The outputs as their space lifts them."""
        return self.values(frames)

    @abstractmethod
    def slope(
        self,
        frames: Frames,
        linear: Float64[Tensor, "3 joints rows"],
        angular: Float64[Tensor, "3 joints rows"],
    ) -> Float64[Tensor, "m joints rows"]:
        """The derivative of their difference, from how each joint moves the tool."""


@final
class PoseGoal(Goal):
    """Position and orientation: x, y, z in metres and a rotation vector rx, ry, rz in radians."""

    outputs = ("x", "y", "z", "rx", "ry", "rz")
    space = PoseSpace()

    def values(self, frames: Frames) -> Float64[Tensor, "6 rows"]:
        """The position and the rotation vector."""
        return torch.cat([frames.position, vector_of_axes(frames.x, frames.y, frames.z)])

    def lifted(self, frames: Frames) -> Float64[Tensor, "12 rows"]:
        """The position and the three axes."""
        return torch.cat([frames.position, frames.x, frames.y, frames.z])

    def slope(
        self,
        frames: Frames,
        linear: Float64[Tensor, "3 joints rows"],
        angular: Float64[Tensor, "3 joints rows"],
    ) -> Float64[Tensor, "6 joints rows"]:
        """The geometric Jacobian."""
        return torch.cat([linear, angular])


@final
class PositionGoal(Goal):
    """The position alone: x, y, z in metres; any orientation will do."""

    outputs = ("x", "y", "z")
    space = EUCLIDEAN

    def values(self, frames: Frames) -> Float64[Tensor, "3 rows"]:
        """The position."""
        return frames.position

    def slope(
        self,
        frames: Frames,
        linear: Float64[Tensor, "3 joints rows"],
        angular: Float64[Tensor, "3 joints rows"],
    ) -> Float64[Tensor, "3 joints rows"]:
        """The linear part of the geometric Jacobian."""
        return linear


@final
class AxisGoal(Goal):
    """The position and the direction of the tool's z axis; any turn about that axis will do."""

    outputs = ("x", "y", "z", "ax", "ay", "az")
    space = AxisSpace()

    def values(self, frames: Frames) -> Float64[Tensor, "6 rows"]:
        """The position and the direction, at length one."""
        return torch.cat([frames.position, frames.z])

    def slope(
        self,
        frames: Frames,
        linear: Float64[Tensor, "3 joints rows"],
        angular: Float64[Tensor, "3 joints rows"],
    ) -> Float64[Tensor, "5 joints rows"]:
        r"""The linear part, and $\dot a = \omega \times a$ in the basis of `AxisSpace`."""
        u, v = perpendicular(frames.z)
        # With u × v = a: (ω × a)·u = ω·v, and (ω × a)·v = -ω·u.
        along = [(angular * v[:, None]).sum(dim=0), -(angular * u[:, None]).sum(dim=0)]
        return torch.cat([linear, torch.stack(along)])


GOALS: dict[str, Goal] = {"pose": PoseGoal(), "position": PositionGoal(), "axis": AxisGoal()}
"""The goals, by the names that `load_urdf` takes."""
