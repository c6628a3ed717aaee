"""What is reached: bounds of the range, values at the ends, labels."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.errors import PreimageError
from preimage.intervals.bounds import constant
from preimage.intervals.failures import partial
from preimage.intervals.first_order import values
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.domains import Finite, Reals
from preimage.verdicts.problem import Problem


def onto_range(problem: Problem) -> list[Claim]:
    """Every function is onto its range."""
    if problem.codomain is not None:
        return []
    return [problem.claim("surjective", Status.PROVED, Level.THEOREM, "definition",
                          "Every function is onto its own range.",
                          certificate={"kind": "range"})]  # fmt: skip


def outside(problem: Problem) -> list[Claim]:
    """A point of the codomain that the enclosure of all values leaves out."""
    if isinstance(problem.codomain, Finite) or problem.codomain is None or problem.subject.discrete:
        return []
    value = problem.range
    if problem.codomain.dim != problem.m or value is None:
        return []
    low, high = value.low[0], value.high[0]
    if isinstance(problem.codomain, Box):
        target = problem.codomain
        missed = torch.where(high < target.high, target.high, target.low)
        sure = (high < target.high) | (low > target.low)
    else:
        missed = torch.where(high.isfinite(), high + high.abs() + 1, low - low.abs() - 1)
        sure = (high.isfinite() | low.isfinite()) & missed.isfinite()
    if not bool(sure.any()):
        problem.note("surjective", "range: the bounds of the outputs leave out no point")
        return []
    point = _point(problem, missed, sure)
    return [problem.claim(
        "surjective", Status.REFUTED, Level.INTERVAL, "range",
        "The bounds of all values on the domain leave out a point of the codomain.",
        certificate={"kind": "outside"}, witness={"never reached": point.tolist()},
    )]  # fmt: skip


def _point(problem: Problem, missed: Tensor, sure: Tensor) -> Tensor:
    usual = (
        problem.codomain.center if isinstance(problem.codomain, Box) else torch.zeros_like(missed)
    )
    return torch.where(sure, missed, usual)


def ends(problem: Problem) -> list[Claim]:
    """A continuous function of one number takes every value between two of its values."""
    target = problem.codomain
    if problem.n != 1 or problem.m != 1 or not isinstance(target, Box):
        return []
    if not isinstance(problem.domain, Box):
        return []
    box = problem.domain
    if not problem.lipschitz_on(box.low, box.high):
        return []
    x = torch.cat([torch.stack([box.low, box.high]), problem.subject.points(256)])
    try:
        with partial():
            value = values(problem.subject, constant(x))
    except PreimageError:
        return []
    if bool((value.low > target.high).any()) or bool((value.high < target.low).any()):
        row = int(((value.low > target.high) | (value.high < target.low)).squeeze(1).nonzero()[0])
        return [problem.claim(
            "surjective", Status.NOT_A_FUNCTION, Level.INTERVAL, "codomain",
            "It has values outside the codomain, so that it is no function into it.",
            certificate={"kind": "outside codomain"}, witness={"x": x[row].tolist()},
        )]  # fmt: skip
    exact = [_exact(problem, float(end)) for end in (box.low, box.high)]
    low, high = Fraction(float(target.low)), Fraction(float(target.high))
    below = bool((value.high <= target.low).any()) or any(e is not None and e <= low for e in exact)
    above = bool((value.low >= target.high).any()) or any(
        e is not None and e >= high for e in exact
    )
    if below and above:
        reason = "It is continuous and takes both ends of the codomain, or goes beyond them."
        return [problem.claim(
            "surjective", Status.PROVED, Level.INTERVAL, "intermediate values", reason,
            certificate={"kind": "ends"},
        )]  # fmt: skip
    problem.note("surjective", "intermediate values: an end of the codomain is not surely taken")
    return []


def _exact(problem: Problem, x: float) -> Fraction | None:
    """The value of a rational function of one number, without rounding."""
    if isinstance(problem.subject.call, torch.nn.Module):
        return None
    try:
        found = problem.subject.call(Fraction(x))
    except Exception:  # noqa: BLE001 - torch's functions take no fractions
        return None
    return found if isinstance(found, Fraction) else None


def labels(problem: Problem) -> list[Claim]:
    """Every label of a classifier, shown by an input at which its logit surely is the largest."""
    if not isinstance(problem.codomain, Finite) or not problem.subject.discrete:
        return []
    wanted = set(problem.codomain.values.flatten().long().tolist())
    if problem.m != 1:
        return []
    x = problem.subject.points(4096 if problem.n <= 512 else 256, salt=11)
    with torch.no_grad():
        seen = problem.subject(x).squeeze(1).long()
    strange = sorted(set(seen.tolist()) - wanted)
    for label in strange[:6]:
        point = x[seen == label][0]
        if verified_label(problem, point, label):
            return [problem.claim(
                "surjective", Status.NOT_A_FUNCTION, Level.INTERVAL, "codomain",
                f"It has the label {label}, which is not in the codomain.",
                certificate={"kind": "label outside", "x": point.tolist(), "label": label},
                witness={"x": point.tolist()},
            )]  # fmt: skip
    shown: dict[int, list[float]] = {}
    for label in sorted(wanted):
        for row in (seen == label).nonzero()[:6, 0].tolist():
            if verified_label(problem, x[row], label):
                shown[label] = x[row].tolist()
                break
    missing = sorted(wanted - set(shown))
    if missing:
        problem.note("surjective", f"labels: no input that was tried has label {missing[0]}")
        return []
    return [problem.claim(
        "surjective", Status.PROVED, Level.INTERVAL, "labels",
        f"Each of the {len(wanted)} labels is taken at an input that is given, where its logit is "
        "surely the largest.",
        certificate={"kind": "labels", "x": {str(k): v for k, v in shown.items()}},
    )]  # fmt: skip


def verified_label(problem: Problem, x: Tensor, label: int) -> bool:
    """Whether the last step is an argmax, and the logit of a label surely the largest at x."""
    graph = problem.graph
    if graph is None or graph.end.target not in ("argmax", torch.argmax):
        return False
    source = graph.inputs(graph.end)
    dims = [*graph.end.args[1:], *graph.end.kwargs.values()]
    if len(source) != 1 or len(graph.shape(source[0])) != 1 or dims not in ([1], [-1]):
        return False
    logits = source[0]

    def scores(points: Tensor) -> Tensor:
        return graph.run(points.reshape(len(points), *problem.subject.shape), logits)[logits]

    try:
        value = values(scores, constant(x[None]))
    except PreimageError:
        return False
    others = value.high[0].clone()
    if not 0 <= label < len(others):
        return False
    others[label] = -torch.inf
    return bool(value.low[0, label] > others.amax())


def pigeonhole(problem: Problem) -> list[Claim]:
    """Infinitely many inputs and finitely or countably many outputs."""
    if not problem.subject.discrete or isinstance(problem.domain, Finite):
        return []
    found = [problem.claim(
        "injective", Status.REFUTED, Level.THEOREM, "pigeonhole",
        "The outputs are whole numbers or booleans, of which there are countably many, and the "
        "inputs are uncountable, so that some output has infinitely many inputs.",
        certificate={"kind": "pigeonhole"},
    )]  # fmt: skip
    if isinstance(problem.codomain, Reals):
        found.append(problem.claim(
            "surjective", Status.REFUTED, Level.THEOREM, "pigeonhole",
            "The outputs are whole numbers or booleans, and the codomain has all real numbers.",
            certificate={"kind": "pigeonhole"},
        ))  # fmt: skip
    return found
