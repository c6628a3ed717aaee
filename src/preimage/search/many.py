"""Collections of images added to an index in parts that workers look at."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, final

from preimage.cluster.collections import Some, image_parts
from preimage.cluster.job import Job, Made
from preimage.cluster.parts import Outcome
from preimage.cluster.place import connected
from preimage.cluster.running import outcomes
from preimage.errors import InputError
from preimage.images import Entry, Images
from preimage.progress import progress
from preimage.search.features import Feature
from preimage.search.index import BATCH, Added, ImageIndex
from preimage.search.looking import looked_at
from preimage.store import read_tree, write_tree

R = TypeVar("R")


@final
@dataclass(frozen=True, kw_only=True)
class Looking:
    """The work where the index is in this process: from images to a file of vectors."""

    feature: Feature
    folder: str

    def __call__(self, some: Some) -> Made:
        """Looks at the images of a part."""
        seen = list(_readable(some.images, looked_at(self.feature, some.images, BATCH)))
        record = {"skipped": some.images.skipped, "notes": some.images.notes}
        if not seen:
            return Made(files=(), size=0, record=record)
        entries = [entry for some_entries, _ in seen for entry in some_entries]
        # Names need not be text that can be encoded; JSON keeps them as they are.
        listed = json.dumps([[entry.name, entry.place, entry.stamp] for entry in entries])
        file = f"{some.name}.safetensors"
        tree = {"entries": listed, "vectors": [vectors for _, vectors in seen]}
        write_tree(Path(self.folder, file), tree)
        return Made(files=(file,), size=len(entries), record=record)


@final
@dataclass(frozen=True, kw_only=True)
class Adding:
    """The work where the index is on a server: each worker adds to it."""

    index: ImageIndex

    def __call__(self, some: Some) -> Added:
        """Adds the images of a part; those that are there are passed over."""
        try:
            return self.index.add(some.images)
        except InputError:
            if not set(some.images.names) <= some.images.skipped.keys():
                raise
            return Added(0, 0, 0, dict(some.images.skipped), {})


def add_in_parts(
    index: ImageIndex, images: Images, scratch: str | os.PathLike[str], *, on: str, part: int | None
) -> Added:
    """See `ImageIndex.add_many`."""
    if index.on_server:
        return _through_workers(index, images, on, part)
    before = index.vectors.stamps([entry.place for entry in images.entries])
    wanted = [entry for entry in images.entries if before.get(entry.place) != entry.stamp]
    known = len(images) - len(wanted)
    if not wanted:
        return Added(0, 0, known, dict(images.skipped), {})
    reading = images.only([entry.name for entry in wanted]) if known else images
    folder = Path(scratch).resolve()
    done = Job(
        folder=folder,
        identity={
            "job": "vectors of images",
            "images": os.path.abspath(images.source.title),
            "feature": index.feature.fingerprint,
            "part": part,
        },
        parts=image_parts(reading, least=BATCH, part=part),
        work=Looking(feature=index.feature, folder=str(folder)),
        things="images",
    ).run(on, force=True)
    new = changed = 0
    with progress("adding images", sum(one.size for one in done.made.values())) as bar:
        for file in (file for one in done.made.values() for file in one.files):
            tree = read_tree(folder / file)
            entries, vectors = [Entry(*one) for one in json.loads(tree["entries"])], tree["vectors"]
            for some in vectors:
                here, entries = entries[: len(some)], entries[len(some) :]
                index.vectors.put(here, some)
                replaced = sum(entry.place in before for entry in here)
                new, changed = new + len(here) - replaced, changed + replaced
            bar.update(new + changed)
    shutil.rmtree(folder)
    records = [one.record for one in done.made.values()]
    skipped = _merged(dict(images.skipped), records, "skipped")
    return Added(new, changed, known, skipped, _merged({}, records, "notes"), dict(done.failed))


def _through_workers(index: ImageIndex, images: Images, on: str, part: int | None) -> Added:
    # The collection is made once, before many might make it at the same time.
    len(index.vectors)
    parts = image_parts(images, least=BATCH, part=part)
    total = Added(0, 0, 0, dict(images.skipped), {})
    seen = 0
    with connected(on) as client, progress("adding images", len(images)) as bar:
        for outcome in outcomes(client, Adding(index=replace(index)), parts):
            seen += outcome.part.size
            bar.update(seen)
            total = _with(total, outcome)
    return total


def _with(total: Added, outcome: Outcome[Some, Added]) -> Added:
    one = outcome.value
    if one is None:
        failed = {**total.failed, outcome.part.source: outcome.error or ""}
        return replace(total, failed=failed)
    return replace(
        total,
        new=total.new + one.new,
        changed=total.changed + one.changed,
        known=total.known + one.known,
        skipped={**total.skipped, **one.skipped},
        notes={**total.notes, **one.notes},
    )


def _readable(images: Images, batches: Iterator[R]) -> Iterator[R]:
    """What comes of the images that can be read, which may be none."""
    try:
        yield from batches
    except InputError:
        if not set(images.names) <= images.skipped.keys():
            raise


def _merged(into: dict[str, str], records: list[Any], key: str) -> dict[str, str]:
    for record in records:
        into |= record[key]
    return into
