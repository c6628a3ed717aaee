"""One call from a formula to its preimages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from preimage.domain import Box
from preimage.errors import InputError
from preimage.function import Function, as_function
from preimage.inverters import METHODS
from preimage.inverters.base import Inverter
from preimage.inverters.exhaustive import all_preimages
from preimage.inverters.gradient import GradientInverter
from preimage.inverters.problem import Problem
from preimage.preimages import Preimages


def invert(
    function: Function | Callable[[Any], Any],
    y: Any,
    domain: Box | tuple[Any, Any] | None = None,
    *,
    n: int = 16,
    tol: float | None = None,
    method: Inverter | str | None = None,
    near: Any = None,
    within: Box | tuple[Any, Any] | None = None,
    seed: int = 0,
    exhaustive: bool = False,
    budget: float = 10.0,
) -> Preimages:
    r"""Finds every distinct x in the domain with f(x) = y that it can, verified, best first.

    Args:
        function: A callable on batches `(batch, p) -> (batch, q)`, of tensors or NumPy arrays, or
            a `Function`.
        y: Targets, `(targets, q)`, in any kind of array or frame.
        domain: The box to search, where `function` is a plain callable.
        n: The most answers for a target.
        tol: The residual up to which an answer is confirmed, in the units of y; 1e-9 of the
            spread of y over the domain by default.
        method: An inverter, or the name of one; `GradientInverter()` by default.
        near: A present state: answers closest to it come first. "previous" follows one branch
            along a path of targets.
        within: A box inside the domain in which answers must lie.
        seed: Fixes everything that is drawn.
        exhaustive: Find all preimages, with proof that none is missing, or say which cells of the
            domain could not be settled. For functions in torch operations with as many outputs as
            inputs, up to four.
        budget: The most seconds that an exhaustive search spends on cells; what is open then is
            not settled.

    Returns:
        The answers, with how each was checked and what became of each target.

    Raises:
        InputError: If targets, domain, near or within do not fit together.
        FunctionError: If the function gives nothing usable anywhere in the domain.
        UnsupportedOperation: If an exhaustive search meets an operation without interval rules;
            the message names it. Write the function in torch operations, or leave it out.

    Example:
        >>> answers = invert(lambda x: x**3 - x, [0.0, 7.0], Box(-2, 2))
        >>> print(answers)
        1 of 2 targets answered; checked by the function, derivatives by autodiff
        0: solved (3 answers, residual 0)
          x = -1
          x = 0
          x = 1
        7: unreachable (nearest reachable output 6, 1 away)
        >>> found = invert(lambda x: x**3 - x, [0.0, 7.0], Box(-2, 2), exhaustive=True)
        >>> print(found.explain(0), found.explain(1), sep="\n")
        0: all preimages found (3 answers, residual 0)
        7: no preimage exists (nearest output found 6, 1 away)
    """
    inverter = _method(method, seed)
    if not exhaustive:
        inverter.fit_function(function, domain)
        return inverter.invert(y, n=n, near=near, within=within, tol=tol)
    forward = as_function(function, domain)

    def search(targets: Tensor, most: int) -> Preimages:
        inverter.fit_function(forward)
        return inverter.invert(targets, n=most, within=within, tol=tol)

    problem = Problem.of(forward, anchors=inverter.anchors, seed=inverter.seed)
    return all_preimages(problem, search, y, n=n, near=near, within=within, tol=tol, budget=budget)


def _method(method: Inverter | str | None, seed: int) -> Inverter:
    if method is None:
        return GradientInverter(seed=seed)
    if isinstance(method, Inverter):
        return method
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}; there are {', '.join(METHODS)}.")
    return METHODS[method](seed=seed)
