"""A function as a chain of pieces: its graph by torch.fx, cut wherever all that flows passes."""

from __future__ import annotations

import contextlib
import copy
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg
from torch.nn import functional

from preimage.verdicts.relayering import BatchNorm
from preimage.verdicts.subject import Subject, touched

KNOWN = frozenset(
    one
    for space in (torch, functional, operator, torch.special, torch.Tensor)
    for one in vars(space).values()
    if callable(one)
) | {getattr}
"""Functions that are what their names say. Those that users wrap for torch.fx need not be."""

SHAPES = {"size", "dim", "ndimension", "numel", "len", "nelement"}
"""Operations that look at the shape of a tensor alone."""

IN_PLACE = {"iadd", "isub", "imul", "itruediv", "ipow", "setitem"}

FRESH = ("Linear", "Conv", "BatchNorm")
"""Modules whose result shares no memory with their input."""

SHAPE_ATTRIBUTES = {"shape", "ndim", "dtype", "device"}

EXACT = {"t", "T", "mT", "transpose", "view", "reshape", "permute", "neg", "detach", "contiguous",
         "unsqueeze", "squeeze", "flatten", "double", "getitem", "getattr"}  # fmt: skip
"""Operations on constants that do not round."""


@final
class _Tracer(fx.Tracer):
    """A tracer that also follows modules that a function finds in its closure."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one of those that have rules."""
        return type(m) is BatchNorm or super().is_leaf_module(m, module_qualified_name)

    def path_of_module(self, mod: nn.Module) -> str:
        """The name of a module, which is added where it has none."""
        try:
            return super().path_of_module(mod)
        except NameError:
            name = f"found_{len(list(self.root.children()))}"
            self.root.add_module(name, mod)
            return name


class _Reached(Exception):
    """The node up to which a graph was to be run."""


@final
class Recorder(fx.Interpreter):
    """Runs a graph and keeps what every node gave."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.values: dict[fx.Node, Any] = {}
        self.until: fx.Node | None = None
        self.copies = False

    def run_node(self, n: fx.Node) -> Any:
        """Runs one node, and stops behind the last that is wanted."""
        value = super().run_node(n)
        # What is written into later is kept as it was.
        self.values[n] = value.clone() if self.copies and isinstance(value, Tensor) else value
        if n is self.until:
            raise _Reached
        return value


@final
@dataclass(frozen=True)
class Graph:
    """A traced function.

    Attributes:
        module: The graph, with its modules in float64.
        start: The node of the input.
        end: The node that is returned.
        data: The nodes that depend on the input, in order.
        values: What every node gave on a few points.
    """

    module: fx.GraphModule
    start: fx.Node
    end: fx.Node
    data: frozenset[fx.Node]
    values: dict[fx.Node, Any] = field(repr=False)

    def inputs(self, node: fx.Node) -> list[fx.Node]:
        """The arguments that depend on the input, with repetition."""
        found: list[fx.Node] = []
        map_arg((node.args, node.kwargs), lambda n: found.append(n) or n)
        return [one for one in found if one in self.data]

    def constant(self, value: Any) -> Tensor | None:
        """The exact value of a constant argument; None where rounding is involved."""
        if isinstance(value, bool | int | float):
            return torch.tensor(float(value), dtype=torch.float64)
        if not isinstance(value, fx.Node) or value in self.data or not self._exact(value):
            return None
        found = self.values.get(value)
        return found.detach().double() if isinstance(found, Tensor) else None

    def _exact(self, node: fx.Node) -> bool:
        if node.op == "get_attr":
            return True
        if node.op == "call_module" or name_of(node) not in EXACT:
            return False
        return all(self._exact(one) for one in node.all_input_nodes)

    def size(self, node: fx.Node) -> int:
        """How many numbers a node has for one sample."""
        return self.values[node][0].numel()

    def shape(self, node: fx.Node) -> tuple[int, ...]:
        """The shape of a node for one sample."""
        return tuple(self.values[node].shape[1:])

    def submodule(self, node: fx.Node) -> nn.Module:
        """The module that a node calls."""
        return self.module.get_submodule(str(node.target))

    def batched(self, node: fx.Node) -> bool:
        """Whether a node is one tensor with a row for each sample."""
        value = self.values[node]
        rows = len(self.values[self.start])
        return isinstance(value, Tensor) and value.ndim > 0 and len(value) == rows

    def cuts(self, start: fx.Node, end: fx.Node) -> list[fx.Node] | None:
        """The nodes from `start` to `end` through which everything passes, both included.

        None if `end` depends on more than `start`.
        """
        between = self.between(start, end)
        if between is None:
            return None
        reach: dict[fx.Node, int] = {}
        for place, node in enumerate(between):
            for one in self.inputs(node) if place else []:
                reach[one] = place
        cuts, furthest = [start], reach.get(start, 0)
        for place, node in enumerate(between[1:], start=1):
            if place >= furthest and self.batched(node):
                cuts.append(node)
            furthest = max(furthest, reach.get(node, 0))
        return cuts

    def between(self, start: fx.Node, end: fx.Node) -> list[fx.Node] | None:
        """The nodes on which `end` depends, from `start` on; None if some do not come from it."""
        needed, todo = {end}, [end]
        while todo:
            node = todo.pop()
            if node is start:
                continue
            if node is self.start:
                return None
            for one in self.inputs(node):
                if one not in needed:
                    needed.add(one)
                    todo.append(one)
        return [node for node in self.module.graph.nodes if node in needed]

    def run(self, x: Any, until: fx.Node | None = None) -> dict[fx.Node, Any]:
        """What every node gives for an input, which may be an enclosure."""
        recorder = Recorder(self.module)
        recorder.extra_traceback = False
        recorder.copies = any(writes(self, node) for node in self.module.graph.nodes)
        recorder.until = self.end if until is None else until
        with torch.no_grad(), contextlib.suppress(_Reached):
            recorder.run(x)
        return recorder.values


def name_of(node: fx.Node) -> str:
    """The bare name of the operation that a node calls."""
    if node.op == "call_method":
        return str(node.target).rstrip("_")
    if node.op == "call_function":
        if node.target not in KNOWN:
            return f"the function {getattr(node.target, '__name__', node.target)}"
        return getattr(node.target, "__name__", str(node.target)).rstrip("_")
    return node.op


def writes(graph: Graph, node: fx.Node) -> bool:
    """Whether a node writes into its argument."""
    if node.op == "call_module":
        return bool(getattr(graph.submodule(node), "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target._schema.is_mutable
    bare = getattr(node.target, "__name__", str(node.target))
    changes = bare.endswith("_") and not bare.endswith("__")
    # operator.iadd and its like, and results that are put elsewhere.
    return changes or bare in IN_PLACE or bool(node.kwargs.get("inplace")) or "out" in node.kwargs


def harmless(graph: Graph, node: fx.Node) -> bool:
    """Whether nothing else can look at what a node writes into."""
    if not writes(graph, node):
        return True
    if "out" in node.kwargs or (not node.users and node is not graph.end):
        return False
    sources = graph.inputs(node)
    while len(sources) >= 1 and len(sources[0].users) == 1:
        source = sources[0]
        kind = type(graph.submodule(source)).__name__ if source.op == "call_module" else ""
        if (
            source is graph.start
            or kind.startswith(FRESH)
            or name_of(source) in ("add", "sub", "mul")
        ):
            return True
        sources = graph.inputs(source)
        if len(sources) != 1:
            return False
    return False


def trace(subject: Subject, x: Tensor) -> Graph | None:
    """The graph of a function, or None where torch.fx cannot follow it.

    Args:
        subject: The function.
        x: A few inputs, at which the graph is compared to the function.
    """
    try:
        wanted = subject.raw(x)
        tracer = _Tracer()
        graph = tracer.trace(_root(subject.call))
        # Of a module that is a graph itself, a copy keeps only what its own graph uses.
        module = copy.deepcopy(fx.GraphModule(tracer.root, graph))
        module = module.double().requires_grad_(False)
        recorder = Recorder(module)
        with torch.no_grad():
            y = recorder.run(x.reshape(-1, *subject.shape).clone())
        given = y.double().reshape(len(x), -1)
    except Exception:  # noqa: BLE001 - whatever a user's function does when it is traced
        return None
    # What a function does to a stand-in for a tensor need not be what it does to a tensor.
    return _graph(module, recorder.values) if subject.agrees(given, wanted) else None


def _root(f: Callable[[Any], Any]) -> nn.Module | Callable[[Any], Any]:
    """Something with a body to trace, which calls modules that are to stay whole, or have hooks."""
    if isinstance(f, nn.Module):
        own = type(f).__module__.startswith("torch.nn") and not isinstance(f, nn.Sequential)
        return nn.Sequential(f) if own or touched(f) else f

    def called(x: Any) -> Any:
        return f(x)

    return called


def _graph(module: fx.GraphModule, values: dict[fx.Node, Any]) -> Graph | None:
    nodes = list(module.graph.nodes)
    inputs = [node for node in nodes if node.op == "placeholder"]
    end = nodes[-1].args[0]
    if len(inputs) < 1 or any(node.users for node in inputs[1:]) or not isinstance(end, fx.Node):
        return None
    data: set[fx.Node] = {inputs[0]}
    for node in nodes:
        if any(one in data for one in node.all_input_nodes) and not _of_shape(node):
            data.add(node)
    data.discard(nodes[-1])
    if end not in data:
        return None
    graph = Graph(module, inputs[0], end, frozenset(data), values)
    # Memory that is written into while others look at it is not what the graph shows.
    return graph if all(harmless(graph, node) for node in nodes[:-1]) else None


def _of_shape(node: fx.Node) -> bool:
    if name_of(node) == "getattr":
        return node.args[1] in SHAPE_ATTRIBUTES
    return name_of(node) in SHAPES
