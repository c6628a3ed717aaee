"""Images compared by what a generator would make them of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError
from preimage.generators.base import GeneratorInverter
from preimage.generators.maps import Maps
from preimage.images import Fit
from preimage.runtime import digest
from preimage.search.features import Feature

Sides: TypeAlias = Literal["given", "both"]
"""Whether an image is encoded as it is, or its mirror image too."""

Taken: TypeAlias = Literal["codes", "maps"]
"""What is compared: codes, or the last maps of the network that they come from."""


@runtime_checkable
class Encoder(Protocol):
    """What finds codes, such as an inverse of a generator."""

    def encode(self, pixels: Tensor) -> Tensor:
        """One code for each image in [0, 1]; a tensor of any shape after the first axis."""
        ...


@final
@dataclass(frozen=True)
class CodeFeature(Feature):
    """Euclidean distance between codes.

    Args:
        encoder: What finds codes.
        shape: Channels, height and width of the images that it takes.
        numbers: How many numbers a code has.
        print: Text that differs between encoders whose codes cannot be compared, such as a digest
            of their weights.
        model: The folder that the encoder was loaded from; an index notes it.
        sides: "given", or "both" for the sum of the codes of an image and of its mirror image,
            which is the same for both: better where left and right mean nothing, as in faces.
        taken: "codes", or "maps" where `encoder` gives the last maps of a network.
    """

    encoder: Encoder
    shape: tuple[int, int, int]
    numbers: int
    print: str
    model: str | None = None
    sides: Sides = "given"
    taken: Taken = "codes"

    name: ClassVar[str] = "code"
    distance: ClassVar[Literal["euclidean", "hamming"]] = "euclidean"
    alike: ClassVar[float | None] = None

    @staticmethod
    def of(
        inverter: GeneratorInverter,
        *,
        model: str | None = None,
        sides: Sides = "given",
        taken: Taken = "codes",
    ) -> CodeFeature:
        """The feature of a fitted `preimage.generators.GeneratorInverter`.

        Args:
            inverter: The inverse of a generator.
            model: The folder that it was loaded from.
            sides: "given" or "both".
            taken: "codes", or "maps" for the last maps of its network, which tell real images apart
                better and are longer.

        Raises:
            NotFittedError: It was not fitted.
            InputError: Maps are wanted of an inverter without a network.
        """
        generator = inverter.fitted
        networks = [part for part in vars(inverter).values() if isinstance(part, nn.Module)]
        weights = [tensor for one in networks for tensor in one.state_dict().values()]
        maps = Maps(inverter) if taken == "maps" else None
        return CodeFeature(
            encoder=maps or inverter,
            shape=generator.image_shape,
            numbers=maps.numbers if maps else torch.Size(generator.latent_shape).numel(),
            print=f"{type(inverter).__name__} {digest(*weights)}",
            model=model,
            sides=sides,
            taken=taken,
        )

    @property
    def dim(self) -> int:
        """Numbers of a code."""
        return self.numbers

    @property
    def view(self) -> tuple[tuple[int, int], int, Fit]:
        """The images that the generator makes."""
        channels, height, width = self.shape
        return (height, width), channels, "crop"

    def __call__(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """Codes, flat."""
        codes = self._codes(pixels)
        if self.sides == "both":
            codes = codes + self._codes(pixels.flip(-1))
        return codes

    def _codes(self, pixels: Tensor) -> Tensor:
        codes = self.encoder.encode(pixels).detach().to("cpu", torch.float32).flatten(1)
        if codes.shape != (len(pixels), self.numbers):
            raise InputError(
                f"the encoder gave codes of shape {tuple(codes.shape)} for {len(pixels)} images; "
                f"{self.numbers} numbers each were announced."
            )
        return codes

    @property
    def settings(self) -> dict[str, Any]:
        """Where the model is, and what is taken of it."""
        return {"model": self.model, "sides": self.sides, "taken": self.taken}

    @property
    def fingerprint(self) -> str:
        """Which model it is, wherever it is."""
        both = " both sides" if self.sides == "both" else ""
        maps = " maps" if self.taken == "maps" else ""
        return f"{self.name} {self.print}{maps}{both}"
