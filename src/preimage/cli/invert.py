"""`preimage invert`: which inputs produce these outputs?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.models import OptionInfo

from preimage.cli.many import (
    answers_in_parts,
    dataset_of,
    folder_of,
    refuse_alone,
    refuse_on,
)
from preimage.cli.options import (
    BoxOption,
    ForceOption,
    FunctionOption,
    MethodOption,
    OnOption,
    PartOption,
    PeriodicOption,
    PresetOption,
    QuietOption,
    SeedOption,
    SetOption,
)
from preimage.cli.robot import (
    BaseOption,
    GoalOption,
    RobotOption,
    TipOption,
    load_robot,
    with_rotation_vectors,
)
from preimage.cli.stopping import resumable
from preimage.cli.words import Question, column_list, sort_words
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.domain import Box
    from preimage.function import Function
    from preimage.inverters import Inverter
    from preimage.preimages import Preimages


def invert(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] TARGET...",
            help="The folder of a fitted model, unless a function or a robot is given; targets: "
            "numbers, with commas between several outputs, or one CSV, Parquet or JSON file.",
            show_default=False,
        ),
    ] = None,
    function: FunctionOption = None,
    box: BoxOption = None,
    periodic: PeriodicOption = None,
    y: Annotated[
        str | None,
        typer.Option(
            "--y", metavar="NAME[,NAME]", help="Names of a function's outputs; y by default."
        ),
    ] = None,
    robot: RobotOption = None,
    tip: TipOption = None,
    base: BaseOption = None,
    goal: GoalOption = None,
    n: Annotated[
        int, typer.Option("-n", "--answers", min=1, help="The most answers for a target.")
    ] = 16,
    near: Annotated[
        str | None,
        typer.Option(
            metavar="X[,X]|previous|FILE",
            help="A state: the answers closest to it come first. previous: follow one branch.",
        ),
    ] = None,
    within: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]LOW,HIGH", help="Where answers must lie. Repeatable."),
    ] = None,
    tol: Annotated[
        float | None,
        typer.Option(
            help="The residual up to which an answer is confirmed, in the units of the output."
        ),
    ] = None,
    certify: Annotated[
        bool, typer.Option("--certify", help="Prove that a true preimage is next to each answer.")
    ] = False,
    exhaustive: Annotated[
        bool,
        typer.Option(
            "--exhaustive",
            help="Find all preimages, with proof that none is missing: up to four inputs.",
        ),
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="The most time for --exhaustive; 10 by default."),
    ] = None,
    method: MethodOption = None,
    preset: PresetOption = None,
    settings: SetOption = None,
    seed: SeedOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Write the answers: .csv, .parquet or .json; with --on, a folder.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with plots.")
    ] = None,
    on: OnOption = None,
    part: PartOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the inputs that produce each target.

    preimage invert co2.model 340

    preimage invert arm.model poses.csv -o postures.csv --report postures.html

    preimage invert --function cubic.py:cubic --box -2,2 0.3 -0.1

    preimage invert --function cubic.py:cubic --box -2,2 0.3 7 --exhaustive

    preimage invert --robot panda.urdf --tip panda_hand 0.4,0.1,0.5,3.14,0,0

    preimage invert arm.model poses.parquet -o postures/ --on local

    The exit code is 0 when all targets are answered and 1 when some are not.
    """
    question = sort_words(words or [], _option_names())
    if on is None:
        _check_outputs(output, report, force=force)
        refuse_alone({"--part": part})
    else:
        refuse_on({"--exhaustive": exhaustive or None, "--budget": budget, "--report": report})
    if question.model is not None:
        given = {
            "--box": box, "--periodic": periodic, "--y": y, "--method": method,
            "--preset": preset, "--set": settings, "--seed": seed,
        }  # fmt: skip
        _refuse([option for option, value in given.items() if value is not None])

    from preimage.cli.forward import part_of, state_of
    from preimage.cli.settings import build_method
    from preimage.cli.show import print_answers
    from preimage.inverters.arguments import numbered, rows_of, tolerance

    if tol is not None:
        tolerance(tol)
    if budget is not None and not exhaustive:
        raise InputError("--budget is the time for --exhaustive; add that, or leave it out.")
    state = state_of(near)
    alone = {"--function": function, "--box": box, "--periodic": periodic, "--y": y}
    arm = load_robot(robot, tip, base, goal, alone)
    if question.model is not None:
        forward = None
        inverter = load_model(question.model, function, arm)
        domain, outputs = inverter.fitted.box, inverter.fitted.outputs
    else:
        forward = arm or _function(function, box, periodic, y)
        inverter = build_method(method, settings or [], preset=preset, seed=seed)
        domain = forward.domain
        outputs = forward.outputs or numbered("y", forward.output_dim)
    if arm is not None:
        question = with_rotation_vectors(question, outputs)
    bounds = part_of(domain, within or [])
    if on is not None:
        if forward is not None:
            inverter.fit_function(forward)
        folder = folder_of(output)
        with resumable(folder):
            done = inverter.invert_many(
                dataset_of(question), folder, on=on, n=n, near=state, within=bounds, tol=tol,
                certify=certify, rows=part, force=force,
            )  # fmt: skip
        raise typer.Exit(answers_in_parts(done, quiet=quiet))
    targets = rows_of(_asked(question, outputs), outputs, "targets").values
    if state is not None and not isinstance(state, str):
        state = rows_of(state, domain.names, "--near").values
    if forward is not None:
        inverter.fit_function(forward)
    if exhaustive:
        found = _exhaust(
            inverter, targets, n, state, bounds, tol, 10.0 if budget is None else budget
        )
    else:
        found = inverter.invert(targets, n=n, near=state, within=bounds, tol=tol)
        found = found.certify() if certify else found
    if output is not None:
        from preimage.tables import write_table

        write_table(found.to_columns(), output, force=force)
    if report is not None:
        from preimage.report import write_report

        write_report(found, report, inverter=inverter, force=force)
    if not quiet:
        print_answers(found, listed=output is None)
        for path in filter(None, (output, report)):
            typer.echo(f"written: {path}")
    raise typer.Exit(0 if found.answered else 1)


def _exhaust(
    inverter: Inverter,
    targets: Any,
    n: int,
    near: Any,
    within: Box | None,
    tol: float | None,
    budget: float,
) -> Preimages:
    """All preimages of each target, with proof."""
    from preimage.inverters.exhaustive import all_preimages

    def search(some: Any, most: int) -> Preimages:
        return inverter.invert(some, n=most, within=within, tol=tol)

    return all_preimages(
        inverter.fitted, search, targets, n=n, near=near, within=within, tol=tol, budget=budget
    )


def load_model(path: Path, function: str | None, arm: Function | None = None) -> Inverter:
    """A saved inverter, with the function that it was fitted to taken from a file or a robot.

    Raises:
        StoreError: If the folder is no model.
        InputError: If the function is needed and missing.
    """
    from preimage.cli.userfile import load_callable
    from preimage.inverters.loading import load
    from preimage.store import read_config

    forward = arm if function is None else load_callable(function)
    if read_config(path).get("checker") == "function" and forward is None:
        raise InputError(
            f"{path} was fitted to a function, and functions are code, which is not saved; give "
            "it again: --function FILE.py:NAME, or --robot FILE.urdf --tip LINK."
        )
    return load(path, function=forward)


def _function(
    place: str | None, box: list[str] | None, periodic: list[str] | None, y: str | None
) -> Function:
    """The function that the options name."""
    from preimage.cli.forward import load_function

    if place is None:
        raise InputError(
            "there is nothing to invert; name the folder of a model that `preimage fit` wrote, "
            "before the targets, or a function: --function FILE.py:NAME --box LOW,HIGH, or a "
            "robot: --robot FILE.urdf --tip LINK."
        )
    return load_function(place, box or [], periodic or [], column_list(y))


def _asked(question: Question, outputs: tuple[str, ...]) -> Any:
    """The targets as typed, or the file that holds them."""
    if isinstance(question.targets, Path):
        return question.targets
    width = len(question.targets[0])
    if width != len(outputs):
        raise InputError(
            f"each target has {width} number{'s' if width > 1 else ''}, and {len(outputs)} "
            f"{'are' if len(outputs) > 1 else 'is'} wanted ({', '.join(outputs)}); write "
            f"{','.join(['0.5'] * len(outputs))}, with commas inside a target and spaces between "
            "targets."
        )
    return question.targets


def _check_outputs(output: Path | None, report: Path | None, *, force: bool) -> None:
    """Complain before the work begins about what could not be written at its end."""
    from preimage.files import check_file

    if output is not None:
        from preimage.tables.reading import file_format

        file_format(check_file(output, force=force))
    if report is not None:
        check_file(report, force=force)
        if report.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"--report {report} does not end in .html, which is what is written.")


def _refuse(given: list[str]) -> None:
    if given:
        raise InputError(
            f"{', '.join(given)} cannot be used with a fitted model, where it is settled; fit "
            "again with `preimage fit`, or leave it out."
        )


def _option_names() -> list[str]:
    """The long names of the options above."""
    names = []
    for name, hint in get_type_hints(invert, include_extras=True).items():
        for info in getattr(hint, "__metadata__", ()):
            if isinstance(info, OptionInfo):
                names += info.param_decls or [f"--{name}"]
    return [name for name in names if name.startswith("--")]
