"""What everything that is learned about a generator has in common: it can be saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar

from torch import Tensor

from preimage.errors import NotFittedError
from preimage.generators.describing import describe
from preimage.generators.generator import Generator
from preimage.store import save_model

KIND = "image-generator"
"""What `config.json` says that the folder holds."""


@dataclass(kw_only=True)
class GeneratorModel(ABC):
    """A generator, and what was learned with it or about it.

    Attributes:
        generator_: The generator.
    """

    kind: ClassVar[str]
    unsaved: ClassVar[tuple[str, ...]] = (
        "run",
        "sheet_every",
        "checkpoint_every",
        "mixed_precision",
        "device",
    )
    """Settings on which a trained model does not depend."""

    @abstractmethod
    def _state(self) -> dict[str, Tensor]:
        """What was learned beside the generator, as tensors to save."""

    @abstractmethod
    def _restore(self, generator: Generator, state: Mapping[str, Tensor]) -> None:
        """Takes up a generator and what `_state` gave."""

    @property
    def fitted(self) -> Generator:
        """The generator.

        Raises:
            NotFittedError: There is none yet.
        """
        generator = vars(self).get("generator_")
        if generator is None:
            raise NotFittedError(
                f"this {type(self).__name__} has not been fitted; call fit first, or load one."
            )
        return generator

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Writes the model and its generator as a folder: JSON, safetensors and a card.

        A generator of one's own is code, of which the numbers are saved and nothing else.

        Args:
            path: The folder.
            force: Replace a model that is already there.

        Raises:
            NotFittedError: `fit` was not called.
            OutputExistsError: The folder is there already.
        """
        generator = self.fitted
        config, tensors = describe(generator)
        state = {f"method.{name}": one for name, one in self._state().items()}
        save_model(
            path,
            config={
                "kind": KIND,
                "method": self.kind,
                "settings": self._settings(),
                "generator": config,
            },
            tensors={**tensors, **state},
            card=_card(self.kind, generator, config),
            force=force,
        )

    def _settings(self) -> dict[str, Any]:
        """The settings that are saved, as JSON values."""
        return {
            name: value
            for name, value in vars(self).items()
            if not name.endswith("_") and name not in self.unsaved
        }


def _card(kind: str, generator: Generator, config: Mapping[str, Any]) -> str:
    own = config["network"]["kind"] == "own"
    channels, height, width = generator.image_shape
    colour = "colour" if channels == 3 else "grey"
    return (
        f"# An image generator, method `{kind}`\n\n"
        f"Makes {colour} images of {width} by {height} from codes of {generator.prior.dim} "
        f"numbers ({generator.prior.kind}).\n\n"
        "```python\nfrom preimage.generators import load\n\n"
        f'model = load("this folder"{", module=YOUR_MODULE" if own else ""})\n'
        "z, images = model.generator_.sample(16)\n```\n\n"
        "A reconstruction is an image like the given one that this generator can make; it is not "
        "a recovered original.\n"
    )
