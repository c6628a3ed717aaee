"""The rules for functions and methods of tensors, as they stand in a graph."""

from __future__ import annotations

import math
from typing import Any

from torch import fx

from preimage.intervals.bounds import Bounds
from preimage.verdicts.activations import Activation, activation, elementwise
from preimage.verdicts.facts import Facts, bijection, smooth, unknown
from preimage.verdicts.graph import Graph, name_of
from preimage.verdicts.layers import module_facts, resized, softmax
from preimage.verdicts.linear import affine
from preimage.verdicts.subject import NotAFunction

MOVES = {
    "flatten", "view", "reshape", "permute", "transpose", "contiguous", "unsqueeze", "squeeze",
    "flip", "roll", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "unflatten", "movedim",
    "swapaxes", "clone", "detach", "double", "float", "positive",
}  # fmt: skip
"""Operations that move numbers to other places, where none is lost."""

TOTAL = {
    "add", "sub", "mul", "neg", "matmul", "linear", "bmm", "mm", "addmm", "cat", "stack", "chunk",
    "split", "getitem", "narrow", "select", "unbind", "sum", "mean", "amax", "amin", "maximum",
    "minimum", "adaptive_avg_pool2d", "avg_pool2d", "softmax", "log_softmax", "conv1d", "conv2d",
    "exp2", "square", "cumsum", "dot", "einsum", "expand", "repeat", "glu",
}  # fmt: skip
"""Operations that are defined and locally Lipschitz everywhere."""

DROPOUTS = {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout",
            "feature_alpha_dropout"}  # fmt: skip

CLAMPS = {"clamp", "clip", "clamp_min", "clamp_max"}
"""Operations that are Lipschitz in their limits too."""

PARTS = {"getitem", "narrow", "select", "chunk", "split", "unbind", "expand", "repeat"}
"""Operations whose other arguments must not depend on the input."""

ALIASES = {"hardsigmoid": "hardsigmoid", "absolute": "abs", "logsigmoid": "logsigmoid",
           "log_sigmoid": "logsigmoid", "sigmoid": "sigmoid", "swish": "silu"}  # fmt: skip

OPERATORS = {"radd": "add", "iadd": "add", "isub": "sub", "imul": "mul", "rmul": "mul",
             "itruediv": "truediv", "div": "truediv", "true_divide": "truediv",
             "divide": "truediv", "multiply": "mul", "subtract": "sub", "negative": "neg",
             "concat": "cat", "concatenate": "cat", "ipow": "pow"}  # fmt: skip
"""Other names of the same operations."""


def operation(node: fx.Node) -> str:
    """The common name of the operation of a node."""
    name = name_of(node)
    return OPERATORS.get(name, ALIASES.get(name, name))


def node_facts(graph: Graph, node: fx.Node, reach: Bounds | None = None) -> Facts:
    """The facts of a node with one argument that depends on the input.

    Raises:
        NotAFunction: If it draws random numbers or looks at other samples.
    """
    sources = graph.inputs(node)
    name = operation(node)
    if len(sources) != 1 or not (graph.batched(node) and graph.batched(sources[0])):
        return unknown(name)
    before, after = graph.shape(sources[0]), graph.shape(node)
    if node.op == "call_module":
        return module_facts(graph.submodule(node), before, after, reach)
    first = bool(node.args) and node.args[0] is sources[0]
    if name in MOVES and first:
        keeps = graph.size(node) == graph.size(sources[0]) and _keeps_batch(graph, node, name)
        return resized(name, before, after) if keeps else unknown(name)
    if name in ("add", "sub", "mul", "truediv"):
        return _arithmetic(graph, node, name, sources[0])
    if name in ("matmul", "linear"):
        return _product(graph, node, name)
    if name in ("softmax", "log_softmax") and first:
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
        return softmax(name, dim, before)
    if name in DROPOUTS and first:
        return _dropout(node, name)
    rule = _rule_of(node, name) if first else None
    if rule is not None and before == after:
        return elementwise(name, rule, reach)
    return smooth(name) if continuous(graph, node) else unknown(name)


def _dropout(node: fx.Node, name: str) -> Facts:
    settings = dict(zip(("p", "training"), node.args[1:], strict=False)) | dict(node.kwargs)
    if settings.get("training", True) is False or settings.get("p", 0.5) == 0:
        return resized(name, (1,), (1,))
    raise NotAFunction(
        f"{name} draws random numbers, so that one input has many outputs. As a function it does "
        "so unless it is told training=False.", "dropout in training mode",
    )  # fmt: skip


def _rule_of(node: fx.Node, name: str) -> Activation | None:
    """The activation that a node applies, where its parameters are plain numbers."""
    # The only flag that any of them takes is whether to write into the input.
    settings = {key: value for key, value in node.kwargs.items() if not isinstance(value, bool)}
    args = [value for value in node.args[1:] if not isinstance(value, bool)]
    values = [*args, *settings.values()]
    if not all(isinstance(value, int | float | str) or value is None for value in values):
        return None
    return activation(name, *args, **_renamed(settings))


def continuous(graph: Graph, node: fx.Node) -> bool:
    """Whether a node is surely defined and locally Lipschitz everywhere in all its arguments."""
    name = operation(node)
    if node.op == "call_module":
        sources = graph.inputs(node)
        if len(sources) != 1 or not graph.batched(node) or not graph.batched(sources[0]):
            return False
        facts = module_facts(
            graph.submodule(node), graph.shape(sources[0]), graph.shape(node), None
        )
        return facts.locally_lipschitz
    if name in ("truediv", "pow"):
        return _by_constant(graph, node, name)
    if name in PARTS and len(graph.inputs(node)) != 1:
        return False
    if name in TOTAL or name in MOVES or name in CLAMPS:
        return True
    rule = _rule_of(node, name)
    return rule is not None and rule.smooth


def _by_constant(graph: Graph, node: fx.Node, name: str) -> bool:
    if len(node.args) < 2 or node.args[0] not in graph.data:
        return False
    if name == "pow":
        return activation("pow", node.args[1]) is not None
    value = graph.constant(node.args[1])
    return value is not None and bool((value != 0).all())


def _renamed(settings: dict[str, Any]) -> dict[str, Any]:
    other = {"negative_slope": "slope", "min": "low", "max": "high", "lambd": "by",
             "min_val": "low", "max_val": "high"}  # fmt: skip
    return {other.get(name, name): value for name, value in settings.items()}


def _keeps_batch(graph: Graph, node: fx.Node, name: str) -> bool:
    """Whether a move leaves rows where they are."""
    settings: list[Any] = [*node.args[1:], *node.kwargs.values()]
    match name:
        case "permute":
            places = settings[0] if settings and isinstance(settings[0], list | tuple) else settings
            return len(places) > 0 and places[0] == 0
        case "transpose" | "swapaxes" | "movedim":
            ndim = len(graph.shape(graph.inputs(node)[0])) + 1
            return all(isinstance(value, int) and value % ndim != 0 for value in settings)
        case "flip" | "roll":
            ndim = len(graph.shape(node)) + 1
            dims: Any = node.kwargs.get("dims", settings[-1] if settings else None)
            found = [dims] if isinstance(dims, int) else list(dims or [0])
            named = name == "flip" or "dims" in node.kwargs or len(settings) > 1
            return named and all(isinstance(dim, int) and dim % ndim != 0 for dim in found)
    return True


def _arithmetic(graph: Graph, node: fx.Node, name: str, source: fx.Node) -> Facts:
    if len(node.args) != 2 or node.kwargs or source not in node.args:
        return unknown(name)
    first = node.args[0] is source
    value = graph.constant(node.args[1] if first else node.args[0])
    if value is None or not bool(value.isfinite().all()):
        return smooth(name) if name in ("add", "sub", "mul") else unknown(name)
    if graph.shape(node) != graph.shape(source):
        return smooth(name) if name in ("add", "sub", "mul") else unknown(name)
    if name in ("add", "sub"):
        return bijection(name, "adding a constant is undone by subtracting it", lipschitz=1,
                         inverse=1)  # fmt: skip
    if name == "truediv" and not first:
        return unknown("division of a constant")
    zero = bool((value == 0).any())
    if zero:
        if name == "truediv":
            return unknown("division by 0")
        why = "a number is multiplied by 0"
        return Facts(
            what=name, injective=False, surjective=False, why_injective=why, why_surjective=why,
            lipschitz=float(value.abs().amax()), continuous=True, locally_lipschitz=True,
        )  # fmt: skip
    largest, least = float(value.abs().amax()), float(value.abs().amin())
    over = math.nextafter(1 / least, math.inf) if least > 1e-300 else math.inf
    if name == "truediv":
        largest, over = over, largest
    return bijection(name, "every number is multiplied by a constant that is not 0",
                     lipschitz=largest, inverse=over)  # fmt: skip


def _product(graph: Graph, node: fx.Node, name: str) -> Facts:
    """x @ W, and F.linear(x, W, b)."""
    if len(node.args) < 2 or node.args[0] not in graph.data:
        return smooth(name)
    weight = graph.constant(node.args[1])
    if weight is None or weight.ndim != 2 or len(graph.shape(node)) != 1:
        return smooth(name)
    matrix = weight.T.contiguous() if name == "matmul" else weight
    given = node.args[2] if len(node.args) > 2 else node.kwargs.get("bias")
    bias = None if given is None else graph.constant(given)
    if given is not None and bias is None:
        return smooth(name)
    return affine(f"{name}", matrix, bias)
