"""What commands share whose work is done in parts, by `--on`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from preimage.cli.words import Question
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.cluster import Finished


def refuse_alone(given: Mapping[str, object]) -> None:
    """Complain about options that say something only with `--on`.

    Raises:
        InputError: One was given.
    """
    for option, value in given.items():
        if value is not None:
            raise InputError(f"{option} is about work in parts; add --on local, or leave it out.")


def refuse_on(given: Mapping[str, object]) -> None:
    """Complain about options that cannot be had with `--on`.

    Raises:
        InputError: One was given.
    """
    for option, value in given.items():
        if value is not None:
            raise InputError(f"{option} cannot be had with --on; leave one of them out.")


def dataset_of(question: Question) -> Path:
    """The targets, which have to be in a file or a folder.

    Raises:
        InputError: They were typed.
    """
    if isinstance(question.targets, Path):
        return question.targets
    raise InputError("--on wants targets in a Parquet file, or a folder of them, and not typed.")


def folder_of(output: Path | None) -> Path:
    """The folder that `-o` names.

    Raises:
        InputError: It names none.
    """
    if output is None:
        raise InputError("say where the parts go: -o FOLDER.")
    return output


def answers_in_parts(done: Finished, *, quiet: bool) -> int:
    """Say what became of targets; the exit code is 0 when all are answered."""
    print_parts(done, "targets", quiet=quiet)
    answered = sum(one.record["answered"] for one in done.made.values())
    whole = sum(one.size for one in done.made.values())
    if not quiet:
        typer.echo(f"{answered:,} of {whole:,} targets answered")
        typer.echo(f"written: {done.folder}")
    return 1 if done.failed or answered < whole else 0


def images_in_parts(done: Finished, *, quiet: bool) -> int:
    """Say what became of images or volumes; the exit code is 0 when all could be read."""
    from preimage.cli.found import print_skipped

    print_parts(done, "files", quiet=quiet)
    skipped = {
        name: why for one in done.made.values() for name, why in one.record["skipped"].items()
    }
    if not quiet:
        notes = {n: why for one in done.made.values() for n, why in one.record["notes"].items()}
        print_skipped(skipped, notes)
        typer.echo(f"written: {done.folder}")
    return 1 if done.failed or skipped else 0


def print_parts(done: Finished, things: str, *, quiet: bool) -> None:
    """Say what was done, and on stderr which parts failed and why.

    Raises:
        InputError: All parts failed.
    """
    if not done.made:
        source, reason = next(iter(done.failed.items()))
        raise InputError(f"all {len(done.failed):,} parts failed; the first, {source}: {reason}")
    for source, reason in done.failed.items():
        typer.echo(f"failed: {source}: {reason}", err=True)
    if not quiet:
        typer.echo(done.said(things))
