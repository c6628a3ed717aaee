from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes says more about the machine than about the code. Under CI, hypothesis
# loads a profile of its own that has no deadline and draws the same examples every time.
settings.register_profile("preimage", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("preimage")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server that speaks as Milvus does: milvus-lite's own, over the network."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    running, database, port = start_server_in_thread(
        data_dir=str(tmp_path / "served"), host="127.0.0.1", port=0
    )
    yield f"http://127.0.0.1:{port}"
    running.stop(grace=0).wait()
    database.close()
