"""Poses between the forms that people have them in and the form that targets take."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from preimage.arraylike import float64
from preimage.errors import InputError
from preimage.robots.rotations import (
    axes_of_vector,
    quaternion_of_vector,
    vector_of_axes,
    vector_of_quaternion,
)

ORTHOGONAL = 1e-3
"""Rotation matrices that are farther than this from orthogonal are a mistake."""


def poses_from_matrices(matrices: Any) -> Any:
    r"""Poses from homogeneous transforms.

    Args:
        matrices: `(4, 4)` or `(batch, 4, 4)`, a rotation matrix and a position in metres; an array
            or a tensor.

    Returns:
        `(batch, 6)`, x, y, z in metres and a rotation vector rx, ry, rz in radians, of the kind
        that was given.

    Raises:
        InputError: If the shape is another, or a rotation is none (not orthogonal, or a mirror).

    Example:
        >>> poses_from_matrices(np.diag([-1.0, -1.0, 1.0, 1.0])).round(4)
        array([[0.    , 0.    , 0.    , 0.    , 0.    , 3.1416]])
    """
    values = _values(matrices, (4, 4), "homogeneous transforms")
    rotation = values[:, :3, :3]
    drift = (rotation @ rotation.transpose(1, 2) - torch.eye(3)).abs().amax(dim=(1, 2))
    wrong = (drift > ORTHOGONAL) | (torch.linalg.det(rotation) < 0)
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0, 0])
        raise InputError(
            f"the upper left 3 x 3 numbers of transform {row} are no rotation: "
            f"{rotation[row].tolist()}. Their columns must be at right angles, of length one, and "
            "right-handed."
        )
    vector = vector_of_axes(*rotation.permute(2, 1, 0).contiguous().unbind())
    return _like(torch.cat([values[:, :3, 3], vector.T], dim=1), matrices)


def poses_from_quaternions(positions: Any, quaternions: Any) -> Any:
    r"""Poses from positions and quaternions x, y, z, w, the order of ROS and SciPy.

    Args:
        positions: `(3,)` or `(batch, 3)`, in metres; an array or a tensor.
        quaternions: `(4,)` or `(batch, 4)`, the scalar part last, of any length but zero.

    Returns:
        `(batch, 6)`, x, y, z in metres and a rotation vector rx, ry, rz in radians, of the kind
        that the positions were given in.

    Raises:
        InputError: If the shapes are others, or a quaternion is zero.

    Example:
        >>> poses_from_quaternions([0.4, 0.0, 0.5], [1.0, 0.0, 0.0, 0.0]).round(4)
        array([[0.4   , 0.    , 0.5   , 3.1416, 0.    , 0.    ]])
    """
    place = _values(positions, (3,), "positions")
    turn = _values(quaternions, (4,), "quaternions x, y, z, w")
    if len(place) != len(turn):
        raise InputError(f"there are {len(place)} positions and {len(turn)} quaternions.")
    if bool((turn == 0).all(dim=1).any()):
        raise InputError(
            "a quaternion is 0, 0, 0, 0, which is no rotation; no turn at all is 0, 0, 0, 1."
        )
    turn = turn / turn.norm(dim=1, keepdim=True)
    vector = vector_of_quaternion(turn.T[:3], turn.T[3])
    return _like(torch.cat([place, vector.T], dim=1), positions)


def matrices_from_poses(poses: Any) -> Any:
    r"""Homogeneous transforms `(batch, 4, 4)` from poses; the way back.

    Args:
        poses: `(6,)` or `(batch, 6)`, x, y, z, rx, ry, rz.

    Example:
        >>> matrices_from_poses([0.4, 0.0, 0.5, 0.0, 0.0, np.pi / 2]).round(4)
        array([[[ 0. , -1. ,  0. ,  0.4],
                [ 1. ,  0. ,  0. ,  0. ],
                [ 0. ,  0. ,  1. ,  0.5],
                [ 0. ,  0. ,  0. ,  1. ]]])
    """
    values = _values(poses, (6,), "poses x, y, z, rx, ry, rz")
    out = torch.eye(4, dtype=torch.float64).repeat(len(values), 1, 1)
    out[:, :3, 3] = values[:, :3]
    out[:, :3, :3] = torch.stack(axes_of_vector(values.T[3:]), dim=1).permute(2, 0, 1)
    return _like(out, poses)


def quaternions_from_poses(poses: Any) -> Any:
    r"""The rotations of poses as unit quaternions x, y, z, w, `(batch, 4)`, with w >= 0.

    Args:
        poses: `(6,)` or `(batch, 6)`, x, y, z, rx, ry, rz.

    Example:
        >>> quaternions_from_poses([0.4, 0.0, 0.5, 0.0, np.pi, 0.0]).round(4)
        array([[0., 1., 0., 0.]])
    """
    values = _values(poses, (6,), "poses x, y, z, rx, ry, rz")
    vector, scalar = quaternion_of_vector(values.T[3:])
    both = torch.cat([vector, scalar[None]]) * torch.where(scalar < 0, -1.0, 1.0)
    return _like(both.T.contiguous(), poses)


def _values(given: Any, shape: tuple[int, ...], role: str) -> torch.Tensor:
    """What was given as a batch of float64, detached."""
    try:
        values = float64(given).cpu()
    except (TypeError, ValueError) as error:
        raise InputError(f"{role} must be numbers, not {type(given).__name__}: {error}") from error
    if values.ndim == len(shape):
        values = values[None]
    if values.shape[1:] != shape:
        wanted = ", ".join(map(str, shape))
        raise InputError(
            f"{role} of shape {tuple(np.shape(given))} were given; they must be (batch, {wanted})."
        )
    if not bool(values.isfinite().all()):
        raise InputError(f"{role} hold missing or infinite values; leave those out.")
    return values


def _like(values: torch.Tensor, given: Any) -> Any:
    return values if isinstance(given, torch.Tensor) else values.numpy()
