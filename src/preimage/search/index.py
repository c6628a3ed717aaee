"""Images by what they look like: add, query, duplicates."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from preimage.errors import InputError
from preimage.images import open_images
from preimage.progress import progress
from preimage.search import duplicates as pairs
from preimage.search.duplicates import Duplicates
from preimage.search.features import DHash, Feature
from preimage.search.looking import looked_at
from preimage.search.matches import Matches
from preimage.search.nearest import Exact
from preimage.search.vectors import InMemory, Vectors

BATCH = 128
"""So many images are looked at at a time."""


@final
@dataclass(frozen=True)
class Added:
    """What became of images that were added.

    Attributes:
        new: How many were not there before.
        changed: How many were there with other content, and were replaced.
        known: How many were there already, and were not read again.
        skipped: What could not be read and why, by name.
        notes: What was not taken over of an image, by name.
        failed: Why parts failed, where workers did them, by what they are made of.
    """

    new: int
    changed: int
    known: int
    skipped: dict[str, str]
    notes: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = {
            "new": self.new,
            "changed": self.changed,
            "known already": self.known,
            "not read": len(self.skipped),
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


@final
@dataclass(kw_only=True)
class ImageIndex:
    """Finds similar images among those that were added.

    Args:
        feature: What images are compared by.
        uri: Where vectors are kept. None: in memory. A path that ends in `.db`: there, by
            milvus-lite. An address such as `http://host:19530`: on a Milvus server. Both need
            `preimage[search]`.
        collection: The name of the collection in Milvus.
        token: What a Milvus server wants to see, such as "user:password"; it is never saved.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> digits = load_digits().images / 16
        >>> from preimage.search import ColourHistogram
        >>> index = ImageIndex(feature=ColourHistogram())
        >>> print(index.add(digits[:100]))
        100 new
        >>> index.query(digits[7:8], k=1).names
        (('07',),)
    """

    feature: Feature = field(default_factory=DHash)
    uri: str | os.PathLike[str] | None = None
    collection: str = "preimage"
    token: str | None = field(default=None, repr=False)
    _vectors: Vectors | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def vectors(self) -> Vectors:
        """Where vectors are kept; Milvus is connected to when this is first asked for.

        Raises:
            InputError: What is there was made by another feature or another model.
            MissingExtraError: Milvus is wanted and not installed.
            StoreError: Milvus does not answer, or there is a collection that is not ours.
        """
        if self._vectors is None:
            self._vectors = InMemory(self.feature.dim) if self.uri is None else self._milvus()
        return self._vectors

    def add(self, images: Any, *, batch: int = BATCH) -> Added:
        """Add images. Those that are there already are passed over, unless their file changed.

        Which image is which is told by its place: the whole path of the file, or of the archive and
        the name in it; for an array, its number and its content. Copies of a file are different
        images. What was added stays when a later image stops the work, or somebody does; add again
        to go on.

        Args:
            images: As `preimage.images.open_images` takes them.
            batch: How many to look at at a time; the result does not depend on it.

        Returns:
            What became of them.

        Raises:
            InputError: There are no images, or none can be read.
        """
        opened = open_images(images)
        places = [entry.place for entry in opened.entries]
        before = self.vectors.stamps(places)
        wanted = [e for e in opened.entries if before.get(e.place) != e.stamp]
        new = changed = 0
        known = len(places) - len(wanted)
        if not wanted:
            return Added(0, 0, known, dict(opened.skipped), {})
        reading = opened.only([entry.name for entry in wanted]) if known else opened
        with progress("adding images", len(wanted)) as bar:
            try:
                for entries, vectors in looked_at(self.feature, reading, batch):
                    self.vectors.put(entries, vectors)
                    replaced = sum(entry.place in before for entry in entries)
                    new, changed = new + len(entries) - replaced, changed + replaced
                    bar.update(new + changed)
            except InputError:
                # What is not known yet may be nothing but what could not be read the last time.
                if not known or len(reading.skipped) < len(wanted):
                    raise
        skipped = {**opened.skipped, **reading.skipped}
        return Added(new, changed, known, skipped, dict(reading.notes))

    def add_many(
        self,
        images: Any,
        scratch: str | os.PathLike[str],
        *,
        on: str = "local",
        part: int | None = None,
    ) -> Added:
        """As `add`, with images that are looked at on several cores or machines.

        To an index on a Milvus server, workers add themselves. Otherwise they write vectors into
        `scratch`, and this process adds these when all are there, and removes the folder. After an
        interruption, the same call does what is left.

        Args:
            images: A folder, an archive or files, which workers see under the same paths.
            scratch: A folder for what is not added yet; likewise.
            on: "local" for the cores of this machine, or the address of a Dask scheduler.
            part: Images in a part; None chooses.

        Returns:
            What became of them; `failed` has parts that failed, which the next call does again.

        Raises:
            InputError: There are no images.
            ClusterError: There is no cluster at the address, or it cannot be used.
            MissingExtraError: Dask is not installed.
        """
        from preimage.search.many import add_in_parts

        return add_in_parts(self, open_images(images), scratch, on=on, part=part)

    @property
    def on_server(self) -> bool:
        """Whether vectors are kept by a server, which several processes can write to."""
        return self.uri is not None and "://" in os.fspath(self.uri)

    def query(self, images: Any, k: int = 5, *, batch: int = BATCH) -> Matches:
        """The most similar images of each image.

        An image that is in the index itself is found first, at distance 0.

        Args:
            images: As `preimage.images.open_images` takes them.
            k: How many; all, where there are fewer.
            batch: How many to look at at a time; the result does not depend on it.

        Returns:
            The images found, nearest first; of several at the same distance, by name.

        Raises:
            InputError: The index is empty, there are no images, none can be read, or k is not
                positive.
        """
        if k < 1:
            raise InputError(f"k={k}; ask for at least one image.")
        if len(self) == 0:
            raise InputError("the index is empty; add images first.")
        opened = open_images(images)
        k = min(k, len(self))
        parts: list[Matches] = []
        with progress("looking for similar images", len(opened)) as bar:
            for queries, vectors in looked_at(self.feature, opened, batch):
                entries, squared = self.vectors.nearest(vectors, k)
                distance = self.feature.shown(squared)
                found = tuple(map(tuple, entries))
                parts.append(Matches(queries, found, distance, self.feature.name))
                bar.update(sum(map(len, parts)))
        return Matches(
            queries=tuple(query for part in parts for query in part.queries),
            entries=tuple(found for part in parts for found in part.entries),
            distance=np.concatenate([part.distance for part in parts]),
            feature=self.feature.name,
            skipped=dict(opened.skipped),
        )

    def duplicates(self, threshold: float | None = None) -> Duplicates:
        """All images that are alike, exactly; vectors in Milvus are taken into memory for it.

        Args:
            threshold: Up to which distance images are alike: bits for hashes. None takes what the
                feature says, which codes do not.

        Raises:
            InputError: The index is empty, or there is no threshold.
        """
        if threshold is None:
            threshold = self.feature.alike
        if threshold is None:
            raise InputError(
                "codes of generators have no distance at which all images are alike; give a "
                "threshold. Distances of some queries show what it could be."
            )
        if not threshold >= 0:
            raise InputError(f"threshold={threshold}; a distance is 0 or more.")
        entries, vectors = self.vectors.all()
        if not entries:
            raise InputError("the index is empty; add images first.")
        return pairs.find(entries, Exact(vectors, np.arange(len(entries))), self.feature, threshold)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write a model folder; vectors in Milvus are copied into it.

        Args:
            path: The folder.
            force: Replace an index that is already there.

        Raises:
            OutputExistsError: It is there already; choose another, or pass `force=True`.
        """
        from preimage.search.saving import save_index

        save_index(self, path, force=force)

    @property
    def about(self) -> dict[str, Any]:
        """What the vectors mean, as JSON values."""
        return {
            "feature": self.feature.name,
            "settings": self.feature.settings,
            "fingerprint": self.feature.fingerprint,
            "dim": self.feature.dim,
        }

    def check_about(self, found: Mapping[str, Any], where: str) -> None:
        """Refuse vectors that cannot be compared with those of this index.

        Raises:
            InputError: They were made by another feature or another model.
        """
        if (found["fingerprint"], found["dim"]) != (self.feature.fingerprint, self.feature.dim):
            raise InputError(
                f"the index {where} was made by another feature or another model: its vectors are "
                f"{found['fingerprint']!r}, and {self.feature.fingerprint!r} was given. Open it "
                "with the one that made it, or make a new index."
            )

    def _milvus(self) -> Vectors:
        from preimage.search import milvus

        uri = os.fspath(self.uri or "")
        client = milvus.connect(uri, self.token)
        found = milvus.about(client, self.collection)
        if found is not None:
            self.check_about(found, uri)
        return milvus.collection(client, uri, self.collection, self.feature.dim, self.about)
