"""Vectors in Milvus: in a local `.db` run by milvus-lite, or on a server, by the same calls."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError, MissingExtraError, StoreError
from preimage.images import Entry
from preimage.search.vectors import Hits, Vectors

LOCAL = ".db"
"""A file name that ends so is run by milvus-lite; all else is the address of a server."""

FIELDS = ["name", "place", "stamp", "vector"]

PAGE = 4096
"""So many rows are asked for at a time."""

MOST = 16_384
"""So many images Milvus finds at most for one query."""

WRITTEN = 16 << 20
"""About so many bytes are written at a time; a message to Milvus may have 64 MiB."""

MANY = 10_000
"""With so many rows milvus-lite gets lists: without, it holds the differences of all queries from
all vectors in memory, 26 GB for 64 queries of a million codes."""

LISTS = 128
"""All of them are gone through, so that nothing is missed; milvus-lite makes so many unasked."""

SLACK = 1e-4
"""By what share of a distance Milvus, which computes in float32, may misjudge it."""

LONGEST = 65_535
"""Bytes of a text, the most that Milvus has."""


@final
class Milvus(Vectors):
    """A collection of Milvus, searched exactly (metric L2).

    Beside it a second collection, `NAME_about`, holds what the vectors mean, since milvus-lite
    keeps no descriptions.
    """

    DIGITS: ClassVar[int] = 32

    def __init__(self, client: Any, uri: str, collection: str, dim: int) -> None:
        self._client = client
        self._collection = collection
        self._dim = dim
        self._local = self._unsettled = is_local(uri)
        with _complaining():
            client.load_collection(collection)

    def __len__(self) -> int:
        """How many there are."""
        with _complaining():
            (row,) = self._client.query(
                self._collection, output_fields=["count(*)"], consistency_level="Strong"
            )
        return int(row["count(*)"])

    def stamps(self, places: Sequence[str]) -> dict[str, str]:
        """The stamps of those of these places that are there."""
        found: dict[str, str] = {}
        for start in range(0, len(places), PAGE):
            ids = [_key(place) for place in places[start : start + PAGE]]
            with _complaining():
                rows = self._client.get(
                    self._collection,
                    ids=ids,
                    output_fields=["place", "stamp"],
                    consistency_level="Strong",
                )
            found |= {row["place"]: row["stamp"] for row in rows}
        return found

    def put(self, entries: Sequence[Entry], vectors: Float[Tensor, "n d"]) -> None:
        """Add entries, or replace those at the same places."""
        long = [entry.place for entry in entries if len(entry.place.encode()) > LONGEST]
        if long:
            raise InputError(f"the path {long[0][:80]}... is longer than Milvus keeps.")
        rows = [
            {
                "id": _key(entry.place),
                "name": entry.name,
                "place": entry.place,
                "stamp": entry.stamp,
                "vector": vector,
            }
            for entry, vector in zip(entries, vectors.float().tolist(), strict=True)
        ]
        self._unsettled = self._local
        together = max(1, WRITTEN // (4 * self._dim + sum(map(_bytes, rows[:1]))))
        for start in range(0, len(rows), together):
            with _complaining():
                self._client.upsert(self._collection, rows[start : start + together])

    def nearest(self, vectors: Float[Tensor, "n d"], k: int) -> Hits:
        """The nearest entries of each vector; of several at the same distance, by name.

        Milvus computes in float32 and cuts ties anyhow. So more is asked for than is wanted, and
        again for those whose last answer is still as near as their k-th; then distances are
        computed in float64.
        """
        self._settle()
        entries: list[list[Entry]] = [[] for _ in vectors]
        squared = np.zeros((len(vectors), k))
        there = min(len(self), MOST)
        left, limit = list(range(len(vectors))), min(there, k + 8)
        while left:
            tied = []
            for i, rows in zip(left, self._search(vectors[left], limit), strict=True):
                gaps = np.array([row["vector"] for row in rows], dtype=np.float64)
                gaps -= vectors[i].double().numpy()
                exact = np.square(gaps).sum(axis=1)
                keys = [(exact[j], row["name"], row["place"]) for j, row in enumerate(rows)]
                order = sorted(range(len(rows)), key=keys.__getitem__)
                if limit < there and exact[order[-1]] <= exact[order[k - 1]] * (1 + SLACK):
                    tied.append(i)
                    continue
                entries[i] = [_entry(rows[j]) for j in order[:k]]
                squared[i] = exact[order[:k]]
            left, limit = tied, min(there, 4 * limit)
        return entries, squared

    def _settle(self) -> None:
        """In milvus-lite, give many new rows their lists; a server looks after its rows itself."""
        if self._unsettled and len(self) >= MANY:
            with _complaining():
                self._client.flush(self._collection)
                self._client.release_collection(self._collection)
                if self._client.describe_index(self._collection, "vector")["index_type"] == "FLAT":
                    self._client.drop_index(self._collection, "vector")
                    index = self._client.prepare_index_params()
                    index.add_index("vector", index_type="IVF_FLAT", metric_type="L2")
                    self._client.create_index(self._collection, index)
                self._client.load_collection(self._collection)
        self._unsettled = False

    def _search(self, vectors: Tensor, limit: int) -> Iterator[list[Any]]:
        """Rows near each vector."""
        with _complaining():
            found = self._client.search(
                self._collection,
                data=vectors.float().tolist(),
                limit=limit,
                output_fields=FIELDS,
                search_params={
                    "metric_type": "L2",
                    **({"params": {"nprobe": LISTS}} if self._local else {}),
                },
                consistency_level="Strong",
            )
        for hits in found:
            yield [hit["entity"] for hit in hits]

    def all(self) -> tuple[list[Entry], Float[Tensor, "n d"]]:
        """Everything, by name and then by place."""
        rows: list[Any] = []
        with _complaining():
            for low, high in _ranges(max(1, 2 * len(self) // PAGE)):
                rows += self._client.query(
                    self._collection,
                    filter=f'id >= "{low}" and id < "{high}"',
                    output_fields=FIELDS,
                    limit=min(MOST, 4 * PAGE),
                    consistency_level="Strong",
                )
        rows.sort(key=lambda row: (row["name"], row["place"]))
        vectors = np.array([row["vector"] for row in rows], dtype=np.float32)
        return [_entry(row) for row in rows], torch.from_numpy(vectors.reshape(-1, self._dim))


def connect(uri: str, token: str | None) -> Any:
    """A client of Milvus.

    Args:
        uri: A path that ends in `.db`, or an address such as `http://host:19530`.
        token: What the server wants to see: "user:password", or a key.

    Raises:
        MissingExtraError: pymilvus or milvus-lite is not installed.
        InputError: The address is none.
        StoreError: Nothing answers there.
    """
    local = is_local(uri)
    if local and not uri.endswith(LOCAL):
        raise InputError(
            f"uri={uri!r} is neither a path that ends in {LOCAL} nor an address such as "
            "http://host:19530."
        )
    try:
        from pymilvus import MilvusClient

        if local:
            import milvus_lite  # noqa: F401 - pymilvus starts it
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"an index in Milvus needs {error.name}, which is not installed; install it with "
            "pip install 'preimage[search]', or keep the index in memory (uri=None)."
        ) from error
    if local:
        Path(uri).absolute().parent.mkdir(parents=True, exist_ok=True)
    with _complaining(uri):
        return MilvusClient(str(Path(uri).absolute()) if local else uri, token=token or "")


def is_local(uri: str) -> bool:
    """Whether milvus-lite runs it in this process."""
    return "://" not in uri


def collection(client: Any, uri: str, name: str, dim: int, about: dict[str, Any]) -> Milvus:
    """The collection of this name, made where there is none.

    Args:
        client: What `connect` gave.
        uri: What it was given.
        name: The name.
        dim: Numbers in a vector.
        about: What a new collection's vectors mean.
    """
    from pymilvus import DataType

    with _complaining():
        if not client.has_collection(name):
            text = {"datatype": DataType.VARCHAR, "max_length": LONGEST}
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=Milvus.DIGITS)
            for field in ("name", "place", "stamp"):
                schema.add_field(field, **text)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
            _create(client, name, schema)
        if not client.has_collection(f"{name}_about"):
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=Milvus.DIGITS)
            schema.add_field("about", DataType.VARCHAR, max_length=LONGEST)
            # A collection has to have vectors.
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
            _create(client, f"{name}_about", schema)
            row = {"id": "about", "about": json.dumps(about), "vector": [0.0, 0.0]}
            client.upsert(f"{name}_about", [row])
    return Milvus(client, uri, name, dim)


def about(client: Any, name: str) -> dict[str, Any] | None:
    """What the vectors of a collection mean; None where there is no such collection.

    Raises:
        StoreError: There is one, and it is not of preimage.
    """
    with _complaining():
        if not client.has_collection(name):
            return None
        if client.has_collection(f"{name}_about"):
            client.load_collection(f"{name}_about")
            rows = client.get(
                f"{name}_about",
                ids=["about"],
                output_fields=["about"],
                consistency_level="Strong",
            )
            if rows:
                return json.loads(rows[0]["about"])
    raise StoreError(
        f"the collection {name!r} there is not an index of preimage, or only half of one; choose "
        "another name: collection=..."
    )


def drop(client: Any, name: str) -> None:
    """Remove a collection of ours with all that is in it."""
    with _complaining():
        for one in (name, f"{name}_about"):
            if client.has_collection(one):
                client.drop_collection(one)


def _create(client: Any, name: str, schema: Any) -> None:
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="L2")
    client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")


def _key(place: str) -> str:
    """Spread evenly, so that ranges of keys hold about as many rows each."""
    return hashlib.sha256(place.encode()).hexdigest()[: Milvus.DIGITS]


def _ranges(parts: int) -> Iterator[tuple[str, str]]:
    """All keys, cut into ranges."""
    cuts = [f"{16**8 * i // parts:08x}" for i in range(parts)] + ["g"]
    yield from pairwise(cuts)


def _bytes(row: Any) -> int:
    """What is sent of a row beside its vector."""
    return sum(len(row[field].encode()) for field in ("id", "name", "place", "stamp"))


def _entry(row: Any) -> Entry:
    return Entry(row["name"], row["place"], row["stamp"])


@contextmanager
def _complaining(uri: str | None = None) -> Iterator[None]:
    """Milvus's own errors as ours, without the tracebacks that it logs."""
    from pymilvus.exceptions import MilvusException

    loggers = [logging.getLogger(name) for name in ("pymilvus", "milvus_lite")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except MilvusException as error:
        where = f"Milvus at {uri}" if uri else "Milvus"
        raise StoreError(
            f"{where} cannot do it: {str(error.message).rstrip('.')}. Check that the server runs, "
            f"or, for a {LOCAL}, that no other process has it open."
        ) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
