"""The networks that are compared: each trained once for a seed, and kept in a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, final

from preimage.files import writing_file
from preimage.generators.base import GeneratorInverter
from preimage.generators.bigan import BiGAN
from preimage.generators.combined import CombinedInverter
from preimage.generators.dcgan import DCGAN
from preimage.generators.encoder import EncoderInverter
from preimage.generators.generator import Generator
from preimage.generators.learned import LearnedInverter
from preimage.generators.loading import load
from preimage.generators.regression import RegressionInverter
from preimage.papers.aegan.data import Faces
from preimage.papers.aegan.sizes import Size
from preimage.runtime import digest

PROBE = 30
"""Steps of a training that are timed to say how many take as long as another training."""

M = TypeVar("M", DCGAN, BiGAN, EncoderInverter, RegressionInverter, CombinedInverter)


@final
@dataclass(frozen=True)
class Spent:
    """What a training took.

    Attributes:
        steps: How many steps.
        cpu: CPU seconds.
    """

    steps: int
    cpu: float


@final
class Models:
    """The models of one seed, trained when they are first asked for.

    Args:
        folder: Where they are kept.
        data: What they are trained on.
        size: How large they are.
        seed: Fixes everything that is drawn.
    """

    def __init__(self, folder: Path, data: Faces, size: Size, seed: int) -> None:
        self.folder, self.data, self.size, self.seed = folder, data, size, seed

    @property
    def generator(self) -> Generator:
        """What aegan, direct and combined invert."""
        return self.gan.generator_

    @cached_property
    def gan(self) -> DCGAN:
        """The generator, with its discriminator."""
        gan = self.size.preset.gan(channels=self.data.known.shape[1], seed=self.seed)
        return self._kept("gan", self._set(gan, self.size.gan_steps), self._on_images)

    @cached_property
    def aegan(self) -> EncoderInverter:
        """The paper's encoder."""
        return self._encoder("aegan", EncoderInverter(), self.size.encoder_steps)

    @cached_property
    def direct(self) -> RegressionInverter:
        """Regression of codes, for as many steps."""
        return self._encoder("direct", RegressionInverter(), self.size.encoder_steps)

    @cached_property
    def direct_longer(self) -> RegressionInverter:
        """Regression of codes, for as long as the paper's encoder took."""
        _ = self.aegan, self.direct
        each = self.spent("direct").cpu / self.spent("direct").steps
        steps = round(self.spent("aegan").cpu / each)
        return self._encoder("direct-longer", RegressionInverter(), steps)

    @cached_property
    def combined(self) -> CombinedInverter:
        """The library's default, for as long as the paper's encoder took."""
        if not self._there("combined"):
            each = self._probe(lambda steps: self._fresh(CombinedInverter(), steps))
            steps = min(round(self.spent("aegan").cpu / each), 4 * self.size.encoder_steps)
        else:
            steps = self.spent("combined").steps
        return self._encoder("combined", CombinedInverter(), steps)

    @cached_property
    def bigan(self) -> BiGAN:
        """Generator and encoder trained together, for the steps of the generator above."""
        preset = self.size.preset
        bigan = BiGAN(
            latent=preset.latent,
            size=preset.size,
            channels=self.data.known.shape[1],
            width=preset.width,
            batch=preset.batch,
            learning_rate=preset.learning_rate,
            seed=self.seed,
        )
        return self._kept("bigan", self._set(bigan, self.size.gan_steps), self._on_images)

    def corrected(self, inverter: GeneratorInverter, passes: int) -> GeneratorInverter:
        """The same encoder with another number of corrections."""
        other = copy(inverter)
        if isinstance(other, LearnedInverter):
            other.passes = passes
        return other

    def spent(self, name: str) -> Spent:
        """What the training of a model took; it is trained if it was not."""
        if not self._there(name):
            getattr(self, name.replace("-", "_"))
        note = self._read(name)
        return Spent(int(note["steps"]), float(note["cpu"]))

    def _encoder(self, name: str, kind: M, steps: int) -> M:
        return self._kept(name, self._fresh(kind, steps), self._on_codes)

    def _fresh(self, kind: M, steps: int) -> M:
        preset = self.size.preset
        sized = replace(kind, width=preset.width, batch=preset.batch, seed=self.seed)
        if not isinstance(sized, CombinedInverter):
            sized.learning_rate = preset.learning_rate
        return self._set(sized, steps)

    def _set(self, model: M, steps: int) -> M:
        return replace(
            model,
            steps=steps,
            mixed_precision=self.size.precision,
            device=self.size.device,
        )

    def _on_images(self, model: M) -> None:
        if isinstance(model, (DCGAN, BiGAN)):
            model.fit(self.data.known)

    def _on_codes(self, model: M) -> None:
        if isinstance(model, LearnedInverter):
            model.fit(self.generator)

    def _probe(self, make: Callable[[int], CombinedInverter]) -> float:
        """CPU seconds of a step."""
        make(2).fit(self.generator)
        begin = time.process_time()
        make(PROBE).fit(self.generator)
        return (time.process_time() - begin) / PROBE

    def _kept(self, name: str, model: M, train: Callable[[M], None]) -> M:
        place = self.folder / name
        if self._there(name):
            known = load(place)
            if isinstance(known, type(model)) and known.steps == model.steps:
                return known
        run = self.folder / f"{name}.run"
        training = replace(model, run=run)
        begin = time.process_time()
        train(training)
        spent = {"steps": model.steps, "cpu": time.process_time() - begin, "data": self._print}
        training.save(place, force=True)
        with writing_file(self._note(name), force=True) as aside:
            aside.write_text(json.dumps(spent) + "\n", "utf-8")
        return training

    @cached_property
    def _print(self) -> str:
        """Text that differs with the images that are trained on."""
        return digest(self.data.known)

    def _there(self, name: str) -> bool:
        """Whether it is kept, and of these images."""
        if not (self.folder / name).is_dir() or not self._note(name).exists():
            return False
        return self._read(name).get("data") == self._print

    def _read(self, name: str) -> dict[str, Any]:
        return json.loads(self._note(name).read_text("utf-8"))

    def _note(self, name: str) -> Path:
        return self.folder / f"{name}.json"
