"""What a step function works with, and what is trained."""

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from preimage.errors import InputError, TrainingError
from preimage.runtime import generator

if TYPE_CHECKING:
    from accelerate import Accelerator


@final
@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that a training changes, by name; a scheduler has the name of its optimiser."""

    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    schedulers: Mapping[str, LRScheduler]

    def plateaus(self) -> dict[str, ReduceLROnPlateau]:
        """The schedulers that are stepped with a validation value; the others with each step."""
        schedulers = self.schedulers.items()
        return {name: one for name, one in schedulers if isinstance(one, ReduceLROnPlateau)}


@final
class Loop:
    """What a step function works with.

    Attributes:
        networks: The networks by name, prepared for device, precision and processes: call these.
        device: Where they are; batches must be there too.
        generator: Draw batches and noise from it, on `device`; its state is kept in checkpoints.
        steps: Steps finished so far.
        total: Steps that the training will have taken.
        share: The share of them that are taken when the present one is, in (0, 1], on `device`.
        recordable: Whether steps may be recorded: see `Recorded`.
    """

    def __init__(
        self,
        accelerator: "Accelerator",
        parts: Parts,
        *,
        seed: int,
        total: int,
        clip_norm: float | None,
        compiled: bool = False,
    ) -> None:
        self.networks: Mapping[str, nn.Module] = {
            name: accelerator.prepare_model(network) for name, network in parts.networks.items()
        }
        self.device = accelerator.device
        self.generator = generator(seed, self.device)
        self.steps, self.total = 0, total
        self.share = torch.zeros((), device=self.device)
        alone = accelerator.num_processes == 1 and accelerator.scaler is None
        self.recordable = compiled and self.device.type == "cuda" and alone
        self._accelerator = accelerator
        self._optimizers = parts.optimizers
        plateaus = parts.plateaus()
        self._schedulers = {n: s for n, s in parts.schedulers.items() if n not in plateaus}
        self._clip_norm = clip_norm
        self._suspect = torch.zeros((), device=self.device)
        self._trusted = 0
        self._recorded: list[str] | None = None

    @property
    def optimizers(self) -> Collection[Optimizer]:
        """All of them."""
        return self._optimizers.values()

    def begin(self) -> None:
        """Say where the training is, before a step."""
        self.share.fill_((self.steps + 1) / self.total)

    def minimise(self, name: str, loss: Tensor) -> None:
        """Take one step of an optimiser, and of its scheduler, down the gradient of a loss.

        The gradients of this optimiser's parameters are set to zero before. Parameters of others
        may receive gradients and do not move.

        Args:
            name: Which of the optimisers.
            loss: A scalar.

        Raises:
            InputError: There is no optimiser of that name.
            TrainingError: The loss is NaN or infinite (on a GPU, raised at the next logged step).
        """
        if name not in self._optimizers:
            raise InputError(f"no optimiser {name!r}; there are {sorted(self._optimizers)}.")
        self._guard(name, loss)
        optimizer, scaler = self._optimizers[name], self._accelerator.scaler
        optimizer.zero_grad()
        self._accelerator.backward(loss)
        if scaler is not None:
            scaler.unscale_(optimizer)
        if self._clip_norm is not None:
            parameters = [one for group in optimizer.param_groups for one in group["params"]]
            nn.utils.clip_grad_norm_(parameters, self._clip_norm)
        # accelerate's AcceleratedOptimizer does the same, and inspects signatures in every step.
        if scaler is None:
            optimizer.step()
        else:
            scale = scaler.get_scale()
            scaler.step(optimizer)
            scaler.update()
            if scaler.get_scale() < scale:  # the gradients overflowed and the step was left out
                return
        if self._recorded is None:
            self.advance(name)
        else:
            self._recorded.append(name)

    def advance(self, name: str) -> None:
        """Step the scheduler of an optimiser, where it has one.

        Args:
            name: The optimiser, after its own step.
        """
        if name in self._schedulers:
            self._schedulers[name].step()

    @contextmanager
    def recording(self) -> Iterator[list[str]]:
        """Leave schedulers as they are during the block; yields the optimisers that were stepped.

        For a block whose work is recorded and not done.
        """
        self._recorded = []
        try:
            yield self._recorded
        finally:
            self._recorded = None

    def check_finite(self) -> None:
        """Raise `TrainingError` if a loss on a GPU was not finite since the last check."""
        if not math.isfinite(self._suspect.item()):
            raise not_finite("a loss", f"between steps {self._trusted + 1} and {self.steps}")
        self._trusted = self.steps

    def _guard(self, name: str, loss: Tensor) -> None:
        if self.device.type != "cpu":  # reading it now would make the GPU wait: see check_finite
            self._suspect += 0.0 * loss.detach()
        elif not math.isfinite(value := loss.item()):
            raise not_finite(f"the loss {name!r}", f"at step {self.steps + 1} ({value})")


def not_finite(what: str, when: str) -> TrainingError:
    """Return the error for a value that is NaN or infinite."""
    return TrainingError(
        f"{what} is NaN or infinite {when}; use a lower learning rate, clip_norm=1.0, or "
        '"bf16" in place of "fp16", and look for extreme values in the data.'
    )
