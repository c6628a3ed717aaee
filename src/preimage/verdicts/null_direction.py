"""Rectifier networks in rational numbers: a direction in which nothing changes, and a collision."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import torch
from torch import Tensor

from preimage.domain import Box
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.linear import rational_null_vector
from preimage.verdicts.problem import Problem
from preimage.verdicts.structure import chain_of

INPUTS = 12
"""Up to how many inputs directions are computed in rational numbers."""

ENTRIES = 4096
"""The largest matrix that is multiplied in rational numbers."""

CANDIDATES = 4
"""At how many points the direction is computed."""

DIGITS = 4000
"""The longest rational number that is written down."""

Vector = list[Fraction]


@final
@dataclass(frozen=True)
class Layer:
    """x -> Wx + b, or the rectifier where there is no W."""

    weight: list[Vector] | None = None
    bias: Vector | None = None


def layers_of(problem: Problem) -> list[Layer] | None:
    """A network of linear maps and rectifiers, exactly; None if it has anything else."""
    if problem.n > INPUTS:
        return None
    chain = chain_of(problem, merge=False)
    if chain is None:
        return None
    layers = []
    for piece in chain.pieces:
        if piece.weight is not None:
            if piece.weight.numel() > ENTRIES or not bool(piece.weight.isfinite().all()):
                return None
            zeros = torch.zeros(len(piece.weight))
            bias = zeros if piece.bias is None else piece.bias
            layers.append(Layer(_rational(piece.weight), _rational(bias[None])[0]))
        elif piece.relu:
            layers.append(Layer())
        elif not piece.moves_nothing:
            return None
    return layers


def null_direction(problem: Problem) -> list[Claim]:
    r"""$J(x) v = 0$ where the rectifiers do not change from x to x + tv: a collision, exactly.

    The Jacobian, its null vector v, and both values are computed in rational numbers.
    """
    layers = layers_of(problem)
    if layers is None or all(layer.weight is not None for layer in layers):
        problem.note("injective", "null direction: it is no small network of rectifiers")
        return []
    x = problem.subject.points(192, salt=19)
    _, slope = problem.subject.linearize(x)
    values = torch.linalg.svdvals(slope)
    least = values[:, -1] if slope.shape[1] >= problem.n else torch.zeros(len(x))
    for row in (least <= 1e-9 * values[:, 0].clamp(min=1e-300)).nonzero()[:CANDIDATES, 0].tolist():
        a = _rational(x[row : row + 1])[0]
        c = _other(problem, layers, a)
        if c is not None and verified_collision(problem, layers, a, c):
            return [_collision(problem, layers, a, c)]
    problem.note("injective", "null direction: the Jacobian has full rank wherever it was looked")
    return []


def _collision(problem: Problem, layers: list[Layer], a: Vector, c: Vector) -> Claim:
    witness = {name: [float(value) for value in point] for name, point in (("a", a), ("b", c))}
    witness["y"] = [float(value) for value in _run(layers, a)[-1]]
    return problem.claim(
        "injective", Status.REFUTED, Level.THEOREM, "null direction",
        "The Jacobian vanishes in a direction in which no rectifier switches, so that two points "
        "have exactly the same value, in rational numbers.",
        certificate={"kind": "null direction", "a": [str(v) for v in a], "b": [str(v) for v in c]},
        witness=witness,
    )  # fmt: skip


def verified_collision(problem: Problem, layers: list[Layer], a: Vector, c: Vector) -> bool:
    """Whether two different points of the domain have exactly the same value."""
    if a == c or not (_inside(problem, a) and _inside(problem, c)):
        return False
    return _run(layers, a)[-1] == _run(layers, c)[-1]


def read_points(certificate: Any) -> tuple[Vector, Vector]:
    """The two points of a certificate."""
    first, second = ([Fraction(value) for value in certificate[name]] for name in "ab")
    return first, second


def _other(problem: Problem, layers: list[Layer], x: Vector) -> Vector | None:
    """A point x + tv with the same value, as far as the rectifiers and the domain allow."""
    steps = _run(layers, x)
    n = len(x)
    matrix = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    stages = [matrix]
    for layer, before in zip(layers, steps[:-1], strict=True):
        if layer.weight is None:
            if any(value == 0 for value in before):
                return None
            zero = [Fraction(0)] * n
            matrix = [row if value > 0 else zero for row, value in zip(matrix, before, strict=True)]
        else:
            matrix = _product(layer.weight, matrix)
        stages.append(matrix)
    v = rational_null_vector([list(row) for row in matrix], n)
    if v is None:
        return None
    reach = [Fraction(1)]
    for layer, before, stage in zip(layers, steps[:-1], stages[:-1], strict=True):
        if layer.weight is None:
            for value, row in zip(before, stage, strict=True):
                change = sum((r * s for r, s in zip(row, v, strict=True)), Fraction(0))
                if change * value < 0:
                    reach.append(-value / change)
    if isinstance(problem.domain, Box):
        for value, step, low, high in zip(x, v, problem.domain.low.tolist(),
                                          problem.domain.high.tolist(), strict=True):  # fmt: skip
            if step:
                reach.append((Fraction(high if step > 0 else low) - value) / step)
    t = Fraction(float(min(reach)) / 2)
    point = [value + t * step for value, step in zip(x, v, strict=True)]
    return point if all(len(str(value)) < DIGITS for value in point) else None


def _run(layers: list[Layer], x: Vector) -> list[Vector]:
    """What every layer is given, and at the end the value."""
    found = [x]
    for layer in layers:
        last = found[-1]
        if layer.weight is None or layer.bias is None:
            found.append([max(value, Fraction(0)) for value in last])
        else:
            found.append([
                sum((w * value for w, value in zip(row, last, strict=True)), shift)
                for row, shift in zip(layer.weight, layer.bias, strict=True)
            ])  # fmt: skip
    return found


def _product(a: list[Vector], b: list[Vector]) -> list[Vector]:
    columns = list(zip(*b, strict=True))
    return [
        [sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in columns]
        for row in a
    ]


def _inside(problem: Problem, x: Vector) -> bool:
    if not isinstance(problem.domain, Box):
        return True
    low, high = problem.domain.low.tolist(), problem.domain.high.tolist()
    return all(
        Fraction(a) <= value <= Fraction(b) for value, a, b in zip(x, low, high, strict=True)
    )


def _rational(matrix: Tensor) -> list[Vector]:
    return [[Fraction(value) for value in row] for row in matrix.tolist()]
