"""Every preimage in a box, with proof that none is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.certificates import Certificates, Enumeration, cannot
from preimage.domain import Box, as_box
from preimage.errors import InputError
from preimage.intervals.branch_and_prune import solve_each
from preimage.intervals.failures import UnsupportedOperation
from preimage.intervals.solutions import Solutions
from preimage.inverters.arguments import rows_of, states_of, tolerance, whole_number
from preimage.inverters.gather import Tally, gather
from preimage.inverters.implicit import differentiable
from preimage.inverters.problem import Problem
from preimage.inverters.ranking import Answers
from preimage.preimages import Preimages, Status
from preimage.progress import progress
from preimage.space import EUCLIDEAN

MOST_INPUTS = 4
"""Beyond, the cells of a box are too many."""

SEAM = 1e-9
"""By how many box widths the search goes beyond the ends of periodic inputs."""

NEARBY = 1e-4
"""An answer of the numerical search this close to an unsettled cell, in box widths, is moved in."""

CELLS = 1000
"""So many unsettled cells are looked at for answers without proof."""

MOST_TAKEN = 64
"""And so many answers are taken from them."""

STEPS = 1000
"""Steps of the progress bar."""

Search = Callable[[Tensor, int], Preimages]
"""The numerical search: up to so many answers for some targets."""


def all_preimages(
    problem: Problem,
    search: Search,
    y: Any,
    *,
    n: int,
    near: Any,
    within: Box | tuple[Any, Any] | None,
    tol: float | None,
    budget: float,
) -> Preimages:
    """Answers that are proved to be all there are, or the cells in which more may be.

    Branch and prune finds every solution of f(x) = y. Where cells could not be settled, answers of
    the numerical search that lie in them are given too, without a certificate; for a target that
    is proved to have none, it names the nearest output.

    Args:
        problem: What is to be inverted.
        search: Asked only for targets that have an unsettled cell, or no preimage.
        y: Targets, `(targets, q)`, in any kind of table.
        n: The most answers for a target.
        near: A state: the answers closest to it come first.
        within: A box inside the domain in which answers must lie.
        tol: The residual up to which an answer without a certificate is confirmed.
        budget: The most seconds that are spent on cells.

    Raises:
        InputError: If all preimages of such a function cannot be enumerated, and why.
        UnsupportedOperation: If the function is not written in torch operations that have rules.
    """
    _check_kind(problem, near, budget)
    n = whole_number(n)
    table = rows_of(y, problem.outputs, "targets")
    targets = torch.from_numpy(table.values)
    states = None if near is None else states_of(near, problem.box.names, len(targets))
    if within is not None:
        problem = problem.within(problem.box.intersection(as_box(within)))
    limit = problem.tol if tol is None else tolerance(tol)
    tally = Tally.start(problem.function)
    begin = time.monotonic()
    solved = _solve(problem, targets, budget)
    spent = time.monotonic() - begin
    found = [_first_answers(problem, one) for one in solved]
    doubtful = [i for i, one in enumerate(solved) if one.none or not one.complete]
    if doubtful:
        numerical = search(targets[doubtful], MOST_TAKEN).numpy()
        for row, i in enumerate(doubtful):
            reached = torch.from_numpy(numerical.x[row])
            if solved[i].none:
                found[i] = found[i].unproved(reached[:1])
            else:
                reached = reached[torch.from_numpy(numerical.ok[row])]
                found[i] = _with_numerical(found[i], solved[i], problem, targets[i], reached, limit)
    chosen = [
        one.nearest(problem.box, None if states is None else states[i], n)
        for i, one in enumerate(found)
    ]
    answers = _answers(chosen, solved, problem, targets)
    result = gather([answers], problem, table, n=n, tol=limit, tally=tally)
    proofs = _certificates(chosen, problem, n)
    result = replace(
        result,
        certificates=proofs if table.kind == "torch" else proofs.numpy(),
        enumeration=Enumeration(
            total=np.array([int(one.proved.sum()) for one in found]),
            unsettled=tuple(_corners(one) for one in solved),
            boxes=sum(one.boxes for one in solved),
            seconds=spent,
        ),
    )
    if isinstance(y, Tensor) and y.requires_grad:
        return differentiable(result, problem, y)
    return result


def _check_kind(problem: Problem, near: Any, budget: float) -> None:
    p, m = problem.input_dim, problem.difference_dim
    if problem.checker != "function":
        raise InputError(
            "all preimages of a function that was learned from measurements would be those of the "
            "surrogate, not of what was measured; leave exhaustive out. certify() says what is "
            "proved about the surrogate."
        )
    if problem.space is not EUCLIDEAN:
        raise InputError(
            "all preimages are enumerated for outputs that are plain numbers; here several "
            "outputs are the same, as rotations are. Leave exhaustive out."
        )
    if m < p:
        raise InputError(
            f"the function has {p} inputs and {m} outputs, so that preimages form a continuum, of "
            f"which there is no list. Fix {p - m} of the inputs, or add outputs; without "
            "exhaustive, n answers that cover it are given."
        )
    if m > p:
        raise InputError(
            f"the function has {m} outputs and {p} inputs. More equations than unknowns have no "
            f"solution that survives rounding; invert {p} of the outputs."
        )
    if p > MOST_INPUTS:
        raise InputError(
            f"the function has {p} inputs; all preimages are found for up to {MOST_INPUTS}, as "
            "cells grow too many beyond. Fix some inputs, or leave exhaustive out and certify "
            "the answers."
        )
    if isinstance(near, str):
        raise InputError(
            f"near={near!r} follows one branch, and exhaustive asks for all; leave one of them out."
        )
    if not (isinstance(budget, int | float) and budget > 0):
        raise InputError(f"budget={budget!r} is not a positive number of seconds.")


def _solve(problem: Problem, targets: Tensor, budget: float) -> list[Solutions]:
    """All solutions in the box, and a little beyond the seam of a periodic input."""
    box = problem.box
    margin = torch.where(box.periodic, SEAM * box.width, 0.0)
    with progress("searching everywhere", STEPS) as bar:
        try:
            return solve_each(
                problem.function.fn, targets, box.low - margin, box.high + margin,
                seconds=budget, watch=lambda part: bar.update(int(STEPS * part)),
            )  # fmt: skip
        except UnsupportedOperation as error:
            raise cannot(error, "not all preimages can be enumerated") from error


@final
@dataclass(frozen=True)
class _Points:
    """Answers to one target, with what is proved about them."""

    x: Float64[Tensor, "points p"]
    low: Float64[Tensor, "points p"]
    high: Float64[Tensor, "points p"]
    isolation: Float64[Tensor, " points"]
    proved: Bool[Tensor, " points"]

    def at(self, row: Tensor) -> _Points:
        return _Points(*(getattr(self, name)[row] for name in _FIELDS))

    def unproved(self, x: Tensor) -> _Points:
        """These and others, about which nothing is proved."""
        nan, no = torch.full_like(x, torch.nan), torch.zeros(len(x), dtype=torch.bool)
        other = _Points(x, nan, nan, nan[:, 0], no)
        return _Points(*(torch.cat([getattr(self, f), getattr(other, f)]) for f in _FIELDS))

    def nearest(self, box: Box, near: Tensor | None, n: int) -> _Points:
        """The n that come first: close to a state, or else proved and in the order of x."""
        if near is not None:
            return self.at(box.difference(self.x, near).norm(dim=1).argsort(stable=True)[:n])
        order = torch.arange(len(self.x))
        for key in (*reversed((self.x / box.width).round(decimals=9).unbind(dim=1)), ~self.proved):
            order = order[key[order].argsort(stable=True)]
        return self.at(order[:n])


_FIELDS = ("x", "low", "high", "isolation", "proved")


def _first_answers(problem: Problem, solved: Solutions) -> _Points:
    """The solutions as points of the box; those on both sides of a seam once."""
    box = problem.box
    kept: list[int] = []
    for i in range(len(solved)):
        if not any(_across_seam(solved, i, j, box) for j in kept):
            kept.append(i)
    row = torch.tensor(kept, dtype=torch.int64)
    there = solved.x[row]
    inside = torch.minimum(torch.maximum(there, box.low), box.high)
    x = torch.where(box.periodic, box.clip(there), inside)
    shift = torch.where(box.periodic, ((there - x) / box.width).round() * box.width, 0.0)
    # Shifting rounds.
    margin = torch.where(shift == 0, 0.0, 2.0**-50 * (shift.abs() + there.abs() + x.abs()))
    off = ((there - shift - x).abs() / box.width).amax(dim=1) + 1e-15
    return _Points(
        x=x,
        low=solved.low[row] - shift - margin,
        high=solved.high[row] - shift + margin,
        isolation=(solved.isolation[row] - off).clamp(min=0.0),
        proved=torch.ones(len(x), dtype=torch.bool),
    )


def _across_seam(solved: Solutions, i: int, j: int, box: Box) -> bool:
    """Whether two boxes at the two ends of a periodic input hold the same state."""
    if not bool(box.periodic.any()):
        return False
    turns = torch.where(box.periodic, ((solved.x[i] - solved.x[j]) / box.width).round(), 0.0)
    shift, margin = turns * box.width, SEAM * box.width
    meet = (solved.low[i] - shift <= solved.high[j] + margin) & (
        solved.high[i] - shift >= solved.low[j] - margin
    )
    return bool((turns != 0).any()) and bool(meet.all())


def _with_numerical(
    points: _Points,
    solved: Solutions,
    problem: Problem,
    target: Tensor,
    reached: Float64[Tensor, "reached p"],
    tol: float,
) -> _Points:
    """The answers with those of the numerical search that lie in unsettled cells."""
    box, low, high = problem.box, solved.undecided_low[:CELLS], solved.undecided_high[:CELLS]
    into = torch.minimum(torch.maximum(reached[:, None], low), high)
    close = box.difference(into, reached[:, None]).abs().amax(dim=2) <= NEARBY
    tiny = ((high - low) <= NEARBY * box.width).all(dim=1)
    tried = box.clip(torch.cat([into[close], ((low + high) / 2)[tiny]]))
    alone = torch.cat([tiny.expand(close.shape)[close], tiny[tiny]])
    residual = problem.space.distance(problem.function(tried), target).nan_to_num(nan=torch.inf)
    order = residual.argsort(stable=True)
    # Where f hardly changes, tiny cells side by side hold one answer, as far as tol can tell.
    reach = torch.where(alone, NEARBY, problem.separation)
    taken: list[int] = []
    for i in order[residual[order] <= tol].tolist():
        rivals = torch.cat([points.x, tried[taken]])
        apart = box.difference(tried[i], rivals).abs().amax(dim=1)
        if bool((apart > reach[i]).all()):
            taken.append(i)
        if len(taken) == MOST_TAKEN:
            break
    return points.unproved(tried[taken])


def _answers(
    chosen: list[_Points], solved: list[Solutions], problem: Problem, targets: Tensor
) -> Answers:
    """All answers in one table, checked by the function as all answers are."""
    owner, place, x = _places(chosen), _ranks(chosen), torch.cat([one.x for one in chosen])
    proved = torch.cat([one.proved for one in chosen])
    y = problem.function(x)
    residual = problem.space.distance(y, targets[owner])
    none = torch.tensor([one.none for one in solved])
    most = max((len(one.x) for one in chosen), default=0)
    shape = (len(chosen), most)
    table = Answers(
        x=torch.full((*shape, x.shape[1]), torch.nan, dtype=torch.float64),
        y=torch.full((*shape, y.shape[1]), torch.nan, dtype=torch.float64),
        residual=torch.full(shape, torch.nan, dtype=torch.float64),
        ok=torch.zeros(shape, dtype=torch.bool),
        sd=None,
        status=[_status(one, whole) for one, whole in zip(chosen, solved, strict=True)],
    )
    table.x[owner, place], table.y[owner, place] = x, y
    table.residual[owner, place] = residual
    table.ok[owner, place] = proved | ~none[owner]
    return table


def _status(points: _Points, solved: Solutions) -> Status:
    if solved.none:
        return Status.NONE_EXISTS
    if solved.complete:
        return Status.ALL_FOUND
    return Status.SOME_UNSETTLED if len(points.x) else Status.UNSETTLED


def _places(chosen: list[_Points]) -> Int64[Tensor, " points"]:
    """Which target each point answers."""
    return torch.arange(len(chosen)).repeat_interleave(torch.tensor([len(c.x) for c in chosen]))


def _ranks(chosen: list[_Points]) -> Int64[Tensor, " points"]:
    """The place of each point among the answers to its target."""
    return torch.cat([torch.arange(len(one.x)) for one in chosen])


def _certificates(chosen: list[_Points], problem: Problem, n: int) -> Certificates:
    """What the search proved, in the form in which answers are certified one by one."""
    owner, place, box = _places(chosen), _ranks(chosen), problem.box
    count, p = len(chosen), problem.input_dim
    proved = torch.zeros(count, n, dtype=torch.bool)
    proved[owner, place] = torch.cat([one.proved for one in chosen])
    nan = torch.full((count, n, p), torch.nan, dtype=torch.float64)
    x, low, high = nan.clone(), nan.clone(), nan.clone()
    x[owner, place] = torch.cat([one.x for one in chosen])
    low[owner, place] = torch.cat([one.low for one in chosen])
    high[owner, place] = torch.cat([one.high for one in chosen])
    isolation = torch.zeros(count, n, dtype=torch.float64)
    isolation[owner, place] = torch.cat([one.isolation for one in chosen]).nan_to_num(nan=0.0)
    radius = torch.nextafter(torch.maximum(high - x, x - low), torch.tensor(torch.inf).double())
    inside = (low >= box.low) & (high <= box.high) | box.periodic
    return Certificates(
        proved=proved,
        low=low,
        high=high,
        radius=radius.amax(dim=2),
        isolation=isolation,
        within=proved & inside.all(dim=2),
        distinct=proved.clone(),
        same=torch.full((count, n), -1),
    )


def _corners(solved: Solutions) -> np.ndarray:
    return torch.stack([solved.undecided_low, solved.undecided_high], dim=1).numpy()
