"""Pieces in which the input is used more than once: residual blocks, couplings, and the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import fx

from preimage.verdicts.composites import composite
from preimage.verdicts.facts import Facts, bijection, smooth, unknown
from preimage.verdicts.functions import continuous, node_facts, operation
from preimage.verdicts.graph import Graph


def segment_facts(graph: Graph, start: fx.Node, end: fx.Node) -> Facts:
    """The facts of everything between two cuts of a graph."""
    nodes = (graph.between(start, end) or [])[1:]
    known = composite(graph, start, end)
    if known is not None:
        return known
    if not all(continuous(graph, node) for node in nodes):
        found = coupling(graph, start, end)
        return found or unknown(f"the part that ends in {operation(end)}")
    if operation(end) in ("add", "sub"):
        found = residual(graph, start, end)
        if found is not None:
            return found
    found = coupling(graph, start, end)
    if found is not None:
        return replace(found, continuous=True, locally_lipschitz=True)
    bound = lipschitz_bound(graph, start, end)
    return smooth(f"the part that ends in {operation(end)}", lipschitz=bound)


def residual(graph: Graph, start: fx.Node, end: fx.Node) -> Facts | None:
    r"""x + g(x) with $\operatorname{Lip} g < 1$, by Banach's theorem."""
    if len(end.args) != 2 or end.kwargs or graph.shape(end) != graph.shape(start):
        return None
    first, second = end.args
    branch = second if first is start else first
    if start not in (first, second) or not isinstance(branch, fx.Node) or branch is start:
        return None
    if branch not in graph.data or graph.shape(branch) != graph.shape(start):
        return None
    bound = lipschitz_bound(graph, start, branch)
    if not bound < 1:
        if not math.isfinite(bound):
            return None
        return smooth(
            f"a residual block whose branch has a Lipschitz constant of at most {bound:.3g}, "
            "which is not below 1", lipschitz=1 + bound,
        )  # fmt: skip
    why = f"the branch of the residual block has a Lipschitz constant of at most {bound:.6g} < 1"
    up = 1 + 1e-15
    return bijection("a residual block", why, lipschitz=(1 + bound) * up,
                     inverse=up / (1 - bound * up))  # fmt: skip


def lipschitz_bound(graph: Graph, start: fx.Node, end: fx.Node) -> float:
    """An upper bound of the Lipschitz constant from one node to another, Euclidean."""
    nodes = graph.between(start, end)
    if nodes is None:
        return math.inf
    bounds: dict[fx.Node, float] = {start: 1.0}
    for node in nodes[1:]:
        bounds[node] = _step(graph, node, bounds)
    return bounds[end]


def _step(graph: Graph, node: fx.Node, bounds: dict[fx.Node, float]) -> float:
    sources = graph.inputs(node)
    name = operation(node)
    parts = [bounds.get(one, math.inf) for one in sources]
    if name in ("add", "sub") and len(sources) == 2 and not node.kwargs:
        # Broadcasting repeats a part, and so its change.
        whole = all(graph.batched(one) and graph.shape(one) == graph.shape(node) for one in sources)
        return (parts[0] + parts[1]) * (1 + 1e-15) if whole else math.inf
    if name == "cat":
        return sum(parts) * (1 + 1e-14)
    if name in ("chunk", "split", "getitem", "narrow") and len(sources) == 1:
        return parts[0] if _is_part(node) else math.inf
    if len(sources) != 1:
        return math.inf
    return parts[0] * node_facts(graph, node).lipschitz * (1 + 1e-15)


def _is_part(node: fx.Node) -> bool:
    """Whether an item or a slice takes no number twice."""
    if operation(node) != "getitem":
        return True
    index = node.args[1]
    places = index if isinstance(index, tuple) else (index,)
    return all(isinstance(place, int | slice) or place is Ellipsis for place in places)


def coupling(graph: Graph, start: fx.Node, end: fx.Node) -> Facts | None:
    r"""$y_i = a_i(x_{<i})\,x_i + t_i(x_{<i})$ with $a_i > 0$, and the parts joined again.

    Each part of the output is a monotone function of one part of the input, with a positive factor
    and a shift that depend on other parts only, in an order without circles.
    """
    if operation(end) != "cat":
        return None
    joined = end.args[0]
    parts = _parts(graph, start)
    if not isinstance(joined, list | tuple) or parts is None or len(joined) != len(parts):
        return None
    uses: dict[fx.Node, set[fx.Node]] = {}
    for piece in joined:
        if not isinstance(piece, fx.Node):
            return None
        found = [(part, _other(graph, piece, part, parts)) for part in parts]
        found = [(part, other) for part, other in found if other is not None]
        if len(found) != 1 or found[0][0] in uses:
            return None
        part, other = found[0]
        if graph.shape(piece) != graph.shape(part):
            return None
        uses[part] = other
    if len(uses) != len(parts) or not _ordered(uses):
        return None
    why = "each part is multiplied by a positive number and shifted, both known from other parts"
    return bijection("a coupling layer", why, continuous=False)


def _parts(graph: Graph, start: fx.Node) -> list[fx.Node] | None:
    """The nodes that cut the input into disjoint parts that cover it."""
    found: list[fx.Node] = []
    for user in start.users:
        if operation(user) in ("chunk", "split"):
            found += [one for one in user.users if operation(one) == "getitem"]
        elif operation(user) == "getitem":
            found.append(user)
        else:
            return None
    # Labels travel through the same operations, and show which numbers each part takes.
    sample = graph.values[start][:1]
    labels = torch.arange(sample.numel(), dtype=torch.float64).reshape(sample.shape)
    taken: list[Any] = []
    for node in found:
        try:
            label = _applied(graph, node, start, labels)
        except Exception:  # noqa: BLE001 - parts of the batch instead of the sample
            return None
        if label is None:
            return None
        taken.append(label.flatten())
    if len({int(index) for index in found_indices(taken)}) != sample.numel():
        return None
    return found if sum(len(t) for t in taken) == sample.numel() else None


def found_indices(taken: list[Any]) -> list[float]:
    """All labels in a list of tensors."""
    return [value for part in taken for value in part.tolist()]


def _applied(graph: Graph, node: fx.Node, start: fx.Node, labels: torch.Tensor) -> Any:
    source = graph.inputs(node)[0]
    inner = labels if source is start else _applied(graph, source, start, labels)
    if inner is None or graph.inputs(node) != [source] or node.args[0] is not source:
        return None
    if any(isinstance(a, fx.Node) for a in node.args[1:]) or node.op == "call_module":
        return None
    target: Any = node.target
    if node.op == "call_method":
        return getattr(inner, target)(*node.args[1:], **node.kwargs)
    return target(inner, *node.args[1:], **node.kwargs)


def _other(graph: Graph, node: fx.Node, part: fx.Node, parts: list[fx.Node]) -> set[fx.Node] | None:
    """The other parts that a node depends on, if it is increasing and onto in `part` alone."""
    if node is part:
        return set()
    name, sources = operation(node), graph.inputs(node)
    if name not in ("add", "sub", "mul", "truediv") or len(node.args) != 2 or node.kwargs:
        return None
    first, second = node.args
    inside = [one for one in sources if part in _ancestors(graph, one, parts)]
    if len(inside) != 1 or sources.count(inside[0]) != 1:
        return None
    if name in ("sub", "truediv") and first is not inside[0]:
        return None
    outside = second if first is inside[0] else first
    inner = _other(graph, inside[0], part, parts)
    if inner is None or graph.shape(inside[0]) != graph.shape(node):
        return None
    if not isinstance(outside, fx.Node):
        if not isinstance(outside, int | float) or not math.isfinite(outside):
            return None
        return inner if name in ("add", "sub") or outside > 0 else None
    if outside not in graph.data:
        value = graph.constant(outside)
        if value is None or not bool(value.isfinite().all()):
            return None
        return inner if name in ("add", "sub") or bool((value > 0).all()) else None
    if not _total(graph, outside, parts):
        return None
    if name in ("mul", "truediv") and not _positive(graph, outside):
        return None
    return inner | _ancestors(graph, outside, parts)


def _ancestors(graph: Graph, node: fx.Node, parts: list[fx.Node]) -> set[fx.Node]:
    """The parts on which a node depends."""
    found, todo, seen = set(), [node], set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in parts:
            found.add(one)
        else:
            todo += graph.inputs(one)
    return found


def _total(graph: Graph, node: fx.Node, parts: list[fx.Node]) -> bool:
    """Whether a node is defined for all values of the parts that it depends on."""
    if node in parts:
        return True
    if node is graph.start or not continuous(graph, node):
        return False
    return all(_total(graph, one, parts) for one in graph.inputs(node))


def _positive(graph: Graph, node: fx.Node) -> bool:
    """Whether all values of a node are surely positive over the reals."""
    if operation(node) in ("add", "mul") and len(node.args) == 2 and not node.kwargs:
        return all(_positive_or_constant(graph, one) for one in node.args)
    return len(graph.inputs(node)) == 1 and node_facts(graph, node).positive


def _positive_or_constant(graph: Graph, value: Any) -> bool:
    if isinstance(value, int | float):
        return value > 0
    if isinstance(value, fx.Node) and value in graph.data:
        return _positive(graph, value)
    found = graph.constant(value)
    return found is not None and bool((found > 0).all())


def _ordered(uses: dict[fx.Node, set[fx.Node]]) -> bool:
    """Whether the parts can be solved for one after the other."""
    known: set[fx.Node] = set()
    while len(known) < len(uses):
        ready = {part for part, other in uses.items() if part not in known and other <= known}
        if not ready:
            return False
        known |= ready
    return True
