"""Verdicts from the structure of a network: piece by piece, and what follows for the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch

from preimage.errors import PreimageError
from preimage.intervals.bounds import Bounds
from preimage.intervals.enclosure import bounds_of, interval
from preimage.intervals.failures import partial
from preimage.verdicts.claim import Claim, Level, Status, described
from preimage.verdicts.domains import Finite, Reals
from preimage.verdicts.facts import Facts
from preimage.verdicts.functions import node_facts
from preimage.verdicts.graph import Graph
from preimage.verdicts.patterns import segment_facts
from preimage.verdicts.problem import Problem
from preimage.verdicts.spanning import spans_everywhere

REACH_SIZE = 1 << 12
"""Up to how many numbers at once the intervals that reach each piece are computed."""


@final
@dataclass(frozen=True)
class Chain:
    """A function as pieces one after the other, with the dimension before and after each."""

    pieces: tuple[Facts, ...]
    widths: tuple[int, ...]


def chain_of(problem: Problem, *, merge: bool = True) -> Chain | None:
    """The pieces of a function with what is known of each; None where it cannot be traced.

    Raises:
        NotAFunction: If a piece draws random numbers or looks at other samples.
    """
    if merge not in problem.chains:
        problem.chains[merge] = _chain(problem, merge=merge)
    return problem.chains[merge]


def _chain(problem: Problem, *, merge: bool) -> Chain | None:
    graph = problem.graph
    if graph is None:
        return None
    cuts = graph.cuts(graph.start, graph.end)
    if cuts is None or cuts[-1] is not graph.end:
        return None
    reaches = _reaches(problem, graph, cuts)
    pieces = []
    for start, end, reach in zip(cuts[:-1], cuts[1:], reaches, strict=False):
        between = graph.between(start, end) or []
        single = len(between) == 2 and graph.inputs(end) == [start]
        pieces.append(node_facts(graph, end, reach) if single else segment_facts(graph, start, end))
    widths = tuple(graph.size(cut) for cut in cuts)
    chain = Chain(tuple(pieces), widths)
    return _merged(chain, reaches) if merge else chain


def _reaches(problem: Problem, graph: Graph, cuts: Sequence[Any]) -> list[Bounds | None]:
    """The intervals that reach each cut."""
    none: list[Bounds | None] = [None] * len(cuts)
    if problem.size > REACH_SIZE:
        return none
    try:
        with partial():
            x = interval(Bounds(*(side.clone() for side in problem.box)))
            values = graph.run(x.reshape(1, *problem.subject.shape))
        return [bounds_of(values[cut]) for cut in cuts]
    except PreimageError:
        return none
    except Exception:  # noqa: BLE001 - whatever a user's function does with intervals
        return none


def _merged(chain: Chain, reaches: list[Bounds | None]) -> Chain:
    """Joins a linear map to a rectifier behind it where both together are injective."""
    pieces, widths = list(chain.pieces), list(chain.widths)
    for place in range(len(pieces) - 2, -1, -1):
        first, second = pieces[place], pieces[place + 1]
        if first.weight is None or not second.relu or second.injective:
            continue
        if first.weight.shape[0] < first.weight.shape[1]:
            continue
        reach = reaches[place]
        bias = first.bias if first.bias is not None else torch.zeros(len(first.weight)).double()
        if spans_everywhere(first.weight, bias, None if reach is None else reach):
            joined = replace(
                second, what=f"{first.what} with ReLU", injective=True, relu=False,
                why_injective=f"the rows of {first.what} that the rectifier lets through span the "
                "space at every point", lipschitz=first.lipschitz, inverse=math.inf, local=True,
            )  # fmt: skip
            pieces[place : place + 2] = [joined]
            del widths[place + 1]
    return Chain(tuple(pieces), tuple(widths))


def structure(problem: Problem) -> list[Claim]:
    """What the pieces of a function prove about the whole."""
    chain = chain_of(problem)
    if chain is None or isinstance(problem.domain, Finite):
        for name in ("injective", "surjective"):
            problem.note(name, "structure: torch.fx cannot trace the function")  # pyright: ignore[reportArgumentType]
        return []
    found = [_injective(problem, chain)]
    if problem.onto_reals:
        found.append(_surjective(problem, chain))
    return [claim for claim in found if claim is not None]


def _injective(problem: Problem, chain: Chain) -> Claim | None:
    pieces, widths, n = chain.pieces, chain.widths, chain.widths[0]
    theorem = (Level.THEOREM,)
    certificate = {"kind": "structure"}
    if all(piece.injective for piece in pieces):
        inverse = math.prod(piece.inverse for piece in pieces) * (1 + len(pieces) * 2.0**-52)
        reason = _listed("Every piece is injective", [piece.why_injective for piece in pieces])
        return problem.claim(
            "injective", Status.PROVED, *theorem, "structure", reason, certificate=certificate,
            bounds={"lipschitz": _lipschitz(pieces), "inverse lipschitz": inverse},
        )  # fmt: skip
    for place, width in enumerate(widths):
        if width < n and all(piece.continuous for piece in pieces[:place]):
            reason = (
                f"All {n} dimensions pass continuously through {width}, and no continuous map from "
                f"an open set of R^{n} to R^{width} is injective (invariance of domain)."
            )
            return problem.claim("injective", Status.REFUTED, *theorem, "dimension", reason,
                                 certificate=certificate)  # fmt: skip
    onto = isinstance(problem.domain, Reals)
    for place, piece in enumerate(pieces):
        total = all(one.continuous or one.injective is not None for one in pieces[place + 1 :])
        if piece.injective is False and onto and total:
            reason = f"{_upper(piece.why_injective)}, and all real values reach it."
            return problem.claim("injective", Status.REFUTED, *theorem, "structure", reason,
                                 certificate=certificate)  # fmt: skip
        onto = onto and piece.surjective is True
    doubtful = next(piece for piece in pieces if not piece.injective)
    problem.note("injective", f"structure: {doubtful.what} is not known to be injective")
    return None


def _surjective(problem: Problem, chain: Chain) -> Claim | None:
    pieces, widths, m = chain.pieces, chain.widths, chain.widths[-1]
    certificate = {"kind": "structure"}

    def refuted(rule: str, reason: str) -> Claim:
        return problem.claim("surjective", Status.REFUTED, Level.THEOREM, rule, reason,
                             certificate=certificate)  # fmt: skip

    if not isinstance(problem.domain, Reals) and all(piece.continuous for piece in pieces):
        where = described(problem.domain)
        return refuted("range", f"The image of {where} under a continuous map is bounded.")
    for place, width in enumerate(widths):
        if width < m and all(piece.locally_lipschitz for piece in pieces[place:]):
            return refuted("measure", f"The outputs in R^{m} come from R^{width} by a locally "
                           "Lipschitz map, so that they have measure zero.")  # fmt: skip
    for place in range(len(pieces) - 1, -1, -1):
        piece, later = pieces[place], pieces[place + 1 :]
        if piece.surjective is False and all(one.injective and not one.local for one in later):
            reason = f"{_upper(piece.why_surjective)}"
            return refuted("range", reason + (", and what follows is injective." if later else "."))
        if piece.bounded and all(one.continuous for one in later):
            return refuted("range", f"The outputs of {piece.what} are bounded, and so are those of "
                           "the continuous map that follows.")  # fmt: skip
    if isinstance(problem.domain, Reals) and all(piece.surjective for piece in pieces):
        reason = _listed("Every piece is onto", [piece.why_surjective for piece in pieces])
        return problem.claim("surjective", Status.PROVED, Level.THEOREM, "structure", reason,
                             certificate=certificate)  # fmt: skip
    doubtful = next((piece.what for piece in pieces if not piece.surjective), "the domain")
    problem.note("surjective", f"structure: {doubtful} is not known to be onto")
    return None


def _lipschitz(pieces: Sequence[Facts]) -> float:
    return math.prod(piece.lipschitz for piece in pieces) * (1 + len(pieces) * 2.0**-52)


def _listed(start: str, reasons: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(reason for reason in reasons if reason))
    more = f"; and {len(distinct) - 3} more" if len(distinct) > 3 else ""
    return f"{start}: {'; '.join(distinct[:3])}{more}."


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
