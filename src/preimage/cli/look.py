"""`preimage methods` and `preimage info`: what there is."""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from preimage.cli.options import ModelArgument
from preimage.errors import StoreError


def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show the settings of one method.")
    ] = None,
) -> None:
    """List the methods, or the settings of one."""
    from preimage.cli.settings import build_method, settings_of
    from preimage.cli.show import print_columns, summary
    from preimage.inverters import METHODS

    if name is None:
        rows = [(kind, summary(method)) for kind, method in METHODS.items()]
        print_columns(("method", "what it does"), rows)
        return
    method = build_method(name, [], preset=None, seed=None)
    typer.echo(summary(type(method)))
    typer.echo()
    print_columns(("setting", "takes", "default"), settings_of(method))


def info(model: ModelArgument) -> None:
    """Say what a model was fitted to, and how."""
    from preimage.cli.show import print_columns
    from preimage.store import read_config

    config = read_config(model)
    try:
        rows = _described(config)
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"the config of {model} is incomplete ({error}); copy the folder again from where it "
            "was saved, or fit and save again."
        ) from error
    print_columns(None, [("model", str(model)), *rows])


def _described(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a config says, as names and texts."""
    from preimage.domain import Box

    tensors = config["tensors"]
    size = sum(math.prod(tensor["shape"]) for tensor in tensors.values())
    rows = [
        ("kind", config["kind"]),
        ("written by", f"preimage {config['preimage']}, format {config['format']}"),
        ("tensors", f"{len(tensors)}, with {size:,} numbers"),
    ]
    if config["kind"] == "image-index":
        return [*rows, ("images", f"{config['images']:,}"), ("compared by", config["fingerprint"])]
    if config["kind"] != "inverter":
        return rows
    box = Box.from_config(config["box"])
    known = f"{tensors['anchors.x']['shape'][0]:,}"
    left_out = f", {config['dropped']:,} left out" if config["dropped"] else ""
    measured = f"{known} measured rows{left_out}"
    rows += [
        ("method", config["method"]),
        ("fitted to", measured if config["measured"] else f"a function, at {known} points"),
        ("answers checked by", f"the {config['checker']}"),
        ("outputs", ", ".join(config["outputs"])),
    ]
    if config["surrogate"] is not None:
        rows.append(("surrogate", config["surrogate"]["kind"].replace("_", " ")))
    sides = zip(box.names, box.low.tolist(), box.high.tolist(), box.periodic.tolist(), strict=True)
    for name, low, high, periodic in sides:
        rows.append((f"input {name}", f"{low:g} to {high:g}{', periodic' if periodic else ''}"))
    return rows + [(f"setting {name}", value) for name, value in _settings(config["settings"])]


def _settings(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += _settings(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, json.dumps(value).strip('"')))
    return rows
