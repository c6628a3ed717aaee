"""Outputs appear whole or not at all: written aside, then renamed into place."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preimage.errors import InputError, OutputExistsError

MARK = "config.json"
"""The file, naming "preimage", by which a folder is known as one of ours and may be replaced."""


@contextmanager
def writing_file(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` when the block succeeds.

    When the block raises, what it wrote is removed and an earlier file at `path` stays as it was.
    Missing parent folders are created. The yielded path has the suffix of `path`.

    Args:
        path: The file to write.
        force: Replace a file that is already there.

    Yields:
        A path, not yet existing, in the same folder.

    Raises:
        OutputExistsError: `path` exists; choose another name or pass `force=True`.
        InputError: `path` is a folder or a device, or its folder cannot be written to.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with writing_file(folder / "answers.txt") as aside:
        ...     _ = aside.write_text("x = 1")
        >>> [file.name for file in folder.iterdir()]
        ['answers.txt']
    """
    target = check_file(path, force=force)
    aside = _aside(target)
    try:
        yield aside
        # A second process may have written the target meanwhile.
        check_file(target, force=force)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def writing_folder(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `path`; it takes the name `path` when the block succeeds.

    When the block raises, the new folder is removed and an earlier one stays as it was. An empty
    folder at `path` is always replaced; one with content only with `force=True` and only when its
    `config.json` names "preimage", so that a slip of the path cannot delete somebody's work.

    Args:
        path: The folder to write. The block puts a `config.json` with a key "preimage" into it.
        force: Replace a folder of ours that is already there, with all that is in it.

    Yields:
        An empty folder with the same parent.

    Raises:
        OutputExistsError: `path` has content; choose another name or pass `force=True`.
        InputError: `path` is a file, or a folder that preimage did not write, or its parent
            cannot be written to.

    Example:
        >>> import tempfile
        >>> model = Path(tempfile.mkdtemp()) / "model"
        >>> with writing_folder(model) as aside:
        ...     _ = (aside / "config.json").write_text('{"preimage": "1.0"}')
        >>> [file.name for file in model.iterdir()]
        ['config.json']
    """
    target = check_folder(path, force=force)
    aside = _aside(target)
    aside.mkdir()
    try:
        yield aside
        check_folder(target, force=force)
        _swap(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_file(path: str | os.PathLike[str], *, force: bool) -> Path:
    """Complain, before the work that leads to it, about a file that could not be written.

    Returns:
        The whole path.

    Raises:
        OutputExistsError: As `writing_file` does.
        InputError: Likewise.
    """
    target = Path(path).resolve()
    if not target.exists():
        return target
    if not target.is_file():
        kind = "a folder" if target.is_dir() else "not a regular file"
        raise InputError(f"{target} is {kind}; give the name of a file to write.")
    if not force:
        raise OutputExistsError(
            f"{target} exists already; choose another name, or replace it with "
            "force=True (--force on the command line)."
        )
    return target


def check_folder(path: str | os.PathLike[str], *, force: bool) -> Path:
    """Complain, before the work that leads to it, about a folder that could not be written.

    Returns:
        The whole path.

    Raises:
        OutputExistsError: As `writing_folder` does.
        InputError: Likewise.
    """
    target = Path(path).resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise InputError(f"{target} is a file; give the name of a folder to write.")
    if not any(target.iterdir()):
        return target
    if not force:
        raise OutputExistsError(
            f"the folder {target} exists already and is not empty; choose another name, or "
            "replace it with force=True (--force on the command line)."
        )
    mark = target / MARK
    if not mark.is_file() or b'"preimage"' not in mark.read_bytes():
        raise InputError(
            f"the folder {target} does not look like one that preimage wrote (it has no {MARK} "
            "that names preimage), so it is not replaced; choose another name, or remove the "
            "folder yourself."
        )
    return target


def _aside(target: Path) -> Path:
    """A fresh name beside the target, in a folder that exists and can be written to."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot write {target}: its folder cannot be created ({error.strerror}); choose a "
            "place that you may write to."
        ) from error
    if not os.access(target.parent, os.W_OK):
        raise InputError(
            f"cannot write {target}: its folder is read-only for you; choose a place that you "
            "may write to."
        )
    return target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")


def _swap(aside: Path, target: Path) -> None:
    """Put the new folder in place of the old one, or leave the old one there."""
    if not target.exists():
        aside.rename(target)
        return
    old = _aside(target)
    target.rename(old)
    try:
        aside.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
