"""The tab Arm: a place for the hand, all postures that put it there, and one that is followed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.domain import Box
from preimage.errors import InputError
from preimage.function import Function
from preimage.inverters.gradient import GradientInverter
from preimage.preimages import Preimages
from preimage.robots import load_urdf
from preimage.robots.kinematics import ForwardKinematics
from preimage.solve.continuation import advance

LENGTHS = {
    "2": (0.5, 0.4),
    "3": (0.45, 0.35, 0.2),
    "6": (0.25, 0.22, 0.2, 0.16, 0.12, 0.1),
}
"""Planar arms, by their number of joints: the lengths of the links in metres."""

URDF = "urdf"
"""The arm of a file."""

MOST_LINKS = 8

SHOWN = 16
"""Postures that are shown of one place; arms with joints to spare have endlessly many."""

SAME = 1e-6
"""How close postures are that are one and the same, in box widths."""

VIEWS = ((0, 1), (0, 2))
"""Arms in space are seen from above, and from the side: 0 is x, 1 is y, 2 is z."""

Row = tuple[float, float, float]

CELLS = 22
"""Cells from the base to the reach, in which hands are counted."""

SCATTERED = 60_000
"""Postures whose hands show what can be reached, where no formula says it."""


@final
@dataclass(frozen=True)
class ArmState:
    """What the tab shows.

    Attributes:
        arm: A number of joints, or "urdf".
        lengths: The links of a planar arm, in metres; those of `LENGTHS` where there are none.
        x: Where the hand shall be, in metres.
        y: Likewise.
        z: Likewise, of arms in space.
        q: The posture that is followed: angles in degrees, lengths in metres.
    """

    arm: str = "2"
    lengths: tuple[float, ...] = ()
    x: float = 0.5
    y: float = 0.4
    z: float = 0.4
    q: tuple[float, ...] = ()


@final
@dataclass(frozen=True)
class ArmAnswer:
    """Postures for one place of the hand.

    Attributes:
        target: The place, in metres.
        postures: Those that were found, `(postures, joints)`, in radians and metres.
        followed: The posture that is followed; None before there was any.
        kept: Whether it came here without a jump.
        words: What became of the target.
        found: All of it.
    """

    target: tuple[float, ...]
    postures: Float64[Tensor, "postures joints"]
    followed: Float64[Tensor, " joints"] | None
    kept: bool
    words: str
    found: Preimages

    @property
    def reached(self) -> bool:
        """Whether any posture puts the hand there."""
        return len(self.postures) > 0


@final
@dataclass(frozen=True, eq=False)
class Arm:
    """An arm, made ready for many places of its hand.

    Attributes:
        function: From the joints to the hand.
        skeleton: From the joints to the points of the arm, base and hand among them.
        reach: How far from the base anything of it comes, in metres.
        ring: For planar arms, the least and the most distance of the hand from the base.
        shadows: For others, where the hand can be as it is seen along each axis, by the two
            coordinates that are left: rows of cells by their left ends, lower ends and lengths.
        cell: The sides of a cell, in metres.
    """

    function: Function
    skeleton: Callable[[Tensor], Tensor]
    reach: float
    ring: tuple[float, float] | None = None
    shadows: Mapping[tuple[int, int], list[Row]] | None = None
    cell: float = 0.0
    _inverter: GradientInverter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_inverter", GradientInverter().fit_function(self.function))

    @property
    def slides(self) -> list[bool]:
        """Which joints have a length rather than an angle."""
        units = self.function.domain.units
        return [unit == "m" for unit in units or ["rad"] * self.function.domain.dim]

    def move(self, target: tuple[float, ...], followed: Tensor | None) -> ArmAnswer:
        """All postures that put the hand at a place, and what becomes of the followed one.

        Args:
            target: The place, in metres.
            followed: The posture until now, which is carried along its branch.
        """
        if not all(math.isfinite(one) for one in target):
            raise InputError(f"the hand cannot be at {target}; give numbers, in metres.")
        found = self._inverter.invert([target], n=SHOWN)
        postures = torch.from_numpy(found.x[0][found.ok[0]])
        words = found.explain(0)
        if len(postures) == 0 or followed is None:
            first = postures[0] if followed is None and len(postures) else followed
            return ArmAnswer(target, postures, first, True, words, found)
        problem = self._inverter.problem_
        goal = torch.tensor(target, dtype=torch.float64)
        step = advance(
            self.function, followed[None], self.function(followed[None])[0], goal,
            box=problem.box, scale=problem.scale, tol=found.tol,
        )  # fmt: skip
        if not bool(step.arrived[0]):
            nearest = problem.box.difference(postures, followed).norm(dim=1).argmin()
            return ArmAnswer(target, postures, postures[nearest], False, words, found)
        away = problem.box.difference(postures, step.x).norm(dim=1)
        if float(away.min()) > SAME:
            # Of endlessly many, the followed one need not be among those found.
            postures = torch.cat([step.x, postures[: SHOWN - 1]])
        return ArmAnswer(target, postures, step.x[0], True, words, found)

    def points(
        self, postures: Float64[Tensor, "rows joints"]
    ) -> Float64[Tensor, "rows points axes"]:
        """The points of the arm in some postures, in metres."""
        return self.skeleton(postures)

    def shown(self, posture: Float64[Tensor, " joints"]) -> tuple[float, ...]:
        """A posture as people read it: in degrees, and in metres where a joint slides."""
        pairs = zip(posture.tolist(), self.slides, strict=True)
        return tuple(value if slides else math.degrees(value) for value, slides in pairs)

    def posture(self, shown: tuple[float, ...]) -> Float64[Tensor, " joints"]:
        """The way back.

        Raises:
            InputError: There are not as many numbers as joints.
        """
        if len(shown) != self.function.domain.dim:
            raise InputError(
                f"q has {len(shown)} numbers, and the arm {self.function.domain.dim} joints; "
                "give one for each."
            )
        pairs = zip(shown, self.slides, strict=True)
        values = [value if slides else math.radians(value) for value, slides in pairs]
        return self.function.domain.clip(torch.tensor([values], dtype=torch.float64))[0]


def planar(lengths: tuple[float, ...]) -> Arm:
    """An arm in the plane whose joints turn freely.

    Args:
        lengths: Of its links, from the base, in metres.

    Raises:
        InputError: There are fewer than 2 or more than 8, or one is not positive.

    Example:
        >>> arm = planar((0.5, 0.4))
        >>> len(arm.move((0.5, 0.4), None).postures), arm.ring
        (2, (0.09999999999999998, 0.9))
    """
    if not 2 <= len(lengths) <= MOST_LINKS or not all(0.001 <= one <= 1000 for one in lengths):
        raise InputError(
            f"the links are {' '.join(f'{one:g}' for one in lengths) or 'none'}; give 2 to "
            f"{MOST_LINKS} lengths from 0.001 to 1000 m, such as 0.5 0.4."
        )
    links = torch.tensor(lengths, dtype=torch.float64)

    def skeleton(angles: Tensor) -> Tensor:
        turned = angles.cumsum(dim=1)
        steps = torch.stack([turned.cos() * links, turned.sin() * links], dim=2)
        return torch.cat([torch.zeros_like(steps[:, :1]), steps.cumsum(dim=1)], dim=1)

    def hand(angles: Tensor) -> Tensor:
        turned = angles.cumsum(dim=1)
        return torch.stack([turned.cos() @ links, turned.sin() @ links], dim=1)

    count = len(lengths)
    box = Box(
        [-math.pi] * count, [math.pi] * count, [f"joint {i + 1}" for i in range(count)],
        units=["rad"] * count, periodic=True,
    )  # fmt: skip
    whole = sum(lengths)
    least = max(0.0, 2 * max(lengths) - whole)
    return Arm(Function(hand, box, outputs=["x", "y"]), skeleton, whole, ring=(least, whole))


def from_urdf(path: Path, tip: str) -> Arm:
    """The arm of a URDF file, whose hand is at a link.

    Args:
        path: The file.
        tip: The link.

    Raises:
        InputError: The file or the link is no such thing; the message says what is wrong.
        MissingExtraError: The parser is not installed.
    """
    function = load_urdf(path, tip, goal="position")
    forward = function.fn
    if not isinstance(forward, ForwardKinematics):
        raise InputError(f"{path} gives no chain of joints.")
    postures = function.domain.sobol(SCATTERED)
    hands = function(postures)
    # Joints may stand out farther than the hand.
    points = forward.skeleton(postures[:500])
    reach = max(float(hands.abs().max()), float(points.abs().max())) or 1.0
    cell = reach / CELLS
    shadows = {plane: _rows(hands[:, list(plane)], cell) for plane in VIEWS}
    return Arm(function, forward.skeleton, reach, shadows=shadows, cell=cell)


def _rows(hands: Float64[Tensor, "rows 2"], cell: float) -> list[Row]:
    """The cells that hold hands, those side by side as one."""
    rows: list[Row] = []
    cells = torch.unique((hands.flip(1) / cell).floor(), dim=0) * cell
    for y, x in cells.tolist():
        if rows and rows[-1][1] == y and abs(sum(rows[-1][::2]) - x) < 0.1 * cell:
            rows[-1] = (rows[-1][0], y, rows[-1][2] + cell)
        else:
            rows.append((x, y, cell))
    return rows
