"""`preimage fit`: learn from measurements, or prepare for a function, and keep the result."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.options import (
    BoxOption,
    ForceOption,
    FunctionOption,
    MethodOption,
    MissingOption,
    PeriodicOption,
    PresetOption,
    QuietOption,
    SeedOption,
    SetOption,
)
from preimage.cli.robot import BaseOption, GoalOption, RobotOption, TipOption, load_robot
from preimage.cli.words import column_list
from preimage.errors import InputError


def fit(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]", help="Measurements: a CSV, Parquet or JSON file.", show_default=False
        ),
    ] = None,
    x: Annotated[
        str | None, typer.Option("--x", metavar="COLUMN[,COLUMN]", help="The inputs.")
    ] = None,
    y: Annotated[
        str | None, typer.Option("--y", metavar="COLUMN[,COLUMN]", help="The outputs.")
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN[,COLUMN]",
            help="The standard deviation of each row's outputs: a column for all, or one for each.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="MODEL", help="The folder to write.")
    ] = None,
    function: FunctionOption = None,
    box: BoxOption = None,
    periodic: PeriodicOption = None,
    robot: RobotOption = None,
    tip: TipOption = None,
    base: BaseOption = None,
    goal: GoalOption = None,
    method: MethodOption = None,
    preset: PresetOption = None,
    settings: SetOption = None,
    missing: MissingOption = "error",
    repeats: Annotated[
        str,
        typer.Option(
            metavar="error|keep",
            help="What to do with rows of equal inputs and different outputs: stop, or count the "
            "differences as noise.",
        ),
    ] = "error",
    seed: SeedOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from measurements, or prepare for a function.

    preimage fit co2.csv --x decimal_year --y co2_ppm --missing drop -o co2.model

    preimage fit --function arm.py:hand --box -3.14,3.14 --box -3.14,3.14 -o arm.model

    With both, the function checks the answers, and no surrogate is learned.
    """
    columns, outputs = column_list(x), column_list(y)
    if output is None:
        raise InputError("say where the model goes: -o MODEL, a folder.")
    if data is None and function is None and robot is None:
        raise InputError(
            "there is nothing to fit to; name a file of measurements with --x and --y, or a "
            "function: --function FILE.py:NAME --box LOW,HIGH, or a robot: --robot FILE.urdf "
            "--tip LINK."
        )
    if data is not None and not (columns and outputs):
        raise InputError(
            f"say which columns of {data} are inputs and which are outputs: --x NAME --y NAME."
        )
    if data is None and noise:
        raise InputError("--noise names columns of a file of measurements; there is none.")
    if data is None and columns:
        raise InputError("--x names columns of a file; name inputs by --box NAME=LOW,HIGH.")

    from preimage.files import check_folder

    check_folder(output, force=force)

    from preimage.cli.forward import box_of, load_function
    from preimage.cli.settings import build_method
    from preimage.cli.userfile import load_callable

    alone = {"--function": function, "--box": box, "--periodic": periodic}
    arm = load_robot(robot, tip, base, goal, alone if data else {**alone, "--y": y})
    inverter = build_method(method, settings or [], preset=preset, seed=seed)
    if data is None and arm is not None:
        inverter.fit_function(arm)
    elif data is None and function is not None:
        inverter.fit_function(load_function(function, box or [], periodic or [], outputs))
    else:
        inverter.fit(
            columns,
            outputs,
            data=data,
            noise=column_list(noise) or None,
            function=arm if function is None else load_callable(function),
            domain=box_of(box, periodic or [], columns) if box else None,
            missing=missing,
            repeats=repeats,
        )
    inverter.save(output, force=force)
    if not quiet:
        problem = inverter.fitted
        left_out = f" ({inverter.dropped_} left out)" if inverter.dropped_ else ""
        source = "a function" if data is None else f"{len(problem.x)} rows{left_out} of {data}"
        names = f"{', '.join(problem.box.names)} -> {', '.join(problem.outputs)}"
        typer.echo(f"{inverter.kind} fitted to {source}: {names}")
        typer.echo(f"written: {output}")
