"""Verifying a verdict anew: a counterexample by itself, a proof by carrying it out again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch

from preimage.errors import PreimageError
from preimage.verdicts import deciding
from preimage.verdicts.claim import Claim, Status
from preimage.verdicts.domains import Finite
from preimage.verdicts.floats import floats, same_output
from preimage.verdicts.null_direction import layers_of, read_points, verified_collision
from preimage.verdicts.poles import look_for_poles
from preimage.verdicts.problem import Problem, Rule
from preimage.verdicts.refute import opposite_signs, verified_flat, verified_pair
from preimage.verdicts.structure import structure
from preimage.verdicts.subject import NotAFunction, Subject
from preimage.verdicts.surjectivity import verified_label

WITNESSED = {
    "pair": Status.REFUTED, "orientation": Status.REFUTED, "flat": Status.REFUTED,
    "null direction": Status.REFUTED, "labels": Status.PROVED,
    "label outside": Status.NOT_A_FUNCTION,
}  # fmt: skip
"""What each kind of witness can show."""

SECONDS = 60.0
"""How long a proof may take when it is carried out again."""


def recheck(claim: Claim, f: Callable[[Any], Any]) -> bool:
    """Whether a verdict holds up."""
    subject = Subject(f, claim.domain, 0)
    problem = Problem(
        subject=subject, domain=claim.domain, codomain=claim.codomain, semantics=claim.semantics,
        deadline=time.monotonic() + SECONDS,
    )  # fmt: skip
    try:
        subject.examine()
        if claim.status is Status.NOT_A_FUNCTION and claim.certificate["kind"] == "no function":
            look_for_poles(problem)
            structure(problem)
            return False
    except NotAFunction:
        return claim.status is Status.NOT_A_FUNCTION
    except PreimageError:
        return False
    witnessed = _by_witness(problem, claim)
    return _again(problem, claim) if witnessed is None else witnessed


def _by_witness(problem: Problem, claim: Claim) -> bool | None:
    """The verdict on the certificate alone; None where there is nothing but the rule."""
    data = claim.certificate
    if WITNESSED.get(data["kind"], claim.status) is not claim.status:
        return False
    for name in ("a", "b", "y", "x"):
        shown = claim.witness.get(name)
        known = name in data and data["kind"] in ("pair", "label outside")
        if shown is not None and known and list(shown) != list(data[name]):
            return False

    def point(name: str) -> torch.Tensor:
        return torch.tensor(data[name], dtype=torch.float64)

    match data["kind"]:
        case "pair":
            return verified_pair(problem, point("a"), point("b"), point("y"))
        case "orientation":
            return opposite_signs(problem, point("a"), point("b"))
        case "null direction":
            layers = layers_of(problem)
            return layers is not None and verified_collision(problem, layers, *read_points(data))
        case "flat":
            return verified_flat(problem, point("center"), point("radius"))
        case "floats" if "a" in data:
            if claim.status is not Status.REFUTED:
                return False
            return same_output(problem, data["a"], data["b"])
        case "label outside" if isinstance(claim.codomain, Finite):
            known = set(claim.codomain.values.flatten().long().tolist())
            return data["label"] not in known and verified_label(problem, point("x"), data["label"])
        case "labels" if isinstance(claim.codomain, Finite):
            wanted = {str(label) for label in claim.codomain.values.flatten().long().tolist()}
            return wanted <= set(data["x"]) and all(
                verified_label(problem, torch.tensor(x, dtype=torch.float64), int(label))
                for label, x in data["x"].items()
            )
    return None


def _again(problem: Problem, claim: Claim) -> bool:
    rules: dict[str, Rule] = {
        "structure": deciding.structure,
        "range": deciding.onto_range,
        "finite": deciding.finite,
        "pigeonhole": deciding.pigeonhole,
        "outside": deciding.outside,
        "outside codomain": deciding.ends,
        "ends": deciding.ends,
        "hadamard": deciding.hadamard,
        "jacobian": deciding.jacobian,
        "quasi-definite": deciding.quasi_definite,
        "cells": deciding.quasi_definite_cells,
        "p-matrix": deciding.p_matrix,
        "pairs": deciding.pairs,
        "floats": floats,
    }
    rule = rules.get(claim.certificate["kind"])
    if rule is None:
        return False
    names = ("injective", "surjective") if claim.property == "bijective" else (claim.property,)
    found = {one.property: one for one in rule(problem)}
    return all(name in found and _as_claimed(found[name], claim) for name in names)


def _as_claimed(found: Claim, claim: Claim) -> bool:
    """Whether what was found anew is at least what is claimed."""
    if found.status is not claim.status:
        return False
    missed = claim.witness.get("never reached")
    if missed is not None and found.witness.get("never reached") != missed:
        return False
    return all(
        found.bounds.get(name, math.inf) <= value * (1 + 1e-6)
        for name, value in claim.bounds.items()
    )
