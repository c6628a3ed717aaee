"""`preimage check`: is it invertible?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from preimage.cli.options import ForceOption
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.domain import Box
    from preimage.verdicts import Numerical, Reals


def check(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:NAME|FILE.pt2",
            help="A function of a batch (rows, inputs), or a torch.nn.Module; or a program that "
            "torch.export saved.",
        ),
    ],
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]LOW,HIGH", help="The domain: once for each input, in order."),
    ] = None,
    reals: Annotated[
        str | None,
        typer.Option(
            metavar="N[,N]", help="The domain: all real vectors, or tensors such as 3,32,32."
        ),
    ] = None,
    image: Annotated[
        bool, typer.Option("--range", help="Ask for an inverse on the outputs that occur.")
    ] = False,
    semantics: Annotated[
        str, typer.Option(help="real, or float16, float32, float64: the function as computed.")
    ] = "real",
    numerical: Annotated[
        str | None,
        typer.Option(
            metavar="FLOAT",
            help="Also compute condition numbers and attacks for float16, float32 or float64.",
        ),
    ] = None,
    inverse: Annotated[
        str | None,
        typer.Option(metavar="FILE.py:NAME", help="What is said to undo it, for --numerical."),
    ] = None,
    budget: Annotated[float, typer.Option(help="For how many seconds to look.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Fixes everything that is drawn.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the report as JSON.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a page with pictures, ending in .html.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Say whether a function or a network is invertible, with proof or counterexample.

    preimage check net.py:net --reals 8

    preimage check net.pt2 --reals 3,32,32

    preimage check cubic.py:cubic --box -2,2 --range --report cubic.html

    The exit code is 0 when the function is proved to be invertible or not to be, 1 when that is
    unknown. With --range, it is about an inverse on the outputs that occur.
    """
    import json as encoder
    from dataclasses import replace

    from preimage.files import check_file
    from preimage.verdicts import check as checked

    for path in (output, report):
        if path is not None:
            check_file(path, force=force)
    if report is not None and report.suffix != ".html":
        raise InputError(f"--report {report} is no page; write a name that ends in .html.")
    if inverse is not None and numerical is None:
        raise InputError("--inverse is for --numerical; add --numerical float32.")
    found = _subject(place)
    domain = _domain(found, box, reals)
    claims = checked(
        found, domain, "range" if image else None, semantics=semantics, budget=budget, seed=seed
    )
    if place.endswith(".pt2"):
        claims = replace(claims, name=Path(place).name)
    if numerical is not None:
        claims = replace(claims, numerical=_numbers(found, domain, numerical, inverse, seed))
    if output is not None:
        claims.save(output, force=force)
    if report is not None:
        from preimage.report.verdict import write_verdict

        write_verdict(claims, found, report, force=force)
    typer.echo(encoder.dumps(claims.to_json(), indent=2) if json else str(claims))
    raise typer.Exit(0 if claims.bijective.status.decided else 1)


def _subject(place: str) -> Any:
    """The function of a Python file, or the network of a program."""
    from preimage.cli.userfile import load_callable

    if not place.endswith(".pt2"):
        return load_callable(place)
    from preimage.verdicts import read_exported

    if not Path(place).is_file():
        raise InputError(f"there is no file {place}.")
    return read_exported(place)


def _domain(found: Any, box: list[str] | None, reals: str | None) -> Box | Reals:
    from preimage.cli.forward import box_of
    from preimage.function import Function
    from preimage.verdicts import Reals

    given = sum(part is not None and part != [] for part in (box, reals))
    if given == 0 and isinstance(found, Function):
        return found.domain
    if given != 1:
        raise InputError(
            "the domain is wanted once: --box LOW,HIGH for each input, or --reals N for all real "
            "vectors."
        )
    return box_of(box, [], None) if box else Reals(_shape(reals or ""))


def _numbers(found: Any, domain: Any, precision: str, inverse: str | None, seed: int) -> Numerical:
    from preimage.cli.userfile import load_callable
    from preimage.verdicts import check_numerically

    undo = None if inverse is None else load_callable(inverse)
    return check_numerically(found, domain, inverse=undo, precision=precision, seed=seed)


def _shape(word: str) -> list[int]:
    try:
        return [int(part) for part in word.split(",")]
    except ValueError:
        raise InputError(f"--reals {word!r} is no size; write 8, or 3,32,32 for images.") from None
