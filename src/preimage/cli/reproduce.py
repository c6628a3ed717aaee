"""`preimage reproduce`: run a paper again, and put its numbers beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.options import QuietOption
from preimage.cli.stopping import resumable
from preimage.cli.words import column_list, hint
from preimage.errors import InputError

PAPERS = ("twin", "aegan", "one2one")
SIZES = ("tiny", "small", "full")
ONE2ONE = ("paper", "paper-small")
"""The presets of one2one."""

QUICK = 2.0
"""Its epochs with --quick."""


def reproduce(
    paper: Annotated[
        str, typer.Argument(metavar="PAPER", help="Which paper: twin, aegan or one2one.")
    ],
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
        typer.Option(
            "--quick",
            help="Of twin and one2one: minutes in place of hours, short trainings, one seed.",
        ),
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", metavar="N", help="Seeds 0 to N - 1; by default 5 of twin, 1 of aegan, 3."
        ),
    ] = None,
    experiments: Annotated[
        str | None,
        typer.Option(
            "--experiments",
            metavar="N[,N]",
            help="Of twin: some of the experiments; all by default.",
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAME[,NAME]",
            help="Of twin: some of the methods; all by default, or with --quick all that take "
            "seconds.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FOLDER|ZIP",
            help="Of aegan: the images; by default the digits of scikit-learn. Of one2one: the "
            "pairs, see --layout.",
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            "--layout",
            metavar="NAME",
            help="Of one2one: own (train and test, each with a and b; the default), or a published "
            "data set as it is unpacked: mri, aerial, street or relief.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", metavar="FILE", help="Of aegan: their labels, in the format of CelebA."
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="NAME",
            help="Of aegan: tiny (minutes on a CPU), small (64 by 64, on a CPU) or full (for a "
            "GPU); tiny by default. Of one2one: paper or paper-small.",
        ),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            "--epochs",
            metavar="N",
            help="Of one2one: how often the paper's methods see each pair, others in proportion.",
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="ADDRESS|local",
            help="Measure cells side by side, on the cores of this machine (local) or the workers "
            "of a Dask scheduler.",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Run a paper again, and put its numbers beside ours.

    preimage reproduce twin --quick

    preimage reproduce twin --experiments 1,7 --methods knn,twin -o results

    preimage reproduce aegan --data photos.zip --labels list_attr_celeba.txt --preset small

    preimage reproduce twin --on local

    Each measured cell is kept in FOLDER at once: stop with Ctrl-C, call again, and it goes on.
    """
    if paper not in PAPERS:
        raise InputError(f"there is no paper {paper!r}{hint(paper, PAPERS)}")
    folder = Path(f"reproduction-{paper}") if output is None else output
    with resumable(folder):
        if paper == "aegan":
            _refuse("aegan", quick=quick or None, experiments=experiments, methods=methods)
            _refuse("aegan", layout=layout, epochs=epochs)
            _aegan(
                folder, data, labels, preset or SIZES[0], 1 if seeds is None else seeds, on, quiet
            )
        elif paper == "one2one":
            _refuse("one2one", labels=labels, experiments=experiments)
            place = data, layout or "own"
            chosen = preset or ONE2ONE[0]
            _one2one(folder, place, chosen, seeds, methods, epochs, quick, on, quiet)
        else:
            _refuse("twin", data=data, labels=labels, preset=preset, layout=layout, epochs=epochs)
            _twin(folder, quick, seeds, experiments, methods, on, quiet)


def _twin(
    folder: Path,
    quick: bool,
    seeds: int | None,
    experiments: str | None,
    methods: str | None,
    on: str | None,
    quiet: bool,
) -> None:
    numbers = None if experiments is None else _numbers(experiments)

    from preimage.papers.twin.headlines import headlines
    from preimage.papers.twin.reproduce import Reproduction, check_place, default_names

    run = Reproduction(
        experiments=Reproduction.experiments if numbers is None else numbers,
        seeds=(1 if quick else Reproduction.seeds) if seeds is None else seeds,
        names=default_names(quick=quick) if methods is None else tuple(column_list(methods)),
        quick=quick,
    )
    run.check()
    check_place(folder)
    measured = run.measure(folder, on=on)
    files = run.write(folder)
    if not quiet:
        typer.echo(f"{measured} cells measured, {len(run.kept(folder))} kept in {folder}")
        for line in headlines(run.summary(folder)):
            typer.echo(line)
        for file in files:
            typer.echo(f"written: {file}")


def _aegan(
    folder: Path,
    data: Path | None,
    labels: Path | None,
    preset: str,
    seeds: int,
    on: str | None,
    quiet: bool,
) -> None:
    if preset not in SIZES:
        raise InputError(f"there is no preset {preset!r}{hint(preset, SIZES)}")
    if data is None and labels is not None:
        raise InputError("--labels wants --data: the images that they belong to.")

    from preimage.papers.aegan.data import digits, photos
    from preimage.papers.aegan.headlines import headlines
    from preimage.papers.aegan.reproduce import Reproduction, check_place
    from preimage.papers.aegan.sizes import SIZES as KNOWN

    check_place(folder)
    size = KNOWN[preset]
    side = size.preset.size
    images = digits(side) if data is None else photos(data, labels, side)
    run = Reproduction(size=size, data=images, seeds=seeds)
    measured = run.measure(folder, on=on)
    files = run.write(folder)
    if not quiet:
        for name, reason in images.skipped.items():
            typer.echo(f"skipped {name}: {reason}", err=True)
        typer.echo(f"{measured} tables measured, {len(run.kept(folder))} kept in {folder}")
        for line in headlines(run.cells(folder)):
            typer.echo(line)
        for file in files:
            typer.echo(f"written: {file}")


def _one2one(
    folder: Path,
    place: tuple[Path | None, str],
    preset: str,
    seeds: int | None,
    methods: str | None,
    epochs: float | None,
    quick: bool,
    on: str | None,
    quiet: bool,
) -> None:
    if preset not in ONE2ONE:
        raise InputError(f"there is no preset {preset!r}{hint(preset, ONE2ONE)}")
    data, layout = place
    if data is None:
        raise InputError("--data FOLDER is needed: pairs in train/a, train/b, test/a and test/b.")

    from dataclasses import replace

    from preimage.papers.one2one.layouts import open_layout
    from preimage.papers.one2one.methods import METHODS, PLANS
    from preimage.papers.one2one.reproduce import Reproduction

    plan = PLANS[preset]
    if quick:
        plan = replace(plan, epochs=QUICK, ablated=QUICK, segmenter_epochs=QUICK)
    if epochs is not None:
        plan = replace(plan, epochs=epochs, ablated=plan.ablated * epochs / plan.epochs)
    run = Reproduction(
        data=open_layout(layout, data, plan.size),
        plan=plan,
        seeds=(1 if quick else 3) if seeds is None else seeds,
        names=tuple(METHODS) if methods is None else tuple(column_list(methods)),
    )
    measured = run.measure(folder, on=on)
    files = run.write(folder)
    if not quiet:
        typer.echo(f"{measured} models trained, {len(run.kept(folder))} kept in {folder}")
        for file in files:
            typer.echo(f"written: {file}")


def _refuse(paper: str, **given: object) -> None:
    """Complains about options that are of the other paper."""
    strange = [f"--{name}" for name, value in given.items() if value is not None]
    if strange:
        raise InputError(f"{', '.join(strange)} cannot be given with the paper {paper}.")


def _numbers(word: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in word.split(","))
    except ValueError:
        raise InputError(
            f"--experiments {word!r} is not a list of numbers; write for instance "
            "--experiments 1,7."
        ) from None
