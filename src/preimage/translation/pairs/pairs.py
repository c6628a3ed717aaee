"""Images of two kinds that show the same, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Shaped

from preimage.errors import InputError
from preimage.runtime import digest, generator
from preimage.translation.kinds import Kind, Misfit, Stray
from preimage.translation.pairs.arrays import read_arrays
from preimage.translation.pairs.files import Folder, read_folders, read_halves
from preimage.translation.pairs.palettes import as_palette
from preimage.translation.pairs.stack import Found
from preimage.translation.pairs.volumes import VolumePath, read_volumes

Colours: TypeAlias = Iterable[Sequence[int]] | None


@final
@dataclass(frozen=True)
class Pairs:
    """Images of side a and side b; both of a pair have one size and show the same at each place.

    Sizes may differ between pairs. All images are kept in memory in whole numbers.

    Attributes:
        names: One for each pair.
        kinds: What the images of either side are.
        a: Channels, height and width of each image of side a, uint8 or uint16.
        b: Those of side b.
        groups: What must not be torn apart by `split`: slices of one volume have one group.
        skipped: Files that were left out and why: no partner, damaged, of another size.

    Example:
        >>> images = np.random.default_rng(0).random((4, 1, 32, 32))
        >>> pairs = Pairs.from_arrays(images, 1 - images)
        >>> pairs, len(pairs.split(0.25)[1])
        (Pairs(4 of 1 and 1 channels), 1)
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, Kind]
    a: tuple[Shaped[np.ndarray, "_ _ _"], ...] = field(repr=False)
    b: tuple[Shaped[np.ndarray, "_ _ _"], ...] = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)
    skipped: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_folders(
        cls,
        a: Folder,
        b: Folder,
        *,
        suffixes: tuple[str, str] = ("", ""),
        palette_a: Colours = None,
        palette_b: Colours = None,
        stray: Stray = "refuse",
    ) -> Pairs:
        """Images of two folders, or zip archives, matched by their names without the ending.

        Args:
            a: A folder; PNG, JPEG, TIFF, BMP and WebP are read, also in folders within it.
            b: The other folder, or the same one with other `suffixes`.
            suffixes: What names of either side end in before the ending of the file, such as
                `("", "_label")`.
            palette_a: The colours (red, green, blue, to 255) of label maps on side a. Grey label
                maps hold numbers of colours, counted from 0.
            palette_b: Those of side b.
            stray: What to do with an image that has colours outside of its palette: "refuse" leaves
                it out and says so in `skipped`, "nearest" takes the nearest colour.

        Returns:
            The pairs; see `skipped` for what is not among them.

        Raises:
            InputError: No pair can be used; the message says why.
        """
        palettes = as_palette(palette_a), as_palette(palette_b)
        return cls._of(read_folders(a, b, suffixes=suffixes, palettes=palettes, stray=stray))

    @classmethod
    def from_side_by_side(
        cls,
        folder: Folder,
        *,
        palette_a: Colours = None,
        palette_b: Colours = None,
        stray: Stray = "refuse",
    ) -> Pairs:
        """Images that show side a in their left half and side b in their right one.

        Args:
            folder: A folder or a zip archive.
            palette_a: The colours of label maps on the left.
            palette_b: Those on the right.
            stray: As for `from_folders`.

        Raises:
            InputError: No image can be used; the message says why.
        """
        palettes = as_palette(palette_a), as_palette(palette_b)
        return cls._of(read_halves(folder, palettes=palettes, stray=stray))

    @classmethod
    def from_volumes(
        cls,
        pairs: Sequence[tuple[VolumePath, VolumePath]],
        *,
        axis: int = 2,
        neighbours: int = 0,
        misfit: Misfit = "refuse",
    ) -> Pairs:
        """Slices of registered NIfTI volumes.

        The intensities of each volume are brought to [0, 1]: its least becomes 0, the 99th
        percentile of those above it 0.8. A slice is left out if on either side fewer than 5 % of
        its pixels are above 0.02.

        Args:
            pairs: Two files each, such as T1 and T2 of a subject.
            axis: Along which slices are cut.
            neighbours: How many slices before and after become further channels of one (2.5-D).
            misfit: Volumes of different shape or affine are refused; "resample" brings the second
                to the grid of the first by linear interpolation.

        Raises:
            InputError: Two volumes are on different grids, or no pair can be used.
            MissingExtraError: nibabel is not installed.
        """
        return cls._of(read_volumes(pairs, axis=axis, neighbours=neighbours, misfit=misfit))

    @classmethod
    def from_arrays(
        cls,
        a: Any,
        b: Any,
        *,
        palette_a: Colours = None,
        palette_b: Colours = None,
        stray: Stray = "refuse",
    ) -> Pairs:
        """Images in two arrays or tensors; row i of both is a pair.

        Args:
            a: (n, height, width) or (n, channels, height, width) with any number of channels:
                uint8, uint16, or floating point in [0, 1], which is kept in 16 bits.
            b: As many of the same height and width; channels and type may differ.
            palette_a: The colours of label maps on side a.
            palette_b: Those of side b.
            stray: As for `from_folders`, but a refused image is an error.

        Raises:
            InputError: The arrays are no such images, or do not fit.
        """
        palettes = as_palette(palette_a), as_palette(palette_b)
        return cls._of(read_arrays(a, b, palettes=palettes, stray=stray))

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        one, two = self.kinds
        return f"Pairs({len(self):,} of {one.channels} and {two.channels} channels)"

    @property
    def digest(self) -> str:
        """A short text that differs when any pixel does."""
        return digest(
            *(
                torch.from_numpy(np.ascontiguousarray(one).view(np.uint8))
                for side in (self.a, self.b)
                for one in side
            )
        )

    def only(self, rows: Sequence[int]) -> Pairs:
        """The pairs of these rows, in this order."""
        return Pairs(
            names=tuple(self.names[row] for row in rows),
            kinds=self.kinds,
            a=tuple(self.a[row] for row in rows),
            b=tuple(self.b[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows),
            skipped=self.skipped,
        )

    def split(self, share: float, *, seed: int = 0) -> tuple[Pairs, Pairs]:
        """Pairs to train on, and a share to validate on; volumes go to one of both whole.

        Args:
            share: Of the groups that are held out, at least one of them.
            seed: Decides which.

        Raises:
            InputError: The share is not between 0 and 1, or there is only one group.
        """
        groups = sorted(set(self.groups))
        if not 0 < share < 1:
            raise InputError(f"share={share}; give the share that is held out, between 0 and 1.")
        if len(groups) < 2:
            raise InputError(
                f"all {len(self)} pairs are of one group ({groups[0]}), and nothing can be held "
                "out; give pairs of another volume or image."
            )
        order = torch.randperm(len(groups), generator=generator(seed)).tolist()
        count = min(max(1, round(share * len(groups))), len(groups) - 1)
        held = {groups[i] for i in order[:count]}
        rows = range(len(self))
        return (
            self.only([row for row in rows if self.groups[row] not in held]),
            self.only([row for row in rows if self.groups[row] in held]),
        )

    @classmethod
    def _of(cls, found: Found) -> Pairs:
        return cls(
            names=tuple(found.names),
            kinds=(found.a.kind, found.b.kind),
            a=tuple(found.a.pixels),
            b=tuple(found.b.pixels),
            groups=tuple(found.groups),
            skipped=found.skipped,
        )
