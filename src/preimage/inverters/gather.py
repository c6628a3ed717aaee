"""Batches of answers put together as `Preimages`, in the kind of array that was asked with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from preimage.certificates import Source
from preimage.function import Function
from preimage.inverters.problem import Problem
from preimage.inverters.ranking import Answers
from preimage.preimages import Preimages, Status
from preimage.tables import Table


@final
@dataclass(frozen=True)
class Tally:
    """How often a function had been called at some moment."""

    evaluations: int
    excluded: int

    @staticmethod
    def start(function: Function) -> Tally:
        """The present count."""
        return Tally(function.evaluations, function.excluded)

    def without(self, other: Tally) -> Tally:
        """The count without what `other` counted."""
        return Tally(self.evaluations - other.evaluations, self.excluded - other.excluded)

    def since(self, function: Function) -> Tally:
        """What has come on top."""
        return Tally.start(function).without(self)


def gather(
    batches: Iterable[Answers], problem: Problem, table: Table, *, n: int, tol: float, tally: Tally
) -> Preimages:
    """Fills the whole result batch by batch, so that no answer is held twice."""
    count, p, q = len(table.values), problem.input_dim, problem.output_dim
    on_surrogate = problem.checker == "surrogate"
    x, y = _nans(count, n, p), _nans(count, n, q)
    residual, ok = _nans(count, n), torch.zeros(count, n, dtype=torch.bool)
    sd = _nans(count, n, q) if on_surrogate else None
    outside = torch.zeros(count, n, dtype=torch.bool) if problem.support is not None else None
    status = np.empty(count, dtype=object)
    row = 0
    for batch in batches:
        here = slice(row, row + len(batch.status))
        row += len(batch.status)
        most = batch.x.shape[1]
        x[here, :most], y[here, :most] = batch.x, batch.y
        residual[here, :most], ok[here, :most] = batch.residual, batch.ok
        status[here] = _objects(batch.status)
        if sd is not None and batch.sd is not None:
            sd[here, :most] = batch.sd
        if outside is not None and problem.support is not None:
            there = batch.x.isfinite().all(dim=2)
            outside[here, :most][there] = problem.support.outside(batch.x[there])
    spent = tally.since(problem.function)

    def give(values: Tensor | None) -> Any:
        return values if values is None or table.kind == "torch" else values.numpy()

    return Preimages(
        x=give(x),
        y=give(y),
        residual=give(residual),
        ok=give(ok),
        targets=give(torch.from_numpy(table.values)),
        status=status,
        sd=give(sd),
        outside=give(outside),
        checker=problem.checker,
        derivatives=problem.function.derivatives.value,
        tol=tol,
        evaluations=spent.evaluations,
        excluded=spent.excluded,
        inputs=problem.box.names,
        outputs=problem.outputs,
        kind=table.kind,
        _source=Source(problem.function, problem.box),
    )


def _nans(*shape: int) -> Tensor:
    return torch.full(shape, torch.nan, dtype=torch.float64)


def _objects(status: list[Status]) -> np.ndarray:
    out = np.empty(len(status), dtype=object)
    out[:] = status
    return out
