"""The paper's figure 9: both images of a pair, and what each model makes of the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from preimage.images import write_sheet
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.methods import TABLES
from preimage.translation import Translator
from preimage.translation.pairs.stack import brightness
from preimage.translation.sheets import as_colour

FIGURE = "figure-9.png"
SHOWN = 5
"""So many pairs are on it."""


def draw(models: Mapping[str, Translator], data: Data, folder: Path) -> Path | None:
    """Write the sheet; nothing where no model is there yet.

    Args:
        models: By name; those of the paper's tables and the default are shown.
        data: Test pairs of one size are shown.
        folder: Where to.
    """
    chosen = {name: one for name, one in models.items() if name in (*TABLES, "default")}
    if not chosen:
        return None
    pairs = data.test
    same = [i for i in range(len(pairs)) if pairs.a[i].shape[1:] == pairs.a[0].shape[1:]]
    rows = same[:: max(1, len(same) // SHOWN)][:SHOWN]
    a = torch.stack([brightness(pairs.a[i]) for i in rows])
    b = torch.stack([brightness(pairs.b[i]) for i in rows])
    one, two = pairs.kinds
    strips = {"a": as_colour(one, a), "b": as_colour(two, b)}
    for name, model in chosen.items():
        strips[f"b made of a, {name}"] = as_colour(two, torch.as_tensor(model(a, source="a")))
        strips[f"a made of b, {name}"] = as_colour(one, torch.as_tensor(model(b, source="b")))
    write_sheet(folder / FIGURE, list(strips.values()), list(strips), force=True)
    return folder / FIGURE
