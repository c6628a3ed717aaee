"""`preimage score`: how far from the targets the best answers are."""

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.options import FunctionOption, MissingOption, ModelArgument
from preimage.errors import InputError


def score(
    model: ModelArgument,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file with the outputs, as columns by name.")
    ],
    function: FunctionOption = None,
    missing: MissingOption = "error",
) -> None:
    """Print how far off the best answers are.

    preimage score co2.model examples/co2_mauna_loa.csv --missing drop

    The root mean square over targets and outputs of f(x) - y, where x is the best answer to y, in
    the units of the output, and how many targets were answered.
    """
    if missing not in ("error", "drop"):
        raise InputError(f"--missing {missing!r} is not known; say error or drop.")

    import numpy as np

    from preimage.cli.invert import load_model
    from preimage.tables import as_table

    inverter = load_model(model, function)
    targets = as_table(data, role=str(data), names=inverter.fitted.outputs).values
    if missing == "drop":
        targets = targets[np.isfinite(targets).all(axis=1)]
    found = inverter.invert(targets, n=1)
    answered = sum(status.answered for status in found.status)
    typer.echo(f"{found.rmse:.6g} rmse, {answered} of {len(found)} targets answered")
    raise typer.Exit(0 if found.answered else 1)
