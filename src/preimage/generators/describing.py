"""A generator as JSON values and tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from preimage.errors import InputError, StoreError
from preimage.generators.generator import Generator
from preimage.generators.labels import Labelled
from preimage.generators.priors import Normal, Prior, Uniform
from preimage.nets.convolutional import DeconvNet

PRIORS: dict[str, type[Prior]] = {one.kind: one for one in (Uniform, Normal, Labelled)}


def describe(generator: Generator) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What is written of a generator: its settings, and its numbers by name."""
    module = generator.module
    network: dict[str, Any] = (
        {"kind": "deconv", **module.settings}
        if isinstance(module, DeconvNet)
        else {"kind": "own", "class": type(module).__qualname__}
    )
    config = {
        "network": network,
        "prior": generator.prior.to_config(),
        "range": list(generator.range),
        "image_shape": list(generator.image_shape),
    }
    tensors = {f"prior.{name}": one for name, one in generator.prior.state().items()}
    return config, {
        **tensors,
        **{f"generator.{name}": one for name, one in module.state_dict().items()},
    }


def rebuild(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], module: nn.Module | None
) -> Generator:
    """The generator that `describe` described.

    Args:
        config: Its settings.
        tensors: Its numbers.
        module: The user's own module, where it is one; it is not changed.

    Raises:
        InputError: It is the user's own and is not given, or does not fit, or the other way round.
        StoreError: Its prior is of a kind that this version does not know.
    """
    settings = dict(config["network"])
    kind, state = settings.pop("kind"), under("generator", tensors)
    if kind == "deconv":
        if module is not None:
            raise InputError("this model has a generator of preimage's own; leave module= out.")
        network: nn.Module = DeconvNet(**settings, generator=torch.Generator())
        network.load_state_dict(state)
    else:
        if module is None:
            raise InputError(
                f"this model was made with a generator of the user's own, {settings['class']}, and "
                "modules are code, which is not saved; pass one of the same build: "
                "load(path, module=...). Its numbers are taken from the folder."
            )
        network = _filled(module, state, settings["class"])
    prior = config["prior"]
    if prior["kind"] not in PRIORS:
        raise StoreError(
            f"the model has a prior of kind {prior['kind']!r}; this version knows "
            f"{', '.join(PRIORS)}. Upgrade preimage."
        )
    low, high = config["range"]
    return Generator(
        network,
        prior=PRIORS[prior["kind"]].restore(prior, under("prior", tensors)),
        range=(low, high),
    )


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix.`, without it."""
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _filled(module: nn.Module, state: Mapping[str, Tensor], name: str) -> nn.Module:
    """A copy of the module with the numbers of the file."""
    # Generator copies once more; this copy keeps the user's own as it is.
    copy = Generator.copied(module)
    try:
        copy.load_state_dict(dict(state))
    except RuntimeError as error:
        raise InputError(
            f"the module given, {type(module).__name__}, is not built like the {name} of this "
            f"model ({' '.join(str(error).split())[:300]}); build it with the same settings."
        ) from error
    return copy
