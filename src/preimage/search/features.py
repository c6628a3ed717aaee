"""What images are compared by: hashes, colours, or the codes of a generator."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any, ClassVar, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError, MissingExtraError
from preimage.images import Fit
from preimage.images.decoding import pillow
from preimage.images.picture import SHOWN_AS, as_bytes, check_brightness


@dataclass(frozen=True)
class Feature(ABC):
    """A vector for each image, such that similar images have close vectors.

    Attributes:
        name: What it is called, on the command line too.
        distance: "euclidean", or "hamming" where vectors are bits.
        alike: The distance up to which two images count as duplicates, unless one says otherwise;
            None where there is no such distance that holds for all.
    """

    name: ClassVar[str]
    distance: ClassVar[Literal["euclidean", "hamming"]]
    alike: ClassVar[float | None]

    @property
    @abstractmethod
    def dim(self) -> int:
        """How many numbers a vector has."""

    @property
    @abstractmethod
    def view(self) -> tuple[tuple[int, int], int, Fit]:
        """Height and width, channels and fit in which it wants to see images."""

    @abstractmethod
    def __call__(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The vectors of images in [0, 1].

        Args:
            pixels: Best in the size and the number of channels of `view`.
        """

    @property
    def settings(self) -> dict[str, Any]:
        """What it takes to make it again, as JSON values."""
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """Text that is the same only for features whose vectors can be compared."""
        return f"{self.name} {json.dumps(asdict(self), sort_keys=True)}"

    def shown(self, squared: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Distances in their unit (bits, for hashes) from squared Euclidean ones."""
        return squared if self.distance == "hamming" else np.sqrt(squared)

    def squared(self, distance: float) -> float:
        """The other way round."""
        return distance if self.distance == "hamming" else distance**2


@dataclass(frozen=True)
class _Hash(Feature):
    """A hash of `imagehash`: bits that hardly change with size, format and brightness."""

    size: int = 8

    distance: ClassVar[Literal["euclidean", "hamming"]] = "hamming"

    def __post_init__(self) -> None:
        if not 2 <= self.size <= 64:
            raise InputError(f"size={self.size}; a hash has 2 to 64 rows of bits, usually 8.")

    @property
    def dim(self) -> int:
        """Bits."""
        return self.size**2

    def __call__(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The bits of each image, as 0 and 1."""
        library, compute = pillow(), self._compute(_imagehash())
        values = as_bytes(_pixels(pixels).permute(0, 2, 3, 1).numpy())
        flat = values[..., 0] if values.shape[3] == 1 else values
        bits = [compute(library.fromarray(np.ascontiguousarray(one))).hash for one in flat]
        return torch.from_numpy(np.stack(bits).reshape(len(bits), -1).astype(np.float32))

    @abstractmethod
    def _compute(self, library: ModuleType) -> Callable[[Any], Any]:
        """What computes the hash of one image of Pillow's."""


@final
@dataclass(frozen=True)
class DHash(_Hash):
    """The difference hash: is each pixel of a small grey copy brighter than its left neighbour?

    Computed by `imagehash.dhash`, on the whole image shrunk to 9 × 8 pixels.

    Args:
        size: Rows and columns of bits.

    Example:
        >>> ramp = torch.linspace(0, 1, 9).expand(1, 1, 8, 9)
        >>> DHash()(ramp).mean().item(), DHash()(1 - ramp).mean().item()
        (1.0, 0.0)
    """

    name: ClassVar[str] = "dhash"
    alike: ClassVar[float | None] = 2.0

    @property
    def view(self) -> tuple[tuple[int, int], int, Fit]:
        """The size that the hash itself shrinks images to."""
        return (self.size, self.size + 1), 1, "stretch"

    def _compute(self, library: ModuleType) -> Callable[[Any], Any]:
        return lambda image: library.dhash(image, hash_size=self.size)


@final
@dataclass(frozen=True)
class PHash(_Hash):
    """The perceptual hash: is each low frequency of a small grey copy above their median?

    Computed by `imagehash.phash`, from the cosine transform of the whole image shrunk to 32 × 32
    pixels.

    Args:
        size: Rows and columns of bits.
    """

    name: ClassVar[str] = "phash"
    alike: ClassVar[float | None] = 4.0

    @property
    def view(self) -> tuple[tuple[int, int], int, Fit]:
        """The size that the hash itself shrinks images to."""
        return (4 * self.size, 4 * self.size), 1, "stretch"

    def _compute(self, library: ModuleType) -> Callable[[Any], Any]:
        return lambda image: library.phash(image, hash_size=self.size, highfreq_factor=4)


@final
@dataclass(frozen=True)
class ColourHistogram(Feature):
    r"""How much of each colour there is, wherever it is.

    RGB space is cut into bins³ equal cubes. With the shares $p$ and $q$ of two images' pixels in
    them, the distance is $\sqrt{\sum_i (\sqrt{p_i} - \sqrt{q_i})^2}$: $\sqrt 2$ times Hellinger's,
    0 for the same colours and $\sqrt 2$ where no colour is shared.

    Args:
        bins: Cuts along each of red, green and blue.

    Example:
        >>> red, blue = torch.zeros(2, 1, 3, 4, 4)
        >>> red[:, 0], blue[:, 2] = 1, 1
        >>> round(float(torch.dist(ColourHistogram()(red), ColourHistogram()(blue))), 3)
        1.414
    """

    bins: int = 8

    name: ClassVar[str] = "colour"
    distance: ClassVar[Literal["euclidean", "hamming"]] = "euclidean"
    alike: ClassVar[float | None] = 0.15

    def __post_init__(self) -> None:
        if not 2 <= self.bins <= 16:
            raise InputError(f"bins={self.bins}; take 2 to 16 along each colour, usually 8.")

    @property
    def dim(self) -> int:
        """Cubes."""
        return self.bins**3

    @property
    def view(self) -> tuple[tuple[int, int], int, Fit]:
        """Small is enough for shares of colours."""
        return (64, 64), 3, "stretch"

    def __call__(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """Square roots of shares."""
        values = _pixels(pixels)
        values = values.expand(-1, 3, -1, -1)
        cut = (values * self.bins).long().clamp_(max=self.bins - 1).flatten(2)
        cube = (cut[:, 0] * self.bins + cut[:, 1]) * self.bins + cut[:, 2]
        counts = torch.zeros(len(values), self.dim)
        counts.scatter_add_(1, cube, torch.ones_like(cube, dtype=torch.float32))
        return (counts / cube.shape[1]).sqrt()


FEATURES: dict[str, type[DHash] | type[PHash] | type[ColourHistogram]] = {
    one.name: one for one in (DHash, PHash, ColourHistogram)
}
"""What needs no model, by name."""


def feature_of(name: str, settings: dict[str, Any]) -> Feature:
    """The feature that has this name and these settings.

    Raises:
        InputError: There is none, or it takes other settings.
    """
    if name not in FEATURES:
        raise InputError(f"there is no feature {name!r}; there are {', '.join(FEATURES)}.")
    try:
        return FEATURES[name](**settings)
    except TypeError as error:
        raise InputError(f"{name} cannot be made of {settings}: {error}.") from error


def _pixels(pixels: Tensor) -> Tensor:
    """float32 on the CPU."""
    if pixels.ndim != 4 or pixels.shape[1] not in SHOWN_AS:
        raise InputError(
            f"images are (n, channels, height, width) with 1 or 3 channels, and not "
            f"{tuple(pixels.shape)}."
        )
    check_brightness(pixels)
    return pixels.detach().to("cpu", torch.float32)


def _imagehash() -> ModuleType:
    try:
        import imagehash
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "hashes are computed by imagehash, which is not installed; install it with "
            "pip install 'preimage[search]', or compare by colour."
        ) from error
    return imagehash
