"""Images of a source: one by one as they are, or in batches of one size."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from preimage.errors import DataError, InputError
from preimage.images.picture import Picture, Raster, as_float
from preimage.images.resizing import Fit, check_view, fitted
from preimage.images.sources import Entry, Read, Source
from preimage.progress import progress

AHEAD = 2
"""So many batches are decoded while one is worked on."""

SOME = 64
"""So many images are decoded ahead where there are no batches."""


@final
@dataclass(frozen=True)
class Batch:
    """Images of one size that follow each other.

    Attributes:
        entries: What was read.
        pixels: One image each, in [0, 1].
    """

    entries: tuple[Entry, ...]
    pixels: Float[Tensor, "batch channels height width"]

    @property
    def names(self) -> tuple[str, ...]:
        """What the images are called."""
        return tuple(entry.name for entry in self.entries)


@final
@dataclass(frozen=True)
class Stack:
    """All images of a source in memory.

    Attributes:
        names: What the images are called.
        pixels: One image each: uint8, or float32 in [0, 1] where some came with more than 8 bits.
        skipped: What could not be read and why, by name.
    """

    names: tuple[str, ...]
    pixels: Shaped[Tensor, "images channels height width"]
    skipped: dict[str, str]

    def __len__(self) -> int:
        return len(self.names)

    def float(self) -> Float[Tensor, "images channels height width"]:
        """The pixels in [0, 1]."""
        if self.pixels.dtype == torch.uint8:
            return self.pixels.to(torch.float32) / 255
        return self.pixels


@final
@dataclass
class Images:
    """Images that are listed, and read when they are asked for.

    Made by `open_images`. Whatever cannot be read is passed over and noted in `skipped`.

    Attributes:
        source: Where they are.
        background: What is behind transparent parts: 0 is black, 1 is white.
        skipped: What was passed over and why, by name. Reading adds to it.
        notes: What was not taken over from an image that was read, by name; for instance that
            16-bit colours were read as 8-bit.
    """

    source: Source
    background: float = 1.0
    skipped: dict[str, str] = field(init=False)
    notes: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.background <= 1:
            raise InputError(f"background={self.background}; it is from 0 (black) to 1 (white).")
        self.skipped = dict(self.source.left_out)

    def __len__(self) -> int:
        return len(self.source.entries)

    def __repr__(self) -> str:
        return f"Images({self.source.title}: {len(self)})"

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The images, by name, before any is read."""
        return self.source.entries

    @property
    def names(self) -> tuple[str, ...]:
        """What the images are called, sorted."""
        return tuple(entry.name for entry in self.entries)

    def only(self, names: Sequence[str]) -> Images:
        """The images of these names, in this order.

        Args:
            names: Some of `names`, each once.

        Raises:
            InputError: There is no image of such a name, or one is named twice.
        """
        there = {entry.name: entry for entry in self.entries}
        missing = [name for name in names if name not in there]
        if missing or len(set(names)) < len(names) or not names:
            raise InputError(
                f"{missing[0]!r} is not among the images of {self.source.title}."
                if missing
                else "name at least one image, and each once."
            )
        return Images(_with_entries(self.source, [there[name] for name in names]), self.background)

    def cut(self, each: int) -> list[Images]:
        """The images in parts that follow each other.

        Args:
            each: So many in a part; the last may have fewer.

        Raises:
            InputError: It is not positive.
        """
        if each < 1:
            raise InputError(f"{each} images in a part; at least one is wanted.")
        starts = range(0, len(self), each)
        parts = [list(self.entries[start : start + each]) for start in starts]
        return [Images(_with_entries(self.source, part), self.background) for part in parts]

    def read(self, name: str) -> Picture:
        """One image, as it is.

        Args:
            name: One of `names`.

        Raises:
            InputError: There is no image of this name.
            DataError: It cannot be read; the message says why.
        """
        (entry,) = self.only([name]).entries
        with self.source.reading(self.background) as read:
            try:
                return read(entry).picture()
            except DataError as error:
                raise DataError(f"{name}: {error}.") from error

    def pictures(self) -> Iterator[tuple[str, Picture]]:
        """Each image with its name, as it is; what cannot be read is passed over.

        Yields:
            The name and the image.

        Raises:
            InputError: None can be read.
        """
        for entry, raster in self._decoded(SOME, lambda raster: raster):
            yield entry.name, raster.picture()

    def batches(
        self,
        batch: int,
        *,
        size: int | tuple[int, int] | None = None,
        channels: int = 3,
        fit: Fit = "crop",
    ) -> Iterator[Batch]:
        """Images of one size, decoded by threads while the last batch is worked on.

        All batches but the last are full: what cannot be read is passed over.

        Args:
            batch: How many images at a time.
            size: The side, or (height, width); None leaves images as they are, which must then
                be of one size.
            channels: 1 makes images grey, 3 repeats grey.
            fit: "crop" takes the largest central part of the right shape; "stretch" takes all.

        Yields:
            Batches in the order of the names.

        Raises:
            InputError: None can be read, sizes differ where no size is given, or there is no such
                size or number of channels.
        """
        if batch < 1:
            raise InputError(f"batch={batch}; at least one image at a time.")
        entries: list[Entry] = []
        pixels: list[np.ndarray] = []
        for entry, values in self._fitted(AHEAD * batch, size, channels, fit):
            entries.append(entry)
            pixels.append(values)
            if len(entries) == batch:
                yield Batch(tuple(entries), _together(pixels))
                entries, pixels = [], []
        if entries:
            yield Batch(tuple(entries), _together(pixels))

    def load(
        self,
        *,
        size: int | tuple[int, int] | None = None,
        channels: int = 3,
        fit: Fit = "crop",
    ) -> Stack:
        """All images in memory.

        Args:
            size: As for `batches`.
            channels: Likewise.
            fit: Likewise.

        Returns:
            The images in the order of their names. 8-bit images are kept in 8 bits.

        Raises:
            InputError: As `batches` does.
        """
        names: list[str] = []
        pixels: list[np.ndarray] = []
        with progress("reading images", len(self)) as bar:
            for entry, values in self._fitted(SOME, size, channels, fit):
                names.append(entry.name)
                pixels.append(np.moveaxis(values, -1, 0))
                bar.update(len(names))
        if any(one.dtype != np.uint8 for one in pixels):
            pixels = [as_float(np.moveaxis(one, 0, -1)) for one in pixels]
        return Stack(tuple(names), torch.from_numpy(np.stack(pixels)), dict(self.skipped))

    def _fitted(
        self, ahead: int, size: int | tuple[int, int] | None, channels: int, fit: Fit
    ) -> Iterator[tuple[Entry, np.ndarray]]:
        """Height, width and channels of each image, all the same."""
        check_view(size, channels, fit)
        sides = (size, size) if isinstance(size, int) else size
        first: tuple[str, tuple[int, ...]] | None = None
        for entry, values in self._decoded(
            ahead, lambda raster: fitted(raster, sides, channels, fit)
        ):
            first = first or (entry.name, values.shape[:2])
            if values.shape[:2] != first[1]:
                raise InputError(
                    f"images differ in size: {first[0]} is {_sides(first[1])} and {entry.name} is "
                    f"{_sides(values.shape)}; say which size is wanted, such as size=64."
                )
            yield entry, values

    def _decoded(self, ahead: int, after: Any) -> Iterator[tuple[Entry, Any]]:
        """What `after` makes of each image that can be read, in order, `ahead` of who asks."""
        read_any = False
        with self.source.reading(self.background) as read:
            pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
            try:
                waiting = deque()
                coming = iter(self.entries)
                while True:
                    while len(waiting) < ahead and (entry := next(coming, None)) is not None:
                        waiting.append((entry, pool.submit(_try, read, entry, after)))
                    if not waiting:
                        break
                    entry, future = waiting.popleft()
                    found, note = future.result()
                    if found is None:
                        self.skipped[entry.name] = note
                        continue
                    if note:
                        self.notes[entry.name] = note
                    read_any = True
                    yield entry, found
            finally:
                pool.shutdown(cancel_futures=True)
        if not read_any:
            name = self.entries[0].name
            raise InputError(
                f"none of the {len(self):,} images of {self.source.title} can be read; the first, "
                f"{name}: {self.skipped[name]}."
            )


def _together(pixels: list[np.ndarray]) -> Float[Tensor, "batch channels height width"]:
    """One tensor in [0, 1] of images (height, width, channels); channels stay last in memory."""
    if all(one.dtype == np.uint8 for one in pixels):
        stack = torch.from_numpy(np.stack(pixels)).to(torch.float32).div_(255)
        return stack.permute(0, 3, 1, 2)
    return torch.from_numpy(np.stack([as_float(one) for one in pixels]))


def _with_entries(source: Source, entries: list[Entry]) -> Source:
    return replace(source, entries=tuple(entries), left_out={})


def _try(read: Read, entry: Entry, after: Any) -> tuple[Any, str]:
    """What came of an entry, and what to note; nothing and the reason where it cannot be read."""
    try:
        raster: Raster = read(entry)
    except DataError as error:
        return None, str(error)
    return after(raster), raster.note


def _sides(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
