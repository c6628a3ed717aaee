"""The function and the boxes that the options of a command describe."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from preimage.cli.userfile import load_callable
from preimage.cli.words import TABLES, Interval, intervals, numbers
from preimage.domain import Box
from preimage.errors import InputError
from preimage.function import Function


def load_function(
    place: str, boxes: Sequence[str], periodic: Sequence[str], outputs: Sequence[str]
) -> Function:
    """The function to invert, with its domain.

    Args:
        place: `FILE.py:NAME`.
        boxes: `[NAME=]LOW,HIGH` for each input, where the file does not give the domain.
        periodic: Names of inputs.
        outputs: Names for the outputs; they are called y, or y1, y2, ... otherwise.

    Raises:
        InputError: If there is no domain, or two.
    """
    found = load_callable(place)
    if isinstance(found, Function):
        if boxes or periodic or outputs:
            raise InputError(
                f"{place} is a preimage.Function, which brings its own domain and names; leave "
                "out --box, --periodic and --y, and search a part of it by --within."
            )
        return found
    if not boxes:
        raise InputError(
            f"{place} needs a place to search: --box LOW,HIGH, once for each input, in order."
        )
    return Function(found, box_of(boxes, periodic, None), outputs=outputs or None)


def box_of(boxes: Sequence[str], periodic: Sequence[str], columns: Sequence[str] | None) -> Box:
    """A box of `[NAME=]LOW,HIGH` for each input, in order.

    Args:
        boxes: The bounds.
        periodic: Names of inputs.
        columns: What the inputs are called where the bounds give no names.
    """
    given = intervals(boxes, "--box")
    plain = Box([one.low for one in given], [one.high for one in given], columns)
    names = [one.name or name for one, name in zip(given, plain.names, strict=True)]
    strange = [name for name in periodic if name not in names]
    if strange:
        raise InputError(f"--periodic {strange[0]} is no input; they are {', '.join(names)}.")
    return Box(plain.low, plain.high, names, periodic=[name in periodic for name in names])


def part_of(domain: Box, words: Sequence[str]) -> Box | None:
    """The part of a domain that `--within` describes; inputs that are not named keep all of it.

    Raises:
        InputError: If bounds are neither named nor given for each input, or lie outside.
    """
    if not words:
        return None
    given = intervals(words, "--within")
    low, high = domain.low.clone(), domain.high.clone()
    for place, one in _places(given, domain):
        low[place], high[place] = one.low, one.high
    return domain.intersection(Box(low, high, domain.names))


def state_of(word: str | None) -> Any:
    """What `--near` says: "previous", a state as numbers, or a file of states."""
    if word is None or word == "previous":
        return word
    if Path(word).suffix.lower() in TABLES:
        return Path(word)
    state = numbers(word)
    if state is None:
        raise InputError(
            f"--near {word!r} is no state: write a number for each input with commas between, "
            'such as 0.1,-2, or name a file with a row for each target, or say "previous".'
        )
    return torch.tensor([state], dtype=torch.float64)


def _places(given: Sequence[Interval], domain: Box) -> list[tuple[int, Interval]]:
    names = [one.name for one in given]
    if not any(names) and len(given) == domain.dim:
        return list(enumerate(given))
    strange = [name for name in names if name not in domain.names]
    if strange:
        raise InputError(
            f"--within {strange[0] or 'LOW,HIGH'} does not say which input it bounds; write "
            f"NAME=LOW,HIGH with one of {', '.join(domain.names)}, or LOW,HIGH for each of them."
        )
    return [(domain.names.index(one.name), one) for one in given if one.name is not None]
