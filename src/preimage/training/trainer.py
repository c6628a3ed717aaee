"""The settings of a training, and the loop."""

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from preimage.errors import InputError
from preimage.progress import progress
from preimage.runtime import Precision, accelerated, deferred_interrupt, seeded
from preimage.training.checkpoint import Checkpoint
from preimage.training.course import Course, History
from preimage.training.log import logging
from preimage.training.loop import Loop, Parts, not_finite

if TYPE_CHECKING:
    from accelerate import Accelerator

Step: TypeAlias = Callable[[Loop], Mapping[str, Tensor]]
"""One step: draws a batch, calls `loop.minimise`, and returns the scalars to log."""

Validate: TypeAlias = Callable[[], float]
"""Returns how far the networks are from good; lower is better."""

Observe: TypeAlias = Callable[[int], None]
"""Looks at the networks after so many steps, for instance to draw samples from them."""

EVERY = ("log_every", "checkpoint_every", "validate_every", "observe_every")

UNSHOWN = ("step", "seconds")
"""What a record says that the bar shows in its own way."""


@final
@dataclass(kw_only=True)
class Trainer:
    """Settings of a training; `fit` runs it.

    With `run`, a training that was interrupted (Ctrl-C, a crash, a lost machine) goes on where it
    was as soon as `fit` is called again with the same settings, and ends with the same bits as one
    that was never interrupted; a finished one returns at once.

    Started by `accelerate launch`, each process draws its own batches, and gradients are averaged.

    Args:
        steps: How many steps to take.
        seed: Seeds `loop.generator` and, during the training, torch's global generators.
        run: A folder for `log.jsonl` and the checkpoint; None writes nothing.
        log_every: Steps between two records in the history and the log.
        checkpoint_every: Steps between two checkpoints, or more where these would take more than
            a twentieth of the time.
        validate_every: Steps between two validations.
        observe_every: Steps between two calls of `observe`.
        patience: Stop after so many validations in a row without a new best; None never does.
        clip_norm: The largest Euclidean norm of the gradients of an optimiser; None is no limit.
        mixed_precision: What the networks compute in: "no" (their own type), "bf16" or "fp16".
        compiled: Compile the networks when they are first called, which takes a minute or so, for
            shorter steps on a GPU. On a GPU it wants Triton, on a CPU a C++ compiler.
        device: "cpu", another kind of device, or None for the best one there is.
        tensorboard: Write the log for TensorBoard too, into `run`.
        progress: Show a bar on the terminal if the training lasts longer than two seconds.

    Example:
        >>> x = torch.rand(100, 1, generator=torch.Generator().manual_seed(0))
        >>> net = nn.Linear(1, 1)
        >>> def step(loop):
        ...     rows = torch.randint(100, (32,), generator=loop.generator)
        ...     loss = (loop.networks["line"](x[rows]) - 2 * x[rows]).square().mean()
        ...     loop.minimise("adam", loss)
        ...     return {"loss": loss}
        >>> adam = torch.optim.Adam(net.parameters(), lr=0.03, fused=True)
        >>> trainer = Trainer(steps=500, device="cpu")
        >>> history = trainer.fit({"line": net}, {"adam": adam}, step, label="a line")
        >>> history.steps, round(net.weight.item(), 2)
        (500, 2.0)
    """

    steps: int
    seed: int = 0
    run: str | os.PathLike[str] | None = None
    log_every: int = 100
    checkpoint_every: int = 1000
    validate_every: int = 100
    observe_every: int = 1000
    patience: int | None = None
    clip_norm: float | None = None
    mixed_precision: Precision = "no"
    compiled: bool = False
    device: str | None = None
    tensorboard: bool = False
    progress: bool = True

    def fit(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        step: Step,
        *,
        label: str,
        schedulers: Mapping[str, LRScheduler] | None = None,
        validate: Validate | None = None,
        observe: Observe | None = None,
        data: str = "",
    ) -> History:
        """Train the networks in place, and leave them in evaluation mode where they were trained.

        Args:
            networks: The networks by name.
            optimizers: By name, over parameters of the networks. On the CPU, `fused=True` makes
                Adam on a small network a fifth faster.
            step: Called once a step; it calls `loop.minimise` once for each optimiser. With
                `compiled`, a step on a GPU gains most where it is `Recorded`.
            label: What is trained, in a few words; shown beside the bar.
            schedulers: By the name of their optimiser. Each is stepped when its optimiser is, a
                `ReduceLROnPlateau` after each validation.
            validate: Returns a number, lower is better, from the networks as they were given;
                called in evaluation mode without gradients. The best weights are put back at the
                end.
            observe: Called after every `observe_every` steps and after the last, with the number
                of steps taken, in evaluation mode without gradients, by the main process alone. It
                must leave the networks and the global random generators as they are.
            data: Text that differs when what is trained on differs, such as `runtime.digest(x, y)`;
                a checkpoint that was trained on other data is then refused.

        Returns:
            How it went.

        Raises:
            InputError: A setting is out of range, or `run` holds another training: choose another
                folder, or remove that one.
            TrainingError: A loss or a validation value is NaN or infinite: use a lower learning
                rate, `clip_norm`, or "bf16" in place of "fp16".
            StoreError: The checkpoint in `run` is damaged: remove it to start again.
            MissingExtraError: `tensorboard=True`, and TensorBoard is not installed.
            KeyboardInterrupt: Ctrl-C was pressed; the checkpoint is saved.
        """
        parts = Parts(networks=networks, optimizers=optimizers, schedulers=schedulers or {})
        self._check(parts, validate)
        with (
            accelerated(self.device, self.mixed_precision, compiled=self.compiled) as accelerator,
            seeded(seed := self.seed + accelerator.process_index, accelerator.device),
        ):
            loop = Loop(
                accelerator,
                parts,
                seed=seed,
                total=self.steps,
                clip_norm=self.clip_norm,
                compiled=self.compiled,
            )
            checkpoint = Checkpoint(
                run=None if self.run is None else Path(self.run),
                identity={"label": label, "data": data, **self._decisive()},
                accelerator=accelerator,
                loop=loop,
                parts=parts,
            )
            try:
                course = checkpoint.resume()
                if not course.history.finished:
                    self._take_steps(step, validate, observe, course, checkpoint, label)
            finally:
                for network in loop.networks.values():
                    accelerator.unwrap_model(network, keep_fp32_wrapper=False)
                for network in networks.values():
                    network.eval()
        return course.history

    def _take_steps(
        self,
        step: Step,
        validate: Validate | None,
        observe: Observe | None,
        course: Course,
        checkpoint: Checkpoint,
        label: str,
    ) -> None:
        loop, parts, accelerator = checkpoint.loop, checkpoint.parts, checkpoint.accelerator
        history, main = course.history, accelerator.is_main_process
        begin, note = time.monotonic() - history.seconds, ""
        _set_training(parts, True)
        with (
            logging(
                checkpoint.run if main else None, history.records, tensorboard=self.tensorboard
            ) as log,
            deferred_interrupt() as interrupted,
            progress(label, self.steps, done=loop.steps, show=self.progress and main) as bar,
        ):
            while not course.over(self.steps, self.patience):
                loop.begin()
                course.count(step(loop))
                loop.steps = history.steps = loop.steps + 1
                history.seconds = time.monotonic() - begin

                last = loop.steps == self.steps
                logged = last or loop.steps % self.log_every == 0
                validated = validate and (last or loop.steps % self.validate_every == 0)
                if logged or validated:
                    loop.check_finite()
                    extra = {}
                    if validate and validated:
                        extra["validation"] = _measure(validate, parts, loop.steps, accelerator)
                        course.judge(extra["validation"], parts.networks)
                    for name, optimizer in parts.optimizers.items():
                        extra[f"lr/{name}"] = float(optimizer.param_groups[0]["lr"])
                    record = course.record(extra)
                    log(record)
                    note = "  ".join(f"{n} {record[n]:.3g}" for n in record if n not in UNSHOWN)
                if observe and main and (last or loop.steps % self.observe_every == 0):
                    _observe(observe, parts, loop.steps)
                bar.update(loop.steps, note)

                stop = _agree(accelerator, interrupted(), logged)
                if stop:
                    checkpoint.save(course)
                    raise KeyboardInterrupt
                if loop.steps % self.checkpoint_every == 0:
                    checkpoint.save_if_time(course)
            course.finish(parts.networks)
            checkpoint.save(course)

    def _check(self, parts: Parts, validate: Validate | None) -> None:
        for name in (*EVERY, "steps", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name}={value!r} must be at least 1.")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise InputError(f"clip_norm={self.clip_norm!r} must be positive, or None.")
        if self.tensorboard and self.run is None:
            raise InputError("tensorboard=True needs a folder: pass run=PATH.")
        if validate is None and (parts.plateaus() or self.patience is not None):
            raise InputError("patience and ReduceLROnPlateau need validate=FUNCTION.")
        if stray := sorted(parts.schedulers.keys() - parts.optimizers.keys()):
            raise InputError(
                f"there are schedulers {stray} and optimisers {sorted(parts.optimizers)}; give "
                "each scheduler the name of its optimiser."
            )

    def _decisive(self) -> dict[str, Any]:
        """The settings that the result depends on; the others may change before resuming."""
        free = {"run", "checkpoint_every", "observe_every", "device", "compiled", "tensorboard"}
        free |= {"progress"}
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in free}


def _measure(validate: Validate, parts: Parts, step: int, accelerator: "Accelerator") -> float:
    """Validate, and tell the schedulers that wait for it."""
    _set_training(parts, False)
    with torch.no_grad():
        value = _mean(accelerator, float(validate()))
    _set_training(parts, True)
    if not math.isfinite(value):
        raise not_finite("the validation value", f"after step {step} ({value})")
    for plateau in parts.plateaus().values():
        plateau.step(value)
    return value


def _observe(observe: Observe, parts: Parts, step: int) -> None:
    _set_training(parts, False)
    with torch.no_grad():
        observe(step)
    _set_training(parts, True)


def _set_training(parts: Parts, mode: bool) -> None:
    for network in parts.networks.values():
        network.train(mode)


def _agree(accelerator: "Accelerator", stop: bool, logged: bool) -> bool:
    """Whether to stop here: several processes must agree, and ask each other at logged steps."""
    if accelerator.num_processes == 1:
        return stop
    return logged and _mean(accelerator, float(stop)) > 0


def _mean(accelerator: "Accelerator", value: float) -> float:
    """The mean of the values of all processes."""
    if accelerator.num_processes == 1:
        return value
    own = torch.tensor([value], device=accelerator.device)
    return torch.as_tensor(accelerator.gather(own)).mean().item()
