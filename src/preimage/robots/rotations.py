r"""Rotations as vectors, quaternions and axes, accurate from no turn to half a turn.

A rotation vector points along the axis, and its length is the angle in radians. Components come
first, `(3, *batch)`, so that arithmetic runs along the batch.
"""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

TINY = 1e-300
"""Squared lengths are no smaller, so that the ratio of an angle to its sine is one at zero."""

NEAR_HALF_TURN = 1e-3
"""So close to half a turn, in radians, the axis is read off the symmetric part of the matrix."""


PARTS = torch.tensor(
    [
        [0, 0, 0, 0, 0, 1, 0, -1, 0],
        [0, 0, -1, 0, 0, 0, 1, 0, 0],
        [0, 1, 0, -1, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 1, 0, 0, 0, 1],
    ],
    dtype=torch.float64,
)
"""What takes the columns of a matrix R to the three numbers of R - Rᵀ, and to its trace."""


COLUMNS = torch.tensor(
    [
        [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]],
        [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]],
        [[0, 0, 1, 0], [0, 0, 0, -1], [1, 0, 0, 0], [0, -1, 0, 0]],
        [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, -1, 0]],
        [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]],
        [[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]],
        [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]],
        [[0, 0, 0, -1], [0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0]],
        [[-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    ],
    dtype=torch.float64,
).view(9, 16)
"""What takes the products of a quaternion (x, y, z, w) with itself to the columns of its matrix."""


def length(vector: Float64[Tensor, "components *batch"]) -> Float64[Tensor, "*batch"]:
    """The length of a vector, or something tiny and harmless to divide by where it is zero."""
    return vector.square().sum(dim=0).clamp(min=TINY).sqrt()


def quaternion_of_vector(
    vector: Float64[Tensor, "3 *batch"],
) -> tuple[Float64[Tensor, "3 *batch"], Float64[Tensor, "*batch"]]:
    r"""The vector part $\sin(\theta/2)\,a$ and the scalar part $\cos(\theta/2)$."""
    angle = length(vector)
    half = angle / 2
    return vector * (half.sin() / angle), half.cos()


def vector_of_quaternion(
    vector: Float64[Tensor, "3 *batch"], scalar: Float64[Tensor, "*batch"]
) -> Float64[Tensor, "3 *batch"]:
    """The rotation vector, at most half a turn long, of a quaternion of any length but zero."""
    sine = length(vector)
    # A quaternion and its negative are one rotation; the shorter way round is taken.
    angle = 2 * torch.atan2(sine, scalar.abs())
    return vector * (angle.where(scalar >= 0, -angle) / sine)


def compose(
    first: Float64[Tensor, "3 *#batch"], then: Float64[Tensor, "3 *#batch"]
) -> Float64[Tensor, "3 *batch"]:
    """The rotation vector of one rotation after another, both about axes that stay."""
    v0, w0 = quaternion_of_vector(first)
    v1, w1 = quaternion_of_vector(then)
    vector = torch.addcmul(w0 * v1, w1, v0) + torch.linalg.cross(v1, v0, dim=0)
    return vector_of_quaternion(vector, torch.addcmul(-(v0 * v1).sum(dim=0), w0, w1))


def axes_of_vector(
    vector: Float64[Tensor, "3 *batch"],
) -> tuple[Float64[Tensor, "3 *batch"], Float64[Tensor, "3 *batch"], Float64[Tensor, "3 *batch"]]:
    """Where the rotation takes the axes x, y and z: the columns of its matrix."""
    columns = columns_of_vector(vector)
    return columns[0:3], columns[3:6], columns[6:9]


def columns_of_vector(vector: Float64[Tensor, "3 *batch"]) -> Float64[Tensor, "9 *batch"]:
    """As `axes_of_vector`, the three axes under one another: quadratic in the quaternion."""
    v, w = quaternion_of_vector(vector)
    q = torch.cat([v, w[None]])
    squares = (q[:, None] * q).view(16, -1)
    return (COLUMNS @ squares).view(9, *vector.shape[1:])


def vector_of_axes(
    x: Float64[Tensor, "3 rows"], y: Float64[Tensor, "3 rows"], z: Float64[Tensor, "3 rows"]
) -> Float64[Tensor, "3 rows"]:
    r"""The rotation vector of the matrix R with columns x, y and z.

    $R - R^\top$ holds $2 \sin\theta\,a$, and the trace is $1 + 2 \cos\theta$. Near half a turn,
    where the sine vanishes, the axis is a column of
    $\tfrac12 (R + R^\top) - \cos\theta\,I = (1 - \cos\theta)\,a a^\top$.
    """
    return vector_of_columns(torch.cat([x, y, z]))


def vector_of_columns(columns: Float64[Tensor, "9 rows"]) -> Float64[Tensor, "3 rows"]:
    """As `vector_of_axes`, from the three axes under one another."""
    parts = PARTS @ columns
    twice, cosine = parts[:3], parts[3] - 1
    sine = length(twice)
    angle = torch.atan2(sine, cosine)
    vector = twice * (angle / sine)
    near = angle > torch.pi - NEAR_HALF_TURN
    if bool(near.any()):
        axis = _axis(columns[:, near].view(3, 3, -1).transpose(0, 1), cosine[near] / 2)
        backward = (axis * twice[:, near]).sum(dim=0) < 0
        vector[:, near] = axis * torch.where(backward, -angle[near], angle[near])
    return vector


def _axis(
    columns: Float64[Tensor, "3 3 rows"], cosine: Float64[Tensor, " rows"]
) -> Float64[Tensor, "3 rows"]:
    """The axis of rotations by about half a turn, up to its sign."""
    outer = (columns + columns.transpose(0, 1)) / 2
    outer = outer - cosine * torch.eye(3, dtype=torch.float64)[:, :, None]
    largest = outer.diagonal().argmax(dim=1)
    column = outer[:, largest, torch.arange(len(largest))]
    return column / length(column)
