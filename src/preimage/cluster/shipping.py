"""What workers need, sent to each of them once: the model, the settings, the user's function."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pickle import PicklingError
from typing import Any

from preimage.cluster.parts import Client
from preimage.errors import ClusterError, InputError, PreimageError

SCRIPT = "preimage_function_file"
"""The module that a user's file is loaded as; workers do not have it, so it is sent whole."""

_WORK: dict[str, Callable[[Any], Any]] = {}
"""On a worker: what was sent, by name."""


@contextmanager
def sent(client: Client, work: Callable[[Any], Any]) -> Iterator[str]:
    """Yield the name under which every worker has the work, also those that join later.

    Args:
        client: Of the cluster.
        work: A function of the content of a part. It is pickled: workers run code that this
            process sends, as all clusters of Dask do.

    Raises:
        InputError: The work holds something that cannot be sent, such as an open file.
        ClusterError: The workers lack a package that it needs.
    """
    from preimage.cluster.luggage import Luggage

    name = f"preimage-{uuid.uuid4().hex}"
    try:
        client.register_plugin(Luggage(name, packed(work)))
    except ImportError as error:
        raise ClusterError(
            f"the workers cannot take up the work: {error}. Install there what is installed here, "
            "and put modules of your own where the workers find them (PYTHONPATH)."
        ) from error
    try:
        yield name
    finally:
        if client.status == "running":
            client.unregister_worker_plugin(name)


def packed(work: Callable[[Any], Any]) -> bytes:
    """The work as bytes, with the user's file in it where there is one.

    Raises:
        InputError: It holds something that cannot be sent.
    """
    import cloudpickle

    script = sys.modules.get(SCRIPT)
    if script is not None:
        cloudpickle.register_pickle_by_value(script)
    try:
        return cloudpickle.dumps(work)
    except (TypeError, ValueError, AttributeError, PicklingError) as error:
        raise InputError(
            f"the model or its function cannot be sent to workers ({error}); leave open files, "
            "locks and connections out of it, and make them when the function is called."
        ) from error
    finally:
        if script is not None:
            cloudpickle.unregister_pickle_by_value(script)


def unpack(name: str, data: bytes) -> None:
    """Take up, on a worker, what was packed."""
    import cloudpickle

    _WORK[name] = cloudpickle.loads(data)


def drop(name: str) -> None:
    """Forget, on a worker, what was taken up."""
    _WORK.pop(name, None)


def perform(name: str, content: Any, before: Any) -> tuple[Any, str | None, float]:
    """Do a part, on a worker.

    Args:
        name: Of the work.
        content: Of the part.
        before: What came of the part that had to be done before, which does not matter.

    Returns:
        What came of it, why it failed if it did, and the seconds that it took.
    """
    begin = time.monotonic()
    value, error = None, None
    try:
        value = _WORK[name](content)
    except PreimageError as failure:
        error = str(failure)
    except Exception as failure:  # noqa: BLE001 - the user's function may raise anything
        error = f"{type(failure).__name__}: {failure}"
    return value, error, time.monotonic() - begin
