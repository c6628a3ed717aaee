"""What is kept on disk: models as folders, and the states of trainings; JSON and safetensors."""

import json
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from preimage.errors import InputError, StoreError
from preimage.files import writing_file, writing_folder
from preimage.runtime import package_version

FORMAT = 1
"""The layout of model folders; a reader refuses a higher number than its own."""

CONFIG, TENSORS, CARD = "config.json", "model.safetensors", "README.md"


def save_model(
    path: str | os.PathLike[str],
    *,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    card: str,
    force: bool = False,
) -> None:
    """Write a model as a folder of `config.json`, `model.safetensors` and `README.md`.

    The folder appears whole or not at all. `config.json` also gets the number of the format, the
    version of preimage, and the shape and type of each tensor, against which loading checks.

    Args:
        path: The folder.
        config: Settings that JSON can hold (tuples come back as lists); "kind" says what the model
            is. The keys "format", "preimage" and "tensors" are written here.
        tensors: What was learned, by name.
        card: The text of `README.md`: what the model is, what it was fitted to, how to load it.
        force: Replace a model that is already there.

    Raises:
        InputError: The config has no kind, or something in it has no place in JSON.
        OutputExistsError: The folder is there already; choose another, or pass `force=True`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "line"
        >>> save_model(
        ...     path,
        ...     config={"kind": "line", "inputs": ["t"]},
        ...     tensors={"slope": torch.tensor([2.0])},
        ...     card="A line.",
        ... )
        >>> config, tensors = load_model(path)
        >>> config["inputs"], tensors["slope"]
        (['t'], tensor([2.]))
    """
    if not isinstance(config.get("kind"), str):
        raise InputError(f'the config of a model needs a text "kind"; its keys are {list(config)}.')
    portable = {name: _portable(tensor) for name, tensor in tensors.items()}
    whole = {
        **config,
        "format": FORMAT,
        "preimage": package_version(),
        "tensors": {name: _outline(tensor) for name, tensor in portable.items()},
    }
    try:
        text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the config of a {config['kind']!r} model cannot be written as JSON: {error}; "
            "use text, finite numbers, booleans, None, lists and dictionaries, and put arrays "
            "among the tensors."
        ) from error
    with writing_folder(path, force=force) as folder:
        (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
        (folder / CARD).write_text(card.rstrip() + "\n", encoding="utf-8")
        save_file(portable, folder / TENSORS)
        # safetensors makes its files readable for their owner alone.
        (folder / TENSORS).chmod((folder / CONFIG).stat().st_mode)


def load_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a folder that `save_model` wrote; nothing in it is run.

    Args:
        path: The folder.

    Returns:
        The config with "format" and "preimage" (the version that wrote it), and the tensors on the
        CPU.

    Raises:
        StoreError: The folder is not there, not a model, damaged, or of a newer version; the
            message says which, and what to do.
    """
    folder = Path(path)
    config = read_config(folder)
    outlines = config.pop("tensors")
    _, tensors = _read_tensors(folder / TENSORS)
    found = {name: _outline(tensor) for name, tensor in tensors.items()}
    for name in sorted(outlines.keys() | found.keys()):
        if outlines.get(name) != found.get(name):
            raise StoreError(
                f"{folder / TENSORS} does not fit {CONFIG}: tensor {name!r} should be "
                f"{outlines.get(name, 'absent')} and is {found.get(name, 'absent')}; the two files "
                "come from different models. Copy the whole folder again, or fit and save again."
            )
    return config, tensors


def incomplete(path: str | os.PathLike[str], error: Exception) -> StoreError:
    """What to raise where the tensors of a model folder are not those of its networks.

    Args:
        path: The folder.
        error: What came of taking them up; torch may list every tensor of a network in it.
    """
    cause = textwrap.shorten(f"{type(error).__name__}: {error}", 240, placeholder=" …")
    return StoreError(
        f"the model in {path} is incomplete ({cause}); copy the folder again from where it was "
        "saved, or fit and save again."
    )


def write_tree(path: str | os.PathLike[str], tree: Any) -> None:
    """Write nested tensors and scalars to one safetensors file, in place of an earlier one.

    Every value comes back bit for bit; keys are text or whole numbers.

    Args:
        path: The file.
        tree: For instance the `state_dict` of an optimiser.

    Raises:
        InputError: The tree holds something else, such as a function.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "state.safetensors"
        >>> write_tree(path, {"betas": (0.9, 0.999), "state": {0: torch.zeros(1)}})
        >>> read_tree(path)
        {'betas': (0.9, 0.999), 'state': {0: tensor([0.])}}
    """
    tensors: dict[str, Tensor] = {}
    outline = json.dumps(_pack(tree, tensors))
    with writing_file(path, force=True) as file:
        save_file(tensors, file, metadata={"tree": outline})


def read_tree(path: str | os.PathLike[str]) -> Any:
    """Read what `write_tree` wrote, with tensors on the CPU.

    Args:
        path: The file.

    Raises:
        StoreError: The file is damaged, or is none of ours.
    """
    metadata, tensors = _read_tensors(Path(path))
    try:
        return _unpack(json.loads(metadata["tree"]), tensors)
    except (KeyError, ValueError) as error:
        raise StoreError(
            f"{path} is not a state that preimage wrote; remove it, or name another file."
        ) from error


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a model folder says of itself, without its tensors.

    Args:
        path: The folder.

    Returns:
        The config that was saved, with "tensors", the shape and type of each tensor by name.

    Raises:
        StoreError: As `load_model` does.
    """
    folder = Path(path)
    if not folder.is_dir():
        is_file = folder.is_file()
        raise StoreError(
            f"{folder} is {'a file' if is_file else 'not there'}; a model is a folder with "
            f"{CONFIG} and {TENSORS}, as save(path) writes it."
        )
    if not (folder / CONFIG).is_file():
        held = ", ".join(sorted(one.name for one in folder.iterdir())) or "nothing"
        raise StoreError(
            f"{folder} is not a model: it has no {CONFIG} (it holds {held}); give the folder that "
            "save(path) wrote."
        )
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{folder / CONFIG} cannot be read ({error}); copy the folder again from where it "
            "was saved, or fit and save again."
        ) from error
    match config:
        case {"format": int(number), "preimage": writer} if number > FORMAT:
            raise StoreError(
                f"{folder} has format {number}, written by preimage {writer}; this is preimage "
                f"{package_version()}, which reads formats up to {FORMAT}. Upgrade preimage."
            )
        case {"format": int(), "preimage": str(), "kind": str(), "tensors": dict()}:
            return config
    raise StoreError(
        f"{folder / CONFIG} is not the config of a model: it must be an object with "
        '"format", "preimage", "kind" and "tensors"; give the folder that save(path) wrote.'
    )


def _read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise StoreError(
            f"{path} is missing; copy the folder again from where it was saved, or fit and save "
            "again."
        )
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            # Copies start at round addresses, on which the last bit of matrix products depends.
            return file.metadata() or {}, {name: file.get_tensor(name).clone() for name in names}
    except (OSError, SafetensorError) as error:
        raise StoreError(
            f"{path} is damaged or incomplete ({error}); copy it again from where it was saved, "
            "or remove it and make it anew."
        ) from error


def _portable(tensor: Tensor) -> Tensor:
    """A copy that safetensors takes: on the CPU, contiguous, sharing its memory with no other."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _outline(tensor: Tensor) -> dict[str, Any]:
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}


def _pack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """Put the tensors of a tree into `tensors`, and return what is left as JSON values."""
    match tree:
        case Tensor():
            name = str(len(tensors))
            tensors[name] = _portable(tree)
            return {"tensor": name}
        case Mapping():
            return {"dict": [[key, _pack(value, tensors)] for key, value in tree.items()]}
        case tuple():
            return {"tuple": [_pack(value, tensors) for value in tree]}
        case list():
            return [_pack(value, tensors) for value in tree]
        case None | bool() | int() | float() | str():
            return tree
    raise InputError(
        f"a {type(tree).__name__} cannot be kept on disk; a state holds tensors, numbers, text, "
        "dictionaries, lists and tuples."
    )


def _unpack(packed: Any, tensors: Mapping[str, Tensor]) -> Any:
    match packed:
        case {"tensor": name}:
            return tensors[name]
        case {"dict": items}:
            return {key: _unpack(value, tensors) for key, value in items}
        case {"tuple": values}:
            return tuple(_unpack(value, tensors) for value in values)
        case list():
            return [_unpack(value, tensors) for value in packed]
    return packed
