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
        seed: Fixes everything that is drawn; the same seed gives the same answers.
        run: A folder for the log, checkpoints and sample sheets. A training that was interrupted
            goes on from there, and ends with the same bits as one that was not. None keeps nothing.
        checkpoint_every: Steps between two checkpoints in the run folder.
        mixed_precision: What networks compute in while they are trained: "no" (float32), or
            "bf16" on a GPU.
        device: "cpu", "cuda", or None for the best there is.
    """

    width: int = 64
    steps: int = 20_000
    batch: int = 64
    learning_rate: float = 2e-4
    seed: int = 0
    run: str | os.PathLike[str] | None = None
    checkpoint_every: int = 500
    mixed_precision: Precision = "no"
    device: str | None = None

    def _adam(self, *networks: nn.Module) -> Adam:
        parameters = [one for network in networks for one in network.parameters()]
        return Adam(parameters, lr=self.learning_rate, betas=(0.5, 0.999), fused=True)

    def _trainer(self, *, observe_every: int = 1000) -> Trainer:
        if self.batch < 2:
            raise InputError(
                f"batch={self.batch}; batch normalisation needs 2 images or more in a batch."
            )
        if self.width < 1:
            raise InputError(f"width={self.width}; it must be positive.")
        return Trainer(
            steps=self.steps,
            seed=self.seed,
            run=self.run,
            checkpoint_every=self.checkpoint_every,
            observe_every=observe_every,
            mixed_precision=self.mixed_precision,
            device=self.device,
        )
