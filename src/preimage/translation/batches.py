"""The batches of a training: which pairs, in which order, cut one step ahead."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.runtime import generator
from preimage.training import Loop
from preimage.translation.augment import Cut, Windows
from preimage.translation.pairs import Pairs

FAR = 1_000_003
"""Steps of two seeds do not meet before so many."""


@final
class Batches:
    """Goes through all pairs in a new order each epoch.

    A batch depends on the seed and its number alone, so that a training that is taken up again
    goes on with the batches that it would have had.

    Args:
        pairs: What is learned from.
        windows: Cuts them.
        batch: How many at a time; the last of an epoch may be smaller.
        repeats: How many steps in a row have the same pairs, in other windows.
        channels: Of the networks.
    """

    def __init__(
        self, pairs: Pairs, windows: Windows, *, batch: int, repeats: int, channels: int
    ) -> None:
        self._pairs = pairs
        self._windows = windows
        self._batch = batch
        self._repeats = repeats
        self._channels = channels
        self._ahead: tuple[tuple[int, int], Future[Cut]] | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def per_epoch(self) -> int:
        """Steps in which every pair is there once, or `repeats` times."""
        return -(-len(self._pairs) // self._batch) * self._repeats

    @contextmanager
    def working(self) -> Iterator[None]:
        """A thread cuts the windows of the next step during the block."""
        with ThreadPoolExecutor(1) as self._pool:
            try:
                yield
            finally:
                self._pool, self._ahead = None, None

    def of(self, loop: Loop) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n c h w"]]:
        """Side a and side b of the batch of this step, in [-1, 1], where the networks are."""
        key = (loop.generator.initial_seed(), loop.steps)
        if self._ahead is not None and self._ahead[0] == key:
            cut = self._ahead[1].result()
        else:
            cut = self._cut(*key)
        if self._pool is not None:
            following = (key[0], key[1] + 1)
            self._ahead = following, self._pool.submit(self._cut, *following)
        kinds = self._pairs.kinds
        a, b = (
            kind.to_network(pixels, self._channels).contiguous(memory_format=torch.channels_last)
            for kind, pixels in zip(
                kinds, self._windows.finish(cut, kinds, loop.device), strict=True
            )
        )
        return a, b

    def rows(self, seed: int, step: int) -> list[int]:
        """Which pairs are in the batch of a step."""
        epoch, place = divmod(step // self._repeats, self.per_epoch // self._repeats)
        order = torch.randperm(len(self._pairs), generator=generator(-1 - seed * FAR - epoch))
        return order[place * self._batch : (place + 1) * self._batch].tolist()

    def _cut(self, seed: int, step: int) -> Cut:
        draws = generator(seed * FAR + step)
        return self._windows.cut(self._pairs, self.rows(seed, step), draws)
