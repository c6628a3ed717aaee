"""Robots from their descriptions in the Unified Robot Description Format (URDF)."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.errors import InputError, MissingExtraError
from preimage.function import Function
from preimage.robots.chain import Chain, Joint
from preimage.robots.goals import GOALS
from preimage.robots.joints import MOVING, drive, joint_box
from preimage.robots.kinematics import ForwardKinematics

MOST_SHOWN = 20
"""So many names are listed in a message."""


def load_urdf(
    path: str | PathLike[str], tip: str, *, base: str | None = None, goal: str = "pose"
) -> Function:
    r"""The forward map of a robot: from the values of its joints to what its tool does.

    The chain of joints that leads from `base` to `tip` is taken out of the description; what
    branches off, and all meshes and masses, are left out. The product of its transforms,

    $$T(x) = \prod_i T_i \exp(\hat\xi_i x_i),$$

    and its geometric Jacobian are computed for a whole batch at a time.

    A joint that turns freely, or whose limits span $2\pi$ or more, is a periodic dimension of one
    turn: each posture is given once, in the middle turn within the limits. A joint that mimics
    another moves with it, by the limits of the joint that it mimics.

    Args:
        path: The URDF file.
        tip: The link whose pose is wanted: the hand, the flange, a tool.
        base: The link from which poses are measured; by default the root of the robot.
        goal: "pose" for x, y, z in metres and a rotation vector rx, ry, rz in radians;
            "position" for x, y, z alone; "axis" for x, y, z and the direction ax, ay, az of the
            tip's z axis. `PoseSpace` and `AxisSpace` say how these differ.

    Returns:
        A function whose domain holds the limits of the joints, in radians and metres, by name.

    Raises:
        MissingExtraError: If the parser is not installed: `pip install 'preimage[robots]'`.
        InputError: If the file cannot be read as a robot, a link is not there, no joint between
            them moves, or a joint lacks limits; the message says what to change.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> text = '''<robot name="lift"><link name="floor"/><link name="table"/>
        ...     <joint name="lift" type="prismatic">
        ...         <parent link="floor"/><child link="table"/><axis xyz="0 0 1"/>
        ...         <limit lower="0.6" upper="1.2" effort="100" velocity="0.1"/>
        ...     </joint></robot>'''
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "lift.urdf").write_text(text)
        ...     lift = load_urdf(Path(folder, "lift.urdf"), "table", goal="position")
        >>> lift.domain, lift(torch.tensor([[0.9]], dtype=torch.float64))
        (Box(lift: [0.6, 1.2]), tensor([[0.0000, 0.0000, 0.9000]], dtype=torch.float64))
    """
    if goal not in GOALS:
        raise InputError(f"there is no goal {goal!r}{_hint(goal, list(GOALS))}")
    robot = _parsed(Path(path))
    way = _way(robot, tip, base)
    joints = {joint.name: joint for joint in robot.joints}
    drives = [drive(joint.name, joints) for joint in way if joint.type in MOVING]
    if not drives:
        raise InputError(
            f"no joint moves between {(way[0].parent if way else tip)!r} and {tip!r}; choose a tip "
            f"further out{_hint('', _links(robot))}"
        )
    box = joint_box(drives, joints)
    factors = torch.zeros(len(drives), box.dim, dtype=torch.float64)
    for i, one in enumerate(drives):
        factors[i, box.names.index(one.leader)] = one.factor
    offsets = torch.tensor([one.offset for one in drives], dtype=torch.float64)
    asked = GOALS[goal]
    forward = ForwardKinematics(_chain(way), asked, factors, offsets)
    return Function(forward, box, outputs=asked.outputs, space=asked.space, lifted=forward.lifted)


def link_names(path: str | PathLike[str]) -> tuple[str, ...]:
    """The links of a robot, in the order of the file.

    Args:
        path: The URDF file.

    Raises:
        MissingExtraError: If the parser is not installed.
        InputError: If the file cannot be read as a robot.
    """
    return tuple(_links(_parsed(Path(path))))


def _parsed(path: Path) -> Any:
    """The robot that a file describes."""
    try:
        import yourdfpy
    except ImportError as error:
        raise MissingExtraError(
            "robot descriptions are read by yourdfpy, which is not installed; run "
            "pip install 'preimage[robots]'."
        ) from error
    if not path.is_file():
        there = [one.name for one in path.parent.glob("*.urdf")] if path.parent.is_dir() else []
        raise InputError(f"there is no file {path}{_hint(path.name, there)}")
    if path.suffix == ".xacro":
        raise InputError(f"{path} is a macro; write the URDF out first: xacro {path} > robot.urdf.")
    try:
        # The parser would repair what is no valid XML, and perhaps lose a joint on the way.
        root = ElementTree.parse(path).getroot().tag
        robot = yourdfpy.URDF.load(str(path), build_scene_graph=False, load_meshes=False).robot
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as a URDF ({type(error).__name__}: {error}); it must be a "
            "<robot name=...> with <link> and <joint> elements."
        ) from error
    if root != "robot" or not robot.links:
        raise InputError(f"{path} is a <{root}> and describes no links; name a URDF file.")
    return robot


def _way(robot: Any, tip: str, base: str | None) -> list[Any]:
    """The joints from `base` to `tip`, those that do not move among them."""
    links = _links(robot)
    for link in (tip, base):
        if link is not None and link not in links:
            raise InputError(f"the robot {robot.name!r} has no link {link!r}{_hint(link, links)}")
    above = {joint.child: joint for joint in robot.joints}
    way: list[Any] = []
    link = tip
    while link != base and link in above and len(way) < len(robot.joints):
        way.insert(0, above[link])
        link = above[link].parent
    if base is not None and link != base:
        passed = [joint.parent for joint in way]
        raise InputError(
            f"{base!r} does not carry {tip!r}: it is on another branch, or further out. Choose a "
            f"base among {', '.join(passed)}, or leave it out."
        )
    return way


def _chain(way: Sequence[Any]) -> Chain:
    """The joints that move, with the constant transforms between them multiplied out."""
    joints, pose = [], torch.eye(4, dtype=torch.float64)
    for joint in way:
        if joint.origin is not None:
            pose = pose @ torch.from_numpy(joint.origin)
        if joint.type in MOVING:
            joints.append(Joint(pose, _axis(joint), joint.type == "prismatic"))
            pose = torch.eye(4, dtype=torch.float64)
        elif joint.type != "fixed":
            raise InputError(
                f"joint {joint.name!r} is {joint.type}; chains of revolute, continuous, prismatic "
                "and fixed joints can be inverted. Write it as several of those, or start from a "
                "base behind it."
            )
    return Chain(joints, pose)


def _axis(joint: Any) -> Float64[Tensor, " 3"]:
    axis = torch.as_tensor(joint.axis, dtype=torch.float64)
    if not bool(axis.any()) or not bool(axis.isfinite().all()):
        raise InputError(
            f"joint {joint.name!r} has the axis {axis.tolist()}, which is no direction; correct "
            "its <axis> element."
        )
    return axis


def _links(robot: Any) -> list[str]:
    return [link.name for link in robot.links]


def _hint(name: str, there: Sequence[str]) -> str:
    """The end of a complaint about a name: what may have been meant, and what there is."""
    close = difflib.get_close_matches(name, there, n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    more = ", ..." if len(there) > MOST_SHOWN else ""
    return f"{meant} There are: {', '.join(there[:MOST_SHOWN])}{more}." if there else meant
