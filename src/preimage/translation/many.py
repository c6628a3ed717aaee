"""Files translated in parts that workers do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from preimage.cluster.collections import Some, image_parts
from preimage.cluster.job import Finished, Job, Made
from preimage.cluster.parts import Part
from preimage.errors import DataError
from preimage.images import open_images
from preimage.runtime import best_device, digest
from preimage.translation.kinds import Side
from preimage.translation.pairs.opening import volumes_in
from preimage.translation.running import (
    TOGETHER,
    Place,
    Run,
    check_apart,
    needed_side,
    translate_images,
)
from preimage.translation.translator import Translator
from preimage.translation.volumes import translate_volume


@final
@dataclass(frozen=True)
class Volume:
    """A volume, and what its translation is called below the folder."""

    path: str
    output: str


@final
@dataclass(frozen=True, kw_only=True)
class Translating:
    """The work: from images, or a volume, to their translations."""

    model: Translator
    source: Side | None
    device: str | None
    folder: str

    def __call__(self, some: Some | Volume) -> Made:
        """Translates a part, as `translate_files` does."""
        for network in self.model.networks_.values():
            network.to(self.device or best_device())
        folder, run = Path(self.folder), Run()
        if isinstance(some, Some):
            translate_images(self.model, some.images, folder, run, source=self.source, force=True)
        else:
            self._volume(some, run)
        return Made(
            files=tuple(path.relative_to(folder).as_posix() for path in run.written),
            size=len(run.written),
            record={"skipped": run.skipped, "notes": run.notes},
        )

    def _volume(self, some: Volume, run: Run) -> None:
        target = Path(self.folder, some.output)
        try:
            translate_volume(
                self.model, Path(some.path), target, source=needed_side(self.source), force=True
            )
        except DataError as error:
            run.skipped[some.path] = str(error)
        else:
            run.written.append(target)


def translate_many(
    model: Translator,
    place: Place,
    folder: str | os.PathLike[str],
    *,
    on: str = "local",
    source: Side | None = None,
    device: str | None = None,
    part: int | None = None,
    force: bool = False,
) -> Finished:
    """Translates any number of images or volumes on several cores or machines.

    The files are those that `translate_files` writes. After an interruption, the same call does
    what is left.

    Args:
        model: A fitted model.
        place: A folder or an archive, which workers see under the same path.
        folder: Where to; likewise.
        on: "local" for the cores of this machine, or the address of a Dask scheduler.
        source: As for `translate_files`.
        device: Where workers compute; None is the best that each has.
        part: Images in a part; None chooses. A volume is a part.
        force: Replace what another call left in the folder.

    Returns:
        What was done; the `record` of a part has what was skipped and what could not be kept.

    Raises:
        InputError: There is nothing to translate, or the output is where the images are.
        OutputExistsError: The folder holds the results of another call.
        ClusterError: There is no cluster at the address, or it cannot be used.
        MissingExtraError: Dask is not installed.
    """
    check_apart(place, folder)
    target = Path(folder).resolve()
    volumes = volumes_in(place)
    parts: list[Part[Any]] = [_volume_part(one, Path(place)) for one in volumes]
    if volumes:
        needed_side(source)
    else:
        parts = image_parts(open_images(place), least=4 * TOGETHER, part=part)
    return Job(
        folder=target,
        identity={
            "job": "translations",
            "images": os.path.abspath(place),
            "model": _fingerprint(model),
            "source": source,
            "part": part,
        },
        parts=parts,
        work=Translating(model=model, source=source, device=device, folder=str(target)),
        things="volumes" if volumes else "images",
    ).run(on, force=force)


def _volume_part(path: Path, place: Path) -> Part[Some | Volume]:
    output = path.relative_to(place if place.is_dir() else place.parent).as_posix()
    state = path.stat()
    return Part(
        name=output,
        source=str(path),
        size=1,
        stamp=f"{state.st_size}:{state.st_mtime_ns}",
        content=Volume(str(path.resolve()), output),
    )


def _fingerprint(model: Translator) -> str:
    networks = [model.networks_[name] for name in sorted(model.networks_)]
    tensors = [one for network in networks for one in network.state_dict().values()]
    kinds = [kind.to_config() for kind in model.kinds_]
    return f"{model.kind} {kinds} {digest(*tensors)}"
