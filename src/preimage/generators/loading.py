"""A saved generator or inverse, back from its folder."""

from __future__ import annotations

from os import PathLike
from typing import TypeVar

from torch import nn

from preimage.errors import InputError, PreimageError, StoreError
from preimage.generators.bigan import BiGAN
from preimage.generators.combined import CombinedInverter
from preimage.generators.conditional import ConditionalDCGAN
from preimage.generators.conditional_inverter import ConditionalInverter
from preimage.generators.dcgan import DCGAN
from preimage.generators.describing import rebuild, under
from preimage.generators.encoder import EncoderInverter
from preimage.generators.latent_search import LatentSearch
from preimage.generators.model import KIND, GeneratorModel
from preimage.generators.paired import PairedEncoder
from preimage.generators.regression import RegressionInverter
from preimage.store import incomplete, load_model

M = TypeVar("M", bound=GeneratorModel)

MODELS: dict[str, type[GeneratorModel]] = {
    one.kind: one
    for one in (
        DCGAN,
        ConditionalDCGAN,
        CombinedInverter,
        EncoderInverter,
        RegressionInverter,
        BiGAN,
        LatentSearch,
        ConditionalInverter,
        PairedEncoder,
    )
}
"""What can be saved and loaded, by the name that the folder gives."""


def load(
    path: str | PathLike[str], *, module: nn.Module | None = None, device: str = "cpu"
) -> GeneratorModel:
    """Reads a model that `save` wrote; nothing in the folder is run.

    Args:
        path: The folder.
        module: One's own generator, where the model was made with one: a module of the same build,
            with any numbers. It is copied, and the copy gets the numbers of the folder.
        device: Where it will compute.

    Returns:
        A model that gives the same answers as the one that was saved.

    Raises:
        StoreError: The folder cannot be read, is damaged, or holds something else.
        InputError: `module` is missing or does not fit, or there is no such device.
    """
    config, tensors = load_model(path)
    if config["kind"] != KIND or config.get("method") not in MODELS:
        raise StoreError(
            f"{path} holds a {config['kind']!r} model of method {config.get('method')!r}; this "
            f"reads {KIND} models of {', '.join(MODELS)}. A model of kind inverter is read by "
            "preimage.load."
        )
    try:
        model = MODELS[config["method"]](**config["settings"])
        model._restore(rebuild(config["generator"], tensors, module), under("method", tensors))
    except PreimageError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise incomplete(path, error) from error
    return moved(model, device)


def moved(model: M, device: str) -> M:
    """The same model, on a device from now on.

    Args:
        model: Any model.
        device: Such as "cuda".

    Raises:
        InputError: There is no such device.
    """
    try:
        for part in vars(model).values():
            if isinstance(part, nn.Module):
                part.to(device)
    # AssertionError is what torch raises where it was built without CUDA.
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f'device={device!r} is not there ({error}); use "cpu", or another device.'
        ) from error
    return model
