"""Finite domains: all values are computed, and compared with every rounding error counted."""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.errors import PreimageError
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.failures import partial
from preimage.intervals.first_order import values
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.domains import Finite
from preimage.verdicts.graph import trace
from preimage.verdicts.problem import Problem
from preimage.verdicts.subject import touched

LARGEST = 1 << 52
"""Up to which size whole numbers are exact in float64."""

MEMBERS = 20_000
"""The largest set that is compared pair by pair."""


def finite(problem: Problem) -> list[Claim]:
    """All values of a function on a finite set."""
    domain = problem.domain
    if not isinstance(domain, Finite):
        return []
    claims = []
    if problem.codomain is not None and not isinstance(problem.codomain, Finite):
        claims.append(problem.claim(
            "surjective", Status.REFUTED, Level.THEOREM, "pigeonhole",
            "The domain is finite and the codomain is not.", certificate={"kind": "finite"},
        ))  # fmt: skip
    value = _values(problem, domain)
    if value is None or len(domain) > MEMBERS:
        for name in ("injective", "surjective"):
            problem.note(name, "enumeration: the values could not be computed with bounds")  # pyright: ignore[reportArgumentType]
        return claims
    claims += _injective(problem, domain, value)
    if isinstance(problem.codomain, Finite):
        claims += _surjective(problem, problem.codomain, value)
    return claims


def _values(problem: Problem, domain: Finite) -> Bounds | None:
    """Bounds of all values; exact where indices are looked up, or outputs are whole numbers."""
    given = domain.values
    if not given.dtype.is_floating_point:
        table = _looked_up(problem, given)
        return None if table is None else constant(table)
    flat = given.reshape(len(given), -1)
    try:
        if problem.subject.discrete:
            return None
        with partial():
            return values(problem.subject, constant(flat))
    except PreimageError:
        return None


def _looked_up(problem: Problem, index: Tensor) -> Tensor | None:
    """The exact values of an embedding, or of a function of whole numbers without rounding."""
    with torch.no_grad():
        y = problem.subject.call(index.clone())
    call = problem.subject.call
    table = False
    if isinstance(call, torch.nn.Embedding):
        table = type(call) is torch.nn.Embedding and call.max_norm is None and not touched(call)
    whole = not y.dtype.is_floating_point and y.abs().amax() < LARGEST
    if table or (whole and _stays_whole(problem, index)):
        return y.detach().double().reshape(len(index), -1)
    return None


def _stays_whole(problem: Problem, index: Tensor) -> bool:
    """Whether every tensor on the way holds whole numbers, which do not round."""
    graph = trace(problem.subject, index[:5])
    return graph is not None and not any(
        isinstance(value, Tensor) and value.dtype.is_floating_point
        for value in graph.values.values()
    )


def _injective(problem: Problem, domain: Finite, value: Bounds) -> list[Claim]:
    if value.low.shape[1] == 0:
        return []
    order = value.low[:, 0].argsort()
    low, high = value.low[order], value.high[order]
    open_pairs = False
    for place in range(len(order) - 1):
        rest = slice(place + 1, None)
        # Sorted by the first number, only a few of the next can overlap.
        near = int((low[rest, 0] <= high[place, 0]).sum())
        rest = slice(place + 1, place + 1 + near)
        meets = ((low[rest] <= high[place]) & (high[rest] >= low[place])).all(dim=1)
        for other in (meets.nonzero()[:, 0] + place + 1).tolist():
            same = torch.equal(low[place], high[place]) and torch.equal(low[other], high[other])
            if same and torch.equal(low[place], low[other]):
                a, c = (domain.values[order[i]].tolist() for i in (place, other))
                return [problem.claim(
                    "injective", Status.REFUTED, Level.THEOREM, "enumeration",
                    "Two members have exactly the same value.", certificate={"kind": "finite"},
                    witness={"a": a, "b": c, "y": low[place].tolist()},
                )]  # fmt: skip
            open_pairs = True
    if open_pairs:
        problem.note("injective", "enumeration: two values are too close to tell apart")
        return []
    return [problem.claim("injective", Status.PROVED, Level.INTERVAL, "enumeration",
                          "All members have different values.",
                          certificate={"kind": "finite"})]  # fmt: skip


def _surjective(problem: Problem, codomain: Finite, value: Bounds) -> list[Claim]:
    wanted = codomain.values.double().reshape(len(codomain), -1)
    if wanted.shape[1] != value.low.shape[1]:
        return []
    for member in wanted:
        may = ((value.low <= member) & (value.high >= member)).all(dim=1)
        if not bool(may.any()):
            return [problem.claim(
                "surjective", Status.REFUTED, Level.INTERVAL, "enumeration",
                "A member of the codomain is the value of none.", certificate={"kind": "finite"},
                witness={"never reached": member.tolist()},
            )]  # fmt: skip
    outside = [
        place
        for place, row in enumerate(value.low)
        if not bool(((row <= wanted) & (value.high[place] >= wanted)).all(dim=1).any())
    ]
    if outside:
        return [problem.claim(
            "surjective", Status.NOT_A_FUNCTION, Level.INTERVAL, "codomain",
            "It has a value outside the codomain, so that it is no function into it.",
            certificate={"kind": "finite"},
            witness={"x": problem.domain.values[outside[0]].tolist()},  # pyright: ignore[reportAttributeAccessIssue]
        )]  # fmt: skip
    if value.constant:
        return [problem.claim("surjective", Status.PROVED, Level.THEOREM, "enumeration",
                              "Every member of the codomain is a value.",
                              certificate={"kind": "finite"})]  # fmt: skip
    problem.note("surjective", "enumeration: values are known up to rounding only")
    return []
