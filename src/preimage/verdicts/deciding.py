"""`check`: the rules one after the other, until both questions are settled or time is up."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from preimage.errors import InputError
from preimage.verdicts.boxes import jacobian, pairs
from preimage.verdicts.claim import Claim, Level, Property, Status
from preimage.verdicts.domains import Finite, Reals, as_domain
from preimage.verdicts.finite import finite
from preimage.verdicts.floats import floats, known
from preimage.verdicts.hadamard import hadamard
from preimage.verdicts.null_direction import null_direction
from preimage.verdicts.p_matrix import p_matrix
from preimage.verdicts.poles import look_for_poles
from preimage.verdicts.problem import Problem, Rule
from preimage.verdicts.quasi_definite import quasi_definite, quasi_definite_cells
from preimage.verdicts.refute import flat, orientation, pair
from preimage.verdicts.report import Report
from preimage.verdicts.structure import structure
from preimage.verdicts.subject import NotAFunction, Subject
from preimage.verdicts.surjectivity import ends, labels, onto_range, outside, pigeonhole

ON_REALS: tuple[Rule, ...] = (
    onto_range, finite, pigeonhole, structure, labels, outside, ends,
    jacobian, quasi_definite, orientation, flat, null_direction, pair, hadamard,
    quasi_definite_cells, p_matrix, pairs,
)  # fmt: skip
"""The rules over the reals, cheap ones first."""

IN_FLOATS: tuple[Rule, ...] = (onto_range, floats)
"""The rules for a function as computed."""

OF_SURJECTIVITY = (onto_range, labels, outside, ends)
OF_INJECTIVITY = (orientation, flat, null_direction, pair, quasi_definite_cells, p_matrix, pairs,
                  floats)  # fmt: skip


def check(
    f: Any,
    domain: Any,
    codomain: Any = None,
    *,
    semantics: str = "real",
    resolution: float = 1e-3,
    budget: float = 10.0,
    seed: int = 0,
) -> Report:
    r"""Is f invertible? Verdicts on injectivity and surjectivity, with proof or counterexample.

    f is injective if $f(x) = f(x')$ only for $x = x'$; surjective if every y of the codomain is
    some f(x); invertible if both. Networks are examined layer by layer; other functions, and what
    layers leave open, by counterexamples that Krawczyk's test proves, and by interval arithmetic.
    A verdict is given only where every hypothesis was verified. Otherwise it is "unknown".

    Args:
        f: A module, which is copied, or a callable on a batch of float64, row by row.
        domain: The set of one sample: `Box(low, high)`, `Reals(n)`, `Reals(shape)` or
            `Finite(values)`.
        codomain: The set onto which; all real vectors of the outputs by default. "range" asks for
            an inverse on the image.
        semantics: "real" takes f as a function of real numbers, with weights exactly as stored;
            "float16", "float32" and "float64" take it as it is computed.
        resolution: Where closer collisions than this share of the box cannot be excluded, the
            status is "no collision above resolution".
        budget: For how many seconds to look.
        seed: Fixes everything that is drawn.

    Returns:
        A `Report` with a `Claim` for each property.

    Raises:
        InputError: If an argument is of the wrong kind; the message says what to give.
        FunctionError: If f fails wherever it was tried.

    Example:
        >>> import torch, preimage
        >>> report = check(torch.nn.Linear(3, 2), Reals(3))
        >>> report.injective.status.value, report.injective.rule
        ('refuted', 'dimension')
        >>> check(lambda x: x**3 - x, preimage.Box(0.6, 2), "range").bijective.status.value
        'proved'
    """
    begin = time.monotonic()
    domain = as_domain(domain)
    _check_numbers(resolution, budget)
    subject = Subject(f, domain, seed)
    problem = Problem(
        subject=subject, domain=domain, codomain=None, semantics=known(semantics),
        resolution=resolution, deadline=begin + budget, seed=seed,
    )  # fmt: skip
    if codomain is not None and codomain != "range":
        problem.codomain = as_domain(codomain)
    claims: dict[str, Claim] = {}
    try:
        subject.examine()
        if codomain is None and not subject.discrete:
            problem.codomain = Reals(max(1, subject.output_dim))
        _check_codomain(problem)
        if problem.semantics == "real" and not isinstance(domain, Finite):
            look_for_poles(problem)
        _decide(problem, claims, asks_range=codomain == "range")
    except NotAFunction as error:
        claims = _no_function(problem, error)
    for name in ("injective", "surjective"):
        if name not in claims:
            claims[name] = _unknown(problem, name)
    return Report(
        name=_name(f),
        injective=claims["injective"],
        surjective=claims["surjective"],
        notes=tuple(subject.notes),
        seconds=time.monotonic() - begin,
    )


def _decide(problem: Problem, claims: dict[str, Claim], *, asks_range: bool) -> None:
    for rule in ON_REALS if problem.semantics == "real" else IN_FLOATS:
        if rule is onto_range and not asks_range:
            continue
        if "injective" in claims and rule in OF_INJECTIVITY:
            continue
        if "surjective" in claims and rule in OF_SURJECTIVITY:
            continue
        if problem.left < 0:
            for name in ("injective", "surjective"):
                problem.note(name, "the time was up")
            break
        for claim in rule(problem):
            held = claims.get(claim.property)
            if held is None or held.status is Status.NO_COLLISION:
                claims[claim.property] = claim
        if len(claims) == 2:
            break


def _no_function(problem: Problem, error: NotAFunction) -> dict[str, Claim]:
    claims = {}
    for name in ("injective", "surjective"):
        claims[name] = problem.claim(
            name, Status.NOT_A_FUNCTION, Level.THEOREM, error.rule, str(error),
            certificate={"kind": "no function"}, witness=error.witness,
        )  # fmt: skip
    return claims


def _unknown(problem: Problem, asked: Property) -> Claim:
    claim = problem.claim(asked, Status.UNKNOWN, Level.NUMERIC, "none",
                          "No rule decided.", certificate={})  # fmt: skip
    return replace(claim, tried=tuple(problem.tried.get(asked, ())), helps=_helps(problem))


def _helps(problem: Problem) -> tuple[str, ...]:
    helps = []
    if problem.graph is None:
        helps.append("a module, or a function without decisions by if, that torch.fx can trace")
    if isinstance(problem.domain, Reals):
        helps.append("a box as domain, on which intervals can be used")
    elif not isinstance(problem.domain, Finite):
        helps.append("a smaller box")
    helps.append("a larger budget")
    return tuple(helps)


def _check_numbers(resolution: float, budget: float) -> None:
    if not 0 < resolution < 1:
        raise InputError(f"resolution={resolution} is no share of the box; give one such as 1e-3.")
    if not budget > 0:
        raise InputError(f"budget={budget} seconds is no time; give a positive number.")


def _check_codomain(problem: Problem) -> None:
    given = problem.codomain
    if given is None or isinstance(given, Finite) or problem.subject.discrete:
        return
    if given.dim != problem.m:
        raise InputError(
            f"the codomain has {given.dim} dimensions and the function {problem.m} outputs; give "
            "one of the same dimension, or leave it out."
        )


def _name(f: Any) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    return "The function" if name == "<lambda>" else name
