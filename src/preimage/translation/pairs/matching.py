"""Which file of one side belongs to which of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import final

from preimage.errors import InputError

SOME = 5
"""So many names stand in a message."""


@final
@dataclass(frozen=True)
class Match:
    """Names of two sides that belong together.

    Attributes:
        names: What both have in common, sorted.
        a: The name on side a of each.
        b: The name on side b of each.
        alone: What has no partner, and the reason.
    """

    names: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]
    alone: dict[str, str]


def match_names(a: Sequence[str], b: Sequence[str], suffixes: tuple[str, str] = ("", "")) -> Match:
    """Pair names that are equal but for the ending of the file and a suffix of each side.

    Args:
        a: Names of side a, with slashes.
        b: Names of side b.
        suffixes: What names of either side end in, before the ending of the file; names without it
            are of no concern, so that both sides can lie in one folder.

    Raises:
        InputError: Nothing belongs together, or two names of a side mean the same.

    Example:
        >>> match_names(["x1.jpg", "x2.jpg"], ["x1_label.png"], ("", "_label")).names
        ('x1',)
    """
    left, right = _stems(a, suffixes[0], "a"), _stems(b, suffixes[1], "b")
    if a == b and suffixes[0] != suffixes[1]:
        # One folder for both: what ends in the longer suffix is not of the other side.
        left = {stem: name for stem, name in left.items() if name not in right.values()}
    both = sorted(left.keys() & right.keys())
    if not both:
        raise InputError(
            f"no name on side a is on side b too: a has {_some(a)}; b has {_some(b)}. Give the two "
            "images of a pair the same name, or say what their names end in: "
            'suffixes=("_T1", "_T2").'
        )
    alone = {left[stem]: "no image of this name on side b" for stem in left.keys() - right.keys()}
    alone |= {right[stem]: "no image of this name on side a" for stem in right.keys() - left.keys()}
    return Match(
        tuple(both),
        tuple(left[stem] for stem in both),
        tuple(right[stem] for stem in both),
        dict(sorted(alone.items())),
    )


def stem_of(name: str) -> str:
    """A name without the ending of the file; `.nii.gz` is one ending."""
    bare = name.removesuffix(".gz")
    ending = PurePosixPath(bare).suffix
    return bare.removesuffix(ending) if ending else bare


def _stems(names: Sequence[str], suffix: str, side: str) -> dict[str, str]:
    stems: dict[str, str] = {}
    for name in names:
        stem = stem_of(name)
        if not stem.endswith(suffix):
            continue
        stem = stem.removesuffix(suffix)
        if stem in stems:
            raise InputError(
                f"side {side} has two images called {stem!r}: {stems[stem]} and {name}; remove or "
                "rename one."
            )
        stems[stem] = name
    return stems


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SOME:,} more" if len(names) > SOME else ""
    return f"{', '.join(names[:SOME])}{more}"
