"""What is typed on the command line, as numbers, bounds and files; nothing heavy is imported."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from preimage.errors import InputError

TABLES = (".csv", ".parquet", ".json")
"""A word that ends so is a file with targets."""


@final
@dataclass(frozen=True)
class Question:
    """The words of `preimage invert`, sorted.

    Attributes:
        model: The folder of a fitted model, where one was named.
        targets: One row a target, or a file or a folder that holds them.
    """

    model: Path | None
    targets: list[list[float]] | Path


@final
@dataclass(frozen=True)
class Interval:
    """One `[NAME=]LOW,HIGH`."""

    name: str | None
    low: float
    high: float


def numbers(word: str) -> list[float] | None:
    """The numbers of a word such as `0.3` or `-1,2e3`; None where it is something else."""
    try:
        return [float(part) for part in word.split(",")]
    except ValueError:
        return None


def sort_words(words: Sequence[str], options: Sequence[str]) -> Question:
    """Tell the model, the targets and mistyped options apart.

    Numbers are targets, a name that ends as a table does is a file of targets, a folder with
    Parquet files in it is one too, and the first word, where it is neither, is the model; a folder
    called `3` is written `./3`.

    Args:
        words: The arguments that are no options.
        options: The options that there are, for the hint when one is mistyped.

    Raises:
        InputError: If a word is none of these, targets differ in length, or there are none.

    Example:
        >>> sort_words(["arm.model", "0.5,-1", "-1,0"], [])
        Question(model=...Path('arm.model'), targets=[[0.5, -1.0], [-1.0, 0.0]])
    """
    model: Path | None = None
    files: list[Path] = []
    rows: list[list[float]] = []
    for place, word in enumerate(words):
        row = numbers(word)
        if row is not None:
            rows.append(row)
        elif word.startswith("-"):
            name = word.partition("=")[0]
            raise InputError(f"there is no option {name}{hint(name, options)}")
        elif Path(word).suffix.lower() in TABLES or _holds_tables(Path(word)):
            files.append(Path(word))
        elif place == 0:
            model = Path(word)
        else:
            raise InputError(
                f"{word!r} is neither a number nor a file of targets ({', '.join(TABLES)}). "
                "Write each target as a number, or as numbers with commas between: 0.3,-1."
            )
    if len(files) + bool(rows) > 1:
        raise InputError("give targets either as numbers or in one file, not both.")
    if files:
        return Question(model, files[0])
    if not rows:
        raise InputError("no targets were given; add numbers such as 0.3, or a file of targets.")
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise InputError(
            f"the targets have {' and '.join(map(str, lengths))} numbers; each must have one for "
            "every output."
        )
    return Question(model, rows)


def _holds_tables(path: Path) -> bool:
    return path.is_dir() and next(path.rglob("*.parquet"), None) is not None


def intervals(words: Sequence[str], option: str) -> list[Interval]:
    """The bounds of each `[NAME=]LOW,HIGH`.

    Raises:
        InputError: If one reads otherwise.

    Example:
        >>> intervals(["-2,2", "angle=0,6.28"], "--box")[1]
        Interval(name='angle', low=0.0, high=6.28)
    """
    found = []
    for word in words:
        name, equals, bounds = word.rpartition("=")
        pair = numbers(bounds)
        if pair is None or len(pair) != 2 or (equals and not name):
            raise InputError(
                f"{option} {word!r} is not LOW,HIGH or NAME=LOW,HIGH; write for instance "
                f"{option} -2,2 or {option} angle=-3.14,3.14."
            )
        found.append(Interval(name or None, *pair))
    return found


def column_list(word: str | None) -> list[str]:
    """The names in `a,b,c`, without the spaces around them."""
    return [name.strip() for name in word.split(",") if name.strip()] if word else []


def hint(name: str, there: Sequence[str], most: int = 12) -> str:
    """The end of a complaint about a name: what was meant, or what there is.

    Example:
        >>> print("there is no method 'twins'" + hint("twins", ["twin", "nearest"]))
        there is no method 'twins'; did you mean twin?
    """
    close = difflib.get_close_matches(name, there, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    more = ", ..." if len(there) > most else ""
    return f"; there are {', '.join(there[:most])}{more}." if there else "."
