"""One network for both directions between two kinds of images."""

from preimage.translation.kinds import Kind
from preimage.translation.loading import METHODS, load
from preimage.translation.pairs import Pairs
from preimage.translation.pix2pix import Pix2Pix
from preimage.translation.presets import PRESETS, preset
from preimage.translation.running import Run, translate_files
from preimage.translation.self_inverse import SelfInverse
from preimage.translation.translator import Translator
from preimage.translation.trips import RoundTrip

__all__ = [
    "METHODS",
    "PRESETS",
    "Kind",
    "Pairs",
    "Pix2Pix",
    "RoundTrip",
    "Run",
    "SelfInverse",
    "Translator",
    "load",
    "preset",
    "translate_files",
]
