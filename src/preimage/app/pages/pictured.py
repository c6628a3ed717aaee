"""What tabs share that are about one image."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from nicegui import run
from torch import Tensor

from preimage.app.faces import ImagesState
from preimage.app.pages.parts import Tab
from preimage.app.pictures import OWN, picture
from preimage.app.translating import TranslateState

S = TypeVar("S", ImagesState, TranslateState)


class PicturedTab(Tab, Generic[S]):
    """A tab about an image, which is dropped or chosen from examples.

    A subclass makes `_state` and `_turn` when it is built.
    """

    _state: S
    _turn: asyncio.Lock

    @abstractmethod
    def _take(self, state: S, image: Tensor | None) -> None:
        """Makes a state what is shown, if it can be; beside it an image that was dropped."""

    async def _change(self, change: Callable[[S], S], image: Tensor | None = None) -> None:
        """Takes up what was asked for, one thing after the other."""
        with self.message.reporting():
            async with self._turn:
                await run.io_bound(self._take, change(self._state), image)
            self.share()
            self.draw()

    async def _taken(self, name: str, data: bytes) -> None:
        pixels = None
        with self.message.reporting():
            pixels = picture(name, data)
        if pixels is not None:
            await self._change(lambda state: replace(state, example=OWN), pixels)

    async def _chosen(self, place: int) -> None:
        await self._change(lambda state: replace(state, example=place, image=""))
