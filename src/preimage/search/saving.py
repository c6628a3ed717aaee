"""An index on disk, and back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from preimage.errors import InputError, StoreError
from preimage.files import MARK
from preimage.images import Entry
from preimage.search.codes import CodeFeature, Sides, Taken
from preimage.search.features import Feature, feature_of
from preimage.search.index import ImageIndex
from preimage.store import load_model, save_model

KIND = "image-index"


def save_index(index: ImageIndex, path: str | os.PathLike[str], *, force: bool) -> None:
    """Write an index as a model folder."""
    entries, vectors = index.vectors.all()
    about = index.about
    listed = [[entry.name, entry.place, entry.stamp] for entry in entries]
    save_model(
        path,
        config={"kind": KIND, "images": len(entries), **about},
        tensors={"vectors": vectors, "entries": _text(json.dumps(listed))},
        card=(
            f"# {len(entries):,} images by {about['feature']}\n\n"
            "```python\nfrom preimage.search import open_index\n\n"
            'print(open_index("this folder").query("image.jpg"))\n```\n'
        ),
        force=force,
    )


def open_index(
    place: str | os.PathLike[str],
    *,
    feature: Feature | None = None,
    model: str | os.PathLike[str] | None = None,
    collection: str = "preimage",
    token: str | None = None,
) -> ImageIndex:
    """An index that is there already.

    Args:
        place: A folder that `ImageIndex.save` wrote, a `.db` of milvus-lite, or the address of a
            Milvus server.
        feature: What made it. None makes it again from what the index says: hashes and colours of
            their settings, a code feature of the folder of its model.
        model: That folder, if it is no longer where it was.
        collection: The name of the collection in Milvus.
        token: What a Milvus server wants to see.

    Raises:
        StoreError: There is no index.
        InputError: It was made by another feature or another model than the one given, or by a
            model that is no longer where it was.
        MissingExtraError: It is in Milvus, and pymilvus is not installed.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "noise.index"
        >>> index = ImageIndex()
        >>> print(index.add(torch.rand(3, 1, 9, 9)))
        3 new
        >>> index.save(folder)
        >>> len(open_index(folder))
        3
    """
    if in_milvus(place):
        return _from_milvus(os.fspath(place), feature, model, collection, token)
    if not (Path(place) / MARK).is_file():
        raise StoreError(
            f"{place} is not an index of images; make one with "
            "`preimage search index PHOTOS -o INDEX`, or ImageIndex.save."
        )
    config, tensors = load_model(place)
    if config["kind"] != KIND:
        raise StoreError(
            f"{place} holds a model of kind {config['kind']!r} and not an index of images; give "
            "the folder that `preimage search index` or ImageIndex.save wrote."
        )
    try:
        index = ImageIndex(feature=feature or _feature(config, str(place), model))
        index.check_about(config, str(place))
        entries = [Entry(*one) for one in json.loads(_untext(tensors["entries"]))]
        index.vectors.put(entries, tensors["vectors"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise StoreError(
            f"the index in {place} is incomplete ({type(error).__name__}: {error}); copy the "
            "folder again from where it was saved, or make it anew."
        ) from error
    return index


def in_milvus(place: str | os.PathLike[str]) -> bool:
    """Whether a place is Milvus's, and not a folder of ours."""
    return "://" in os.fspath(place) or Path(place).suffix == ".db"


def _from_milvus(
    uri: str,
    feature: Feature | None,
    model: str | os.PathLike[str] | None,
    collection: str,
    token: str | None,
) -> ImageIndex:
    from preimage.search import milvus

    if "://" not in uri and not Path(uri).exists():
        raise StoreError(f"there is no index {uri}; make one with `preimage search index`.")
    client = milvus.connect(uri, token)
    about = milvus.about(client, collection)
    if about is None:
        raise StoreError(
            f"{uri} has no collection {collection!r}; make one with `preimage search index`, or "
            "name another."
        )
    made = feature or _feature(about, uri, model)
    return ImageIndex(feature=made, uri=uri, collection=collection, token=token)


def _feature(about: dict[str, Any], where: str, model: str | os.PathLike[str] | None) -> Feature:
    """What made an index, by what the index says, with the model where it is now."""
    if about["feature"] != CodeFeature.name:
        if model is not None:
            raise InputError(
                f"the index {where} was made by {about['feature']}, which is another feature or "
                f"another model than {os.fspath(model)}; leave it out."
            )
        return feature_of(about["feature"], about["settings"])
    was = about["settings"].get("model")
    now = model or was
    if now is None or not Path(now).is_dir():
        lost = f"in {now}, which is not there" if now else "never saved"
        raise InputError(
            f"the index {where} has the codes of a model that was {lost}; pass feature= or model= "
            "(--by MODEL on the command line) with the model that made it."
        )
    settings = about["settings"]
    sides, taken = settings.get("sides", "given"), settings.get("taken", "codes")
    return code_feature(now, sides=sides, taken=taken)


def code_feature(
    model: str | os.PathLike[str], *, sides: Sides = "given", taken: Taken = "codes"
) -> CodeFeature:
    """The feature of a model that `preimage gan train` wrote.

    Args:
        model: The folder.
        sides: "given", or "both" to add the code of the mirror image.
        taken: "codes", or "maps" for the last maps of the network.

    Raises:
        StoreError: The folder is no model of an inverse of a generator.
    """
    from preimage.generators import GeneratorInverter, load

    inverter = load(model)
    if not isinstance(inverter, GeneratorInverter):
        raise StoreError(
            f"{model} holds a generator without an inverse, which gives no codes; train one with "
            "`preimage gan train`."
        )
    return CodeFeature.of(inverter, model=os.path.abspath(model), sides=sides, taken=taken)


def _text(text: str) -> Tensor:
    return torch.from_numpy(np.frombuffer(text.encode("utf-8", "surrogateescape"), np.uint8).copy())


def _untext(tensor: Tensor) -> str:
    return tensor.numpy().tobytes().decode("utf-8", "surrogateescape")
