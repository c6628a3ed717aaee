"""Collections of images inverted in parts that workers do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from preimage.cluster.collections import Some, image_parts
from preimage.cluster.job import Finished, Job, Made
from preimage.errors import InputError
from preimage.generators.base import CHUNK, GeneratorInverter
from preimage.generators.codes import Codes
from preimage.generators.collection import identity_of, stream_of, written
from preimage.generators.loading import moved
from preimage.images import open_images
from preimage.runtime import best_device
from preimage.tables import write_table

CODES = "codes"
"""The folder, within the output, of the tables of codes."""


@final
@dataclass(frozen=True, kw_only=True)
class Inverting:
    """The work: from images to reconstructions and a table of codes."""

    inverter: GeneratorInverter
    refine: int
    device: str | None
    folder: str

    def __call__(self, some: Some) -> Made:
        """Inverts the images of a part, as `invert_into` does."""
        inverter = moved(self.inverter, self.device or best_device())
        parts: list[Codes] = []
        batches = stream_of(inverter, some.images, self.refine, resumed=True)
        for codes in written(batches, Path(self.folder), parts.append):
            del codes
        record: dict[str, Any] = {
            "skipped": some.images.skipped,
            "notes": some.images.notes,
        }
        if not parts:
            return Made(files=(), size=0, record=record)
        table, codes = f"{CODES}/{some.name}.parquet", Codes.join(parts)
        record |= {"mean": codes.residual.mean().item(), "most": codes.residual.max().item()}
        write_table(codes.columns(), Path(self.folder, table), force=True)
        return Made(files=(table,), size=len(codes), record=record)


def invert_many(
    inverter: GeneratorInverter,
    images: Any,
    folder: str | os.PathLike[str],
    *,
    on: str = "local",
    refine: int = 0,
    device: str | None = None,
    part: int | None = None,
    force: bool = False,
) -> Finished:
    """Inverts any number of images on several cores or machines.

    Reconstructions get the names of their images. Codes are in Parquet files below `codes`, with
    the columns that `invert_into` writes. After an interruption, the same call does what is left.

    Args:
        inverter: Finds the codes.
        images: A folder, an archive or files, which workers see under the same paths.
        folder: Where to; likewise.
        on: "local" for the cores of this machine, or the address of a Dask scheduler.
        refine: Steps of latent optimisation from each code.
        device: Where workers compute; None is the best that each has.
        part: Images in a part; None chooses.
        force: Replace what another call left in the folder.

    Returns:
        What was done; the `record` of a part has what was skipped, and its residuals.

    Raises:
        InputError: The images cannot be used, or a setting is out of range.
        OutputExistsError: The folder holds the results of another call.
        ClusterError: There is no cluster at the address, or it cannot be used.
        MissingExtraError: Dask is not installed.
    """
    if refine < 0:
        raise InputError(f"refine={refine}; it is a number of steps, 0 or more.")
    opened, target = open_images(images), Path(folder).resolve()
    identity: Mapping[str, Any] = {
        "job": "codes of images",
        "images": os.path.abspath(opened.source.title),
        "model": identity_of(inverter, refine),
        "part": part,
    }
    return Job(
        folder=target,
        identity=identity,
        parts=image_parts(opened, least=CHUNK, part=part),
        work=Inverting(
            inverter=moved(inverter, "cpu"), refine=refine, device=device, folder=str(target)
        ),
        things="images",
    ).run(on, force=force)
