"""Where work is done: the cores of this machine, or a scheduler of Dask at an address."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preimage.cluster.parts import Client
from preimage.cluster.versions import check_versions
from preimage.errors import ClusterError, MissingExtraError

LOCAL = "local"
"""The place that needs no address."""

SPAWNED = "distributed.nanny.pre-spawn-environ"

KEEP_MEMORY = {
    "MALLOC_ARENA_MAX": 1,
    "MALLOC_MMAP_THRESHOLD_": 32 << 20,
    "MALLOC_TRIM_THRESHOLD_": 256 << 20,
    "OMP_NUM_THREADS": 1,
    "MKL_NUM_THREADS": 1,
    "OPENBLAS_NUM_THREADS": 1,
}
"""Dask starts workers so that glibc gives memory back from 64 kB on. Tensors of a few megabytes
that come and go then cost twice their computation, as each of their pages is asked for anew."""

LOOPBACK = "127.0.0.1:0"
"""Where what Dask shows of itself can be looked at: from this machine alone, at any free port."""

PATIENCE = 10.0
"""Seconds to wait for a scheduler to answer, and for its first worker."""


@contextmanager
def connected(on: str) -> Iterator[Client]:
    """Yield a client of a cluster whose workers can do our work.

    Args:
        on: "local" starts a worker for each core of this machine, and stops them at the end of the
            block; anything else is the address of a scheduler, such as `tcp://host:8786`.

    Raises:
        MissingExtraError: Dask is not installed.
        ClusterError: Nothing answers there, there are no workers, versions differ, or workers have
            several threads.
    """
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"work on several cores or machines needs {error.name}, which is not installed; "
            "install it with pip install 'preimage[cluster]'."
        ) from error
    if on == LOCAL:
        from dask import config
        from dask.system import CPU_COUNT

        # What happens to workers is said in our words; Dask's own would be in the way of the bar.
        with (
            config.set({SPAWNED: KEEP_MEMORY}),
            distributed.LocalCluster(
                n_workers=CPU_COUNT,
                threads_per_worker=1,
                dashboard_address=LOOPBACK,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            # A terminal sends Ctrl-C to all processes; this one hears it, and stops the others.
            client.run(_ignore_interrupts)
            yield client
        return
    with _client(on) as client:
        _check_workers(client, on)
        yield client


def check_shared(client: Client, folder: Path) -> None:
    """Complain where workers do not see a folder of this process.

    Raises:
        ClusterError: One of them does not; the message names it.
    """
    token = secrets.token_hex(8)
    file = folder / f".seen-{token}"
    file.write_text(token, "utf-8")
    try:
        there = client.run(_text, str(file))
    finally:
        file.unlink()
    blind = [worker for worker, text in there.items() if text != token]
    if blind:
        raise ClusterError(
            f"the worker {blind[0]} does not see {folder} as it is here; results are written by "
            "the workers, so name a folder that all machines share, by the same path."
        )


def _client(address: str) -> Client:
    import distributed
    from distributed.utils import LoopRunner
    from distributed.versions import VersionMismatchWarning

    # A client that cannot connect cannot be closed for a while either; so it is asked for first.
    try:
        kind = LoopRunner().run_sync(_identity, address)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"no scheduler answers at {address!r} ({_first_line(error)}); start one with "
            "`dask scheduler`, give the address that it prints, such as tcp://host:8786, or "
            "say local for the cores of this machine."
        ) from error
    if kind != "Scheduler":
        raise ClusterError(f"at {address} there is a {kind}; give the address of the scheduler.")
    with warnings.catch_warnings():
        # Versions are compared below, and differences are an error there.
        warnings.simplefilter("ignore", VersionMismatchWarning)
        return distributed.Client(address, timeout=PATIENCE)


async def _identity(address: str) -> str:
    """What answers at an address."""
    from distributed.core import rpc
    from distributed.security import Security

    keys = Security().get_connection_args("client")
    async with rpc(address, timeout=PATIENCE, connection_args=keys) as there:
        found = await asyncio.wait_for(there.identity(), PATIENCE)
    return str(dict(found or {}).get("type"))


def _check_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise ClusterError(
            f"the scheduler at {address} has no workers; start some with "
            f"`dask worker {address} --nthreads 1 --nworkers auto`."
        ) from error
    check_versions(client)
    threads = client.nthreads()
    busy = [worker for worker, count in threads.items() if count != 1]
    if busy:
        raise ClusterError(
            f"the worker {busy[0]} has {threads[busy[0]]} threads, which would wait for each other "
            "and count each other's time; start workers with --nthreads 1 --nworkers auto."
        )


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _text(path: str) -> str | None:
    file = Path(path)
    return file.read_text("utf-8") if file.is_file() else None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
