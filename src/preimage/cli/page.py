"""`preimage app`: a local page to play with."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_PORT = 8765


def page(
    model: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="For images: a folder that `preimage gan train` wrote."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="PHOTOS", help="Images among which similar ones are looked for."),
    ] = None,
    translator: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="A folder that `preimage translate train` wrote."),
    ] = None,
    robot: Annotated[
        Path | None, typer.Option(metavar="FILE.urdf", help="An arm for the tab Arm.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = DEFAULT_PORT,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Open a page to play with: curves, arms, verdicts, images.

    preimage app

    preimage app --model faces.gan --images holidays --translator maps.model

    It is served on this machine alone, and asks nothing of any other. Stop it with Ctrl-C.
    """
    from preimage.app.resources import Resources
    from preimage.app.server import serve

    def ready(address: str) -> None:
        typer.echo(f"preimage app: {address}  (Ctrl-C stops it)")
        if browser:
            import webbrowser

            webbrowser.open(address)

    serve(port, Resources(model, images, translator, robot), ready)
