"""Files that somebody put into the page: checked, and read from a folder that is gone at once."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from zipfile import ZipFile, is_zipfile

from torch.nn import Module

from preimage.app.guard import MOST, TOO_LARGE
from preimage.errors import InputError
from preimage.verdicts import read_exported

Read = TypeVar("Read")


UNPACKED = 20 * MOST
"""Bytes of the files in an archive, all together."""


def network(data: bytes) -> Module:
    """The network in a `.pt2` file, without running code in it.

    Args:
        data: The content.

    Raises:
        InputError: There is nothing in it, or too much once it is unpacked.
        StoreError: It cannot be read as a program.
    """
    if is_zipfile(io.BytesIO(data)):
        with ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
        if unpacked > UNPACKED:
            raise InputError(
                f"the file holds {unpacked >> 20:,} MB once it is unpacked; networks of up to "
                f"{UNPACKED >> 20} MB are taken."
            )
    return from_upload(data, ".pt2", read_exported)


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
