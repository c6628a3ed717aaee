"""Activations written out: x − tanh x, and x over 1 plus the absolute value of x."""

from __future__ import annotations

from typing import Any

from torch import fx

from preimage.verdicts.activations import activation, elementwise
from preimage.verdicts.facts import Facts
from preimage.verdicts.functions import operation
from preimage.verdicts.graph import Graph


def composite(graph: Graph, start: fx.Node, end: fx.Node) -> Facts | None:
    """The facts of an activation that stands as several operations between two cuts."""
    if len(end.args) != 2 or end.kwargs or end.args[0] is not start:
        return None
    if graph.shape(end) != graph.shape(start):
        return None
    name = _named(start, operation(end), end.args[1])
    rule = None if name is None else activation(name)
    return None if rule is None or name is None else elementwise(name, rule, None)


def _named(start: fx.Node, last: str, other: Any) -> str | None:
    if last == "sub" and _applies(other, "tanh", start):
        return "tanhshrink"
    if last != "truediv" or not isinstance(other, fx.Node) or operation(other) != "add":
        return None
    if len(other.args) != 2 or other.kwargs:
        return None
    for one, size in (other.args, other.args[::-1]):
        if not isinstance(one, fx.Node) and one == 1 and _applies(size, "abs", start):
            return "softsign"
    return None


def _applies(node: Any, name: str, start: fx.Node) -> bool:
    """Whether a node is a function of the start alone."""
    if not isinstance(node, fx.Node):
        return False
    return operation(node) == name and node.args == (start,) and not node.kwargs
