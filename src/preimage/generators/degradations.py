"""What has happened to an image: blur, lost pixels, lost resolution, noise, or one's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.runtime import generator as random_generator


class Degradation(ABC):
    r"""A differentiable map $A$ from whole images to what was observed of them, $y = A(x)$."""

    @abstractmethod
    def __call__(self, images: Float[Tensor, "n c h w"]) -> Tensor:
        """What would be observed of these images, without noise."""

    @property
    def noise(self) -> float:
        """The standard deviation of the noise on each observed value; 0 where there is none."""
        return 0.0

    def view(
        self, observed: Tensor, shape: tuple[int, int, int]
    ) -> Float[Tensor, "n c h w"] | None:
        """The observation as an image that an encoder can be given.

        Args:
            observed: One observation a row.
            shape: Channels, rows and columns of a whole image.

        Returns:
            Images of this shape; None where the observation is no image of it.
        """
        return observed if tuple(observed.shape[1:]) == shape else None

    def observe(self, images: Float[Tensor, "n c h w"], seed: int = 0) -> Tensor:
        """What is observed of these images, with a draw of the noise.

        Args:
            images: Whole images, values in [0, 1].
            seed: The same seed draws the same noise.

        Example:
            >>> Downsample(2).observe(torch.ones(1, 3, 4, 4)).shape
            torch.Size([1, 3, 2, 2])
        """
        clean = self(images)
        if self.noise == 0:
            return clean
        source = random_generator(seed)
        drawn = torch.randn(clean.shape, generator=source, dtype=clean.dtype)
        return clean + self.noise * drawn.to(clean.device)


@final
@dataclass(frozen=True)
class Blur(Degradation):
    """A Gaussian blur; beyond its edges the image goes on with the values of the edge.

    Args:
        sigma: The standard deviation of the kernel, in pixels; it is cut at four of them.

    Raises:
        InputError: If sigma is not positive.

    Example:
        >>> Blur(2.0)(torch.full((1, 1, 8, 8), 0.5)).mean()
        tensor(0.5000)
    """

    sigma: float

    def __post_init__(self) -> None:
        if not 0 < self.sigma < float("inf"):
            raise InputError(f"a blur by {self.sigma} pixels; give a positive number.")

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The blurred images: rows, then columns."""
        radius = max(1, round(4 * self.sigma))
        at = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
        kernel = torch.exp(-0.5 * (at / self.sigma) ** 2)
        kernel = kernel / kernel.sum()
        n, c, h, w = images.shape
        flat = F.pad(images.reshape(n * c, 1, h, w), (radius,) * 4, mode="replicate")
        rows = F.conv2d(flat, kernel[None, None, :, None])
        return F.conv2d(rows, kernel[None, None, None, :]).reshape(n, c, h, w)


@final
@dataclass(frozen=True)
class Downsample(Degradation):
    """Fewer pixels: the mean of each square of `factor` by `factor`.

    Args:
        factor: How many times fewer rows and columns.

    Raises:
        InputError: If the factor is less than 2, or does not divide the sides of an image.
    """

    factor: int

    def __post_init__(self) -> None:
        if self.factor < 2:
            raise InputError(f"down-sampling by {self.factor}; give a whole number from 2 on.")

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c small narrow"]:
        """The small images."""
        height, width = images.shape[2:]
        if height % self.factor or width % self.factor:
            raise InputError(
                f"images of {height} by {width} cannot be down-sampled by {self.factor}; give a "
                "factor that divides both sides."
            )
        return F.avg_pool2d(images, self.factor)

    def view(
        self, observed: Tensor, shape: tuple[int, int, int]
    ) -> Float[Tensor, "n c h w"] | None:
        """The small images, enlarged (bicubic)."""
        channels, height, width = shape
        if tuple(observed.shape[1:]) != (channels, height // self.factor, width // self.factor):
            return None
        large = F.interpolate(observed, size=(height, width), mode="bicubic", align_corners=False)
        return large.clamp(0, 1)


@final
@dataclass(frozen=True, eq=False)
class Mask(Degradation):
    """Lost pixels: what is observed is black where the mask is 0.

    Args:
        keep: 1 where a pixel was observed and 0 where it was lost, `(h, w)` or `(c, h, w)`; truth
            values will do.
        fill: The grey that an encoder is shown in place of lost pixels.

    Raises:
        InputError: If the mask is of another shape, or keeps nothing.

    Example:
        >>> keep = torch.ones(4, 4)
        >>> keep[1:3, 1:3] = 0
        >>> Mask(keep)(torch.ones(1, 1, 4, 4)).sum()
        tensor(12.)
    """

    keep: Tensor
    fill: float = field(default=0.5)

    def __post_init__(self) -> None:
        keep = torch.as_tensor(self.keep)
        if keep.ndim not in (2, 3):
            raise InputError(
                f"a mask of shape {tuple(keep.shape)}; give (height, width), or (channels, height, "
                "width)."
            )
        keep = (keep > 0.5) if keep.is_floating_point() else keep != 0
        if not bool(keep.any()):
            raise InputError("the mask keeps no pixel; give 1 where a pixel was observed.")
        object.__setattr__(self, "keep", keep)

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The images, black where pixels are lost."""
        return images * self._kept(images)

    def view(
        self, observed: Tensor, shape: tuple[int, int, int]
    ) -> Float[Tensor, "n c h w"] | None:
        """The images, grey where pixels are lost."""
        if tuple(observed.shape[1:]) != shape:
            return None
        kept = self._kept(observed)
        return observed * kept + self.fill * (1 - kept)

    def _kept(self, images: Tensor) -> Tensor:
        if tuple(self.keep.shape[-2:]) != tuple(images.shape[-2:]) or (
            self.keep.ndim == 3 and self.keep.shape[0] not in (1, images.shape[1])
        ):
            raise InputError(
                f"the mask has shape {tuple(self.keep.shape)}, and images "
                f"{tuple(images.shape[1:])}; give a mask of their size."
            )
        return self.keep.to(images.device, images.dtype)


@final
@dataclass(frozen=True)
class Noise(Degradation):
    """Independent normal noise on each value; the search does not follow it.

    Args:
        sd: Its standard deviation, where white is 1.

    Raises:
        InputError: If it is negative.
    """

    sd: float

    def __post_init__(self) -> None:
        if not 0 <= self.sd < float("inf"):
            raise InputError(f"noise of standard deviation {self.sd}; give 0 or more.")

    @property
    def noise(self) -> float:
        """The standard deviation."""
        return self.sd

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The images themselves: noise is on what is observed, and not in the map."""
        return images


@final
@dataclass(frozen=True)
class Custom(Degradation):
    """A map of one's own.

    Args:
        map: From images `(n, c, h, w)` to tensors with n rows; gradients must flow through it.

    Example:
        >>> grey = Custom(lambda images: images.mean(dim=1, keepdim=True))
        >>> grey(torch.ones(1, 3, 4, 4)).shape
        torch.Size([1, 1, 4, 4])
    """

    map: Callable[[Tensor], Tensor]

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Tensor:
        """What the map gives."""
        return self.map(images)


@final
@dataclass(frozen=True)
class Sequence(Degradation):
    """Several degradations, one after the other; noise counts where it comes last.

    Args:
        parts: The first is applied first.

    Raises:
        InputError: If there are none, or if noise is followed by something else.

    Example:
        >>> both = Sequence((Blur(1.0), Noise(0.05)))
        >>> both.noise
        0.05
    """

    parts: tuple[Degradation, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError("a sequence of no degradations; give at least one.")
        if any(part.noise for part in self.parts[:-1]):
            raise InputError("noise must be the last of the degradations; it is on what is seen.")

    @property
    def noise(self) -> float:
        """That of the last."""
        return self.parts[-1].noise

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Tensor:
        """What is left in the end."""
        for part in self.parts:
            images = part(images)
        return images

    def view(
        self, observed: Tensor, shape: tuple[int, int, int]
    ) -> Float[Tensor, "n c h w"] | None:
        """The views of the parts, the last first."""
        shapes = [shape]
        blank = torch.zeros(1, *shape)
        for part in self.parts:
            blank = part(blank)
            shapes.append((blank.shape[1], blank.shape[2], blank.shape[3]))
        seen: Tensor | None = observed
        for part, before in zip(reversed(self.parts), reversed(shapes[:-1]), strict=True):
            seen = None if seen is None else part.view(seen, before)
        return seen
