"""Jobs: every part is done once, whatever happens to workers; nothing else is touched."""

import secrets
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_cases import calls, here, squares

from preimage.cluster import (
    Kept,
    Part,
    Sweep,
    connected,
    luggage,
    outcomes,
    place,
    running,
    versions,
)
from preimage.cluster.parts import grain
from preimage.errors import (
    ClusterError,
    InputError,
    MissingExtraError,
    OutputExistsError,
    StoreError,
)
from preimage.papers.aegan.cells import Cell, Key


@pytest.fixture(scope="module")
def on() -> Iterator[str]:
    with here() as cluster:
        yield cluster.scheduler_address


def test_every_part_is_done_once(on: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = squares(folder).run(on)
    assert calls(folder) == list(range(12))
    assert [one.files for one in done.made.values()] == [(f"{i}.txt",) for i in range(12)]
    assert (folder / "7.txt").read_text() == "49"
    assert (done.new, done.size, dict(done.failed)) == (12, 12, {})
    again = squares(folder).run("tcp://nowhere:1")  # there is nothing to do, and nobody is asked
    assert again.made == done.made
    assert again.new == 0
    assert calls(folder) == list(range(12))


def test_a_part_that_fails_is_named_and_the_others_finish(on: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = squares(folder, raises=(3, 8)).run(on)
    assert dict(done.failed) == {
        "number 3": "ZeroDivisionError: number 3",
        "number 8": "ZeroDivisionError: number 8",
    }
    assert len(done.made) == done.new == 10
    assert "10 numbers in 10 parts" in done.said("numbers")
    assert "2 parts failed" in done.said("numbers")
    repaired = squares(folder).run(on)
    assert (repaired.new, len(repaired.made)) == (2, 12)
    assert calls(folder) == list(range(12))


def test_what_was_lost_or_changed_is_done_again(on: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    squares(folder).run(on)
    # A line cut short by a crash is no part that is done.
    file = folder / ".job" / "done.jsonl"
    file.write_text(file.read_text()[:-9])
    assert squares(folder).run(on).new == 1
    (folder / "5.txt").unlink()
    assert squares(folder).run(on).new == 1
    assert squares(folder, stamp="other").run(on).new == 12
    assert squares(folder, range(14), stamp="other").run(on).new == 2


def test_the_folder_of_another_job_is_left_alone(on: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    squares(folder).run(on)
    with pytest.raises(OutputExistsError, match=r"exponent was 2, is 3.*--force"):
        squares(folder, exponent=3).run(on)
    with pytest.raises(OutputExistsError, match="not asked for, such as 4"):
        squares(folder, range(4)).run(on)
    assert len(list(folder.glob("*.txt"))) == 12
    (folder / "mine.txt").write_text("mine")
    squares(folder, range(4)).run(on, force=True)
    left = {file.name for file in folder.glob("*.txt")}
    assert left == {"0.txt", "1.txt", "2.txt", "3.txt", "mine.txt"}
    with pytest.raises(InputError, match="no job of preimage"):
        squares(tmp_path).run(on, force=True)
    with pytest.raises(InputError, match="is a file"):
        squares(folder / "mine.txt").run(on)
    (folder / ".job" / "job.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        squares(folder).run(on)


def test_parts_must_differ_and_be_there(on: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to do"):
        squares(tmp_path / "out", range(0)).run(on)
    twice = squares(tmp_path / "out")
    with pytest.raises(InputError, match="two inputs would be written as 3"):
        type(twice)(**{**vars(twice), "parts": [*twice.parts, twice.parts[3]]}).run(on)
    assert not (tmp_path / "out").exists()


def test_the_work_travels_once_and_parts_a_few_at_a_time(
    on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed: list[int] = []
    unpack = luggage.unpack

    def counted(name: str, data: bytes) -> None:
        packed.append(len(data))
        unpack(name, data)

    monkeypatch.setattr(luggage, "unpack", counted)
    asked: list[int] = []

    def parts() -> Iterator[Part[int]]:
        for i in range(40):
            asked.append(i)
            yield Part(name=str(i), source="", size=1, stamp="", content=i)

    seen = 0
    with connected(on) as client:
        for one in outcomes(client, lambda number: number + 1, parts()):
            seen += 1
            assert one.value == one.part.content + 1
            assert len(asked) <= seen + running.AHEAD * 2
    assert seen == 40
    assert len(packed) == 2  # one for each worker


def test_lanes_keep_their_order(on: str) -> None:
    parts = [Part(name=str(i), source="", size=1, stamp="", content=i) for i in range(20)]
    with connected(on) as client:
        found = [
            one.value
            for one in outcomes(client, lambda i: i, parts, lane=lambda part: part.content % 3)
        ]
    for lane in range(3):
        mine = [value for value in found if value is not None and value % 3 == lane]
        assert mine == sorted(mine)


def test_work_that_cannot_be_sent(on: str) -> None:
    lock = threading.Lock()
    part = Part(name="0", source="", size=1, stamp="", content=0)
    with pytest.raises(InputError, match=r"cannot be sent .*lock"), connected(on) as client:
        list(outcomes(client, lambda number: lock.locked(), [part]))


def test_a_sweep_keeps_cells_and_measures_none_twice(on: str, tmp_path: Path) -> None:
    keys = [Key(table, seed) for seed in range(2) for table in ("a", "b", "c")]

    def work(key: Key) -> Cell:
        if key == Key("b", 1):
            raise OSError("no space left")
        return Cell(key, {}, "1")

    def kept() -> Kept[Cell]:
        return Kept(tmp_path / "cells.jsonl", Cell.from_json)

    sweep = Sweep(on=on, things="cells")
    with pytest.raises(ClusterError, match=r"1 of 6 cells failed.*b 1: OSError.*others are kept"):
        sweep.run(kept(), keys, work, said=lambda key: f"{key.table} {key.seed}")
    assert {cell.key for cell in kept()} == set(keys) - {Key("b", 1)}
    one = sweep.run(kept(), keys, lambda key: Cell(key, {}, "2"), said=str)
    assert one == 1
    assert {cell.key: cell.version for cell in kept()}[Key("b", 1)] == "2"
    assert sweep.run(kept(), keys, work, said=str) == 0


def test_a_lost_worker_costs_its_parts_only_and_the_results_are_the_same(tmp_path: Path) -> None:
    """Processes of their own, one of which is ended while it works."""
    lost = squares(tmp_path / "lost", kills_once=(4,)).run("local")
    squares(tmp_path / "whole").run("local")
    assert (lost.new, dict(lost.failed)) == (12, {})
    assert (tmp_path / "lost" / ".job" / "killed-4").exists()
    for file in (tmp_path / "whole").glob("*.txt"):
        assert file.read_text() == (tmp_path / "lost" / file.name).read_text()


@pytest.mark.slow
def test_a_part_that_ends_every_worker_fails_alone(tmp_path: Path) -> None:
    done = squares(tmp_path / "out", kills=(4,)).run("local")
    assert list(done.failed) == ["number 4"]
    assert "workers were lost again and again" in done.failed["number 4"]
    assert len(done.made) == 11


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("nonsense", "no scheduler answers at 'nonsense'.*dask scheduler"),
        ("http://host:8786", "no scheduler answers.*unknown address scheme"),
        ("tcp://127.0.0.1:1", "no scheduler answers at 'tcp://127.0.0.1:1'.*say local"),
    ],
)
def test_no_scheduler_at_the_address(
    address: str, complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(place, "PATIENCE", 0.5)
    with pytest.raises(ClusterError, match=complaint):
        squares(tmp_path / "out").run(address)


def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "PATIENCE", 0.5)
    with (
        here(workers=0) as cluster,
        pytest.raises(ClusterError, match=r"has no workers.*dask worker inproc://"),
        connected(cluster.scheduler_address),
    ):
        pass


def test_workers_with_several_threads_are_refused() -> None:
    with (
        here(workers=1, threads=3) as cluster,
        pytest.raises(ClusterError, match=r"has 3 threads.*--nthreads 1"),
        connected(cluster.scheduler_address),
    ):
        pass


def test_a_worker_is_no_scheduler() -> None:
    with here(workers=1) as cluster:
        (worker,) = cluster.workers.values()
        with pytest.raises(ClusterError, match="there is a Worker"), connected(worker.address):
            pass


def test_other_versions_are_refused(on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = versions.installed
    answers = iter([real() | {"torch": "1.0"}])
    # Both sides are this process; the first to be asked is the first worker.
    monkeypatch.setattr(versions, "_asked", lambda: next(answers, real()))
    with (
        pytest.raises(ClusterError, match=r"has other versions: torch 1\.0, and here .*the same"),
        connected(on),
    ):
        pass


def test_workers_that_do_not_see_the_folder(
    on: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(place, "_text", lambda path: secrets.token_hex(4))
    with pytest.raises(
        ClusterError, match=r"does not see .*out.* as it is here.*all machines share"
    ):
        squares(tmp_path / "out").run(on)


def test_dask_is_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'preimage\[cluster\]'"):
        squares(tmp_path / "out").run("local")


@pytest.mark.parametrize("size", [1, 100, 8191, 8193, 10**6, 10**9])
def test_parts_are_whole_batches_and_neither_many_nor_large(size: int) -> None:
    each = grain(size, 8192, 16 * 8192)
    assert each % 8192 == 0
    assert 8192 <= each <= 16 * 8192
    assert -(-size // each) <= max(64, -(-size // (16 * 8192)))
