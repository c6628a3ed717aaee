"""What every method of the benchmark gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Float64
from torch import Tensor


@final
@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Proposed inputs for each target, in the method's order; NaN where it has no more.

    Attributes:
        x: The candidates.
        fit_seconds: CPU time spent on the measured pairs.
        answer_seconds: CPU time spent on all targets together.
        note: How they were found.
    """

    x: Float64[Tensor, "targets candidates p"]
    fit_seconds: float
    answer_seconds: float
    note: str
