"""The options that several commands share, with their help."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

FunctionOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--function",
        metavar="FILE.py:NAME",
        help="A function of a batch (rows, inputs), or a preimage.Function with its own domain.",
    ),
]

BoxOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        metavar="[NAME=]LOW,HIGH",
        help="Where to search: once for each input, in order.",
    ),
]

PeriodicOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--periodic",
        metavar="NAME",
        help="An input whose LOW and HIGH are the same state. Repeatable.",
    ),
]

MethodOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--method", metavar="NAME", help="One of `preimage methods`; the first by default."
    ),
]

PresetOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="How networks are built and trained: default, or paper for the published way.",
    ),
]

SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SETTING=VALUE",
        help="A setting of the method; `preimage methods NAME` lists them. Repeatable.",
    ),
]

SeedOption: TypeAlias = Annotated[
    int | None, typer.Option("--seed", help="Fixes everything that is drawn; 0 by default.")
]

ForceOption: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Replace outputs that are already there.")
]

MissingOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--missing",
        metavar="error|drop",
        help="What to do with rows that lack a value: stop, or leave them out.",
    ),
]

OnOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ADDRESS|local",
        help="Work in parts: on the cores of this machine (local), or on the workers of a Dask "
        "scheduler, such as tcp://host:8786.",
    ),
]

PartOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--part",
        metavar="N",
        min=1,
        help="With --on: so many in a part; thousands by default, fewer where each takes long.",
    ),
]

QuietOption: TypeAlias = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")
]

ModelArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A folder that `preimage fit` wrote.")
]

GanArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A folder that `preimage gan train` wrote.")
]

ImagesArgument: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="IMAGES...", help="A folder, a zip, or image files.")
]

FolderOption: TypeAlias = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")
]
