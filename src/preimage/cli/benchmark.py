"""`preimage benchmark`: published benchmarks, with our methods beside the others."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.options import ForceOption, QuietOption
from preimage.cli.words import column_list

benchmark = typer.Typer(no_args_is_help=True, help="Run a published benchmark.")


@benchmark.callback()
def group() -> None:
    """Run a published benchmark, with our methods beside the others."""


@benchmark.command()
def inverse(
    tasks: Annotated[
        str | None, typer.Option("--tasks", metavar="NAME[,NAME]", help="sine, arm, or both.")
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAME[,NAME]",
            help="Names of `preimage methods`, and the peers sbi and freia where they are "
            "installed; all by default.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write.")
    ] = Path("deep-inverse"),
    look: Annotated[
        bool, typer.Option("--quick", help="Few pairs, few targets, short trainings: for a look.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Fixes everything that is drawn.")] = 0,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run the sine and the arm task of the deep-inverse benchmark, from measured pairs alone.

    preimage benchmark inverse --tasks sine --methods gradient,mixture -o results

    Writes inverse.md, inverse.json and inverse.png with r_T, the smallest error among the first T
    candidates, beside the published figures, anew after each method. All of it takes about an hour.
    """
    from preimage.papers.deep_inverse.benchmark import Curve, Plan, run
    from preimage.papers.deep_inverse.output import check_outputs, write_outputs
    from preimage.runtime import single_threaded

    plan = Plan.of(column_list(tasks), column_list(methods), quick=look, seed=seed)
    check_outputs(output, force=force)

    curves: list[Curve] = []
    with single_threaded():
        for curve in run(plan):
            curves.append(curve)
            write_outputs(output, plan, curves)
            if not quiet:
                typer.echo(
                    f"{curve.task}, {curve.method}: r_1 {curve.r[0]:.2g}, r_10 {curve.r[9]:.2g}, "
                    f"r_50 {curve.r[49]:.2g} ({curve.fit_seconds:.0f} s to fit, "
                    f"{curve.answer_milliseconds:.0f} ms a target)"
                )
    if not quiet:
        typer.echo(f"written: {output}")
