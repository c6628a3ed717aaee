"""Pairs of images from folders, side-by-side images, volumes and arrays."""

from preimage.translation.pairs.pairs import Pairs

__all__ = ["Pairs"]
