"""An answer of the tab Arm in words and numbers."""

from __future__ import annotations

from preimage.app.arm import SAME, Arm, ArmAnswer
from preimage.app.pages.parts import legend, table
from preimage.app.sketch import number

COLOURS = legend(
    [
        ("miss", "dot", "the hand"),
        ("answer", "line", "the posture that is followed"),
        ("data", "line", "all others"),
        ("no", "square", "out of reach"),
    ]
)


def followed(arm: Arm, answer: ArmAnswer) -> int | None:
    """Which of the postures is the followed one."""
    if answer.followed is None or not answer.reached:
        return None
    away = arm.function.domain.difference(answer.postures, answer.followed).norm(dim=1)
    return int(away.argmin()) if float(away.min()) <= SAME else None


def headline(answer: ArmAnswer) -> str:
    """How many postures there are."""
    count = len(answer.postures)
    place = ", ".join(number(one, 4) for one in answer.target)
    if count == 0:
        return f"({place}) m is out of reach"
    return f"{count} posture{'s' * (count != 1)} for ({place}) m"


def rows(arm: Arm, answer: ArmAnswer) -> str:
    """The joints of each posture, as a table."""
    units = [" [m]" if slides else " [°]" for slides in arm.slides]
    names = [f"{n}{u}" for n, u in zip(arm.function.domain.names, units, strict=True)]
    cells = [
        (str(i + 1), *(number(value, 4) for value in arm.shown(posture)))
        for i, posture in enumerate(answer.postures)
    ]
    return table(("", *names), cells, followed(arm, answer)) if cells else ""


def explained(arm: Arm, answer: ArmAnswer) -> str:
    """What became of the target, of the followed posture, and how far the hand reaches."""
    parts = [f"{answer.words}."]
    if not answer.kept:
        parts.append("The branch that was followed ends; the nearest posture goes on.")
    if arm.ring is not None:
        least, most = (number(one) for one in arm.ring)
        parts.append(f"The hand reaches from {least} to {most} m from the base.")
    spare = arm.function.domain.dim - len(answer.target)
    if spare > 0 and answer.reached:
        parts.append("There are endlessly many postures; those shown are spread among them.")
    return " ".join(parts)
