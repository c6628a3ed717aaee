"""The joints of a robot description: what moves them, and how far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from preimage.domain import Box
from preimage.errors import InputError

MOVING = ("revolute", "continuous", "prismatic")

FULL_TURN = 2 * math.pi

ROUNDED = 1e-4
"""Limits that fall short of a full turn by so little, in radians, are a turn in few digits."""


@final
@dataclass(frozen=True)
class Drive:
    """What moves a joint: `factor` times an input, plus `offset`.

    Attributes:
        leader: The joint whose value is the input; the joint itself unless it mimics another.
        factor: Radians or metres for each unit of the input.
        offset: The value where the input is zero.
    """

    leader: str
    factor: float
    offset: float


def drive(name: str, joints: Mapping[str, Any]) -> Drive:
    """What moves a joint, through all joints that it mimics.

    Raises:
        InputError: If it mimics a joint that is not there or does not move, or in the end itself.
    """
    leader, factor, offset = name, 1.0, 0.0
    seen = [name]
    while (mimic := joints[leader].mimic) is not None:
        leader = mimic.joint
        if leader in seen or leader not in joints or joints[leader].type not in MOVING:
            raise InputError(
                f"joint {seen[-1]!r} mimics {leader!r}, which is not another joint of the robot "
                "that moves; correct its <mimic> element."
            )
        seen.append(leader)
        offset += factor * mimic.offset
        factor *= mimic.multiplier
    return Drive(leader, factor, offset)


def joint_box(drives: Sequence[Drive], joints: Mapping[str, Any]) -> Box:
    """Where the inputs may be; one that turns all the way round is periodic.

    Args:
        drives: What moves each joint of the chain.
        joints: All joints of the robot, by name.

    Raises:
        InputError: If an input needs limits and has none, or limits that leave no room.
    """
    names = list(dict.fromkeys(one.leader for one in drives))
    low, high, periodic = [], [], []
    for name in names:
        lower, upper = _limits(joints[name])
        slides = joints[name].type == "prismatic"
        # Joints that mimic this one come round with it only where they turn whole numbers of times.
        whole = all(one.factor.is_integer() for one in drives if one.leader == name)
        turns = not slides and whole and upper - lower >= FULL_TURN - ROUNDED
        if turns:
            middle = 0.0 if math.isinf(upper) else (lower + upper) / 2
            lower, upper = middle - math.pi, middle + math.pi
        if not lower < upper or math.isinf(upper - lower):
            raise InputError(
                f"joint {name!r} may go from {lower:g} to {upper:g}; give it limits with room "
                f'between them in the URDF: <limit lower="..." upper="..."/>, in '
                f"{'metres' if slides else 'radians'}, or make it fixed."
            )
        low.append(lower)
        high.append(upper)
        periodic.append(turns)
    units = ["m" if joints[name].type == "prismatic" else "rad" for name in names]
    return Box(low, high, names, units=units, periodic=periodic)


def _limits(joint: Any) -> tuple[float, float]:
    """The limits of a joint, where it has them.

    Raises:
        InputError: If it has none and needs them.
    """
    if joint.type == "continuous":
        return -math.inf, math.inf
    limit = joint.limit
    if limit is None or (limit.lower is None and limit.upper is None):
        or_else = "" if joint.type == "prismatic" else ', or type="continuous" if it turns freely'
        raise InputError(
            f"joint {joint.name!r} is {joint.type} and has no limits, so there is no place to "
            f'search; add <limit lower="..." upper="..."/> to it in the URDF{or_else}.'
        )
    # The format's own default for one that is left out.
    return limit.lower or 0.0, limit.upper or 0.0
