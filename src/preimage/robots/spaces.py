"""How two poses differ, and how two positions with a direction do."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import InputError
from preimage.robots.rotations import (
    TINY,
    columns_of_vector,
    compose,
    length,
    vector_of_columns,
)
from preimage.space import OutputSpace


@final
class PoseSpace(OutputSpace):
    r"""Poses x, y, z, rx, ry, rz: a position in metres and a rotation vector in radians.

    The difference of two poses is $(p - p^*, \log(R R^{*\top}))$: metres, and a rotation vector
    about the axes of the base that is at most $\pi$ long. A rotation vector with whole turns
    added to its length is the same rotation.
    """

    def difference(
        self, y: Float64[Tensor, "*#batch 6"], target: Float64[Tensor, "*#batch 6"]
    ) -> Float64[Tensor, "*batch 6"]:
        """The shift from `target` to y, and the turn."""
        here, there = _parts(y, target)
        turn = compose(-there[3:], here[3:])
        return torch.cat([here[:3] - there[:3], turn]).movedim(0, -1).contiguous()

    def coordinates(self, y: Float64[Tensor, "batch 6"]) -> Float64[Tensor, "batch 12"]:
        r"""The position, and the rotation matrix over $\sqrt 2$: small turns by their angle."""
        parts = y.T.contiguous()
        return torch.cat([parts[:3], columns_of_vector(parts[3:]) / 2**0.5]).T.contiguous()

    def lift(self, y: Float64[Tensor, "batch 6"]) -> Float64[Tensor, "batch 12"]:
        """The position, and the three axes of the rotation."""
        parts = y.T.contiguous()
        return torch.cat([parts[:3], columns_of_vector(parts[3:])]).T

    def lower(self, lifted: Float64[Tensor, "batch 12"]) -> Float64[Tensor, "batch 6"]:
        """The position and the rotation vector."""
        parts = lifted.T.contiguous()
        return torch.cat([parts[:3], vector_of_columns(parts[3:])]).T.contiguous()

    def gap(
        self, lifted: Float64[Tensor, "batch 12"], target: Float64[Tensor, "batch 12"]
    ) -> Float64[Tensor, "batch 6"]:
        r"""The shift and the turn, whose matrix is $R R^{*\top} = \sum_k a_k a_k^{*\top}$."""
        here, there = lifted.T.contiguous(), target.T.contiguous()
        axes, wanted = here[3:].view(3, 1, 3, -1), there[3:].view(3, 3, 1, -1)
        turn = vector_of_columns((axes * wanted).sum(dim=0).view(9, -1))
        return torch.cat([here[:3] - there[:3], turn]).T

    def between(
        self, start: Float64[Tensor, " 6"], end: Float64[Tensor, " 6"], share: Float64[Tensor, " n"]
    ) -> Float64[Tensor, "n 6"]:
        """Straight ahead, while turning about one axis."""
        shift, turn = (self.difference(end, start)[:, None] * share).split(3)
        return torch.cat([start[:3, None] + shift, compose(start[3:, None], turn)]).T.contiguous()


@final
class AxisSpace(OutputSpace):
    r"""Positions with a direction x, y, z, ax, ay, az; a turn about the direction does not count.

    The difference is $p - p^*$ in metres and, in radians, the way along the great circle from the
    direction $a^*$ to $a$ as it arrives there: two numbers, in a basis of the plane perpendicular
    to $a$ (Duff et al., *Building an orthonormal basis, revisited*, 2017). Directions may have any
    length but zero.
    """

    def difference(
        self, y: Float64[Tensor, "*#batch 6"], target: Float64[Tensor, "*#batch 6"]
    ) -> Float64[Tensor, "*batch 5"]:
        """The shift from `target` to y, and the way of its direction."""
        here, there = _parts(y, target)
        axis, wanted = _direction(here[3:]), _direction(there[3:])
        cosine = (axis * wanted).sum(dim=0)
        u, v = (-(one * wanted).sum(dim=0) for one in perpendicular(axis))
        # Opposite directions: every great circle is as short as any other.
        opposite = (u.square() + v.square() < TINY) & (cosine < 0)
        way = torch.stack([u.masked_fill(opposite, TINY**0.25), v])
        sine = length(way)
        way = way * (torch.atan2(sine, cosine) / sine)
        return torch.cat([here[:3] - there[:3], way]).movedim(0, -1).contiguous()

    def coordinates(self, y: Float64[Tensor, "batch 6"]) -> Float64[Tensor, "batch 6"]:
        """The position and the direction, at length one."""
        parts = y.T.contiguous()
        return torch.cat([parts[:3], _direction(parts[3:])]).T.contiguous()

    def between(
        self, start: Float64[Tensor, " 6"], end: Float64[Tensor, " 6"], share: Float64[Tensor, " n"]
    ) -> Float64[Tensor, "n 6"]:
        """Straight ahead, while the direction follows the great circle."""
        axis = _direction(start[3:])
        u, v = self.difference(start, end)[3:]
        first, second = perpendicular(axis)
        way = -(u * first + v * second)
        angle = length(way)
        turned = axis[:, None] * (share * angle).cos()
        turned = turned + (way / angle)[:, None] * (share * angle).sin()
        shifted = start[:3, None] + (end - start)[:3, None] * share
        return torch.cat([shifted, turned]).T.contiguous()


def _parts(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both with their components first, and with as many dimensions."""
    target = target[(None,) * (y.ndim - target.ndim)]
    return y.movedim(-1, 0).contiguous(), target.movedim(-1, 0).contiguous()


def _direction(axis: Float64[Tensor, "3 *batch"]) -> Float64[Tensor, "3 *batch"]:
    size = length(axis)
    if bool((axis == 0).all(dim=0).any()):
        raise InputError(
            "a direction ax, ay, az is 0, 0, 0; give one of any other length, such as 0, 0, -1 "
            "for a tool that points down, or ask for goal='position'."
        )
    return axis / size


def perpendicular(axis: Float64[Tensor, "3 *batch"]) -> tuple[Tensor, Tensor]:
    r"""Two directions u and v with $u \times v = a$, by Duff et al. (2017)."""
    x, y, z = axis.unbind()
    sign = torch.where(z < 0, -1.0, 1.0)
    a = -1 / (sign + z)
    b = x * y * a
    first = torch.stack([1 + sign * x * x * a, sign * b, -sign * x])
    return first, torch.stack([b, sign + y * y * a, -y])
