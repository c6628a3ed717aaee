"""Trains the models that come with the page: `python -m preimage.app.packaged.train`.

Takes some minutes on one core, and gives the same numbers again on the same machine.
"""

from __future__ import annotations

from dataclasses import replace

from preimage.app.packaged import DIGITS, HELD_OUT, OUTLINES, SIDE, digits, enlarged, outlines
from preimage.generators.combined import CombinedInverter
from preimage.generators.presets import PRESETS
from preimage.translation import Pairs, SelfInverse, preset


def train_digits() -> None:
    """The generator of digits and its inverse."""
    images = digits()[:-HELD_OUT]
    sized = replace(
        PRESETS["tiny"], gan_steps=4000, encoder_steps=5000, batch=64, learning_rate=2e-4
    )
    gan = replace(sized.gan(channels=1), device="cpu").fit(images)
    encoder = CombinedInverter(
        steps=sized.encoder_steps, width=sized.width, batch=sized.batch, device="cpu"
    )
    encoder.fit(gan.fitted, images, gan.discriminator_)
    encoder.save(DIGITS, force=True)


def train_outlines() -> None:
    """The network between digits and their outlines."""
    images = enlarged(digits()[:-HELD_OUT], SIDE)
    model = replace(
        preset("default", SelfInverse), size=SIDE, width=4, epochs=40, batch=16, flip=False,
        jitter=1.0, device="cpu", direction_channel=False,
    )  # fmt: skip
    model.fit(Pairs.from_arrays(images, outlines(images)))
    model.save(OUTLINES, force=True)


if __name__ == "__main__":
    train_digits()
    train_outlines()
