"""Images that are consistent with what was observed: blurred, masked, small or noisy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from preimage.errors import InputError
from preimage.generators.adaptation import adapt
from preimage.generators.base import GeneratorInverter
from preimage.generators.degradations import Degradation
from preimage.generators.descents import Descent
from preimage.generators.generator import Generator
from preimage.generators.refinement import Descended, descend
from preimage.images import open_images
from preimage.progress import progress
from preimage.runtime import generator as random_generator

CHUNK = 64
"""Observations that are worked on at a time."""

HEAT = 4
"""The first of so many parts of the calls is had by every start, the rest by the best alone."""


@final
@dataclass(frozen=True)
class Restoration:
    """For each observation an image that is consistent with it. It need not be the true one.

    Attributes:
        images: A consistent image each, `(n, c, h, w)`, as the generator makes it, or as one that
            was adapted to it does.
        z: The codes that the search found, for the generator as it is.
        residual: How far each is from what was observed: the root mean square difference of an
            observed value. At the noise or below, the image explains all that was seen.
        plain: What one pass through encoder and generator gives, which knows nothing of the
            degradation; None where an observation is no image that an encoder could be given.
        plain_residual: How far those are from what was observed.
        calls: Calls of the generator, each forward and backward, for each observation.
        names: The names of the observations.
        skipped: Files that are no images, by name, with the reason.
    """

    images: Float[Tensor, "n c h w"]
    z: Float[Tensor, "n ..."]
    residual: Float[Tensor, " n"]
    plain: Float[Tensor, "n c h w"] | None
    plain_residual: Float[Tensor, " n"] | None
    calls: Int64[Tensor, " n"]
    names: tuple[str, ...]
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @staticmethod
    def join(parts: Sequence[Restoration]) -> Restoration:
        """The restorations of several batches, one after the other."""
        plain = [one.plain for one in parts if one.plain is not None]
        apart = [one.plain_residual for one in parts if one.plain_residual is not None]
        return Restoration(
            torch.cat([one.images for one in parts]),
            torch.cat([one.z for one in parts]),
            torch.cat([one.residual for one in parts]),
            torch.cat(plain) if plain else None,
            torch.cat(apart) if apart else None,
            torch.cat([one.calls for one in parts]),
            tuple(name for one in parts for name in one.names),
        )

    def columns(self) -> dict[str, np.ndarray]:
        """One row an image: "name", "residual", that of the plain pass, and "calls"."""
        apart = self.plain_residual
        return {
            "name": np.array(self.names, dtype=str),
            "residual": self.residual.numpy(),
            **({} if apart is None else {"plain_residual": apart.numpy()}),
            "calls": self.calls.numpy(),
        }

    def __str__(self) -> str:
        if not len(self):
            return "no images"
        worst = int(self.residual.argmax())
        images = "1 image" if len(self) == 1 else f"{len(self)} images"
        said = (
            f"{images}; what would be observed of them is off by {self.residual.mean():.3g} on "
            f"average, {self.residual[worst]:.3g} at most ({self.names[worst]})"
        )
        if self.plain_residual is not None:
            said += f"; that of one pass of the encoder by {self.plain_residual.mean():.3g}"
        return (
            f"{said}. Where that is no more than the noise, an image is consistent with what was "
            "observed. There are many such images, and it need not be the true one."
        )


def restore(
    observed: Any,
    degradation: Degradation,
    inverter: GeneratorInverter,
    *,
    calls: int = 100,
    starts: int = 4,
    adaptation: int = 200,
    descent: Descent | None = None,
    seed: int = 0,
) -> Restoration:
    r"""Finds images of the generator that are consistent with what was observed of others.

    The search minimises $\|A(G(z)) - y\|$ over codes within the bounds of the prior, where A is the
    degradation and y what was observed. It starts from the code that the encoder gives for the
    observation as it is, and from codes drawn from the prior; after a quarter of the calls only the
    best of these goes on. Where the noise is known, a row stops as soon as its residual is no more
    than that: what is left is noise, and an image that fits it better is no better.

    What the generator cannot make, no code gives. So its weights are then adapted to each
    observation for some steps (`adapt`), which for real images is worth several decibels.

    The seed's way, one pass through encoder and generator, is given as `plain`: it knows nothing of
    the degradation, so that the image of a blurred photograph is itself blurred, or off.

    Args:
        observed: Images as they were observed: files, a folder, a zip, an array; or for a `Custom`
            degradation a tensor with a row for each.
        degradation: What happened to them: `Blur`, `Downsample`, `Mask`, `Noise`, `Custom`, or a
            `Sequence` of these.
        inverter: A fitted one; its generator makes the images.
        calls: The most calls of the generator for each start and observation.
        starts: How many codes to start from.
        adaptation: Steps in which a copy of the generator is adapted to each observation; 0 keeps
            to images of the generator.
        descent: How codes are moved; `QuasiNewton()` by default.
        seed: Fixes the starts that are drawn.

    Returns:
        Consistent images, with residuals.

    Raises:
        NotFittedError: If the inverter was not fitted.
        InputError: If observations do not fit the degradation or the generator.

    References:
        Luo et al., AEGAN, 2017, section 4.3 (the plain pass). Bora et al., Compressed sensing using
        generative models, 2017 (the search).
    """
    if starts < 1 or calls < HEAT or adaptation < 0:
        raise InputError(
            f"starts={starts}, calls={calls}, adaptation={adaptation}; give 1 start and {HEAT} "
            "calls or more, and no negative number of steps."
        )
    task = _Task(inverter.fitted, degradation, inverter, calls, starts, adaptation, descent)
    shape, source = _observed_shape(degradation, inverter.fitted), random_generator(seed)
    if isinstance(observed, Tensor) and tuple(observed.shape[1:]) == shape:
        if not bool(observed.isfinite().all()):
            raise InputError("what was observed holds values that are not finite; leave them out.")
        total, skipped = len(observed), {}
        numbered = tuple(str(i) for i in range(total))
        parts = zip(observed.float().split(CHUNK), _split(numbered), strict=True)
    elif len(shape) == 3:
        opened = open_images(observed)
        total, skipped = len(opened), opened.skipped
        batches = opened.batches(CHUNK, size=(shape[1], shape[2]), channels=shape[0])
        parts = ((batch.pixels, batch.names) for batch in batches)
    else:
        raise InputError(
            f"the degradation leads to {shape}, which is no image; give a tensor (n, "
            f"{', '.join(map(str, shape))}) of what was observed."
        )
    if not total:
        raise InputError("there is nothing to restore; give one image or more.")
    found: list[Restoration] = []
    with progress("images", total) as bar:
        for y, names in parts:
            found.append(task.solve(y.to(inverter.fitted.device), names, source))
            bar.update(sum(map(len, found)))
    return replace(Restoration.join(found), skipped=dict(skipped))


@final
@dataclass(frozen=True)
class _Task:
    generator: Generator
    degradation: Degradation
    inverter: GeneratorInverter
    calls: int
    starts: int
    adaptation: int
    descent: Descent | None

    def solve(self, y: Tensor, names: tuple[str, ...], source: torch.Generator) -> Restoration:
        """The restorations of some observations."""
        seen = self.degradation.view(y, self.generator.image_shape)
        plain = plain_residual = None
        beginnings = []
        if seen is not None:
            code = self.inverter.encode(seen).to(y.device)
            beginnings.append(code)
            with torch.no_grad():
                plain = self.generator(code)
                apart = self.degradation(plain) - y
            plain_residual = apart.flatten(1).square().mean(dim=1).sqrt().cpu()
        prior = self.generator.prior
        while len(beginnings) < self.starts:
            beginnings.append(prior.sample(len(y), source).to(y.device))
        first = [self._descend(one, y, self.calls // HEAT) for one in beginnings]
        residuals = torch.stack([one.residual for one in first])
        best = residuals.argmin(dim=0)
        z = torch.stack([one.z for one in first])[best, torch.arange(len(y))]
        end = self._descend(z, y, self.calls - self.calls // HEAT)
        calls = torch.stack([one.calls for one in first]).sum(dim=0) + end.calls
        with torch.no_grad():
            images, residual = self.generator(end.z).cpu(), end.residual.cpu()
        if self.adaptation:
            own = adapt(
                self.generator, end.z, y, steps=self.adaptation, degradation=self.degradation
            )
            better = own.residual < residual
            images = own.images.where(better[:, None, None, None], images)
            residual, calls = own.residual.where(better, residual), calls + own.calls
        return Restoration(
            images,
            end.z.cpu(),
            residual,
            None if plain is None else plain.cpu(),
            plain_residual,
            calls,
            names,
        )

    def _descend(self, z: Tensor, y: Tensor, calls: int) -> Descended:
        return descend(
            self.generator,
            z,
            y,
            calls=calls,
            degradation=self.degradation,
            descent=self.descent,
            enough=self.degradation.noise,
        )


def _observed_shape(degradation: Degradation, generator: Generator) -> tuple[int, ...]:
    with torch.no_grad():
        made = degradation(torch.zeros(1, *generator.image_shape, device=generator.device))
    return tuple(made.shape[1:])


def _split(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
