"""The benchmark: every method on every task, from the same measured pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from torch import Tensor

from preimage.errors import InputError, MissingExtraError
from preimage.inverters import METHODS
from preimage.papers.deep_inverse.candidates import Candidates
from preimage.papers.deep_inverse.metric import errors, resimulation
from preimage.papers.deep_inverse.ours import Ours
from preimage.papers.deep_inverse.peers import PEERS, installed
from preimage.papers.deep_inverse.tasks import MEASURED, TASKS, Task


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is run.

    Attributes:
        tasks: Names out of `TASKS`.
        methods: Names out of `METHODS` and `PEERS`.
        targets: How many fresh targets are asked for.
        measured: How many pairs are known.
        quick: Train shortly, for a look.
        seed: Fixes everything that is drawn.
    """

    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    targets: int = 500
    measured: int = MEASURED
    quick: bool = False
    seed: int = 0

    @staticmethod
    def of(tasks: Sequence[str], methods: Sequence[str], *, quick: bool, seed: int) -> Plan:
        """The plan for some tasks and methods; for all that there are, where none are named.

        Raises:
            InputError: If there is no such task or method.
            MissingExtraError: If a peer is named and not installed.
        """
        _known("task", tasks, list(TASKS))
        _known("method", methods, [*METHODS, *PEERS])
        for name in methods:
            if name in PEERS and name not in installed():
                raise MissingExtraError(
                    f"the peer {name!r} is not installed: pip install {PEERS[name][0]}, or leave "
                    "it out."
                )
        whole = Plan(
            tasks=tuple(tasks or TASKS),
            methods=tuple(methods or [*METHODS, *installed()]),
            quick=quick,
            seed=seed,
        )
        if not quick:
            return whole
        return Plan(
            tasks=whole.tasks, methods=whole.methods, targets=50, measured=500,
            quick=True, seed=seed,
        )  # fmt: skip


@final
@dataclass(frozen=True, kw_only=True)
class Curve:
    """How well one method did on one task.

    Attributes:
        task: The task.
        method: The method.
        r: $r_T$ for T = 1, 2, …
        per_target: Candidates that a target has, on average.
        fit_seconds: CPU time spent on the measured pairs.
        answer_milliseconds: CPU time spent on one target.
        note: How the candidates were found.
    """

    task: str
    method: str
    r: tuple[float, ...]
    per_target: float
    fit_seconds: float
    answer_milliseconds: float
    note: str


def run(plan: Plan) -> Iterator[Curve]:
    """Runs the plan, and gives every curve as soon as it is there."""
    for name in plan.tasks:
        yield from _curves(TASKS[name], plan)


def _curves(task: Task, plan: Plan) -> Iterator[Curve]:
    known, wanted = task.draw(plan.measured, plan.seed), task.draw(plan.targets, plan.seed + 1)
    ours = Ours(known, seed=plan.seed, quick=plan.quick)
    for method in plan.methods:
        if method in METHODS:
            for label, found in ours.candidates(method, wanted.y):
                yield _curve(task, label, found, wanted.y)
        else:
            label, peer = PEERS[method]
            yield _curve(task, label, peer(task, known, wanted.y, plan.seed, plan.quick), wanted.y)


def _curve(task: Task, method: str, found: Candidates, y: Tensor) -> Curve:
    error = errors(task, found.x, y)
    return Curve(
        task=task.name,
        method=method,
        r=tuple(resimulation(error).tolist()),
        per_target=float(error.isfinite().double().sum(dim=1).mean()),
        fit_seconds=found.fit_seconds,
        answer_milliseconds=1e3 * found.answer_seconds / len(y),
        note=found.note,
    )


def _known(kind: str, names: Sequence[str], there: list[str]) -> None:
    for name in names:
        if name not in there:
            raise InputError(f"there is no {kind} {name!r}; there are {', '.join(there)}.")
