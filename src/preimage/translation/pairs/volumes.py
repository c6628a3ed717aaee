"""Pairs from volumes: slices of NIfTI images that lie on each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Float, UInt16

from preimage.errors import DataError, InputError, MissingExtraError
from preimage.progress import progress
from preimage.translation.kinds import Kind, Misfit
from preimage.translation.pairs.stack import Found, Stack, rounded

if TYPE_CHECKING:
    from types import ModuleType

VolumePath: TypeAlias = str | os.PathLike[str]

SUFFIXES = (".nii", ".nii.gz")
"""How the name of a volume ends."""

BRIGHT = 99.0
"""A percentile of the voxels above the least. Higher ones differ more between subjects: they are
those of a few vessels, or of fat."""

ROOM = 1.25
"""So many times that becomes white: what is brighter still has room."""

CONTENT = 0.05
"""A slice is left out if fewer of its pixels than this share show anything, on either side."""

DARK = 0.02
"""What is darker than this share of the window shows nothing."""

AFFINE_SLACK = 1e-3
"""How far two affines may differ, in the units of the volume, mostly millimetres."""


@final
@dataclass(frozen=True)
class Volume:
    """A volume in brightness, and what is needed to write another one like it.

    Attributes:
        path: Where it was read.
        values: In [0, 1].
        window: The intensities that became 0 and 1.
        affine: From voxels to space.
        image: As nibabel has it, with its header.
    """

    path: Path
    values: Float[np.ndarray, "x y z"]
    window: tuple[float, float]
    affine: Float[np.ndarray, "4 4"]
    image: Any


def nibabel() -> ModuleType:
    """The module.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import nibabel
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "volumes are read by nibabel, which is not installed; install it with "
            "pip install 'preimage[volumes]'."
        ) from error
    return nibabel


def is_volume(path: VolumePath) -> bool:
    """Whether a name ends as that of a volume does."""
    return str(path).lower().endswith(SUFFIXES)


def read_volume(path: VolumePath) -> Volume:
    """One volume, its intensities brought to [0, 1].

    The least intensity becomes 0, and the 99th percentile of those above it 0.8; what would be
    above 1 is cut off.

    Args:
        path: A `.nii` or `.nii.gz` file.

    Raises:
        DataError: It cannot be read, is not three-dimensional, holds NaN, or is constant.
    """
    library = nibabel()
    try:
        image = library.load(path)
        values = np.asarray(image.dataobj, dtype=np.float32)
    except (OSError, ValueError, EOFError, library.filebasedimages.ImageFileError) as error:
        raise DataError(f"{path} cannot be read as a volume ({error}); copy it again.") from error
    return _windowed(Path(path), values, image)


def window_of(values: np.ndarray) -> tuple[float, float]:
    """The intensities that become 0 and 1."""
    low = float(values.min())
    above = values[values > low]
    bright = float(np.percentile(above, BRIGHT)) if above.size else low
    return low, low + ROOM * (bright - low)


def slices_of(
    values: Float[np.ndarray, "x y z"], axis: int, neighbours: int
) -> Float[np.ndarray, "slices channels h w"]:
    """All slices along an axis, each with its neighbours as further channels.

    Beyond the ends, the end is repeated.

    Args:
        values: The volume.
        axis: 0, 1 or 2.
        neighbours: How many before, and how many after.
    """
    moved = np.moveaxis(values, axis, 0)
    rows = np.arange(len(moved))[:, None] + np.arange(-neighbours, neighbours + 1)
    return moved[rows.clip(0, len(moved) - 1)]


def showing(slices: Float[np.ndarray, "slices channels h w"]) -> Bool[np.ndarray, " slices"]:
    """Which slices show something: 5 % of the pixels above 2 % of the window, and not constant."""
    middle = slices[:, slices.shape[1] // 2]
    return ((middle > DARK).mean(axis=(1, 2)) >= CONTENT) & (np.ptp(middle, axis=(1, 2)) > 0)


def read_volumes(
    pairs: Sequence[tuple[VolumePath, VolumePath]],
    *,
    axis: int,
    neighbours: int,
    misfit: Misfit,
) -> Found:
    """Slices of pairs of volumes; see `Pairs.from_volumes`."""
    if axis not in (0, 1, 2) or neighbours < 0:
        raise InputError(f"axis={axis}, neighbours={neighbours}; a volume has axes 0, 1 and 2.")
    if not pairs:
        raise InputError("there is no pair of volumes.")
    names: list[str] = []
    groups: list[str] = []
    pixels: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    windows: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    skipped: dict[str, str] = {}
    with progress("reading volumes", len(pairs)) as bar:
        for done, paths in enumerate(pairs, start=1):
            bar.update(done)
            name = Path(paths[0]).name
            try:
                volumes = _fitting(read_volume(paths[0]), paths[1], misfit)
            except DataError as error:
                skipped[name] = str(error)
                continue
            cut = [slices_of(one.values, axis, neighbours) for one in volumes]
            kept = np.flatnonzero(showing(cut[0]) & showing(cut[1]))
            if not kept.size:
                skipped[name] = f"no slice along axis {axis} shows anything on both sides"
                continue
            names += [f"{name}:{row}" for row in kept]
            groups += [name] * len(kept)
            for place in (0, 1):
                pixels[place].extend(_deep(cut[place][kept]))
                windows[place].append(volumes[place].window)
    if not names:
        first = next(iter(skipped.items()))
        raise InputError(f"no pair of volumes can be used; the first, {first[0]}: {first[1]}")
    stacks = [Stack(_kind(windows[place], axis, neighbours), pixels[place]) for place in (0, 1)]
    return Found(stacks[0], stacks[1], names, groups, skipped)


def _kind(windows: list[tuple[float, float]], axis: int, neighbours: int) -> Kind:
    low, high = np.median(np.array(windows), axis=0)
    return Kind(
        channels=2 * neighbours + 1,
        depth=16,
        window=(float(low), float(high)),
        axis=axis,
        neighbours=neighbours,
    )


def _deep(slices: np.ndarray) -> UInt16[np.ndarray, "slices channels h w"]:
    return rounded(slices, np.dtype(np.uint16))


def _windowed(path: Path, values: np.ndarray, image: Any) -> Volume:
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise DataError(
            f"{path} has shape {values.shape}; a volume has three axes. Save one of its frames."
        )
    if not np.isfinite(values).all():
        raise DataError(f"{path} holds NaN or infinite values; replace them, for instance by 0.")
    low, high = window_of(values)
    if not low < high:
        raise DataError(f"{path} is constant ({low:g} everywhere); there is nothing to learn.")
    scaled = ((values - low) / (high - low)).clip(0, 1)
    return Volume(path, scaled, (low, high), np.asarray(image.affine), image)


def _fitting(one: Volume, path: VolumePath, misfit: Misfit) -> tuple[Volume, Volume]:
    """Both volumes on the grid of the first."""
    two = read_volume(path)
    same = one.values.shape == two.values.shape and np.allclose(
        one.affine, two.affine, atol=AFFINE_SLACK
    )
    if same:
        return one, two
    if misfit == "refuse":
        raise InputError(
            f"{one.path} and {two.path} are on different grids: shape {one.values.shape} and "
            f"{two.values.shape}, affine\n{one.affine}\nand\n{two.affine}\nRegister them first; if "
            'they are registered and only sampled differently, pass misfit="resample" '
            "(--resample on the command line), which brings the second to the grid of the first."
        )
    nibabel()
    from nibabel.processing import resample_from_to

    moved = resample_from_to(two.image, (one.values.shape, one.affine), order=1)
    return one, _windowed(two.path, np.asarray(moved.dataobj, dtype=np.float32), moved)
