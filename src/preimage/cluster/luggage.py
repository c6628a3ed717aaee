"""The plugin by which Dask brings the work to each worker; imported where Dask is."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from distributed import WorkerPlugin

from preimage.cluster.shipping import drop, unpack

if TYPE_CHECKING:
    from distributed import Worker


@final
class Luggage(WorkerPlugin):
    """Packed work. The scheduler keeps it, and gives it to workers that join later too.

    Args:
        name: Of the work.
        data: What `packed` gave.
    """

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self._data = data

    def setup(self, worker: Worker) -> None:
        """Unpacked once, before the first part."""
        unpack(self.name, self._data)

    def teardown(self, worker: Worker) -> None:
        """Memory is given back."""
        drop(self.name)
