"""The tab Check: a function, a domain, and whether it is invertible there."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from preimage.app.formulas import constant, parse
from preimage.app.gallery import EXHIBITS, network
from preimage.domain import Box
from preimage.errors import InputError
from preimage.plots.drawing import Drawing
from preimage.plots.verdicts import draw_verdict
from preimage.report.svg import svg
from preimage.report.verdict import render_verdict
from preimage.verdicts import Reals, Report, check

BUDGET = 5.0
"""Seconds of search."""

MOST_INPUTS = 20_000

_DRAWING = threading.Lock()
"""Matplotlib's settings are shared by the whole process."""


@final
@dataclass(frozen=True)
class CheckState:
    """What the tab shows.

    Attributes:
        case: The number of an exhibit, from 1; 0 for one's own formula.
        f: The formula.
        domain: Intervals such as "-2, 2; -1, 1", or R for all reals, R8, R3,32,32.
        range: Whether an inverse on the values that occur is asked for.
    """

    case: int = 0
    f: str = "x^3 - x"
    domain: str = "-2, 2"
    range: bool = False


@final
@dataclass(frozen=True)
class Verdict:
    """A report with its pictures.

    Attributes:
        report: The verdicts, with proof or counterexample.
        function: What was checked.
        confirmed: Whether all that was decided held up when it was verified anew; None where
            nothing was.
        drawings: Pictures, for functions of one or two numbers.
        pictures: The same as SVG.
    """

    report: Report
    function: Callable[[Any], Any]
    confirmed: bool | None
    drawings: list[Drawing]
    pictures: list[str]

    def columns(self) -> dict[str, np.ndarray]:
        """One row for each property."""
        claims = [self.report.injective, self.report.surjective, self.report.bijective]
        return {
            "property": np.array([str(one.property) for one in claims]),
            "status": np.array([str(one.status) for one in claims]),
            "rule": np.array([one.rule for one in claims]),
            "reason": np.array([one.reason for one in claims]),
            "witness": np.array([str(dict(one.witness)) if one.witness else "" for one in claims]),
        }

    def png(self) -> bytes:
        """The first picture.

        Raises:
            InputError: There is none.
        """
        if not self.drawings:
            raise InputError("there is no picture of a function of so many numbers.")
        stream = io.BytesIO()
        with _DRAWING:
            self.drawings[0].figure.savefig(stream, format="png", dpi=200, facecolor="white")
        return stream.getvalue()

    def page(self) -> bytes:
        """The report as an HTML page of its own."""
        with _DRAWING:
            return render_verdict(self.report, self.function).encode()


def examine(function: Callable[[Any], Any], domain: Box | Reals, onto: str | None) -> Verdict:
    """Checks a function, checks the proof again, and draws it; this takes some seconds.

    Args:
        function: The function or network.
        domain: Where.
        onto: "range" to ask for an inverse on the values that occur.
    """
    report = check(function, domain, onto, budget=BUDGET)
    decided = report.injective.status.decided or report.surjective.status.decided
    confirmed = report.recheck(function) if decided else None
    with _DRAWING:
        drawings = draw_verdict(report, function)
        pictures = [svg(one.figure, one.name) for one in drawings]
    return Verdict(report, function, confirmed, drawings, pictures)


def subject(state: CheckState) -> tuple[Callable[[Any], Any], Box | Reals]:
    """The function and the domain of a state.

    Raises:
        InputError: One of them cannot be read; the message says which, and why.

    Example:
        >>> subject(CheckState(f="x^2 - y^2, 2x*y", domain="-1, 1"))[1]
        Box(x: [-1, 1], y: [-1, 1])
        >>> subject(CheckState(f="x^3", domain="R"))[1]
        Reals(1)
    """
    if not 0 <= state.case <= len(EXHIBITS):
        raise InputError(f"there is no case {state.case}; there are 1 to {len(EXHIBITS)}.")
    if state.case and EXHIBITS[state.case - 1].make is not None:
        exhibit = EXHIBITS[state.case - 1]
        return network(exhibit), domain_of(exhibit.domain, None)
    variables = ("x", "y") if re.search(r"(?<![A-Za-z_])y(?![A-Za-z_])", state.f) else ("x",)
    return parse(state.f, variables), domain_of(state.domain, variables)


def domain_of(text: str, variables: tuple[str, ...] | None) -> Box | Reals:
    """The domain that somebody typed.

    Args:
        text: Intervals with semicolons between them, or R, R8, R3,32,32.
        variables: The names of the inputs, of which each has the last interval where there are
            too few; None for a network, which has as many as it says.

    Raises:
        InputError: It cannot be read, or is for another number of inputs.
    """
    text = text.strip()
    if re.fullmatch(r"[Rℝ][\s\d,^]*", text):
        sizes = [int(part) for part in re.findall(r"\d+", text)]
        if not sizes and variables is not None:
            sizes = [len(variables)]
        if not sizes or not 1 <= int(np.prod(sizes)) <= MOST_INPUTS:
            raise InputError(
                f"the domain {text!r} does not say how many numbers; write R8, or R3,32,32."
            )
        if variables is not None and sizes != [len(variables)]:
            raise InputError(f"the formula is of {len(variables)} numbers; write R, or intervals.")
        return Reals(sizes)
    bounds = [_interval(part) for part in re.split(r"[;×]", text) if part.strip()]
    if not bounds:
        raise InputError("the domain is empty; write an interval such as -2, 2, or R.")
    if variables is not None:
        if len(bounds) > len(variables):
            raise InputError(
                f"the domain has {len(bounds)} intervals, and the formula is of "
                f"{' and '.join(variables)}; give one for each."
            )
        bounds += bounds[-1:] * (len(variables) - len(bounds))
    lows, highs = ([bound[i] for bound in bounds] for i in (0, 1))
    return Box(lows, highs, variables)


def _interval(text: str) -> tuple[float, float]:
    parts = text.strip().strip("[]").split(",")
    if len(parts) != 2:
        raise InputError(f"{text.strip()!r} is no interval; write its ends: -2, 2.")
    return constant(parts[0]), constant(parts[1])
