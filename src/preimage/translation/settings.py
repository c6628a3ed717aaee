"""The settings that all trainings of translations share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler

from preimage.errors import InputError
from preimage.runtime import Precision
from preimage.training import Trainer
from preimage.translation.augment import Windows
from preimage.translation.networks import Norm

SMALLEST = 32
"""The least sides of an image that a U-Net and a patch discriminator can work on."""


@dataclass(kw_only=True)
class Settings:
    """How a translation is learned. The defaults are the paper's, on images of 256.

    Args:
        size: The sides of the squares that the networks work on, a power of two, 32 or more. Images
            of any size are translated, larger ones in overlapping tiles.
        width: Channels of the first map of each network.
        norm: Of the maps: "batch", "instance" or "none". After training, "batch" takes the
            statistics of each image by itself, as pix2pix does with its batches of one.
        dropout: The share that is dropped in the first decoder blocks.
        dropout_at_test: Leaves it on after training, with one mask for all images.
        l1: The weight of the distance to the right answer.
        adversarial: That of the discriminator; 0 trains without one.
        ema: The decay of the mean of the weights, which takes the place of the weights after
            training, such as 0.999; 0 for none.
        epochs: How often every pair is seen, in each direction, by each process that trains.
        batch: Pairs in a batch.
        learning_rate: Of Adam, with β₁ = 0.5.
        schedule: Of the learning rate: "constant", "linear" (constant for the first half, then
            falling to 0), or "cosine".
        jitter: How much larger than in the image training windows are; 286 / 256 in the paper.
        vary_jitter: Whether each window has its own factor, between 1 and `jitter`.
        flip: Whether half of the windows are mirrored left to right.
        seed: Fixes everything that is drawn.
        run: A folder for log, checkpoints and sample sheets. A training that was interrupted goes
            on from there, and ends with the same bits as one that was not. None keeps nothing.
        validate_every: Steps between two validations, where there are pairs for it.
        sheet_every: Steps between two sample sheets.
        tensorboard: Write curves for TensorBoard too, into `run`.
        mixed_precision: What networks compute in while they are trained: "no" (float32), or
            "bf16" on a GPU.
        compiled: Compile the networks for the training, which takes a minute or two and makes steps
            on a GPU a fraction as long; it wants Triton there.
        device: "cpu", "cuda", or None for the best there is.
    """

    size: int = 256
    width: int = 64
    norm: Norm = "batch"
    dropout: float = 0.5
    dropout_at_test: bool = False
    l1: float = 100.0
    adversarial: float = 1.0
    ema: float = 0.0
    epochs: float = 200.0
    batch: int = 1
    learning_rate: float = 2e-4
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    jitter: float = 286 / 256
    vary_jitter: bool = False
    flip: bool = True
    seed: int = 0
    run: str | os.PathLike[str] | None = None
    validate_every: int = 1000
    sheet_every: int = 1000
    tensorboard: bool = False
    mixed_precision: Precision = "no"
    compiled: bool = False
    device: str | None = None

    unsaved: ClassVar[tuple[str, ...]] = (
        "run",
        "validate_every",
        "sheet_every",
        "tensorboard",
        "mixed_precision",
        "compiled",
        "device",
    )
    """Settings that a model does not depend on once it is trained."""

    @property
    def saved_settings(self) -> dict[str, Any]:
        """What is saved with the model, as JSON values."""
        return {
            name: value
            for name, value in vars(self).items()
            if not name.endswith("_") and name not in self.unsaved
        }

    @property
    def windows(self) -> Windows:
        """How training windows are cut."""
        return Windows(size=self.size, jitter=self.jitter, vary=self.vary_jitter, flip=self.flip)

    def trainer(self, steps: int) -> Trainer:
        """The loop with these settings."""
        return Trainer(
            steps=steps,
            seed=self.seed,
            run=self.run,
            log_every=min(100, steps),
            checkpoint_every=500,
            validate_every=self.validate_every,
            observe_every=self.sheet_every,
            mixed_precision=self.mixed_precision,
            compiled=self.compiled,
            device=self.device,
            tensorboard=self.tensorboard,
        )

    def adam(self, network: nn.Module) -> Adam:
        """The optimiser of a network."""
        return Adam(network.parameters(), lr=self.learning_rate, betas=(0.5, 0.999), fused=True)

    def scheduler(self, adam: Adam, steps: int) -> LRScheduler:
        """How its learning rate goes."""
        if self.schedule == "cosine":
            return CosineAnnealingLR(adam, steps)
        if self.schedule == "constant":
            return LambdaLR(adam, lambda step: 1.0)
        return LambdaLR(adam, lambda step: min(1.0, 2 * (1 - step / steps)))

    def check(self) -> None:
        """Complain about a setting that is out of range.

        Raises:
            InputError: The message says which, and what it may be.
        """
        if self.size < SMALLEST or self.size & (self.size - 1):
            raise InputError(
                f"size={self.size}; it must be a power of two, {SMALLEST} or more, such as 128 or "
                "256. Images of any size are cut into squares of it."
            )
        for name in ("width", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}; it must be 1 or more.")
        for name in ("epochs", "learning_rate", "jitter"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name}={getattr(self, name)}; it must be positive.")
        for name in ("dropout", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}; it must be from 0 to below 1.")
        if min(self.l1, self.adversarial) < 0 or self.l1 + self.adversarial == 0:
            raise InputError(
                f"l1={self.l1}, adversarial={self.adversarial}; weights are 0 or more, and one of "
                "both must be positive."
            )
