"""Which functions are surely differentiable with a continuous derivative, where it is bounded."""

from __future__ import annotations

from torch import nn

from preimage.verdicts.functions import operation
from preimage.verdicts.graph import Graph
from preimage.verdicts.subject import touched

SMOOTH = {"placeholder", "add", "sub", "mul", "neg", "pow", "square", "sin", "cos", "exp", "tanh",
          "sigmoid", "softplus", "stack", "cat", "getitem", "chunk", "split", "unbind", "matmul",
          "linear", "sinh", "cosh", "atan", "asinh", "erf", "sum", "mean", "select", "flatten",
          "reshape", "view", "unsqueeze", "squeeze", "sqrt", "truediv", "silu", "gelu",
          "logsumexp", "softmax"}  # fmt: skip
"""Differentiable operations, wherever they are defined."""

SMOOTH_MODULES = (nn.Linear, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU, nn.GELU, nn.Mish,
                  nn.Identity, nn.Flatten, nn.Softmax, nn.Tanhshrink, nn.LogSigmoid)  # fmt: skip


def smooth(graph: Graph) -> bool:
    """Whether every operation on the way is differentiable."""
    for node in graph.data:
        if node.op == "call_module":
            module = graph.submodule(node)
            if type(module) not in SMOOTH_MODULES or touched(module):
                return False
        elif operation(node) not in SMOOTH:
            return False
    return True
