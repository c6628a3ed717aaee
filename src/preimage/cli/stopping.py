"""What Ctrl-C says where work is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Run the block; on Ctrl-C say that the next call goes on with what the folder holds."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            f"stopped; {folder} holds what was done: call again with the same options, and it "
            "goes on.",
            err=True,
        )
        raise
