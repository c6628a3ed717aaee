"""Numerical invertibility: how much of x is left in f(x) when numbers have so many digits."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, final

import torch
from torch import Tensor

from preimage.arraylike import float64
from preimage.domain import Box
from preimage.errors import FunctionError, InputError
from preimage.verdicts.attacks import (
    amplification,
    climb,
    conditions,
    worst_condition,
    worst_pair,
)
from preimage.verdicts.domains import Finite, Reals, as_domain
from preimage.verdicts.floats import TYPES, all_inputs
from preimage.verdicts.subject import Subject

POINTS = 64
"""At how many points the condition is computed."""

LARGEST = 1 << 20
"""Up to how many derivatives at a point."""


@final
@dataclass(frozen=True, kw_only=True)
class Numerical:
    r"""What was computed about an inverse in floating point. None of it proves or refutes anything.

    Attributes:
        precision: The type of numbers: "float16", "float32" or "float64".
        points: How many points were looked at.
        condition: The median of $\kappa(J) = \sigma_{max} / \sigma_{min}$ at the points.
        worst_condition: The largest that was found, by an ascent from the worst points.
        worst_at: Where it was found.
        amplification: The largest $\|J^{-1}\| \|f(x)\| / \|x\|$ that was found: by how much
            relative errors grow from f(x) to x, the relative condition of the inverse.
        loss: $\varepsilon$ times that: by which share of its size x is expected to be off when it
            is computed from f(x); 1 or more means that no digit is left.
        stretch: The largest $\|a - b\| / \|f(a) - f(b)\|$ found, a lower bound of the Lipschitz
            constant of the inverse; infinite where two points have one value.
        pair: The points a and b.
        round_trip: The largest error of `inverse(f(x))` at the points, relative to the size of x;
            None without an inverse.
        attacked_round_trip: The largest that an ascent found.
        attacked_at: Where it was found.
        inputs: How many inputs were tried in the exhaustive test, for functions of one float16.
        shared: How many of them have an output that another input has as well.
        notes: What could not be computed.
    """

    precision: str
    points: int
    condition: float
    worst_condition: float
    worst_at: tuple[float, ...]
    amplification: float
    loss: float
    stretch: float
    pair: tuple[tuple[float, ...], tuple[float, ...]]
    round_trip: float | None = None
    attacked_round_trip: float | None = None
    attacked_at: tuple[float, ...] = ()
    inputs: int | None = None
    shared: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def digits_lost(self) -> float:
        """How many decimal digits the inverse is expected to lose at worst."""
        return max(0.0, math.log10(self.amplification)) if self.amplification > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """The numbers as plain JSON values; infinity as a word."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Numerical:
        """What `to_json` wrote."""
        return Numerical(**{name: _read(name, value) for name, value in data.items()})

    def __str__(self) -> str:
        digits = -math.log10(torch.finfo(TYPES[self.precision]).eps)
        lines = [
            f"Numerically ({self.precision}, {digits:.0f} digits; computed, not proved):",
            f"  Condition {self.condition:.3g} at the median of {self.points} points, and "
            f"{self.worst_condition:.3g} at worst.",
            f"  Relative errors in f(x) grow by up to {self.amplification:.3g}: {_digits(self)}",
            f"  The worst pair found is {self.stretch:.3g} times as far apart as its outputs.",
        ]
        if self.round_trip is not None:
            lines.append(
                f"  The inverse returns x with a relative error of at most {self.round_trip:.3g} "
                f"at the points, and of {self.attacked_round_trip:.3g} under attack."
            )
        if self.inputs is not None:
            lines.append(
                f"  Of all {self.inputs} inputs in float16, {self.shared} share their output with "
                "another."
            )
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def check_numerically(
    f: Any,
    domain: Any,
    *,
    inverse: Callable[[Tensor], Tensor] | None = None,
    points: Any = None,
    precision: str = "float32",
    budget: float = 5.0,
    seed: int = 0,
) -> Numerical:
    r"""How well can f be inverted in floating point? Condition numbers, attacks, round trips.

    A function may be provably bijective and its inverse useless: an error of relative size
    $\varepsilon$ in f(x) becomes one of about $\kappa(J)\,\varepsilon$ in x. The condition is
    computed in float64, at points and where an ascent makes it large; the round trip in
    `precision`. A small error in a round trip proves nothing; a large one shows that the inverse,
    as computed, is none.

    Args:
        f: As for `check`.
        domain: As for `check`, but not finite.
        inverse: What is said to undo f: a callable on a batch of outputs.
        points: The points to look at, `(count, n)` or of the shape of samples; drawn by default.
        precision: "float16", "float32" or "float64".
        budget: For how many seconds to look.
        seed: Fixes everything that is drawn.

    Raises:
        InputError: If an argument is of the wrong kind, or the function too large.
        FunctionError: If f or its inverse fails, or f cannot be differentiated.

    References:
        Behrmann, Vicol, Wang, Grosse and Jacobsen, Understanding and mitigating exploding inverses
        in invertible neural networks, AISTATS 2021, arXiv 2006.09347.

    Example:
        >>> found = check_numerically(torch.nn.LeakyReLU(1e-3), Reals(2))
        >>> f"{found.worst_condition:.4g}, {found.digits_lost:.0f} digits"
        '1000, 3 digits'
    """
    domain = as_domain(domain)
    if isinstance(domain, Finite):
        raise InputError("a finite set has no condition numbers; give a box or all real vectors.")
    if precision not in TYPES:
        raise InputError(f"precision={precision!r} is none of {', '.join(map(repr, TYPES))}.")
    deadline = time.monotonic() + budget
    subject = Subject(f, domain, seed)
    x = _points(subject, points)
    try:
        y = subject.raw(x[:1])
        if y.shape[1] * subject.dim > LARGEST:
            raise InputError(
                f"the Jacobian has {y.shape[1]} x {subject.dim} entries, more than {LARGEST}; "
                "look at a smaller part of the network."
            )
        largest, least, _ = conditions(subject, x)
    except RuntimeError as error:
        raise FunctionError(f"the function cannot be differentiated: {error}") from error
    worst = worst_condition(subject, x, deadline - 0.6 * budget, seed)[:4]
    every = torch.cat([x, worst])
    top, bottom, _ = conditions(subject, every)
    kappa, grown = _ratio(top, bottom), amplification(subject, every, bottom)
    place = int(torch.maximum(kappa, grown).argmax())
    a, c, stretch = worst_pair(subject, worst, deadline - 0.3 * budget)
    trips = {} if inverse is None else _round_trips(subject, inverse, x, worst, precision, deadline)
    return Numerical(
        precision=precision, points=len(x), condition=float(_ratio(largest, least).median()),
        worst_condition=float(kappa.amax()), worst_at=tuple(every[place].tolist()),
        amplification=float(grown.amax()),
        loss=torch.finfo(TYPES[precision]).eps * float(grown.amax()),
        stretch=stretch, pair=(tuple(a.tolist()), tuple(c.tolist())), **trips,
        **_exhausted(subject, precision),
    )  # fmt: skip


def _ratio(largest: Tensor, least: Tensor) -> Tensor:
    return torch.where(least > 0, largest / least.clamp(min=1e-300), torch.inf)


def _points(subject: Subject, points: Any) -> Tensor:
    if points is None:
        return subject.points(POINTS, salt=23)
    x = float64(points)
    if x.ndim == 0 or x[0].numel() != subject.dim or len(x) == 0:
        raise InputError(
            f"points have shape {tuple(x.shape)}; give (count, {subject.dim}), inside the domain."
        )
    x = x.reshape(len(x), -1)
    inside = subject.domain.contains(x, 0) if isinstance(subject.domain, Box) else x.isfinite()
    if not bool(inside.all()):
        raise InputError("some points lie outside the domain; leave them out, or widen it.")
    return x


def _round_trips(
    subject: Subject, inverse: Callable[[Tensor], Tensor], x: Tensor, worst: Tensor,
    precision: str, deadline: float,
) -> dict[str, Any]:  # fmt: skip
    kind = TYPES[precision]
    forward, back = _in_type(subject.call, kind), _in_type(inverse, kind)

    def error(x: Tensor) -> Tensor:
        given = x.to(kind)
        with torch.no_grad():
            found = back(forward(given.reshape(-1, *subject.shape).clone()))
        if not isinstance(found, Tensor) or found.numel() != given.numel():
            raise InputError(
                "the inverse must return a batch of the shape of the inputs, and returned "
                f"{tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__}."
            )
        miss = (found.double().reshape(len(x), -1) - given.double()).norm(dim=1)
        size = given.double().norm(dim=1).clamp(min=1e-30)
        return (miss / size).nan_to_num(nan=math.inf, posinf=math.inf)

    try:
        plain = error(x)
        reached = climb(subject, error, torch.cat([x, worst]), deadline, 1)
        attacked = error(reached[:1])
    except InputError:
        raise
    except Exception as problem:
        raise FunctionError(
            f"the function or its inverse failed in {precision} ({type(problem).__name__}: "
            f"{problem})."
        ) from problem
    return {
        "round_trip": float(plain.amax()),
        "attacked_round_trip": max(float(attacked), float(plain.amax())),
        "attacked_at": tuple(reached[0].tolist()),
    }


def _in_type(f: Callable[..., Any], kind: torch.dtype) -> Callable[..., Any]:
    return copy.deepcopy(f).to(kind) if isinstance(f, torch.nn.Module) else f


def _exhausted(subject: Subject, precision: str) -> dict[str, Any]:
    """How many float16 inputs of a function of one number share their outputs."""
    if precision != "float16" or subject.dim != 1 or not isinstance(subject.domain, Box | Reals):
        return {}
    x = all_inputs(subject.domain)
    forward = _in_type(subject.call, torch.float16)
    try:
        with torch.no_grad():
            y = forward(x.reshape(-1, *subject.shape)).reshape(len(x), -1)
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises in another type
        return {"notes": (f"It could not be computed in float16 ({error}).",)}
    _, place, count = torch.unique(y, dim=0, return_inverse=True, return_counts=True)
    return {"inputs": len(x), "shared": int((count[place] > 1).sum())}


def _digits(found: Numerical) -> str:
    if found.loss >= 1:
        return "no digit of x is left there."
    return f"{found.digits_lost:.1f} digits are lost there, a share of {found.loss:.2g} of x."


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _read(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_read(name, one) for one in value)
    return float(value) if value in ("inf", "-inf", "nan") else value
