"""A saved inverter, back from its folder."""

from __future__ import annotations

from os import PathLike
from typing import Any

from preimage.errors import PreimageError, StoreError
from preimage.inverters import METHODS
from preimage.inverters.base import Inverter
from preimage.inverters.gather import Tally
from preimage.inverters.saving import rebuild, under
from preimage.store import load_model
from preimage.training.recipe import Recipe


def load(path: str | PathLike[str], *, function: Any = None) -> Inverter:
    """Reads an inverter that `save` wrote; nothing in the folder is run.

    Args:
        path: The folder.
        function: The function that it was fitted to, where it was fitted to one.

    Returns:
        An inverter that gives the same answers as the one that was saved.

    Raises:
        StoreError: If the folder cannot be read, is damaged, or holds something else.
        InputError: If a function is needed and missing, or the other way round.
    """
    config, tensors = load_model(path)
    if config["kind"] != "inverter" or config.get("method") not in METHODS:
        raise StoreError(
            f"{path} holds a {config['kind']!r} model of method {config.get('method')!r}; this "
            f"version reads inverters of {', '.join(METHODS)}. Upgrade preimage, or load it "
            "with the part that saved it."
        )
    try:
        settings = dict(config["settings"])
        if "recipe" in settings:
            settings["recipe"] = Recipe(**settings["recipe"])
        inverter = METHODS[config["method"]](**settings)
        inverter.problem_ = rebuild(config, tensors, function)
        inverter.dropped_ = config["dropped"]
        inverter.spent_ = Tally(0, 0)
        inverter._restore(under("method", tensors))
    except PreimageError:
        raise
    except (KeyError, TypeError, RuntimeError) as error:
        raise StoreError(
            f"the model in {path} is incomplete ({type(error).__name__}: {error}); copy the "
            "folder again from where it was saved, or fit and save again."
        ) from error
    return inverter
