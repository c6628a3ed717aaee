"""Files that somebody put into the page: checked, and read from a folder that is gone at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from preimage.app.guard import MOST, TOO_LARGE
from preimage.errors import InputError

Read = TypeVar("Read")


def from_upload(data: bytes, suffix: str, read: Callable[[Path], Read]) -> Read:
    """What a function that reads files makes of some bytes.

    Args:
        data: The content.
        suffix: How the file's name ends, such as ".urdf".
        read: Called with the path of a file of this content.

    Raises:
        InputError: There is nothing in it, or too much.
    """
    if not data:
        raise InputError("the file is empty; choose another.")
    if len(data) > MOST:
        raise InputError(TOO_LARGE)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(data)
        return read(path)
