"""Programs of `torch.export` made into modules again, whose layers the rules know."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from preimage.errors import InputError
from preimage.verdicts.aten import ACTIVATIONS, ARITHMETIC, FREE_OF_WEIGHTS, MOVES, SAME, UNARY
from preimage.verdicts.programs import SAMPLE, Call, Program, Ref
from preimage.verdicts.relayering import LAYERS


def lifted(program: Program) -> fx.GraphModule:
    """A module that does what a program does, of layers and functions as people write them.

    Raises:
        InputError: If the program takes batches of one size alone.
    """
    module = _Lifting(program).module()
    _check_batches(program, module)
    return module


class _Lifting:
    """Builds the graph, call by call."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.root = nn.Module()
        self.graph = fx.Graph()
        self.nodes: dict[str, Any] = {}
        self.calls = {
            call.name: call
            for call in program.calls
            if call.operation is torch.ops.aten.pad.default
        }

    def module(self) -> fx.GraphModule:
        self.nodes[self.program.input] = self.graph.placeholder("x")
        for call in self.program.calls:
            made = self._made(call)
            self.nodes[call.name] = made
            for place, part in enumerate(call.parts):
                self.nodes[part] = self._item(made, place)
        self.graph.output(self.value(Ref(self.program.output)))
        found = fx.GraphModule(self.root, self.graph)
        found.meta[SAMPLE] = self.program.shape
        return found

    def value(self, value: Any) -> Any:
        """An argument, with nodes in place of names."""
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if not isinstance(value, Ref):
            return value
        if value.name not in self.nodes:
            name = f"weight_{len(self.nodes)}"
            self.root.register_buffer(name, self.constant(value))
            self.nodes[value.name] = self.graph.get_attr(name)
        return self.nodes[value.name]

    def constant(self, value: Any) -> Tensor | None:
        """The tensor that a name stands for, where it is a weight."""
        if not isinstance(value, Ref):
            return None
        if value.name not in self.program.constants:
            raise InputError(f"the program uses {value.name!r} before it is computed.")
        return self.program.constants[value.name].detach()

    def is_constant(self, value: Any) -> bool:
        """Whether an argument is a weight, or none at all."""
        return value is None or (isinstance(value, Ref) and value.name in self.program.constants)

    def _item(self, made: Any, index: Any) -> Any:
        if isinstance(made, list):
            # Of a layer that returns more, such as its statistics, only the result is there.
            return made[0] if index == 0 else None
        return self.graph.call_function(operator.getitem, (made, index))

    def _made(self, call: Call) -> Any:
        name = call.operation._schema.name.removeprefix("aten::")
        given, arguments = call.arguments, self._unpadded(_with_defaults(call))
        first = self.value(next(iter(given.values()))) if given else None
        if name in LAYERS and all(self.is_constant(arguments[w]) for w in LAYERS[name].weights):
            tensors = {w: self.constant(arguments[w]) for w in LAYERS[name].weights}
            layer = LAYERS[name].make({**arguments, **tensors})
            if layer is not None:
                title = f"{type(layer).__name__.lower()}_{len(list(self.root.children()))}"
                self.root.add_module(title, layer)
                source = self.value(arguments[LAYERS[name].source])
                made = self.graph.call_module(title, (source,))
                return [made] if LAYERS[name].several else made
        return self._function(name, call, first, arguments)

    def _unpadded(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a convolution together with the circular padding before it."""
        source = arguments.get("input")
        before = self.calls.get(source.name) if isinstance(source, Ref) else None
        if before is None or "stride" not in arguments or set(arguments["padding"]) != {0}:
            return arguments
        pads = before.arguments["pad"]
        if before.arguments.get("mode") != "circular" or pads[::2] != pads[1::2]:
            return arguments
        return {**arguments, "input": before.arguments["self"], "padding": pads[::-2],
                "padding_mode": "circular"}  # fmt: skip

    def _function(self, name: str, call: Call, x: Any, arguments: dict[str, Any]) -> Any:
        function = self.graph.call_function
        value = self.value

        def rest(names: tuple[str, ...]) -> tuple[Any, ...]:
            return tuple(value(arguments[one]) for one in names if one in arguments)

        if "index" in call.arguments and name == "alias":
            return self._item(self.nodes[call.arguments["self"].name], call.arguments["index"])
        if name in SAME:
            wanted = arguments.get("dtype")
            real = wanted is None or wanted.is_floating_point
            return x if real else self._as_it_is(call)
        bare = name.removesuffix("_")
        inplace: dict[str, Any] = {"inplace": True} if bare != name else {}
        if bare in UNARY:
            method = self.graph.call_method
            return method(name, (x,)) if inplace else function(getattr(torch, bare), (x,))
        if bare in ACTIVATIONS:
            target, names = ACTIVATIONS[bare]
            return function(target, (x, *rest(names)), inplace)
        if bare == "elu" and arguments["scale"] == arguments["input_scale"] == 1:
            return function(functional.elu, (x, arguments["alpha"]), inplace)
        if bare == "gelu":
            return function(functional.gelu, (x,), {"approximate": arguments["approximate"]})
        plain = arguments.get("alpha", 1) == 1 and not arguments.get("rounding_mode")
        if bare in ARITHMETIC and plain:
            other = value(list(call.arguments.values())[1])
            if inplace:
                return self.graph.call_method(name, (x, other))
            return function(ARITHMETIC[bare], (x, other))
        if name == "addmm" and arguments["alpha"] == arguments["beta"] == 1:
            product = function(
                operator.matmul, (value(arguments["mat1"]), value(arguments["mat2"]))
            )
            return function(operator.add, (product, x))
        if name == "rsub" and arguments.get("alpha", 1) == 1:
            return function(operator.sub, (value(arguments["other"]), x))
        if name == "pow" and not isinstance(arguments["exponent"], Ref):
            return function(torch.pow, (x, arguments["exponent"]))
        if name in MOVES and arguments.get("dtype") is None:
            target, names = MOVES[name]
            settings = rest(names)
            if name == "argmax" and settings[-1] is False:
                settings = settings[:1]
            if name in ("view", "reshape", "expand", "_unsafe_view"):
                settings = (self._any_batch(list(settings[0])),)
                if settings[0] == [self.program.batch, -1]:
                    return self.graph.call_method("flatten", (x, 1))
            return self.graph.call_method(target, (x, *settings))
        changed = arguments.get("dtype") is not None or arguments.get("half_to_float") is True
        if name in FREE_OF_WEIGHTS and not changed:
            target, names = FREE_OF_WEIGHTS[name]
            settings = rest(names)
            return function(target, settings if name in ("cat", "stack") else (x, *settings))
        if name == "slice":
            return self._slice(x, arguments)
        if name == "select" and isinstance(arguments["dim"], int) and arguments["dim"] > 0:
            index = (slice(None),) * arguments["dim"] + (value(arguments["index"]),)
            return function(operator.getitem, (x, index))
        if name == "t":
            return self.graph.call_method("transpose", (x, 0, 1))
        return self._as_it_is(call)

    def _as_it_is(self, call: Call) -> Any:
        settings = {name: self.value(one) for name, one in call.arguments.items()}
        schema = call.operation._schema.arguments
        names = [one.name for one in schema if one.name in settings and not one.kwarg_only]
        plain = tuple(settings.pop(name) for name in names)
        return self.graph.call_function(call.operation, plain, settings)

    def _any_batch(self, sizes: list[Any]) -> list[Any]:
        """Sizes in which the number of samples of the export stands for any number."""
        batch = self.program.batch
        if batch is not None and sizes and sizes[0] == batch and -1 not in sizes:
            return [-1, *sizes[1:]]
        return sizes

    def _slice(self, x: Any, arguments: dict[str, Any]) -> Any:
        dim, start, end = (self.value(arguments[one]) for one in ("dim", "start", "end"))
        step = self.value(arguments["step"])
        if end is not None and isinstance(end, int) and end >= 1 << 60:
            end = None
        if start in (0, None) and end is None and step == 1:
            return x
        if not isinstance(dim, int) or dim < 0:
            return self.graph.call_function(torch.ops.aten.slice.Tensor, (x, dim, start, end, step))
        index = (slice(None),) * dim + (slice(start, end, step),)
        return self.graph.call_function(operator.getitem, (x, index))


def _with_defaults(call: Call) -> dict[str, Any]:
    """The arguments, with those that the schema knows and the call leaves out."""
    found = dict(call.arguments)
    for argument in call.operation._schema.arguments:
        if argument.name not in found and argument.has_default_value():
            found[argument.name] = argument.default_value
    return found


def _check_batches(program: Program, module: fx.GraphModule) -> None:
    """Refuses a program that cannot take two samples as well as one."""
    if program.batch is None or program.shape is None:
        return
    kind = next((w.dtype for w in program.constants.values() if w.dtype.is_floating_point), None)
    try:
        with torch.no_grad():
            for rows in (program.batch, 2, 3):
                x = torch.zeros(rows, *program.shape, dtype=kind or torch.float32)
                quiet = fx.Interpreter(module)
                quiet.extra_traceback = False
                found = quiet.run(x)
                if len(found) != rows:
                    raise RuntimeError(f"it returned {len(found)} rows for {rows}")
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"the program was exported for batches of {program.batch} and cannot take others "
            f"({error}). Export it with dynamic_shapes=({{0: torch.export.Dim('batch')}},)."
        ) from error
