"""A saved translator, back from its folder."""

from __future__ import annotations

from os import PathLike

from preimage.errors import PreimageError, StoreError
from preimage.store import incomplete, load_model
from preimage.translation.kinds import Kind
from preimage.translation.pix2pix import Pix2Pix
from preimage.translation.saving import FAMILY
from preimage.translation.self_inverse import SelfInverse
from preimage.translation.translator import Translator

METHODS: dict[str, type[Translator]] = {one.kind: one for one in (SelfInverse, Pix2Pix)}
"""What there is to choose from, by name; the first is the default."""


def load(path: str | PathLike[str], *, device: str = "cpu") -> Translator:
    """Reads a translator that `save` wrote; nothing in the folder is run.

    Args:
        path: The folder.
        device: Where it will compute, such as "cuda".

    Returns:
        A model that gives the same answers as the one that was saved.

    Raises:
        StoreError: The folder cannot be read, is damaged, or holds something else.
    """
    config, tensors = load_model(path)
    if config["kind"] != FAMILY or config.get("method") not in METHODS:
        raise StoreError(
            f"{path} holds a {config['kind']!r} model of method {config.get('method')!r}; this "
            f"version reads translators of {', '.join(METHODS)}. Upgrade preimage, or load it "
            "with the part that saved it."
        )
    try:
        model = METHODS[config["method"]](**config["settings"])
        sides = config["sides"]
        model.restore((Kind.from_config(sides["a"]), Kind.from_config(sides["b"])), tensors)
        for network in model.networks_.values():
            network.to(device)
    except PreimageError:
        raise
    except (KeyError, TypeError, RuntimeError) as error:
        raise incomplete(path, error) from error
    return model
