"""Where a chain of joints holds its tool, and how its joints move it; a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

ROUNDING = 1e-15
"""Sines, cosines and lengths below it are a zero that was rounded."""


@final
@dataclass(frozen=True, eq=False)
class Joint:
    """A joint that moves.

    Attributes:
        placement: The pose of the joint in the frame of the moving joint before it.
        axis: The axis in the joint's own frame, of any length but zero.
        slides: Whether it moves along its axis (prismatic) rather than about it (revolute).
    """

    placement: Float64[Tensor, "4 4"]
    axis: Float64[Tensor, " 3"]
    slides: bool


@final
@dataclass(frozen=True, eq=False)
class Frames:
    """The tool and the joints that carry it, seen from the base; lengths in metres.

    Attributes:
        position: Where the tool is.
        x: The direction of the tool's x axis.
        y: The direction of its y axis.
        z: The direction of its z axis.
        axes: The direction of each joint's axis.
        anchors: A point on each joint's axis.
    """

    position: Float64[Tensor, "3 rows"]
    x: Float64[Tensor, "3 rows"]
    y: Float64[Tensor, "3 rows"]
    z: Float64[Tensor, "3 rows"]
    axes: list[Float64[Tensor, "3 rows"]]
    anchors: list[Float64[Tensor, "3 rows"]]


@final
@dataclass(frozen=True)
class _Step:
    """What lies between two joints: a shift, then a turn about x by a constant angle."""

    shift: tuple[float, float, float]
    cosine: float
    sine: float


@final
class Chain:
    r"""A serial chain of joints, worked out from its constants.

    Frames are chosen such that every joint moves about, or along, its own z axis. A constant
    rotation between two joints is $R_z(a)\,R_x(\alpha)\,R_z(b)$, and the turns about z join those
    of the joints before and after it. That leaves one constant angle $\alpha$ between two joints,
    as with the parameters of Denavit and Hartenberg (1955). Shifts stay general, unlike theirs,
    so that axes which are almost parallel cost no accuracy.

    Args:
        joints: The joints that move, from the base to the tool.
        tool: The pose of the tool in the frame of the last joint.
    """

    def __init__(self, joints: Sequence[Joint], tool: Float64[Tensor, "4 4"]) -> None:
        self._slides = tuple(joint.slides for joint in joints)
        turning = [not slides for slides in self._slides]
        self._turning = torch.tensor(turning, dtype=torch.float64)[:, None]
        steps, turns, frame = [], [0.0], torch.eye(3, dtype=torch.float64)
        aligned = [(joint.placement, _aligned(joint.axis)) for joint in joints]
        for pose, ahead in [*aligned, (tool, torch.eye(3, dtype=torch.float64))]:
            before, alpha, after = _euler(frame.T @ pose[:3, :3] @ ahead)
            turns[-1] += before
            turns.append(after)
            shift = _rotation(2, -before) @ frame.T @ pose[:3, 3]
            a, b, c = shift.tolist()
            steps.append(_Step((a, b, c), math.cos(alpha), math.sin(alpha)))
            frame = ahead
        *self._steps, self._last_step = steps
        first, *between, self._last_turn = turns
        self._start = _rotation(2, first)[:, :, None]
        self._turns = torch.tensor(between, dtype=torch.float64)[:, None]

    def frames(self, values: Float64[Tensor, "joints rows"]) -> Frames:
        """The tool and the joints for a batch of joint values, in radians or metres."""
        turns = torch.addcmul(self._turns, values, self._turning)
        moves = zip(turns.cos().unbind(), turns.sin().unbind(), values.unbind(), strict=True)
        x, y, z = self._start.expand(3, 3, values.shape[1]).unbind(dim=1)
        position = torch.zeros_like(x)
        axes, anchors = [], []
        for step, slides, (c, s, value) in zip(self._steps, self._slides, moves, strict=True):
            position = _shifted(step, position, x, y, z)
            y, z = _turned(step, y, z)
            axes.append(z)
            anchors.append(position)
            if slides:
                position = torch.addcmul(position, z, value)
            x, y = torch.addcmul(c * x, s, y), torch.addcmul(c * y, s, x, value=-1)
        position = _shifted(self._last_step, position, x, y, z)
        y, z = _turned(self._last_step, y, z)
        if self._last_turn:
            c, s = math.cos(self._last_turn), math.sin(self._last_turn)
            x, y = torch.add(c * x, y, alpha=s), torch.add(c * y, x, alpha=-s)
        return Frames(position, x, y, z, axes, anchors)

    def velocities(
        self, frames: Frames
    ) -> tuple[Float64[Tensor, "3 joints rows"], Float64[Tensor, "3 joints rows"]]:
        r"""How each joint moves the tool: metres and radians for each unit of the joint.

        The geometric Jacobian, with columns $(z_i \times (p - p_i), z_i)$ for a joint that turns
        and $(z_i, 0)$ for one that slides; Siciliano et al., *Robotics*, 2009, section 3.1.3.
        """
        axes = torch.stack(frames.axes, dim=1)
        lever = frames.position[:, None] - torch.stack(frames.anchors, dim=1)
        linear = torch.linalg.cross(axes, lever, dim=0)
        if not any(self._slides):
            return linear, axes
        return torch.lerp(axes, linear, self._turning), axes * self._turning


def _shifted(step: _Step, position: Tensor, *axes: Tensor) -> Float64[Tensor, "3 rows"]:
    for length, axis in zip(step.shift, axes, strict=True):
        if abs(length) > ROUNDING:
            position = torch.add(position, axis, alpha=length)
    return position


def _turned(step: _Step, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """The axes y and z after the turn about x; right and zero angles are the usual ones."""
    c, s = step.cosine, step.sine
    if abs(c) < ROUNDING:
        return z, -y
    if abs(s) < ROUNDING:
        return (y, z) if c > 0 else (-y, -z)
    return torch.add(c * y, z, alpha=s), torch.add(c * z, y, alpha=-s)


def _euler(rotation: Float64[Tensor, "3 3"]) -> tuple[float, float, float]:
    r"""The angles of $R_z(a)\,R_x(\alpha)\,R_z(b)$, with $0 \le \alpha \le \pi$."""
    x, y, z = rotation[:, 2].tolist()
    alpha = math.atan2(math.hypot(x, y), z)
    if math.sin(alpha) < ROUNDING:
        # About one and the same line, so that one of the two turns is enough.
        return math.atan2(float(rotation[1, 0]), float(rotation[0, 0])), alpha, 0.0
    first = math.atan2(x, -y)
    # From what is left over, so that the last angle makes up for the rounding of the first.
    rest = _rotation(0, -alpha) @ _rotation(2, -first) @ rotation
    return first, alpha, math.atan2(float(rest[1, 0]), float(rest[0, 0]))


def _aligned(axis: Float64[Tensor, " 3"]) -> Float64[Tensor, "3 3"]:
    """A rotation that takes z to the direction of `axis`."""
    x, y, z = (axis / axis.norm()).tolist()
    return _rotation(2, math.atan2(y, x)) @ _rotation(1, math.atan2(math.hypot(x, y), z))


def _rotation(axis: int, angle: float) -> Float64[Tensor, "3 3"]:
    """The rotation about the x (0), y (1) or z (2) axis."""
    c, s = math.cos(angle), math.sin(angle)
    matrix = torch.eye(3, dtype=torch.float64)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    return matrix
