"""A problem as JSON values and tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor

from preimage.domain import Box
from preimage.errors import InputError
from preimage.function import Function, as_function
from preimage.inverters.problem import Problem, spread
from preimage.surrogates import Support, restore_surrogate, surrogate_settings


@final
@dataclass(frozen=True)
class Described:
    """What is written of a problem."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]


def describe(problem: Problem) -> Described:
    """The problem without its function, which is code."""
    config: dict[str, Any] = {
        "checker": problem.checker,
        "box": problem.box.to_config(),
        "outputs": list(problem.outputs),
        "measured": problem.support is not None,
        "surrogate": None,
    }
    tensors = {"anchors.x": problem.x, "anchors.y": problem.y}
    if problem.noise is not None:
        tensors["anchors.noise"] = problem.noise
    if problem.surrogate is not None:
        config["surrogate"] = surrogate_settings(problem.surrogate)
        tensors |= {f"surrogate.{k}": tensor for k, tensor in problem.surrogate.state().items()}
    return Described(config, tensors)


def rebuild(config: Mapping[str, Any], tensors: Mapping[str, Tensor], function: Any) -> Problem:
    """The problem that `describe` described.

    Raises:
        InputError: If it was fitted to a function and none is given, or the other way round.
    """
    box = Box.from_config(config["box"])
    surrogate = None
    if config["checker"] == "function":
        if function is None:
            raise InputError(
                "this model was fitted to a function, and functions are code, which is not saved; "
                "pass it again: preimage.load(path, function=f)."
            )
        given = as_function(function) if isinstance(function, Function) else None
        forward = given or Function(function, box)
        if forward.domain.dim != box.dim or forward.output_dim != len(config["outputs"]):
            raise InputError(
                f"the function has {forward.domain.dim} inputs and {forward.output_dim} outputs; "
                f"the model was fitted to one with {box.dim} and {len(config['outputs'])}."
            )
    else:
        if function is not None:
            raise InputError(
                "this model was fitted to measurements and checks with its own surrogate; leave "
                "function= out, or fit again with fit(x, y, function=f)."
            )
        surrogate = restore_surrogate(config["surrogate"], under("surrogate", tensors))
        forward = surrogate.function(box)
    x, y = tensors["anchors.x"], tensors["anchors.y"]
    return Problem(
        function=forward,
        checker=config["checker"],
        box=box,
        x=x,
        y=y,
        scale=spread(y, forward.space),
        outputs=tuple(config["outputs"]),
        surrogate=surrogate,
        support=Support().fit(x) if config["measured"] else None,
        noise=tensors.get("anchors.noise"),
    )


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix.`, without it."""
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def card(method: str, problem: Problem) -> str:
    """The README of a model folder."""
    inputs, outputs = ", ".join(problem.box.names), ", ".join(problem.outputs)
    source = "a function" if problem.support is None else f"{len(problem.x)} measured rows"
    again = ", function=f" if problem.checker == "function" else ""
    return (
        f"# An inverse of ({inputs}) -> ({outputs})\n\n"
        f"Method `{method}`, fitted to {source}, searched in {problem.box}. Answers are checked "
        f"by the {problem.checker}.\n\n"
        "```python\nimport preimage\n\n"
        f'model = preimage.load("this folder"{again})\n'
        f"print(model.invert(targets))  # targets: columns {outputs}\n```\n"
    )
