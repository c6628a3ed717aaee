"""A volume in, a volume out: affine, header and type are kept."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from preimage.errors import InputError
from preimage.files import check_file, writing_file
from preimage.progress import progress
from preimage.translation.kinds import Kind, Side
from preimage.translation.pairs.volumes import (
    Volume,
    is_volume,
    read_volume,
    showing,
    slices_of,
)
from preimage.translation.translator import Translator

TOGETHER = 16
"""So many slices go through a network at once."""


def translate_volume(
    model: Translator,
    path: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    source: Side,
    force: bool = False,
) -> None:
    """Translates a volume slice by slice, along the axis that was learned along.

    Its intensities are brought to [0, 1] as those of training volumes were, and those of the answer
    to the median window of the volumes of the other side. A slice that shows nothing, by the rule
    of `Pairs.from_volumes`, becomes the darkest intensity.

    Args:
        model: Fitted to volumes.
        path: A `.nii` or `.nii.gz` file.
        output: Another one.
        source: The side that it is of.
        force: Replace a file that is already there.

    Raises:
        InputError: The model was not fitted to volumes, or the output has another ending.
        DataError: The volume cannot be read.
        OutputExistsError: The output is there already.
    """
    kind = model.becomes(source)
    own = model.kinds_[0 if source == "a" else 1]
    if kind.window is None or own.window is None:
        raise InputError(
            f"{path} is a volume, and this model was trained on images; train one on volumes, or "
            "save the slices as images."
        )
    if not is_volume(output):
        raise InputError(f"{output} does not end in .nii or .nii.gz, as a volume does.")
    check_file(output, force=force)
    volume = read_volume(path)
    made = _translated(model, volume, own, source)
    low, high = kind.window
    image = _image(volume, np.moveaxis(low + made * (high - low), 0, own.axis))
    with writing_file(output, force=force) as aside:
        data = image.to_bytes()
        aside.write_bytes(gzip.compress(data) if Path(output).suffix == ".gz" else data)


def _translated(
    model: Translator, volume: Volume, own: Kind, source: Side
) -> Float[np.ndarray, "slices h w"]:
    slices = slices_of(volume.values, own.axis, own.neighbours)
    made = np.zeros((len(slices), *slices.shape[2:]), np.float32)
    rows = np.flatnonzero(showing(slices))
    with progress(f"translating {volume.path.name}", len(rows)) as bar:
        for begin in range(0, len(rows), TOGETHER):
            some = rows[begin : begin + TOGETHER]
            answer = model.raw(torch.from_numpy(slices[some]), source).clamp(0, 1)
            made[some] = answer[:, answer.shape[1] // 2].numpy()
            bar.update(begin + len(some))
    return made


def _image(volume: Volume, values: Float[np.ndarray, "x y z"]) -> Any:
    """The values as an image like the one that was read."""
    kind = volume.image.get_data_dtype()
    proxy = volume.image.dataobj
    plain = getattr(proxy, "slope", 1) == 1 and getattr(proxy, "inter", 0) == 0
    if np.issubdtype(kind, np.integer) and plain:
        limits = np.iinfo(kind)
        values = np.rint(values).clip(limits.min, limits.max).astype(kind)
    shape = volume.image.shape
    image = type(volume.image)(values.reshape(shape), volume.affine, volume.image.header)
    # Whole numbers that were stored with a scale get a new one.
    image.set_data_dtype(kind)
    return image
