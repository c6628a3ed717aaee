"""A question about a function: what is asked, what is known of the function, how long there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.errors import PreimageError
from preimage.intervals.bounds import Bounds
from preimage.intervals.failures import UndefinedEnclosure, holes_seen, partial
from preimage.intervals.first_order import linearized, values
from preimage.verdicts.claim import Claim, Level, Property, Status
from preimage.verdicts.domains import Domain, Finite, Reals
from preimage.verdicts.graph import Graph, trace
from preimage.verdicts.subject import Subject

LARGEST = 1 << 14
"""Up to how many numbers at once values are enclosed."""


@final
@dataclass(kw_only=True)
class Problem:
    """Everything that a rule looks at.

    Attributes:
        subject: The function.
        domain: The set on which it is asked about.
        codomain: The set onto which; None for the range.
        semantics: "real", or a floating-point type.
        resolution: Collisions closer than this share of the box may stay unfound.
        deadline: When to stop, by `time.monotonic`.
        seed: Fixes everything that is drawn.
        tried: What did not decide, and why, by property.
        chains: The pieces of the function, once they were looked at.
    """

    subject: Subject
    domain: Domain
    codomain: Domain | None
    semantics: str = "real"
    resolution: float = 1e-3
    deadline: float = float("inf")
    seed: int = 0
    tried: dict[str, list[str]] = field(default_factory=dict)
    chains: dict[bool, Any] = field(default_factory=dict, repr=False)

    @property
    def n(self) -> int:
        """The dimension of the domain."""
        return self.subject.dim

    @property
    def m(self) -> int:
        """How many numbers an output has."""
        return self.subject.output_dim

    @cached_property
    def size(self) -> int:
        """The most numbers that a sample becomes on its way."""
        graph = self.graph
        cuts = None if graph is None else graph.cuts(graph.start, graph.end)
        widths = [graph.size(cut) for cut in cuts] if graph is not None and cuts else []
        return max([self.n, self.m, *widths])

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return self.deadline - time.monotonic()

    @property
    def onto_reals(self) -> bool:
        """Whether the codomain is the whole space of outputs."""
        return isinstance(self.codomain, Reals) and self.codomain.dim == self.m

    @cached_property
    def graph(self) -> Graph | None:
        """The graph of the function, where it can be traced."""
        if isinstance(self.domain, Finite) and self.domain.values.ndim != 2:
            return None
        x = self.subject.points(5) if not isinstance(self.domain, Finite) else self.domain.values
        return trace(self.subject, x[:5].double())

    @cached_property
    def box(self) -> Bounds:
        """The domain as intervals, `(1, n)`."""
        if isinstance(self.domain, Box):
            return Bounds(self.domain.low[None], self.domain.high[None])
        whole = torch.full((1, self.n), torch.inf, dtype=torch.float64)
        return Bounds(-whole, whole)

    @cached_property
    def on_box(self) -> tuple[Bounds, Bounds] | PreimageError:
        """Values and Jacobian on the whole domain, or why there are none."""
        try:
            with partial():
                found = linearized(self.subject, self.box)
                if holes_seen():
                    return UndefinedEnclosure("the function may be undefined in the domain")
                return found
        except PreimageError as error:
            return error

    @cached_property
    def range(self) -> Bounds | None:
        """The values on the whole domain, where there are rules for them."""
        if self.size > LARGEST:
            return None
        try:
            with partial():
                return values(self.subject, self.box)
        except PreimageError:
            return None

    def lipschitz_on(self, low: Tensor, high: Tensor) -> bool:
        """Whether f is surely defined and Lipschitz, and so continuous, on a box."""
        try:
            _, slope = linearized(self.subject, Bounds(low[None], high[None]))
        except PreimageError:
            return False
        return bool(slope.finite.all())

    def note(self, asked: Property, line: str) -> None:
        """Remembers what did not decide."""
        lines = self.tried.setdefault(asked, [])
        if line not in lines:
            lines.append(line)

    def claim(
        self,
        asked: Property,
        status: Status,
        level: Level,
        rule: str,
        reason: str,
        *,
        certificate: Mapping[str, Any],
        witness: Mapping[str, Any] | None = None,
        bounds: Mapping[str, float] | None = None,
    ) -> Claim:
        """A verdict on this question."""
        known = {name: float(value) for name, value in (bounds or {}).items() if 0 < value < 1e300}
        return Claim(
            property=asked, status=status, level=level, semantics=self.semantics, rule=rule,
            reason=reason, domain=self.domain, codomain=self.codomain, certificate=certificate,
            witness=witness or {}, bounds=known,
        )  # fmt: skip


Rule = Callable[[Problem], list[Claim]]
"""A rule gives verdicts, or none; what it could not do, it notes in the problem."""
