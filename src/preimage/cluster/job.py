"""A job: named parts, a function from a part to files, and a folder that knows what is done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, final

from preimage.cluster.kept import Kept
from preimage.cluster.parts import Part
from preimage.cluster.place import check_shared, connected
from preimage.cluster.running import outcomes
from preimage.errors import InputError, OutputExistsError, StoreError
from preimage.files import writing_file
from preimage.progress import progress

P = TypeVar("P")

ROOM = ".job"
"""The folder, within the output, of what is known of the job; readers of tables pass it over."""

MANIFEST, DONE = "job.json", "done.jsonl"


@final
@dataclass(frozen=True, kw_only=True)
class Made:
    """What a part was made into.

    Attributes:
        files: Paths below the folder of the job.
        size: How many targets or images were worked on.
        record: What else is to be known of it, as JSON values.
    """

    files: tuple[str, ...]
    size: int
    record: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True, kw_only=True)
class Line:
    """A part that is done."""

    key: str
    stamp: str
    seconds: float
    made: Made

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"part": self.key, "stamp": self.stamp, "seconds": self.seconds, **asdict(self.made)}

    @staticmethod
    def from_json(line: dict[str, Any]) -> Line:
        """From what `to_json` gave."""
        made = Made(files=tuple(line["files"]), size=line["size"], record=dict(line["record"]))
        return Line(key=line["part"], stamp=line["stamp"], seconds=line["seconds"], made=made)


@final
@dataclass(frozen=True, kw_only=True)
class Finished:
    """What came of a job.

    Attributes:
        folder: Where the results are.
        made: What each part that is done was made into, by its name, in the order of the parts.
        failed: Why parts failed, by what they are made of.
        new: How many parts this call did; the others were done before.
        size: How many targets or images these were.
        seconds: How long this call took.
    """

    folder: Path
    made: Mapping[str, Made]
    failed: Mapping[str, str]
    new: int
    size: int
    seconds: float

    def said(self, things: str) -> str:
        """What was done, in one line.

        Args:
            things: What the parts hold, such as "targets".
        """
        whole = sum(one.size for one in self.made.values())
        before = len(self.made) - self.new
        rate = f", {self.size / self.seconds:,.0f} a second" if self.new else ""
        known = f"; {before:,} parts were done before" if before else ""
        lost = f"; {len(self.failed):,} parts failed" if self.failed else ""
        return f"{whole:,} {things} in {len(self.made):,} parts{rate}{known}{lost}"


@final
@dataclass(frozen=True, kw_only=True)
class Job(Generic[P]):
    """What is to be done, and where results go.

    The folder must be seen by all workers under the same path. Each part's files are whole or
    absent, and a line in `.job/done.jsonl` says that it is done; another call with the same job
    does what is left.

    Args:
        folder: Where to.
        identity: What another call must share to go on from this one, as JSON values.
        parts: What the work is cut into.
        work: Makes the files of a part below the folder, in place of those that may be there.
        things: What parts hold, such as "targets".
    """

    folder: Path
    identity: Mapping[str, Any]
    parts: Sequence[Part[P]]
    work: Callable[[P], Made]
    things: str

    def run(self, on: str, *, force: bool = False) -> Finished:
        """Does what is not done.

        Args:
            on: As `connected` takes it.
            force: Remove the results of another job that are there.

        Raises:
            OutputExistsError: The folder holds another job.
            InputError: It holds something that is none of ours.
            ClusterError: As `connected` and `outcomes` do.
        """
        done = self._take_up(force=force)
        todo = [part for part in self.parts if not self._is_done(part, done)]
        known = len(self.parts) - len(todo)
        failed: dict[str, str] = {}
        total, size = sum(part.size for part in todo), 0
        begin = time.monotonic()
        if todo:
            with connected(on) as client, progress(self.things, total) as bar:
                check_shared(client, self.folder / ROOM)
                begin = time.monotonic()
                for outcome in outcomes(client, self.work, todo):
                    part, made = outcome.part, outcome.value
                    if made is None:
                        failed[part.source] = outcome.error or ""
                    else:
                        size += made.size
                        done.add(
                            Line(
                                key=part.name, stamp=part.stamp, seconds=outcome.seconds, made=made
                            )
                        )
                    bar.update(min(size, total), self._note(size, begin, failed))
        lines = {line.key: line.made for line in done}
        made = {part.name: lines[part.name] for part in self.parts if part.name in lines}
        return Finished(
            folder=self.folder,
            made=made,
            failed=failed,
            new=len(self.parts) - known - len(failed),
            size=size,
            seconds=time.monotonic() - begin,
        )

    def _note(self, size: int, begin: float, failed: Mapping[str, str]) -> str:
        rate = size / max(time.monotonic() - begin, 1e-9)
        return f"{rate:,.0f} a second" + (f", {len(failed)} parts failed" if failed else "")

    def _is_done(self, part: Part[P], done: Kept[Line]) -> bool:
        """Whether it was made of the same, and its files are there."""
        line = done.get(part.name)
        if line is None or line.stamp != part.stamp:
            return False
        return all((self.folder / file).is_file() for file in line.made.files)

    def _take_up(self, *, force: bool) -> Kept[Line]:
        """Checks what is there, and makes the folder; returns what is done."""
        check_parts(self.parts)
        room, identity = self.folder / ROOM, json.loads(json.dumps(self.identity))
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file; give the name of a folder to write.")
        there = self.folder.is_dir() and any(self.folder.iterdir())
        if there and not (room / MANIFEST).is_file():
            raise InputError(
                f"the folder {self.folder} holds something that is no job of preimage; name a new "
                "or empty one."
            )
        if there:
            found = _manifest(room / MANIFEST)
            done = Kept(room / DONE, Line.from_json)
            stale = [line.key for line in done if line.key not in {p.name for p in self.parts}]
            if found == identity and not stale:
                return done
            if not force:
                raise OutputExistsError(self._differs(found, identity, stale))
            _clear(self.folder, done)
        room.mkdir(parents=True, exist_ok=True)
        with writing_file(room / MANIFEST, force=True) as aside:
            aside.write_text(json.dumps(identity, indent=1) + "\n", "utf-8")
        return Kept(room / DONE, Line.from_json)

    def _differs(self, found: Any, identity: Any, stale: list[str]) -> str:
        what = f"parts that are not asked for, such as {stale[0]}" if stale else ""
        for key in dict.fromkeys([*identity, *found]):
            if found.get(key) != identity.get(key):
                what = f"another job ({key} was {found.get(key)!r}, is {identity.get(key)!r})"
                break
        return (
            f"the folder {self.folder} holds {what}; name another one, or replace what is there "
            "with force=True (--force on the command line)."
        )


def check_parts(parts: Sequence[Part[Any]]) -> None:
    """Complain about parts that would overwrite each other.

    Raises:
        InputError: There are none, or two have one name.
    """
    if not parts:
        raise InputError("there is nothing to do: no parts were found.")
    names = set()
    for part in parts:
        if part.name in names:
            raise InputError(
                f"two inputs would be written as {part.name}; give them different names."
            )
        names.add(part.name)


def _manifest(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{file} cannot be read ({error}); name another output folder.") from error


def _clear(folder: Path, done: Kept[Line]) -> None:
    """Remove what an earlier job made, and nothing else."""
    for line in done:
        for file in line.made.files:
            (folder / file).unlink(missing_ok=True)
    for name in (DONE, MANIFEST):
        (folder / ROOM / name).unlink(missing_ok=True)
