"""What all translations between two kinds of images have in common."""

from __future__ import annotations

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from preimage.errors import InputError, NotFittedError, PreimageWarning
from preimage.runtime import generator as random_generator
from preimage.training import History, Loop, Recorded
from preimage.translation.averaging import Averages
from preimage.translation.batches import Batches
from preimage.translation.given import Given
from preimage.translation.kinds import Kind, Side, other
from preimage.translation.pairs import Pairs
from preimage.translation.pairs.stack import brightness
from preimage.translation.recognising import recognise
from preimage.translation.saving import save_translator
from preimage.translation.settings import Settings
from preimage.translation.settling import settled
from preimage.translation.sheets import samples
from preimage.translation.trips import RoundTrip

VALIDATED = 32
"""So many pairs at most are translated to validate."""


@dataclass(kw_only=True)
class Translator(Settings, ABC):
    """Learns from pairs to translate images of two kinds into each other.

    A method adds its networks, which of them judges which, a step, and how they are asked.

    Attributes:
        kinds_: What the images of side a and of side b are.
        networks_: The networks that translate, by name.
        history_: How the training went; None for a model that was loaded.
    """

    kind: ClassVar[str]

    @abstractmethod
    def _generators(self, channels: int, draws: torch.Generator) -> dict[str, nn.Module]:
        """New networks that translate, by name."""

    @abstractmethod
    def _judges(self, channels: int, draws: torch.Generator) -> dict[str, nn.Module]:
        """New discriminators, by name; none where `adversarial` is 0."""

    @abstractmethod
    def _learn(self, loop: Loop, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        """One step on a batch of pairs in [-1, 1]; returns what is logged."""

    @abstractmethod
    def _answer(self, x: Float[Tensor, "n c h w"], source: Side | None) -> Float[Tensor, "n c h w"]:
        """The translations by `networks_`, all in [-1, 1] or about it."""

    @property
    def _repeats(self) -> int:
        """Steps in a row that have the same pairs."""
        return 1

    def fit(self, pairs: Pairs, validation: Pairs | None = None) -> Self:
        """Trains the networks.

        Args:
            pairs: What to learn from.
            validation: Other pairs of the same kinds. The weights that translate them best, by the
                mean absolute error of both directions, are kept. Without them, the last are.

        Returns:
            The model itself.

        Raises:
            InputError: A setting is out of range, or the pairs are of different kinds.
            TrainingError: A loss is no longer finite; the last good checkpoint is kept.
        """
        self.check()
        if validation is not None:
            _check_kinds(pairs, validation)
        if len(pairs) < 2:
            warnings.warn(
                "there is one pair to learn from; a model of it knows nothing of other images.",
                PreimageWarning,
                stacklevel=2,
            )
        self.kinds_ = pairs.kinds
        draws = random_generator(self.seed)
        generators = self._generators(self.channels, draws)
        trained = {**generators, **self._judges(self.channels, draws)}
        averages = Averages(generators, self.ema)
        self.networks_ = averages.final(generators)
        batches = Batches(
            pairs, self.windows, batch=self.batch, repeats=self._repeats, channels=self.channels
        )
        steps = max(1, round(self.epochs * batches.per_epoch))
        adams = {name: self.adam(one) for name, one in trained.items()}
        shown = validation or pairs
        learn = Recorded(self._learn, period=self._repeats)

        def step(loop: Loop) -> Mapping[str, Tensor]:
            values = learn(loop, *batches.of(loop))
            averages.update(generators)
            return values

        with batches.working():
            self.history_: History | None = self.trainer(steps).fit(
                {**trained, **averages.networks},
                adams,
                step,
                label=f"{self.kind} translation",
                schedulers={name: self.scheduler(adam, steps) for name, adam in adams.items()},
                validate=None if validation is None else lambda: self._error(validation),
                observe=None if self.run is None else lambda step: self._show(shown, step),
                data=f"{pairs.digest} {self.saved_settings}",
            )
        for network in self.networks_.values():
            network.requires_grad_(False).eval()
        return self

    def __call__(self, images: Any, *, source: Side | None = None, settle: int = 0) -> Any:
        """Translates images into the other kind.

        Args:
            images: (n, height, width) or (n, channels, height, width), an array or a tensor, uint8,
                uint16 or floating point in [0, 1], of any size.
            source: The side that they are of. None leaves it to the images: their channels, or the
                colours of a palette. A self-inverse network need not be told at all where both
                sides have equally many channels.
            settle: Steps that move each answer, a little, to where it is translated back to the
                image: see `preimage.translation.settling`. Each costs as much as three
                translations. Rounding to 8 bits takes some of it back.

        Returns:
            The translations, of the same type as the images. An answer does not depend on how many
            images there are. Of a label map, only colours of its palette.

        Raises:
            NotFittedError: There is no model yet; call `fit`, or `load` one.
            InputError: The images are of neither side, or it is not clear of which.
        """
        given = Given.of(images)
        side = self._side(given.pixels, source)
        answer = self.raw(given.pixels, side, settle=settle)
        return given.like(self.becomes(side).finish(answer))

    def round_trip(self, images: Any, *, source: Side | None = None, settle: int = 0) -> RoundTrip:
        """Translates images there and back again, without rounding or cutting off in between.

        Args:
            images: As for a call.
            source: As for a call.
            settle: As for a call, of the first translation.

        Returns:
            Both translations, and how far the second is from the images.

        Raises:
            NotFittedError: As a call does.
            InputError: As a call does.
        """
        pixels = Given.of(images).pixels
        side = self._side(pixels, source)
        there = self.raw(pixels, side, settle=settle)
        return RoundTrip(pixels, there, self.raw(there, other(side) if side else None))

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Writes the model as a folder: settings, kinds, and weights.

        Args:
            path: The folder.
            force: Replace a model that is already there.

        Raises:
            NotFittedError: There is no model yet.
            OutputExistsError: The folder is there already.
        """
        self._check_fitted()
        save_translator(
            path,
            kind=self.kind,
            settings=self.saved_settings,
            kinds=self.kinds_,
            networks=self.networks_,
            force=force,
        )

    @property
    def channels(self) -> int:
        """Of the networks: as many as the side that has more."""
        return max(kind.channels for kind in self.kinds_)

    @property
    def parameters(self) -> int:
        """How many numbers were learned, of the networks that translate."""
        self._check_fitted()
        return sum(one.numel() for net in self.networks_.values() for one in net.parameters())

    def restore(self, kinds: tuple[Kind, Kind], state: Mapping[str, Tensor]) -> None:
        """Take up what was saved.

        Args:
            kinds: Of the two sides.
            state: The weights.
        """
        self.kinds_, self.history_ = kinds, None
        self.networks_ = self._generators(self.channels, random_generator(self.seed))
        for name, network in self.networks_.items():
            start = f"{name}."
            network.load_state_dict(
                {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
            )
            network.requires_grad_(False).eval()

    def raw(
        self, pixels: Float[Tensor, "n c h w"], side: Side | None, *, settle: int = 0
    ) -> Tensor:
        """Translations in brightness, neither cut off to [0, 1] nor brought to a palette.

        Args:
            pixels: In [0, 1], or what this method gave.
            side: The side that they are of; None where that makes no difference.
            settle: As for a call.

        Raises:
            InputError: There are less than 0 steps.
        """
        if settle < 0:
            raise InputError(f"settle={settle}; give 0 steps or more.")
        opposite = other(side) if side else None
        device = next(next(iter(self.networks_.values())).parameters()).device
        with torch.no_grad():
            x = self.becomes(opposite).to_network(pixels, self.channels).to(device)
            answer = self._answer(x, side)
        if settle:
            answer = settled(lambda y: self._answer(y, opposite), x, answer, settle)
        return self.becomes(side).from_network(answer.to(pixels.device))

    def becomes(self, source: Side | None) -> Kind:
        """What images of this side become; where it is not known, both kinds are alike.

        Args:
            source: The side.
        """
        return self.kinds_[0 if source == "b" else 1]

    def _side(self, pixels: Tensor, source: Side | None) -> Side | None:
        self._check_fitted()
        return recognise(self.kinds_, pixels, source)

    def _check_fitted(self) -> None:
        if "networks_" not in vars(self):
            raise NotFittedError(
                "there is no model yet; call fit(pairs), or preimage.translation.load(path)."
            )

    def _error(self, pairs: Pairs) -> float:
        """The mean absolute error of both directions on some of the pairs, in [0, 1]."""
        rows = range(0, len(pairs), max(1, len(pairs) // VALIDATED))
        errors = []
        for row in rows:
            a, b = brightness(pairs.a[row])[None], brightness(pairs.b[row])[None]
            errors += [(self.raw(a, "a") - b).abs().mean(), (self.raw(b, "b") - a).abs().mean()]
        return torch.stack(errors).mean().item()

    def _show(self, pairs: Pairs, step: int) -> None:
        folder = Path(os.fspath(self.run or ".")) / "sheets"
        samples(folder / f"{step:07d}.png", pairs, lambda x, side: self.raw(x, side))


def _check_kinds(pairs: Pairs, validation: Pairs) -> None:
    def outline(kind: Kind) -> tuple[object, ...]:
        return kind.channels, kind.palette, kind.neighbours

    for side, one, two in zip("ab", pairs.kinds, validation.kinds, strict=True):
        if outline(one) != outline(two):
            raise InputError(
                f"side {side} has {one} to train on and {two} to validate on; both must be of one "
                "kind."
            )
