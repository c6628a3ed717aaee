"""Client and workers must run the same versions, or results would depend on who did what."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from preimage.cluster.parts import Client
from preimage.errors import ClusterError

PACKAGES = ("preimage", "torch", "numpy", "dask", "distributed", "cloudpickle")


def installed() -> dict[str, str]:
    """The versions of this process."""
    # What is pickled by one minor version of Python need not be read by another.
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: _version(name) for name in PACKAGES}}


def check_versions(client: Client) -> None:
    """Compare this process with the workers.

    Raises:
        ClusterError: They differ; the message names what, where and how.
    """
    try:
        found = client.run(_asked)
    except ImportError as error:
        raise ClusterError(
            f"the workers cannot import what they need: {error}. Install there what is installed "
            "here: pip install 'preimage[cluster]', with the same versions."
        ) from error
    for worker, theirs in found.items():
        compare(installed(), theirs, worker)


def compare(ours: Mapping[str, str], theirs: Mapping[str, str], worker: str) -> None:
    """Complain about the first worker that differs.

    Raises:
        ClusterError: It does.

    Example:
        >>> compare({"torch": "2.8.0"}, {"torch": "2.9.1"}, "tcp://10.0.0.7:40213")
        Traceback (most recent call last):
        ...
        preimage.errors.ClusterError: the worker tcp://10.0.0.7:40213 has other versions: torch
        2.9.1, and here 2.8.0. Install the same ones on both sides.
    """
    differing = [
        f"{name} {theirs.get(name)}, and here {mine}"
        for name, mine in ours.items()
        if theirs.get(name) != mine
    ]
    if differing:
        raise ClusterError(
            f"the worker {worker} has other versions: {'; '.join(differing)}. Install the same "
            "ones on both sides."
        )


def _asked() -> dict[str, str]:
    """What a worker says."""
    return installed()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
