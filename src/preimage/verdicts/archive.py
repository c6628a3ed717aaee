"""Programs in `.pt2` files, read without running anything that is in them.

`torch.export.load` unpickles parts of the file and evaluates expressions in it, and says that files
from others must not be loaded with it. Here the graph is read from its JSON description and the
weights from plain bytes. Operations are looked up by name, and only those that calculate are.
"""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from preimage.errors import InputError, StoreError
from preimage.verdicts.aten import known_operation
from preimage.verdicts.lifting import lifted
from preimage.verdicts.programs import Call, Program, Ref, checks_alone, one_in_one_out, refused

TYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
    6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
"""The numbers of types in `torch/_export/serde/schema.py`."""

VERSION = 8
"""The layout of programs in PyTorch 2.8 to 2.13."""

PLAIN = ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string",
         "as_strings")  # fmt: skip
"""Arguments that are what they say."""


def read_exported(path: str | os.PathLike[str]) -> torch.nn.Module:
    """The network in a `.pt2` file that `torch.export.save` wrote, without running code in it.

    Args:
        path: The file.

    Returns:
        A module with the layers of the network, for `check`.

    Raises:
        StoreError: If the file is missing, damaged, or of another kind.
        InputError: If the program has several inputs or outputs, or uses other operations than
            PyTorch's own on tensors.

    Example:
        >>> import tempfile, torch
        >>> file = tempfile.mkdtemp() + "/net.pt2"
        >>> batch = {0: torch.export.Dim("batch")}
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LeakyReLU())
        >>> program = torch.export.export(net, (torch.ones(3, 2),), dynamic_shapes=(batch,))
        >>> torch.export.save(program, file)
        >>> [type(layer).__name__ for layer in read_exported(file).children()]
        ['Linear']
    """
    try:
        with zipfile.ZipFile(path) as archive:
            program = _program(_Files(archive))
    except (StoreError, InputError):
        raise
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError,
            zipfile.BadZipFile, pickle.UnpicklingError) as error:  # fmt: skip
        what = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise StoreError(
            f"{os.fspath(path)} {what} as a program of torch.export ({type(error).__name__}: "
            f"{error}); give a file that torch.export.save wrote."
        ) from error
    return lifted(program)


class _Files:
    """The files of an archive, which all are in one folder."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        graphs = [one for one in archive.namelist() if "/models/" in one and one[-5:] == ".json"]
        if len(graphs) != 1:
            raise StoreError(
                f"the archive has {len(graphs)} programs; give a file that torch.export.save wrote."
            )
        self.folder, _, name = graphs[0].partition("/models/")
        self.model = name.removesuffix(".json")

    def bytes(self, name: str) -> bytes:
        return self.archive.read(f"{self.folder}/{name}")

    def json(self, name: str) -> dict[str, Any]:
        return json.loads(self.bytes(name))


def _program(files: _Files) -> Program:
    data = files.json(f"models/{files.model}.json")
    version = data["schema_version"]["major"]
    if version != VERSION:
        raise StoreError(
            f"the program has layout {version}, and {VERSION} is known here; export it anew with "
            "PyTorch 2.8 or later."
        )
    graph = data["graph_module"]["graph"]
    signature = data["graph_module"]["signature"]
    weights = _tensors(files, f"data/weights/{files.model}_weights_config.json", "weights")
    weights |= _tensors(files, f"data/constants/{files.model}_constants_config.json", "constants")
    inputs, constants = [], {}
    for spec in signature["input_specs"]:
        (kind, entry), *_ = spec.items()
        if kind == "user_input":
            inputs.append(entry["arg"]["as_tensor"]["name"])
        elif kind in ("parameter", "buffer", "tensor_constant"):
            constants[entry["arg"]["name"]] = weights[entry[f"{kind}_name"]]
        else:
            raise InputError(f"the program has an input of the kind {kind!r}; export one without.")
    outputs = [
        spec["user_output"]["arg"] for spec in signature["output_specs"] if "user_output" in spec
    ]
    one_in_one_out(inputs, len(outputs))
    sizes = [size.get("as_int") for size in graph["tensor_values"][inputs[0]]["sizes"]]
    fixed = all(size is not None for size in sizes[1:])
    calls = [_call(node) for node in graph["nodes"]]
    return Program(
        input=inputs[0], calls=[call for call in calls if call is not None], constants=constants,
        output=outputs[0]["as_tensor"]["name"], shape=tuple(sizes[1:]) if fixed else None,
        batch=sizes[0],
    )  # fmt: skip


def _call(node: Mapping[str, Any]) -> Call | None:
    words = node["target"].split(".")
    if words[:3] != ["torch", "ops", "aten"] or len(words) != 5:
        raise refused(node["target"])
    if checks_alone(f"aten.{words[3]}"):
        return None
    operation = known_operation(words[3], words[4])
    arguments = {one["name"]: _argument(one["arg"]) for one in node["inputs"]}
    found = node["outputs"][0]
    (kind, entry), *_ = found.items()
    if kind == "as_tensors":
        parts = tuple(one["name"] for one in entry)
        return Call(node.get("name") or "_".join(parts), operation, arguments, parts)
    if len(node["outputs"]) > 1:
        parts = tuple(_named(one) for one in node["outputs"])
        return Call("_".join(parts) + "_all", operation, arguments, parts)
    return Call(_named(found), operation, arguments)


def _named(output: Mapping[str, Any]) -> str:
    (kind, entry), *_ = output.items()
    return entry["name"] if kind == "as_tensor" else entry["as_name"]


def _argument(data: Mapping[str, Any]) -> Any:
    (kind, value), *_ = data.items()
    if kind in PLAIN:
        return value
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return Ref(value["name"])
        case "as_tensors":
            return [Ref(one["name"]) for one in value]
        case "as_optional_tensors":
            return [_argument(one) for one in value]
        case "as_sym_int" | "as_sym_bool" | "as_sym_float":
            return _symbol(value)
        case "as_sym_ints":
            return [_symbol(one) for one in value]
        case "as_scalar_type":
            return TYPES[value]
        case "as_memory_format" | "as_layout" | "as_device":
            return None
    raise InputError(f"the program has an argument of the kind {kind!r}; export one without.")


def _symbol(data: Mapping[str, Any]) -> Any:
    return Ref(data["as_name"]) if "as_name" in data else next(iter(data.values()))


def _tensors(files: _Files, config: str, folder: str) -> dict[str, Tensor]:
    found = {}
    for name, entry in files.json(config)["config"].items():
        raw = files.bytes(f"data/{folder}/{entry['path_name']}")
        if entry["use_pickle"]:
            if raw[:2] != b"PK":
                raise ValueError("a weight is pickled in a way that PyTorch does not write")
            # Tensors only: PyTorch's own reader for these runs no code.
            found[name] = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
        else:
            found[name] = _tensor(raw, entry["tensor_meta"])
    return found


def _tensor(raw: bytes, meta: Mapping[str, Any]) -> Tensor:
    sizes = [one["as_int"] for one in meta["sizes"]]
    strides = [one["as_int"] for one in meta["strides"]]
    start = meta["storage_offset"]["as_int"]
    kind = TYPES[meta["dtype"]]
    if math.prod(sizes) == 0:
        return torch.zeros(sizes, dtype=kind)
    reach = start + 1 + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    flat = torch.frombuffer(bytearray(raw), dtype=kind)
    if min([start, *strides, *sizes]) < 0 or reach > len(flat):
        raise ValueError("a weight is shorter than its shape says")
    return flat.as_strided(sizes, strides, start).clone()
