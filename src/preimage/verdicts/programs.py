"""A program of PyTorch's own operations, as `torch.export` makes it: its calls and its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram

from preimage.errors import InputError


@final
@dataclass(frozen=True)
class Ref:
    """The result of a call, an input, or a weight, by name."""

    name: str


@final
@dataclass(frozen=True)
class Call:
    """One operation.

    Attributes:
        name: What its result is called.
        operation: The operation of ATen.
        arguments: Its arguments, by their names in the schema.
        parts: The names of its results, where it has several.
    """

    name: str
    operation: torch._ops.OpOverload
    arguments: dict[str, Any]
    parts: tuple[str, ...] = ()


@final
@dataclass(frozen=True, kw_only=True)
class Program:
    """A function of one tensor.

    Attributes:
        input: The name of the input.
        calls: The operations, in order.
        constants: Weights and buffers, by name.
        output: The name of the result.
        shape: The shape of one sample.
        batch: How many samples a batch must have; None where it may have any number.
    """

    input: str
    calls: Sequence[Call]
    constants: dict[str, Tensor]
    output: str
    shape: tuple[int, ...] | None
    batch: int | None


SAMPLE = "sample shape"
"""Where a module made from a program keeps the shape of one sample."""


def is_program(f: Any) -> bool:
    """Whether f is a program, or a module of one, rather than a module of modules."""
    if isinstance(f, ExportedProgram):
        return True
    return (
        isinstance(f, fx.GraphModule)
        and SAMPLE not in f.meta
        and any(isinstance(node.target, torch._ops.OpOverload) for node in f.graph.nodes)
    )


def program_of(f: ExportedProgram | fx.GraphModule) -> Program:
    """The program of an `ExportedProgram`, or of its module.

    Raises:
        InputError: If it has several inputs or outputs, or does more than calculate.
    """
    module = f.module() if isinstance(f, ExportedProgram) else f
    assert_graph(module)
    nodes = list(module.graph.nodes)
    inputs = [node for node in nodes if node.op == "placeholder" and node.users]
    outputs = _leaves(nodes[-1].args[0])
    one_in_one_out([node.name for node in inputs], len(outputs))
    constants, calls = {}, []
    for node in nodes:
        if node.op == "get_attr":
            constants[node.name] = _attribute(module, str(node.target))
        elif node.op == "call_function":
            calls.append(_call(node))
        elif node.op == "call_module" and node.target != "_guards_fn":
            raise refused(f"the module {node.target}")
    shape, batch = _sample(inputs[0])
    return Program(
        input=inputs[0].name, calls=[call for call in calls if call is not None],
        constants=constants, output=outputs[0].name, shape=shape, batch=batch,
    )  # fmt: skip


def one_in_one_out(inputs: Sequence[str], outputs: int) -> None:
    """Refuses programs that are no functions of one tensor."""
    if len(inputs) != 1:
        raise InputError(
            f"the program has {len(inputs)} inputs ({', '.join(inputs)}); export a function of one."
        )
    if outputs != 1:
        raise InputError(f"the program returns {outputs} tensors; export one that returns one.")


def assert_graph(module: Any) -> None:
    """Refuses anything but a graph."""
    if not isinstance(module, fx.GraphModule):
        raise InputError(f"a program was expected and a {type(module).__name__} was given.")


def checks_alone(operation: str) -> bool:
    """Whether an operation only watches over the others."""
    return operation.startswith(("aten._assert", "aten.sym_constrain", "aten._check"))


def refused(operation: Any) -> InputError:
    """The error for what is no operation of ATen."""
    return InputError(
        f"the program uses {operation}, which is not one of PyTorch's own operations on tensors; "
        "export a network without it."
    )


def _call(node: fx.Node) -> Call | None:
    target = node.target
    if getattr(target, "__name__", "") == "getitem":
        arguments = {"self": _value(node.args[0]), "index": _value(node.args[1])}
        return Call(node.name, torch.ops.aten.alias.default, arguments)
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        raise refused(target)
    if checks_alone(str(target)):
        return None
    names = [argument.name for argument in target._schema.arguments]
    arguments = dict(zip(names, map(_value, node.args), strict=False))
    arguments |= {name: _value(value) for name, value in node.kwargs.items()}
    return Call(node.name, target, arguments)


def _value(value: Any) -> Any:
    if isinstance(value, fx.Node):
        return Ref(value.name)
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return value


def _leaves(value: Any) -> list[fx.Node]:
    if isinstance(value, fx.Node):
        return [value]
    if isinstance(value, list | tuple):
        return [leaf for one in value for leaf in _leaves(one)]
    return []


def _attribute(module: fx.GraphModule, name: str) -> Tensor:
    owner, _, leaf = name.rpartition(".")
    return getattr(module.get_submodule(owner), leaf)


def _sample(node: fx.Node) -> tuple[tuple[int, ...] | None, int | None]:
    """The shape of one sample, and the size of a batch, as far as they are fixed."""
    value = node.meta.get("val")
    if not isinstance(value, Tensor) or value.ndim == 0:
        return None, None
    batch = value.shape[0] if isinstance(value.shape[0], int) else None
    sizes = [size if isinstance(size, int) else None for size in value.shape[1:]]
    fixed = tuple(size for size in sizes if size is not None)
    return (fixed if len(fixed) == len(sizes) else None), batch
