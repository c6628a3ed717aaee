"""Steps on a GPU that are recorded once, as graphs of CUDA, and then replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from preimage.training.loop import Loop

Learn: TypeAlias = Callable[..., Mapping[str, Tensor]]
"""From a loop and a batch to what is logged; it calls `loop.minimise`."""

USUAL = 3
"""So many steps of a kind are taken as usual before one is recorded: by then, what is compiled,
chosen or allocated at a first call is there."""


@final
@dataclass(frozen=True)
class Recording:
    """One kind of step.

    Attributes:
        graph: Its kernels.
        batch: Where it reads the batch.
        values: Where it writes what is logged.
        minimised: The optimisers that it steps, in their order.
    """

    graph: torch.cuda.CUDAGraph
    batch: tuple[Tensor, ...]
    values: Mapping[str, Tensor]
    minimised: tuple[str, ...]


@final
class Recorded:
    """A function that takes a step on a batch, with all its kernels launched as one.

    The processor needs longer to launch the hundreds of kernels of a step than a GPU needs to run
    them on a small batch. Where `loop.recordable` says no, every step is taken as usual.

    Args:
        learn: The function. It may not read values back from the GPU, and all numbers that change
            from step to step must be tensors, such as `loop.share`.
        period: It does the same at all steps whose numbers differ by a multiple of this.
    """

    def __init__(self, learn: Learn, *, period: int = 1) -> None:
        self._learn = learn
        self._period = period
        self._recordings: dict[tuple[object, ...], Recording] = {}
        self._usual: Counter[tuple[object, ...]] = Counter()
        self._stream: torch.cuda.Stream | None = None

    def __call__(self, loop: Loop, *batch: Tensor) -> Mapping[str, Tensor]:
        """One step; returns what is logged, which the next step may overwrite."""
        if not loop.recordable:
            return self._learn(loop, *batch)
        kind = (loop.steps % self._period, *(one.shape for one in batch))
        if self._usual[kind] < USUAL:
            self._usual[kind] += 1
            return self._as_usual(loop, batch)
        if kind not in self._recordings:
            self._recordings[kind] = self._record(loop, batch)
        return _replay(self._recordings[kind], loop, batch)

    def _as_usual(self, loop: Loop, batch: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
        # On the stream that is recorded later, since autograd keeps to the stream that it met.
        stream, present = self._side(loop), torch.cuda.current_stream(loop.device)
        stream.wait_stream(present)
        with torch.cuda.stream(stream):
            values = self._learn(loop, *batch)
        present.wait_stream(stream)
        return values

    def _record(self, loop: Loop, batch: tuple[Tensor, ...]) -> Recording:
        graph, places = torch.cuda.CUDAGraph(), tuple(one.clone() for one in batch)
        graph.register_generator_state(loop.generator)
        # Other threads may use the GPU meanwhile.
        whole = torch.cuda.graph(graph, stream=self._side(loop), capture_error_mode="thread_local")
        with loop.recording() as minimised, whole:
            values = self._learn(loop, *places)
        kept = {name: value.detach() for name, value in values.items()}
        return Recording(graph, places, kept, tuple(minimised))

    def _side(self, loop: Loop) -> torch.cuda.Stream:
        if self._stream is None:
            self._stream = torch.cuda.Stream(loop.device)
            for optimizer in loop.optimizers:
                _make_recordable(optimizer, loop.device)
        return self._stream


def _replay(step: Recording, loop: Loop, batch: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
    for place, one in zip(step.batch, batch, strict=True):
        place.copy_(one)
    step.graph.replay()
    for name in step.minimised:
        loop.advance(name)
    return step.values


def _make_recordable(optimizer: Optimizer, device: torch.device) -> None:
    """Has the optimiser read its learning rate, which changes, from the GPU."""
    for group in optimizer.param_groups:
        # What a checkpoint is told apart by stays a number.
        group.setdefault("initial_lr", group["lr"])
        group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32, device=device)
        if "capturable" in group:
            group["capturable"] = True
