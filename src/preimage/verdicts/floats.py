"""A function as it is computed in floating point: every call is exact, and collisions are plain."""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.errors import InputError
from preimage.runtime import generator
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.domains import Domain
from preimage.verdicts.problem import Problem

TYPES = {"float16": torch.float16, "float32": torch.float32, "float64": torch.float64}

SAMPLES = 1 << 16
"""How many inputs are compared."""


def floats(problem: Problem) -> list[Claim]:
    """Two different inputs with the same output as computed; all inputs, if there are few."""
    kind = TYPES[problem.semantics]
    every = _all_inputs(problem, kind)
    x = _some_inputs(problem, kind) if every is None else every
    y = _outputs(problem, x)
    if y is None:
        problem.note("injective", f"floats: the function cannot be computed in {problem.semantics}")
        return []
    _, group, count = torch.unique(y, dim=0, return_inverse=True, return_counts=True)
    for crowded in count.gt(1).nonzero()[:8, 0]:
        a, c = (group == crowded).nonzero()[:2, 0].tolist()
        # How a number is rounded may depend on its place in a batch.
        if not same_output(problem, x[a].double().tolist(), x[c].double().tolist()):
            continue
        both = {"a": x[a].double().tolist(), "b": x[c].double().tolist()}
        value = y[a].double().nan_to_num(posinf=1e308, neginf=-1e308)
        return [problem.claim(
            "injective", Status.REFUTED, Level.THEOREM, "equal outputs",
            f"Two inputs have the same output, bit for bit, in {problem.semantics}.",
            certificate={"kind": "floats", **both}, witness={**both, "y": value.tolist()},
        )]  # fmt: skip
    if every is not None and not bool(y.isfinite().all()):
        problem.note("injective", "floats: some outputs are NaN or infinite")
        return []
    if every is not None and not bool((count > 1).any()):
        return [problem.claim("injective", Status.PROVED, Level.THEOREM, "exhaustion",
                              f"All {len(x)} inputs have different outputs.",
                              certificate={"kind": "floats"})]  # fmt: skip
    problem.note("injective", f"floats: no two of {len(x)} inputs have the same output")
    return []


def same_output(problem: Problem, a: list[float], c: list[float]) -> bool:
    """Whether two different inputs of the domain have the same output as computed."""
    kind = TYPES[problem.semantics]
    x = torch.tensor([a, c], dtype=torch.float64).to(kind)
    y = _outputs(problem, x)
    inside = not isinstance(problem.domain, Box) or bool(
        problem.domain.contains(x.double(), 0).all()
    )
    return inside and y is not None and not torch.equal(x[0], x[1]) and torch.equal(y[0], y[1])


def _all_inputs(problem: Problem, kind: torch.dtype) -> Tensor | None:
    """All numbers of a scalar float16 domain."""
    if problem.n != 1 or kind is not torch.float16:
        return None
    return all_inputs(problem.domain)


def all_inputs(domain: Domain) -> Tensor:
    """All finite float16 numbers in a domain of one dimension, `(count, 1)`."""
    x = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16).view(torch.float16)
    # Zero counts once, and what is not finite is no input.
    x = x[x.isfinite()].double().unique()
    if isinstance(domain, Box):
        x = x[(x >= domain.low) & (x <= domain.high)]
    return x.to(torch.float16)[:, None]


def _some_inputs(problem: Problem, kind: torch.dtype) -> Tensor:
    count = max(64, min(SAMPLES, (1 << 20) // problem.n))
    x = problem.subject.points(min(count, 1 << 14), salt=5)
    # Neighbours are what rounding joins; the ends of a box are where functions saturate.
    step = torch.randn(x.shape, generator=generator(problem.seed), dtype=torch.float64)
    x = torch.cat([x, x + 1e-6 * step * (1 + x.abs())]).to(kind)
    inside = x.isfinite().all(dim=1)
    if isinstance(problem.domain, Box):
        inside &= problem.domain.contains(x.double(), 0)
    return x[inside].double().unique(dim=0).to(kind)


def _outputs(problem: Problem, x: Tensor) -> Tensor | None:
    call = problem.subject.call
    if isinstance(call, torch.nn.Module):
        import copy

        call = copy.deepcopy(call).to(x.dtype)
    try:
        with torch.no_grad():
            y = call(x.reshape(len(x), *problem.subject.shape).clone())
    except Exception:  # noqa: BLE001 - whatever a user's function raises in another type
        return None
    if not isinstance(y, Tensor) or len(y) != len(x):
        return None
    return y.reshape(len(x), -1)


def known(semantics: str) -> str:
    """The semantics, if it is one.

    Raises:
        InputError: If it is none.
    """
    if semantics != "real" and semantics not in TYPES:
        raise InputError(
            f'semantics={semantics!r} is none of "real", {", ".join(map(repr, TYPES))}.'
        )
    return semantics
