"""A training on disk, complete to the last bit, so that it can go on after an interruption."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from preimage.errors import InputError
from preimage.runtime import random_states, set_random_states
from preimage.store import read_tree, write_tree
from preimage.training.course import Course, History
from preimage.training.loop import Loop, Parts

if TYPE_CHECKING:
    from accelerate import Accelerator

FILE = "checkpoint.safetensors"


QUICK = 0.5
"""Checkpoints that take fewer seconds are written whenever they are due."""

SHARE = 0.05
"""The share of the time that others may take."""


@final
@dataclass
class Pace:
    """Has checkpoints of large networks written less often than they are due.

    Those of a network with 50 million parameters take a second, in which a GPU may do 300 steps.

    Example:
        >>> pace = Pace()
        >>> pace.took(2.0, now=100.0)
        >>> pace.allows(now=110.0), pace.allows(now=140.0)
        (False, True)
    """

    after: float = 0.0

    def took(self, seconds: float, *, now: float) -> None:
        """Say how long a checkpoint took that is written now."""
        self.after = now + seconds / SHARE if seconds > QUICK else now

    def allows(self, *, now: float) -> bool:
        """Whether it is time for the next."""
        return now >= self.after


@final
@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a training is kept, and all that is kept of it.

    Args:
        run: Its folder; None keeps nothing.
        identity: What another training must share to go on from this one.
        accelerator: Knows the processes; only the main one writes.
        loop: Steps and random states.
        parts: Networks, optimisers, schedulers.
        pace: Of checkpoints that are written by the way.
    """

    run: Path | None
    identity: Mapping[str, Any]
    accelerator: "Accelerator"
    loop: Loop
    parts: Parts
    pace: Pace = field(default_factory=Pace)

    def save_if_time(self, course: Course) -> None:
        """Write everything, unless that would take too large a share of the time."""
        # Several processes would have to agree, and share the work of each step anyway.
        begin = time.monotonic()
        if self.accelerator.num_processes > 1 or self.pace.allows(now=begin):
            self.save(course)
            now = time.monotonic()
            self.pace.took(now - begin, now=now)

    def save(self, course: Course) -> None:
        """Write everything, in place of the checkpoint before; all processes take part."""
        if self.run is None:
            return
        self.loop.check_finite()
        scaler, device = self.accelerator.scaler, self.loop.device
        states = random_states(self.loop.generator, device=device)
        tree = {
            "identity": self._whole_identity(),
            "course": {**vars(course), "history": vars(course.history)},
            "networks": {name: one.state_dict() for name, one in self.parts.networks.items()},
            "optimizers": {name: one.state_dict() for name, one in self.parts.optimizers.items()},
            "schedulers": {name: one.state_dict() for name, one in self.parts.schedulers.items()},
            "scaler": None if scaler is None else scaler.state_dict(),
            "random": [self.accelerator.gather(one.to(device)[None]) for one in states],
        }
        if self.accelerator.is_main_process:
            write_tree(self.run / FILE, tree)
        self.accelerator.wait_for_everyone()

    def resume(self) -> Course:
        """Return the course from the checkpoint with all parts as they were then, or a new one.

        Raises:
            InputError: The checkpoint is of another training.
            StoreError: It is damaged.
        """
        if self.run is None or not (self.run / FILE).exists():
            return Course()
        tree = read_tree(self.run / FILE)
        self._check(tree["identity"])
        for name, network in self.parts.networks.items():
            network.load_state_dict(tree["networks"][name])
        for name, optimizer in self.parts.optimizers.items():
            optimizer.load_state_dict(tree["optimizers"][name])
            _lay_out(optimizer)
        for name, scheduler in self.parts.schedulers.items():
            scheduler.load_state_dict(tree["schedulers"][name])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(tree["scaler"])
        # Copies, since torch reads beyond a state that is a part of a tensor, and may crash.
        states = [one[self.accelerator.process_index].clone() for one in tree["random"]]
        set_random_states(states, self.loop.generator, device=self.loop.device)
        history = History(**tree["course"].pop("history"))
        self.loop.steps = history.steps
        return Course(history=history, **tree["course"])

    def _whole_identity(self) -> dict[str, Any]:
        return {
            **self.identity,
            "device": self.loop.device.type,
            "processes": self.accelerator.num_processes,
            "networks": {name: _outline(one) for name, one in self.parts.networks.items()},
            "optimizers": {name: _settings(one) for name, one in self.parts.optimizers.items()},
            "schedulers": {n: type(one).__name__ for n, one in self.parts.schedulers.items()},
        }

    def _check(self, then: Mapping[str, Any]) -> None:
        now = self._whole_identity()
        if differing := [name for name in now if now[name] != then.get(name)]:
            changes = "; ".join(f"{n} was {then.get(n)!r}, is {now[n]!r}" for n in differing)
            raise InputError(
                f"{self.run} holds another training ({changes[:500]}); choose another run folder, "
                f"or remove {FILE} there to start again."
            )


def _lay_out(optimizer: Optimizer) -> None:
    """Lay the tensors of an optimiser out in memory as its parameters are.

    A file holds them row by row. Fused optimisers walk through the memory of a parameter and of its
    moments side by side, and would mix up the places where one is channels-last and one is not.
    """
    for parameter, state in optimizer.state.items():
        for name, one in state.items():
            if isinstance(one, Tensor) and one.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, dtype=one.dtype).copy_(one)


def _outline(network: nn.Module) -> dict[str, str]:
    state = network.state_dict()
    return {name: f"{one.dtype} {tuple(one.shape)}" for name, one in state.items()}


def _settings(optimizer: Optimizer) -> list[str]:
    # The learning rate at the start, since a scheduler changes the present one.
    return [
        f"{type(optimizer).__name__}, lr {group.get('initial_lr', group['lr'])}, "
        f"{len(group['params'])} parameters"
        for group in optimizer.param_groups
    ]
