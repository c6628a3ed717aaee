"""Candidates of the methods of this library, from measured pairs alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import final

from jaxtyping import Float64
from torch import Tensor

from preimage.inverters import METHODS, Inverter
from preimage.inverters.gather import Tally
from preimage.inverters.posterior import PosteriorInverter
from preimage.inverters.problem import Problem
from preimage.papers.deep_inverse.candidates import Candidates
from preimage.papers.deep_inverse.metric import CANDIDATES
from preimage.papers.deep_inverse.tasks import Pairs

QUICK_STEPS = 200


@final
class Ours:
    """Our methods, fitted to the same pairs; the function is learned from them once for all.

    Args:
        known: The measured pairs.
        seed: Fixes everything that is drawn.
        quick: Train networks shortly.
    """

    def __init__(self, known: Pairs, *, seed: int, quick: bool) -> None:
        self._known, self._seed, self._quick = known, seed, quick
        self._problem: Problem | None = None
        self._learned = 0.0

    def candidates(
        self, method: str, y: Float64[Tensor, "targets q"]
    ) -> Iterator[tuple[str, Candidates]]:
        """What a method answers to some targets and, of one with a density, its bare samples."""
        problem = self._learn()
        begin = time.process_time()
        inverter = self._shortened(METHODS[method](seed=self._seed))
        inverter._fit_problem(Tally.start(problem.function), problem)
        trained = time.process_time()
        found = inverter.invert(y, n=CANDIDATES)
        yield (
            method,
            Candidates(
                x=found.x,
                fit_seconds=self._learned + trained - begin,
                answer_seconds=time.process_time() - trained,
                note=f"answers checked by a learned {type(problem.surrogate).__name__}",
            ),
        )
        if isinstance(inverter, PosteriorInverter):
            asked = time.process_time()
            drawn = inverter.sample(y, CANDIDATES, seed=self._seed)
            yield (
                f"{method}, bare samples",
                Candidates(
                    x=drawn,
                    fit_seconds=trained - begin,
                    answer_seconds=time.process_time() - asked,
                    note="no surrogate, no polish, no check",
                ),
            )

    def _learn(self) -> Problem:
        """What all methods are fitted to; only the first one has to wait for it."""
        if self._problem is None:
            begin = time.process_time()
            plain = METHODS["nearest"](seed=self._seed).fit(self._known.x, self._known.y)
            self._problem = plain.fitted
            self._learned = time.process_time() - begin
        return self._problem

    def _shortened(self, inverter: Inverter) -> Inverter:
        recipe = next((f.name for f in fields(inverter) if f.name == "recipe"), None)
        if not self._quick or recipe is None:
            return inverter
        short = replace(getattr(inverter, recipe), steps=QUICK_STEPS)
        return replace(inverter, **{recipe: short})
