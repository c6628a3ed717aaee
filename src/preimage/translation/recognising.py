"""Of which side an image is."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.translation.kinds import Kind, Side, other

CLOSE = 1.5 / 255
"""How far a colour may be from that of a palette: rounding."""


def recognise(
    kinds: tuple[Kind, Kind], pixels: Float[Tensor, "n c h w"], source: Side | None
) -> Side | None:
    """The side that images are of; None where they could be of both.

    Args:
        kinds: What is known of side a and of side b.
        pixels: The images.
        source: What the user says.

    Raises:
        InputError: They are of neither, or not of the side that the user says.
    """
    channels = pixels.shape[1]
    fitting: list[Side] = [side for side, kind in _sides(kinds) if kind.channels == channels]
    if source is not None and source not in ("a", "b"):
        raise InputError(f'source={source!r}; it is "a" or "b", or None.')
    if not fitting or (source is not None and source not in fitting):
        wanted = " and ".join(f"{kind.channels} on side {side}" for side, kind in _sides(kinds))
        raise InputError(
            f"the images have {channels} channels; this model was trained on {wanted}. Convert "
            "them first, for instance to grey."
        )
    if source is not None:
        return source
    if len(fitting) == 1:
        return fitting[0]
    maps: list[Side] = [side for side, kind in _sides(kinds) if kind.palette is not None]
    if len(maps) == 1:
        painted = _painted(dict(_sides(kinds))[maps[0]], pixels)
        return maps[0] if painted else other(maps[0])
    return None


def _sides(kinds: tuple[Kind, Kind]) -> tuple[tuple[Side, Kind], tuple[Side, Kind]]:
    return ("a", kinds[0]), ("b", kinds[1])


def _painted(kind: Kind, pixels: Tensor) -> bool:
    """Whether every pixel has a colour of the palette."""
    return bool(((kind.finish(pixels) - pixels).abs().amax(dim=1) < CLOSE).all())
