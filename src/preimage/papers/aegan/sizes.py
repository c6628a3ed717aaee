"""How large the networks are, how long they are trained, and on how many images all is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from preimage.generators.presets import PRESETS, Preset


@final
@dataclass(frozen=True, kw_only=True)
class Size:
    """A size of the reproduction.

    Args:
        networks: Which preset of `preimage.generators.presets`.
        gan_steps: Steps of the generator.
        encoder_steps: Steps of each encoder.
        codes: Test codes for reconstruction, drawn anew and never trained on.
        descents: Images, of these, on which descents are compared and degradations undone.
        calls: The most calls of the generator a descent from a random start gets.
        precision: What networks are trained in.
        device: Where.
    """

    networks: str
    gan_steps: int
    encoder_steps: int
    codes: int
    descents: int
    calls: int
    precision: Literal["no", "bf16"] = "no"
    device: str | None = "cpu"

    @property
    def preset(self) -> Preset:
        """The sizes of the networks."""
        return PRESETS[self.networks]


SIZES = {
    "tiny": Size(
        networks="tiny", gan_steps=1500, encoder_steps=600, codes=512, descents=64, calls=200
    ),
    "small": Size(
        networks="small",
        gan_steps=3000,
        encoder_steps=1500,
        codes=512,
        descents=32,
        calls=200,
        precision="bf16",
    ),
    "full": Size(
        networks="full",
        gan_steps=20_000,
        encoder_steps=20_000,
        codes=2048,
        descents=256,
        calls=400,
        precision="bf16",
        device=None,
    ),
}
"""tiny: digits on a CPU, minutes. small: 64 by 64, width 16, on a CPU in bf16, half an hour a seed
on a core of its own with matrix units. full: the paper's sizes, for a GPU."""
