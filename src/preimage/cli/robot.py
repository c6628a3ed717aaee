"""The options that describe a robot, and the function and targets that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from preimage.cli.words import Question
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.function import Function

RobotOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--robot",
        metavar="FILE.urdf",
        help="A robot, whose joints are the inputs and whose tool gives the outputs.",
    ),
]

TipOption: TypeAlias = Annotated[
    str | None, typer.Option("--tip", metavar="LINK", help="The robot's tool: its hand or flange.")
]

BaseOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--base", metavar="LINK", help="Where poses are measured from; the robot's root by default."
    ),
]

GoalOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--goal",
        metavar="pose|position|axis",
        help="Outputs: x,y,z,rx,ry,rz (metres, and a rotation vector in radians), x,y,z alone, or "
        "x,y,z,ax,ay,az with the direction of the tool's z axis; pose by default.",
    ),
]


def load_robot(
    robot: Path | None,
    tip: str | None,
    base: str | None,
    goal: str | None,
    others: Mapping[str, Any],
) -> Function | None:
    """The forward map of a robot, where one was named.

    Args:
        robot: `--robot`.
        tip: `--tip`.
        base: `--base`.
        goal: `--goal`.
        others: Options that say what a robot says already, with their values.

    Raises:
        InputError: If the options do not fit together, or the robot cannot be had.
    """
    if robot is None:
        given = {"--tip": tip, "--base": base, "--goal": goal}
        lonely = [option for option, value in given.items() if value is not None]
        if lonely:
            raise InputError(f"{', '.join(lonely)} describes a robot; add --robot FILE.urdf.")
        return None
    doubled = [option for option, value in others.items() if value is not None]
    if doubled:
        raise InputError(
            f"--robot brings its own function, joints and limits; leave out {', '.join(doubled)}, "
            "and search a part of the joints' ranges by --within NAME=LOW,HIGH."
        )

    from preimage.robots import link_names, load_urdf

    if tip is None:
        links = ", ".join(link_names(robot))
        raise InputError(f"say which link is the tool: --tip LINK, one of {links}.")
    return load_urdf(robot, tip, base=base, goal=goal or "pose")


def with_rotation_vectors(question: Question, outputs: tuple[str, ...]) -> Question:
    """The question with poses by rotation vector, where they are x, y, z and a quaternion.

    A quaternion is qx, qy, qz, qw: the last four of seven numbers, or columns of those names.
    """
    if outputs[3:] != ("rx", "ry", "rz"):
        return question
    names = ("x", "y", "z", "qx", "qy", "qz", "qw")
    rows: Any = question.targets
    if isinstance(rows, Path):
        from preimage.tables import as_table, names_of, read_table

        data = read_table(rows)
        there = set(names_of(data, role="targets"))
        if not set(names) <= there or set(outputs) <= there:
            return question
        rows = as_table(data, role="targets", names=names).values.tolist()
    elif len(rows[0]) != len(names):
        return question

    from preimage.robots import poses_from_quaternions

    poses = poses_from_quaternions([row[:3] for row in rows], [row[3:] for row in rows])
    return replace(question, targets=poses.tolist())
