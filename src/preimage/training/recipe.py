"""How a regression network is built and trained: one description, one procedure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, ReduceLROnPlateau

from preimage.nets.mlp import MLP, Activation
from preimage.runtime import single_threaded
from preimage.training.course import History
from preimage.training.loop import Loop
from preimage.training.trainer import Trainer

Batch: TypeAlias = tuple[Float[Tensor, "batch inputs"], Float[Tensor, "batch outputs"]]

Draw: TypeAlias = Callable[[torch.Generator], Batch]
"""Draws one batch of inputs and targets."""

Measure: TypeAlias = Callable[[Any, Tensor], Tensor]
"""How far what a network gave is from its targets."""


@final
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network and its training.

    Args:
        width: Units of a hidden layer.
        depth: Hidden layers.
        activation: Their non-linearity.
        loss: "mse", the mean squared error, or "mae", the mean absolute error.
        learning_rate: Of Adam, at the start.
        schedule: "cosine" to zero over all steps, or "plateau": halved after 40 validations
            without a new best, stopped after 100.
        batch: Rows of a batch.
        steps: The most steps taken.
        validate_every: Steps between validations, where there is something to validate on.
        standardize: Whether inputs and targets are brought to mean 0 and standard deviation 1.
    """

    width: int = 96
    depth: int = 3
    activation: Activation = "silu"
    loss: Literal["mse", "mae"] = "mse"
    learning_rate: float = 4e-3
    schedule: Literal["cosine", "plateau"] = "cosine"
    batch: int = 256
    steps: int = 2000
    validate_every: int = 200
    standardize: bool = True

    def network(self, inputs: int, outputs: int, generator: torch.Generator) -> MLP:
        """The network, with its first weights drawn from `generator`."""
        return MLP(
            inputs,
            outputs,
            width=self.width,
            depth=self.depth,
            activation=self.activation,
            generator=generator,
        )

    @property
    def measure(self) -> Measure:
        """The loss of a regression."""
        return nn.functional.mse_loss if self.loss == "mse" else nn.functional.l1_loss

    def train(
        self,
        network: nn.Module,
        draw: Draw,
        held_out: Batch | None,
        *,
        seed: int,
        label: str,
        measure: Measure | None = None,
        regulariser: Callable[[torch.Generator], Tensor] | None = None,
    ) -> History:
        """Trains the network on batches from `draw`, keeping the best weights on `held_out`.

        Args:
            network: What is trained.
            draw: Gives batches of inputs and targets.
            held_out: A batch to validate on.
            seed: Decides the batches.
            label: What the progress bar says.
            measure: The loss; that of the recipe by default.
            regulariser: What is added to the loss, drawn anew in every step.
        """
        measure = measure or self.measure
        adam = Adam(network.parameters(), lr=self.learning_rate, fused=True)

        def step(loop: Loop) -> dict[str, Tensor]:
            inputs, target = draw(loop.generator)
            loss = measure(loop.networks["net"](inputs), target)
            if regulariser is not None:
                loss = loss + regulariser(loop.generator)
            loop.minimise("net", loss)
            return {"loss": loss}

        def validate() -> float:
            return 0.0 if held_out is None else float(measure(network(held_out[0]), held_out[1]))

        plateau = self.schedule == "plateau" and held_out is not None
        scheduler: LRScheduler = (
            ReduceLROnPlateau(adam, factor=0.5, patience=40)
            if plateau
            else CosineAnnealingLR(adam, self.steps)
        )
        # Networks of this size are slower, and far costlier, on two threads than on one.
        with single_threaded():
            return Trainer(
                steps=self.steps,
                seed=seed,
                device="cpu",
                validate_every=self.validate_every,
                patience=100 if plateau else None,
            ).fit(
                {"net": network},
                {"net": adam},
                step,
                schedulers={"net": scheduler},
                validate=None if held_out is None else validate,
                label=label,
            )


DEFAULT = Recipe()

TWIN = Recipe(loss="mae", steps=4000)
"""The default of twin networks.

The steps between the two points of a pair span orders of magnitude, and a squared error would
learn only the largest.
"""

PAPER = Recipe(
    width=640,
    depth=2,
    activation="relu",
    loss="mae",
    learning_rate=1e-5,
    schedule="plateau",
    batch=32,
    steps=200_000,
    validate_every=100,
    standardize=False,
)
"""The network and optimiser of the twin-network paper, appendix B and the authors' code, two
layers of 640 ReLU, mean absolute error, Adam at 1e-5, batches of 32, raw units."""

RECIPES = {"default": DEFAULT, "twin": TWIN, "paper": PAPER}
