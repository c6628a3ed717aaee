"""Where a function is surely undefined: at a point that was found, or between two."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx

from preimage.domain import Box
from preimage.errors import PreimageError
from preimage.intervals.bounds import Bounds, constant
from preimage.intervals.boxes import rows
from preimage.intervals.failures import UndefinedEnclosure, partial
from preimage.intervals.first_order import Map, linearized, nowhere_defined, values
from preimage.verdicts.functions import operation
from preimage.verdicts.graph import Graph
from preimage.verdicts.halving import halved
from preimage.verdicts.problem import Problem
from preimage.verdicts.subject import NotAFunction

SIZE = 1 << 18
"""Up to how many derivatives at once poles are looked for."""

CELLS = 16
"""How many of the cells that may hold a pole are cut further."""

DEPTH = 60
"""How often cells are cut."""

OF_POSITIVE = {"log", "log2", "log10", "sqrt", "rsqrt"}
"""Operations that have no value for negative numbers."""

STRICT = {"add", "sub", "mul", "truediv", "neg", "exp", "sin", "cos", "tan", "tanh", "sigmoid",
          "linear", "matmul", "cat", "stack", "pow", "square", "reciprocal", "log", "sqrt", "abs",
          "sum", "mean", "flatten", "log2", "log10", "rsqrt", "reshape", "view", "unsqueeze",
          "squeeze"}  # fmt: skip
"""Operations that have no value where one of their arguments has none."""


def look_for_poles(problem: Problem) -> None:
    """Refuses a function that is surely undefined somewhere in the domain.

    Raises:
        NotAFunction: If it is; the witness is such a point, or two with such a point between them.
    """
    if problem.n > 256 or problem.n * problem.size > SIZE:
        return
    if not isinstance(problem.on_box, UndefinedEnclosure):
        return
    _touching(problem)
    _crossing(problem)
    problem.subject.notes.append(
        "Note: whether the function is defined everywhere in the domain could not be shown."
    )


def _touching(problem: Problem) -> None:
    """Cells without bounds are cut, and their corners tried."""
    if not isinstance(problem.domain, Box) or problem.n > 3:
        return
    left = Bounds(problem.box.low, problem.box.high)
    for depth in range(DEPTH):
        try:
            with partial():
                bounded = values(problem.subject, left).finite.all(dim=1)
        except PreimageError:
            return
        left = rows(left, (~bounded).nonzero()[:CELLS, 0])
        if len(left.low) == 0:
            return
        if depth % 4 == 0:
            corners = torch.cat([left.low, left.mid, left.high])
            try:
                bad = nowhere_defined(problem.subject, constant(corners))
            except PreimageError:
                return
            if bool(bad.any()):
                point = corners[bad][0].tolist()
                raise NotAFunction("It is not defined at a point of the domain.",
                                   "undefined at a point", {"x": point})  # fmt: skip
        left = halved(left)


def _crossing(problem: Problem) -> None:
    """A denominator that is positive at one point, negative at another, and continuous between."""
    graph = problem.graph
    if graph is None:
        return
    for node in graph.module.graph.nodes:
        below = _denominator(graph, node)
        if below is None or not _strict(graph, node):
            continue
        if operation(node) in OF_POSITIVE:
            point = _negative(problem, graph, below)
            if point is not None:
                raise NotAFunction(
                    f"It is not defined at a point of the domain: {operation(node)} of a negative "
                    "number.", "undefined at a point", {"x": point.tolist()},
                )  # fmt: skip
            continue
        pair = _changes_sign(problem, graph, below, tangent=operation(node) == "tan")
        if pair is not None:
            a, c = (point.tolist() for point in pair)
            raise NotAFunction(
                f"It is not defined everywhere: between two points, the denominator of "
                f"{operation(node)} changes its sign.", "pole", {"a": a, "b": c},
            )  # fmt: skip


def _denominator(graph: Graph, node: fx.Node) -> fx.Node | None:
    """What must not be 0, or for the tangent what must not be half a turn."""
    if node not in graph.data:
        return None
    name = operation(node)
    if name == "truediv" and len(node.args) == 2:
        found = node.args[1]
    elif (name in ("reciprocal", "tan") or name in OF_POSITIVE) and len(node.args) == 1:
        found = node.args[0]
    elif name == "pow" and len(node.args) == 2:
        power = node.args[1]
        negative = isinstance(power, int) and power < 0
        found = node.args[0] if negative else None
    else:
        return None
    while isinstance(found, fx.Node) and operation(found) in ("square", "pow", "abs", "neg"):
        settings: list[Any] = list(found.args)
        power = settings[1] if len(settings) > 1 else 2
        if name in OF_POSITIVE or name == "tan" or not isinstance(power, int) or power < 1:
            break
        found = settings[0]
    return found if isinstance(found, fx.Node) and found in graph.data else None


def _strict(graph: Graph, node: fx.Node) -> bool:
    """Whether everything that uses a node has no value where the node has none."""
    todo, seen = [node], {node}
    while todo:
        for user in todo.pop().users:
            if user in seen or user.op == "output":
                continue
            if operation(user) not in STRICT or user not in graph.data:
                return False
            seen.add(user)
            todo.append(user)
    return graph.end in seen


def _part(problem: Problem, graph: Graph, node: fx.Node) -> Map:
    """The function that a node computes."""

    def part(x: Tensor) -> Tensor:
        inner = x.reshape(len(x), *problem.subject.shape)
        return graph.run(inner, node)[node].reshape(len(x), -1)

    return part


def _negative(problem: Problem, graph: Graph, node: fx.Node) -> Tensor | None:
    """A point at which a node is surely negative."""
    x = problem.subject.points(256, salt=17)
    try:
        with partial():
            value = values(_part(problem, graph, node), constant(x))
    except PreimageError:
        return None
    found = (value.high < 0).any(dim=1)
    return x[found][0] if bool(found.any()) else None


def _changes_sign(
    problem: Problem, graph: Graph, node: fx.Node, *, tangent: bool
) -> tuple[Tensor, Tensor] | None:
    part = _part(problem, graph, node)

    def below(x: Tensor) -> Tensor:
        return part(x).cos() if tangent else part(x)

    x = problem.subject.points(256, salt=17)
    try:
        with partial():
            value = values(below, constant(x))
        for column in range(min(8, value.low.shape[1])):
            positive = (value.low[:, column] > 0).nonzero()[:, 0]
            negative = (value.high[:, column] < 0).nonzero()[:, 0]
            if len(positive) == 0 or len(negative) == 0:
                continue
            # The closest pair has the smallest box between, on which continuity is shown.
            gap = torch.cdist(x[positive], x[negative])
            i, j = divmod(int(gap.argmin()), len(negative))
            a, c = x[positive[i]], x[negative[j]]
            hull = Bounds(torch.minimum(a, c)[None], torch.maximum(a, c)[None])
            _, slope = linearized(below, hull)
            if bool(slope.finite[0, column].all()):
                return a, c
    except PreimageError:
        return None
    return None
