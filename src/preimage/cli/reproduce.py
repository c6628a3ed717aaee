"""`preimage reproduce`: run a paper again, and put its numbers beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.options import QuietOption
from preimage.cli.words import column_list, hint
from preimage.errors import InputError

PAPERS = ("twin",)


def reproduce(
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="Which paper: twin.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Where results go; reproduction-PAPER by default. What it holds is not measured "
            "again.",
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Minutes in place of hours: short trainings, one seed."),
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", help="Seeds 0 to N - 1; 5 by default."),
    ] = None,
    experiments: Annotated[
        str | None,
        typer.Option(
            "--experiments", metavar="N[,N]", help="Some of the experiments; all by default."
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAME[,NAME]",
            help="Some of the methods; all by default, or with --quick all that take seconds.",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Run a paper again, and put its numbers beside ours.

    preimage reproduce twin --quick

    preimage reproduce twin --experiments 1,7 --methods knn,twin -o results

    Each measured cell is kept in FOLDER at once: stop with Ctrl-C, call again, and it goes on.
    """
    if paper not in PAPERS:
        raise InputError(f"there is no paper {paper!r}{hint(paper, PAPERS)}")
    numbers = None if experiments is None else _numbers(experiments)

    from preimage.papers.twin.headlines import headlines
    from preimage.papers.twin.reproduce import Reproduction, check_place, default_names

    folder = Path(f"reproduction-{paper}") if output is None else output
    run = Reproduction(
        experiments=Reproduction.experiments if numbers is None else numbers,
        seeds=(1 if quick else Reproduction.seeds) if seeds is None else seeds,
        names=default_names(quick=quick) if methods is None else tuple(column_list(methods)),
        quick=quick,
    )
    run.check()
    check_place(folder)
    measured = run.measure(folder)
    files = run.write(folder)
    if not quiet:
        typer.echo(f"{measured} cells measured, {len(run.kept(folder))} kept in {folder}")
        for line in headlines(run.summary(folder)):
            typer.echo(line)
        for file in files:
            typer.echo(f"written: {file}")


def _numbers(word: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in word.split(","))
    except ValueError:
        raise InputError(
            f"--experiments {word!r} is not a list of numbers; write for instance "
            "--experiments 1,7."
        ) from None
