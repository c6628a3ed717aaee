"""A translator as a folder, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from torch import nn

from preimage.store import save_model
from preimage.translation.kinds import Kind

FAMILY = "translator"
"""The kind that the config of a translator names."""


def save_translator(
    path: str | os.PathLike[str],
    *,
    kind: str,
    settings: Mapping[str, Any],
    kinds: tuple[Kind, Kind],
    networks: Mapping[str, nn.Module],
    force: bool,
) -> None:
    """Write what `preimage.translation.load` reads.

    Args:
        path: The folder.
        kind: Of the method.
        settings: Of the model.
        kinds: Of the two sides.
        networks: Those that translate.
        force: Replace a model that is already there.
    """
    tensors = {
        f"{name}.{key}": one
        for name, net in networks.items()
        for key, one in net.state_dict().items()
    }
    config = {
        "kind": FAMILY,
        "method": kind,
        "settings": dict(settings),
        "sides": {"a": kinds[0].to_config(), "b": kinds[1].to_config()},
    }
    save_model(path, config=config, tensors=tensors, card=_card(kind, kinds), force=force)


def _card(kind: str, kinds: tuple[Kind, Kind]) -> str:
    described = "\n".join(
        f"- side {side}: {one.channels} channels, {one.depth} bits"
        + (f", {len(one.palette)} colours" if one.palette else "")
        + (f", intensities {one.window[0]:g} to {one.window[1]:g}" if one.window else "")
        for side, one in zip("ab", kinds, strict=True)
    )
    return (
        f"# A translation between two kinds of images\n\nMethod `{kind}`.\n\n{described}\n\n"
        "```python\nfrom preimage.translation import load\n\n"
        'model = load("this folder")\n'
        "other = model(images)  # (n, channels, height, width), uint8 or in [0, 1]\n```\n\n"
        "What a translation adds to an image was learned from other images and is a guess.\n"
    )
