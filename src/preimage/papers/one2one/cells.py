"""What was measured of one model, kept as a line of JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeAlias, final

Scores: TypeAlias = dict[str, dict[str, float]]
"""By direction, by score."""


class Key(NamedTuple):
    """What tells cells apart."""

    method: str
    seed: int
    epochs: float
    data: str


@final
@dataclass(frozen=True)
class Spent:
    """What a training took.

    Attributes:
        cpu: Seconds of all cores; None where it was taken up again.
        seconds: Of the clock; None where they were not kept.
        device: The GPU that it was trained on; empty for a CPU.
    """

    cpu: float | None
    seconds: float | None
    device: str


@final
@dataclass(frozen=True)
class Cell:
    """One trained model.

    Attributes:
        key: Which.
        scores: Means over the test images.
        groups: Means over the images of each group, such as a subject.
        images: PSNR and SSIM of each test image, by direction and score.
        sensitivity: Changes of the scores; empty where pix2pix was not trained with this seed.
        parameters: Of the networks that translate.
        updates: Steps of the training.
        cpu: Seconds of all cores that the training took; None where it was taken up again.
        precision: What networks computed in while they were trained.
        version: Of preimage, when it was measured.
        seconds: Of the clock that the training took; None where they were not kept.
        device: The GPU that it was trained on; empty for a CPU.
    """

    key: Key
    scores: Scores
    groups: dict[str, Scores]
    images: dict[str, dict[str, list[float]]]
    sensitivity: Scores
    parameters: int
    updates: int
    cpu: float | None
    precision: str
    version: str
    seconds: float | None = None
    device: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "key": list(self.key)}

    @staticmethod
    def from_json(line: dict[str, Any]) -> Cell:
        """From what `to_json` gave."""
        return Cell(**{**line, "key": Key(*line["key"])})
