"""`preimage check`: is it invertible?"""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.options import ForceOption
from preimage.errors import InputError


def check(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:NAME",
            help="A function of a batch (rows, inputs), or a torch.nn.Module.",
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
    budget: Annotated[float, typer.Option(help="For how many seconds to look.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Fixes everything that is drawn.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the report as JSON.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Say whether a function or a network is invertible, with proof or counterexample.

    preimage check net.py:net --reals 8

    preimage check cubic.py:cubic --box -2,2 --range

    The exit code is 0 when the function is proved to be invertible or not to be, 1 when that is
    unknown. With --range, it is about an inverse on the outputs that occur.
    """
    import json as encoder

    from preimage.cli.forward import box_of
    from preimage.cli.userfile import load_callable
    from preimage.files import check_file
    from preimage.function import Function
    from preimage.verdicts import Reals
    from preimage.verdicts import check as checked

    if output is not None:
        check_file(output, force=force)
    found = load_callable(place)
    given = sum(part is not None and part != [] for part in (box, reals))
    if given == 0 and isinstance(found, Function):
        domain = found.domain
    elif given != 1:
        raise InputError(
            "the domain is wanted once: --box LOW,HIGH for each input, or --reals N for all real "
            "vectors."
        )
    else:
        domain = box_of(box, [], None) if box else Reals(_shape(reals or ""))
    report = checked(
        found, domain, "range" if image else None, semantics=semantics, budget=budget, seed=seed
    )
    if output is not None:
        report.save(output, force=force)
    typer.echo(encoder.dumps(report.to_json(), indent=2) if json else str(report))
    raise typer.Exit(0 if report.bijective.status.decided else 1)


def _shape(word: str) -> list[int]:
    try:
        return [int(part) for part in word.split(",")]
    except ValueError:
        raise InputError(f"--reals {word!r} is no size; write 8, or 3,32,32 for images.") from None
