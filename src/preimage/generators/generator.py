"""An image generator that is not trained any more: one's own, or one of ours."""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import Self, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError, PreimageWarning
from preimage.generators.priors import Prior
from preimage.runtime import generator as random_generator

PROBES = 16
"""Codes that are tried when a generator is made."""

SLACK = 1e-3
"""How far images may leave the declared range, in widths of the range: rounding, no more."""


@final
class Generator(nn.Module):
    r"""A frozen map from codes to images, $G: z \mapsto x \in [0, 1]^{c \times h \times w}$.

    Any module from a batch of codes to a batch of images will do. It is copied; the copy is put
    in evaluation mode and its parameters no longer ask for gradients, so that nothing that is done
    with it changes it, and a module given in training mode stays in training mode itself.
    Gradients flow through it to the codes.

    A few codes are tried at once, so that mistakes show here and not in the midst of a training.

    Args:
        module: From codes `(n, *prior.latent_shape)` to images `(n, channels, height, width)`.
        prior: Where its codes come from, such as `Uniform(100)` or `Normal((512, 1, 1))`.
        range: The values that the module gives for black and for white. Images are brought to
            [0, 1] by it.

    Attributes:
        module: The copy.
        prior: As given.
        image_shape: Channels, rows and columns of an image.

    Raises:
        InputError: The module does not take codes of that shape, does not give images, gives
            values outside of `range`, draws random numbers, or mixes the codes of a batch; the
            message says which, and what to do.

    Example:
        >>> from preimage.generators.priors import Normal
        >>> net = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
        >>> g = Generator(net, prior=Normal(5), range=(-1, 1))
        >>> g.image_shape, g(torch.zeros(3, 5)).shape
        ((1, 8, 8), torch.Size([3, 1, 8, 8]))
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        prior: Prior,
        range: tuple[float, float] = (0.0, 1.0),  # noqa: A002 - the word for it
    ) -> None:
        super().__init__()
        if not isinstance(module, nn.Module):
            raise InputError(
                f"the generator is a {type(module).__name__}; give a torch.nn.Module (a function "
                "can be wrapped in one whose forward calls it)."
            )
        low, high = range
        if not low < high:
            raise InputError(f"range={range!r}; give the values of black and white, low < high.")
        self.module = self.copied(module).requires_grad_(False)
        self.prior = prior
        self.range = (float(low), float(high))
        self.eval()
        self.image_shape = self._probe()

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape of one code."""
        return self.prior.latent_shape

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return tensors[0].device if tensors else torch.device("cpu")

    def forward(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n c h w"]:
        """The images of some codes, with black at 0 and white at 1.

        Args:
            z: Codes, `(n, *latent_shape)`, on its device.

        Raises:
            InputError: The codes have another shape.
        """
        if tuple(z.shape[1:]) != self.latent_shape:
            raise InputError(
                f"the codes have shape {tuple(z.shape)}; this generator takes "
                f"(n, {', '.join(map(str, self.latent_shape))})."
            )
        low, high = self.range
        raw = self.module(z)
        return raw if (low, high) == (0.0, 1.0) else (raw - low) / (high - low)

    def sample(self, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Draws codes from the prior, and their images.

        Args:
            n: How many.
            seed: The same seed gives the same codes.

        Returns:
            The codes and the images.
        """
        z = self.prior.sample(n, random_generator(seed)).to(self.device)
        with torch.no_grad():
            return z, self(z)

    def train(self, mode: bool = True) -> Self:
        """Does nothing: a generator stays in evaluation mode."""
        return super().train(False)

    @staticmethod
    def copied(module: nn.Module) -> nn.Module:
        """A copy of a module.

        Raises:
            InputError: It cannot be copied.
        """
        try:
            return deepcopy(module)
        except (RuntimeError, TypeError) as error:
            raise InputError(
                f"the generator cannot be copied ({error}); give a module without hooks, files "
                "or tensors that were computed with gradients."
            ) from error

    def _probe(self) -> tuple[int, int, int]:
        wanted = f"({PROBES}, {', '.join(map(str, self.latent_shape))})"
        z = self.prior.sample(PROBES, random_generator(0)).to(self.device)
        with torch.no_grad():
            try:
                raw = self.module(z)
            except Exception as error:
                raise InputError(
                    f"the generator fails on codes of shape {wanted} "
                    f"({type(error).__name__}: {error}); the latent size or shape that `prior` "
                    "names must be the one it was built for."
                ) from error
            if not isinstance(raw, Tensor) or raw.ndim != 4 or len(raw) != PROBES:
                given = tuple(raw.shape) if isinstance(raw, Tensor) else type(raw).__name__
                raise InputError(
                    f"the generator makes {given} of codes {wanted}; it must make images, "
                    f"({PROBES}, channels, height, width)."
                )
            if raw.shape[1] not in (1, 3):
                raise InputError(
                    f"the generator makes images of shape {tuple(raw.shape[1:])}; the first number "
                    "must be 1 (grey) or 3 (colour): put channels first."
                )
            self._check_alone(z, raw)
        self._check_range(raw)
        channels, height, width = raw.shape[1:]
        return channels, height, width

    def _check_alone(self, z: Tensor, raw: Tensor) -> None:
        low, high = self.range
        apart = (self.module(z[:2]) - raw[:2]).abs().max().item()
        if not apart <= 1e-2 * (high - low):
            raise InputError(
                f"the image of a code changes by {apart:.3g} with the other codes of its batch, or "
                "from call to call; a generator must give each code one image. Take out noise, "
                "dropout and batch statistics that stay on in evaluation mode."
            )

    def _check_range(self, raw: Tensor) -> None:
        low, high = self.range
        least, most = raw.min().item(), raw.max().item()
        slack = SLACK * (high - low)
        if not (low - slack <= least and most <= high + slack):
            guess = (-1, 1) if least >= -1.01 and most <= 1.01 else (round(least), round(most))
            raise InputError(
                f"range=({low:g}, {high:g}) was declared, and images have values from {least:.3g} "
                f"to {most:.3g}; declare the values of black and white, perhaps range={guess}."
            )
        if (low < 0 <= least) or (high > 1.5 >= 1 >= most):
            warnings.warn(
                f"range=({low:g}, {high:g}) was declared, and images have values from {least:.3g} "
                f"to {most:.3g} only; if they are meant to be in [0, 1], declare range=(0, 1).",
                PreimageWarning,
                stacklevel=4,
            )
