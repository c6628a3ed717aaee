"""The settings that all trainings of generators and encoders share."""

from __future__ import annotations

import os
from dataclasses import dataclass

from torch import nn
from torch.optim import Adam

from preimage.errors import InputError
from preimage.runtime import Precision
from preimage.training import Trainer


@dataclass(kw_only=True)
class Trained:
    """Adam at 2e-4 with β₁ = 0.5 on batches of 64, as in the appendix of AEGAN.

    Args:
        width: Channels of the first map of a network, and its other sizes in proportion.
        steps: How many steps to take.
        batch: Images in a batch.
        learning_rate: Of Adam.
        momentum: Of Adam, its β₁.
        seed: Fixes everything that is drawn; the same seed gives the same answers.
        run: A folder for the log, checkpoints and sample sheets. A training that was interrupted
            goes on from there, and ends with the same bits as one that was not. None keeps nothing.
        checkpoint_every: Steps between two checkpoints in the run folder.
        mixed_precision: What networks compute in while they are trained: "no" (float32), or
            "bf16", which is faster on a GPU, and on a CPU with matrix units for it (AMX).
        device: "cpu", "cuda", or None for the best there is.
    """

    width: int = 64
    steps: int = 20_000
    batch: int = 64
    learning_rate: float = 2e-4
    momentum: float = 0.5
    seed: int = 0
    run: str | os.PathLike[str] | None = None
    checkpoint_every: int = 500
    mixed_precision: Precision = "no"
    device: str | None = None

    def _adam(self, *networks: nn.Module) -> Adam:
        parameters = [one for network in networks for one in network.parameters()]
        return Adam(parameters, lr=self.learning_rate, betas=(self.momentum, 0.999), fused=True)

    def _trainer(self, *, observe_every: int = 1000) -> Trainer:
        return Trainer(
            steps=self.steps,
            seed=self.seed,
            run=self.run,
            checkpoint_every=self.checkpoint_every,
            observe_every=observe_every,
            mixed_precision=self.mixed_precision,
            device=self.device,
        )

    def _check_settings(self) -> None:
        """Complains about settings before anything is read or built.

        Raises:
            InputError: A setting is out of range.
        """
        if self.batch < 2:
            raise InputError(
                f"batch={self.batch}; batch normalisation needs 2 images or more in a batch."
            )
        if self.width < 1:
            raise InputError(f"width={self.width}; it must be positive.")
        if not (self.learning_rate > 0 and 0 <= self.momentum < 1):
            raise InputError(
                f"learning_rate={self.learning_rate} must be positive, and momentum="
                f"{self.momentum} at least 0 and below 1."
            )
