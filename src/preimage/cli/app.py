"""The program: its commands, its errors, its exit codes."""

import sys
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from preimage.cli.benchmark import benchmark
from preimage.cli.check import check
from preimage.cli.fit import fit
from preimage.cli.gan import gan
from preimage.cli.invert import invert
from preimage.cli.look import info, methods
from preimage.cli.page import page
from preimage.cli.reproduce import reproduce
from preimage.cli.score import score
from preimage.cli.search import search
from preimage.cli.translate import translate
from preimage.errors import PreimageError

WRONG_USE = 2
"""The exit code for what the user can put right; the parser uses the same."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"preimage {installed_version('preimage')}")
        raise typer.Exit
    return wanted


@app.callback()
def preimage(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say which it is."),
    ] = False,
) -> None:
    """Find the inputs that produce a wanted output: every distinct answer, each one checked."""


# To the parser, a target such as -0.5 looks like an option; `sort_words` tells them apart.
app.command(context_settings={"ignore_unknown_options": True})(invert)
app.command()(fit)
app.command()(check)
app.command()(score)
app.command()(methods)
app.command()(info)
app.command()(reproduce)
app.command("app")(page)
app.add_typer(benchmark, name="benchmark")
app.add_typer(gan, name="gan")
app.add_typer(search, name="search")
app.add_typer(translate, name="translate")


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: Always: with 0 when all targets are answered, 1 when some are not, 2 for wrong
            use, 130 after Ctrl-C.
    """
    try:
        app()
    except PreimageError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(WRONG_USE)
