"""Where pairs of images are, as it is typed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.translation import Pairs, Translator

AOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--a", metavar="DIR", help="Side a: a folder or archive of images, or volumes."),
]
BOption: TypeAlias = Annotated[
    Path | None, typer.Option("--b", metavar="DIR", help="Side b; may be the same folder.")
]
BothOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--ab", metavar="DIR", help="Images with side a on the left and b on the right."),
]
SuffixAOption: TypeAlias = Annotated[
    str, typer.Option("--suffix-a", help="What names of side a end in, such as _T1.")
]
SuffixBOption: TypeAlias = Annotated[
    str, typer.Option("--suffix-b", help="What names of side b end in, such as _T2.")
]
OtherSuffixAOption: TypeAlias = Annotated[
    str | None, typer.Option("--suffix-a", help="Where it is not that of the names trained on.")
]
OtherSuffixBOption: TypeAlias = Annotated[
    str | None, typer.Option("--suffix-b", help="Likewise of side b.")
]
NearestOption: TypeAlias = Annotated[
    bool,
    typer.Option("--nearest-colours", help="Take the nearest colour of the palette for others."),
]
ResampleOption: TypeAlias = Annotated[
    bool, typer.Option("--resample", help="Bring volumes b to the grid of a where they differ.")
]
PaletteAOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--palette-a", metavar="JSON", help="Colours of label maps on side a: [[r, g, b], ...]."
    ),
]
PaletteBOption: TypeAlias = Annotated[
    Path | None, typer.Option("--palette-b", metavar="JSON", help="Those of side b.")
]


def sides(a: Path | None, b: Path | None, ab: Path | None) -> tuple[Path, Path | None]:
    """The folders of side a and b, or the one that shows both.

    Raises:
        InputError: Neither, or more than that was named.
    """
    if ab is not None and a is None and b is None:
        return ab, None
    if ab is None and a is not None and b is not None:
        return a, b
    raise InputError("say where the pairs are: --a DIR --b DIR, or --ab DIR.")


def pairs_like_those(
    model: "Translator",
    a: Path | None,
    b: Path | None,
    ab: Path | None,
    suffixes: tuple[str | None, str | None],
) -> "Pairs":
    """Pairs of the kinds that a model was trained on, read as those were.

    A suffix of None is that of the names trained on.
    """
    from preimage.translation.pairs.opening import open_pairs

    one, two = model.kinds_
    first, second = sides(a, b, ab)
    return open_pairs(
        first,
        second,
        suffixes=(
            one.suffix if suffixes[0] is None else suffixes[0],
            two.suffix if suffixes[1] is None else suffixes[1],
        ),
        palette_a=one.palette,
        palette_b=two.palette,
        stray=one.stray,
        axis=one.axis,
        neighbours=one.neighbours,
        misfit=one.misfit,
    )


def palette_of(path: Path | None) -> list[list[int]] | None:
    """Colours from JSON: a list, an object of colours by name, or one with a "palette"."""
    if path is None:
        return None
    try:
        held: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from error
    if isinstance(held, dict):
        held = held.get("palette", list(held.values()))
    if not isinstance(held, list) or not all(isinstance(one, list) for one in held):
        raise InputError(f"{path} is no list of colours; write [[255, 0, 0], [0, 0, 255]].")
    return held


def stray_of(nearest: bool) -> Literal["refuse", "nearest"]:
    """What to do with colours outside of a palette."""
    return "nearest" if nearest else "refuse"


def misfit_of(resample: bool) -> Literal["refuse", "resample"]:
    """What to do with volumes on different grids."""
    return "resample" if resample else "refuse"
