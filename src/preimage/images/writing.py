"""Images to files: under the names and with the depth that they came with."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np

from preimage.errors import InputError
from preimage.files import check_file, writing_file
from preimage.images.decoding import SUFFIXES, pillow
from preimage.images.picture import LARGEST, Picture

DEEP = (".png", ".tif", ".tiff")
"""What can hold 16 bits."""

LOSSY: dict[str, dict[str, int]] = {
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"quality": 95},
}
"""How files that do not keep every pixel are written: nearly."""

WAITING = 64
"""So many pictures may wait to be written before the one who brings them has to wait too."""


def write_picture(path: str | os.PathLike[str], picture: Picture, *, force: bool = False) -> None:
    """Write one image, in the format that the name ends in.

    Pixels are rounded to the depth. PNG, TIFF and BMP keep them exactly; JPEG and WebP are written
    at quality 95.

    Args:
        path: The file.
        picture: The image.
        force: Replace a file that is already there.

    Raises:
        OutputExistsError: The file is there already; choose another name or pass `force=True`.
        InputError: There is no such format, or it cannot hold the depth.

    Example:
        >>> import tempfile, torch
        >>> path = Path(tempfile.mkdtemp()) / "grey.png"
        >>> write_picture(path, Picture(torch.full((1, 2, 2), 0.5), depth=16))
        >>> from preimage.images import open_images
        >>> open_images(path).read("grey.png")
        Picture(1 × 2 × 2, 16 bits, I;16)
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path} does not end in {', '.join(SUFFIXES)}, which can be written.")
    if picture.depth == 16 and suffix not in DEEP:
        raise InputError(f"{path} cannot hold 16 bits; write {', '.join(DEEP)}, or 8 bits.")
    if picture.depth == 16 and picture.pixels.shape[0] != 1:
        raise InputError(
            f"{path} would hold 16 bits a colour, which Pillow does not write; write it grey or "
            "with depth=8."
        )
    check_file(path, force=force)
    values = picture.raster().values
    if picture.depth == 16:
        values = np.rint(values * np.float32(LARGEST[16])).astype(np.uint16)
    image = pillow().fromarray(values[..., 0] if values.shape[2] == 1 else values)
    with writing_file(path, force=force) as aside:
        image.save(aside, **LOSSY.get(suffix, {}))


@contextmanager
def writing_pictures(
    folder: str | os.PathLike[str], *, workers: int | None = None, force: bool = False
) -> Iterator[Callable[[str, Picture], Path]]:
    """Yield a function that writes pictures below a folder while the block goes on.

    Files are compressed and written by threads. The end of the block waits for them; what went
    wrong with a file is raised there, or by the next call.

    Args:
        folder: Where to; missing folders are created.
        workers: How many threads; None takes one for each core, up to eight.
        force: Replace files that are already there.

    Yields:
        A function of a name and a picture, which returns the path that will be written. See
        `output_path` for names.

    Raises:
        InputError: Two names mean the same file, or as `write_picture` and `output_path` do.
        OutputExistsError: As `write_picture` does.
    """
    pending: set[Future[None]] = set()
    taken: set[Path] = set()
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:

        def write(name: str, picture: Picture) -> Path:
            nonlocal pending
            path = output_path(folder, name)
            if path in taken:
                raise InputError(f"two images would be written to {path}; give them other names.")
            taken.add(path)
            check_file(path, force=force)
            if len(pending) >= WAITING:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
            pending.add(pool.submit(write_picture, path, picture, force=force))
            return path

        try:
            yield write
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for one in pending:
        one.result()


def output_path(folder: str | os.PathLike[str], name: str) -> Path:
    """Where an image of this name goes below a folder: never outside of it.

    A name that ends in no format that can be written gets `.png`.

    Args:
        folder: The folder.
        name: A path within it, as `Images.names` has them.

    Raises:
        InputError: The name is absolute, or climbs out by `..`.

    Example:
        >>> output_path("out", "holiday/beach.jpg").as_posix(), output_path("out", "7").as_posix()
        ('out/holiday/beach.jpg', 'out/7.png')
    """
    if leaves_its_folder(name):
        raise InputError(f"an image called {name!r} would be written outside of {folder}.")
    suffix = PurePosixPath(name).suffix.lower()
    return Path(folder) / (name if suffix in SUFFIXES else f"{name}.png")


def leaves_its_folder(name: str) -> bool:
    """Whether a name, read as a path on any system, points out of the folder it is joined to."""
    parts = re.split(r"[/\\]", name)
    return not name or parts[0] == "" or ".." in parts or ":" in parts[0] or "\0" in name
