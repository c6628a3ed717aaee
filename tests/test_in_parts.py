"""Work in parts gives what work in one piece gives: answers, codes, translations, indexes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pytest
import torch
from cluster_cases import here
from commands import Run, runner
from generator_cases import digits, untrained
from pyarrow import parquet

import preimage
from preimage.errors import ClusterError, InputError, OutputExistsError
from preimage.generators import RegressionInverter
from preimage.generators.collection import invert_into
from preimage.generators.many import invert_many as invert_images
from preimage.images import Picture, write_picture
from preimage.papers.twin.reproduce import Reproduction
from preimage.search import ColourHistogram, DHash, ImageIndex, open_index
from preimage.tables import read_table, write_table
from preimage.translation import Pairs, SelfInverse, translate_files
from preimage.translation.many import translate_many

FILES = ("first.nii.gz", "second.nii.gz")


ARM = """
import torch
from preimage import Box, Function

def hand(joints):
    angle = joints.cumsum(dim=1)
    return torch.stack([angle.cos().sum(dim=1), angle.sin().sum(dim=1)], dim=1)

arm = Function(hand, Box([-1.5] * 2, [1.5] * 2, ["shoulder", "elbow"]), outputs=["right", "up"])
"""


@pytest.fixture(scope="module")
def on() -> Iterator[str]:
    with here() as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as the shell would: exit code, what is printed, what is complained."""

    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capsys)


def hand(joints: torch.Tensor) -> torch.Tensor:
    angle = joints.cumsum(dim=1)
    return torch.stack([angle.cos().sum(dim=1), angle.sin().sum(dim=1)], dim=1)


def arm() -> preimage.Function:
    return preimage.Function(hand, preimage.Box([-1.5] * 2, [1.5] * 2), outputs=["right", "up"])


def poses(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Some out of reach, with a column that nobody asks for."""
    draws = np.random.default_rng(seed)
    right, up = draws.uniform(-2.2, 2.2, (2, count))
    return {"up": up, "note": np.arange(count) % 7, "right": right}


def table(folder: Path) -> pyarrow.Table:
    """All answers, in the order of the targets, as any reader of Parquet finds them."""
    return pyarrow.dataset.dataset(folder).to_table()


def test_answers_are_those_of_one_call_bit_for_bit(on: str, tmp_path: Path) -> None:
    columns = poses(1000)
    # Groups of rows in the file need not be those of the parts.
    parquet.write_table(pyarrow.table(columns), tmp_path / "poses.parquet", row_group_size=170)
    inverter = preimage.GradientInverter().fit_function(arm())
    done = inverter.invert_many(
        tmp_path / "poses.parquet", tmp_path / "out", on=on, n=3, rows=300, near=[0.1, 0.2]
    )
    assert [one.size for one in done.made.values()] == [300, 300, 300, 100]
    targets = np.stack([columns["right"], columns["up"]], 1)
    whole = inverter.invert(targets, n=3, near=[0.1, 0.2])
    assert table(tmp_path / "out").equals(pyarrow.table(as_read(whole.to_columns())))
    assert sum(one.record["answered"] for one in done.made.values()) == whole.ok[:, 0].sum()


def as_read(columns: dict[str, np.ndarray]) -> dict[str, pyarrow.Array]:
    """Columns as they come back from a file, where NaN is a missing value."""
    return {name: pyarrow.array(values, from_pandas=True) for name, values in columns.items()}


def test_models_of_measurements_travel_too(on: str, tmp_path: Path) -> None:
    x = np.linspace(-2, 2, 40)
    inverter = preimage.NearestInverter().fit(x, x**3 - x)
    write_table({"y": np.linspace(-1, 1, 20)}, tmp_path / "y.parquet")
    inverter.invert_many(tmp_path / "y.parquet", tmp_path / "out", on=on, rows=10, within=(-2, 1))
    found = table(tmp_path / "out")
    whole = inverter.invert(np.linspace(-1, 1, 20), within=(-2, 1)).to_columns()
    assert found.column_names == list(whole)
    assert {"sd_y", "outside"} <= set(whole)
    for name in ("target", "x", "residual", "sd_y"):
        assert np.allclose(found[name].to_numpy(), whole[name], rtol=1e-9)


def test_files_of_a_folder_answer_for_themselves(on: str, tmp_path: Path) -> None:
    targets = tmp_path / "targets"
    for name, count in {"a.parquet": 50, "old/a.parquet": 20, "none.parquet": 0}.items():
        write_table(poses(count, seed=count), targets / name)
    (targets / "torn.parquet").write_bytes(b"PAR1 no more")
    write_table({"left": np.zeros(3)}, targets / "left.parquet")
    write_table({"right": np.array([0.1, np.nan]), "up": np.zeros(2)}, targets / "nan.parquet")
    (targets / "_ignored.parquet").write_bytes(b"")
    inverter = preimage.GradientInverter().fit_function(arm())
    done = inverter.invert_many(targets, tmp_path / "out", on=on, certify=True)
    torn, left, gap = (
        next(why for source, why in done.failed.items() if name in source)
        for name in ("torn.parquet", "left.parquet", "nan.parquet")
    )
    assert len(done.failed) == 3
    assert "cannot be read as Parquet" in torn
    assert "1 columns (left), and 2 are wanted: right, up" in left
    assert "missing" in gap
    found = table(tmp_path / "out")
    assert set(found["file"].to_pylist()) == {"a.parquet", "old/a.parquet"}
    assert "certified" in found.column_names
    own = found.filter(pyarrow.compute.field("file") == "old/a.parquet")
    assert set(own["target"].to_pylist()) == set(range(20))
    # The file is repaired, and the same call does what is left.
    write_table(poses(9), targets / "torn.parquet", force=True)
    again = inverter.invert_many(targets, tmp_path / "out", on=on, certify=True)
    assert (again.new, len(again.failed)) == (1, 2)


def test_another_question_needs_another_folder(on: str, tmp_path: Path) -> None:
    write_table(poses(10), tmp_path / "poses.parquet")
    write_table(poses(10), tmp_path / "more.parquet")
    inverter = preimage.GradientInverter().fit_function(arm())
    ask = inverter.invert_many
    ask(tmp_path / "poses.parquet", tmp_path / "out", on=on)
    with pytest.raises(OutputExistsError, match=r"another job \(n was 16, is 2\)"):
        ask(tmp_path / "poses.parquet", tmp_path / "out", on=on, n=2)
    with pytest.raises(OutputExistsError, match=r"another job \(targets was .*poses.*more"):
        ask(tmp_path / "more.parquet", tmp_path / "out", on=on)
    other = preimage.GradientInverter(seed=1).fit_function(arm())
    with pytest.raises(OutputExistsError, match=r"another job \(model was"):
        other.invert_many(tmp_path / "poses.parquet", tmp_path / "out", on=on)
    with pytest.raises(InputError, match="where the targets are, or within"):
        ask(tmp_path, tmp_path / "answers", on=on)
    with pytest.raises(InputError, match="in one process"):
        ask(tmp_path / "more.parquet", tmp_path / "new", on=on, near="previous")
    (tmp_path / "poses.csv").write_text("right,up\n0,0\n")
    with pytest.raises(InputError, match=r"convert it, for instance with pandas"):
        ask(tmp_path / "poses.csv", tmp_path / "new", on=on)
    with pytest.raises(preimage.errors.NotFittedError):
        preimage.GradientInverter().invert_many(tmp_path, tmp_path / "new", on=on)


def test_the_command_sends_the_users_own_file(tmp_path: Path, run: Run) -> None:
    """Workers are processes of their own here, which do not have the file."""
    (tmp_path / "arm.py").write_text(ARM)
    write_table(poses(60), tmp_path / "poses" / "one.parquet")
    words = ("invert", "--function", "arm.py:arm", "poses")
    code, out, err = run(*words, "-o", "out", "--on", "local", "--part", 20)
    found = table(tmp_path / "out")
    solved = set(found.filter(pyarrow.compute.field("ok"))["target"].to_pylist())
    assert code == (0 if len(solved) == 60 else 1)
    assert f"{len(solved)} of 60 targets answered" in out
    assert "60 targets in 3 parts" in out
    assert err == ""
    assert {"shoulder", "elbow", "right", "up"} <= set(found.column_names)
    assert run(*words, "-o", "out", "--on", "tcp://nowhere:1", "--part", 20)[0] == code
    write_table(poses(60), tmp_path / "poses" / "two.parquet")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("0.1,0.2", "-o", "out", "--on", "local"), "not typed"),
        (("p.parquet", "--on", "local"), "-o FOLDER"),
        (("p.parquet", "-o", "out", "--on", "local", "--exhaustive"), "--exhaustive cannot be had"),
        (("p.parquet", "-o", "out", "--on", "local", "--report", "r.html"), "--report cannot"),
        (("p.parquet", "-o", "out.csv", "--part", 5), "--part is about work in parts"),
        (("p.parquet", "-o", "out", "--on", "nonsense"), "no scheduler answers at 'nonsense'"),
    ],
)
def test_what_commands_refuse(
    tmp_path: Path, run: Run, words: tuple[object, ...], complaint: str
) -> None:
    (tmp_path / "arm.py").write_text(ARM)
    write_table(poses(5), tmp_path / "p.parquet")
    code, _, err = run("invert", "--function", "arm.py:arm", *words)
    assert code == 2
    assert complaint in err


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twenty digits in folders, two files that cannot be read, and a text."""
    folder = tmp_path / "photos"
    for i, image in enumerate(digits()[:20]):
        write_picture(folder / ("old/" if i % 3 else "") / f"{i:03d}.png", Picture(image))
    (folder / "empty.png").touch()
    (folder / "old" / "torn.jpg").write_bytes(b"\xff\xd8\xff no more")
    (folder / "notes.txt").write_text("x")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    inside = (file for file in folder.rglob("*.png") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in inside}


def test_images_are_inverted_as_in_one_piece(on: str, photos: Path, tmp_path: Path) -> None:
    inverter = RegressionInverter(width=4, steps=3, batch=8).fit(untrained())
    whole = invert_into(inverter, photos, tmp_path / "whole", table="parquet")
    done = invert_images(inverter, photos, tmp_path / "out", on=on, part=6)
    assert len(done.made) == 4
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    found, wanted = table(tmp_path / "out" / "codes"), read_table(whole.table)
    assert found.column_names == wanted.column_names
    assert found["name"].to_pylist() == wanted["name"].to_pylist()
    for name in found.column_names[1:]:
        assert np.allclose(found[name].to_numpy(), wanted[name].to_numpy(), atol=1e-5)
    skipped = {name for one in done.made.values() for name in one.record["skipped"]}
    assert skipped == {"empty.png", "old/torn.jpg"}
    assert invert_images(inverter, photos, tmp_path / "out", on=on, part=6).new == 0
    with pytest.raises(OutputExistsError, match="another job"):
        invert_images(inverter, photos, tmp_path / "out", on=on, part=6, refine=1)
    with pytest.raises(InputError, match="in memory cannot be sent"):
        invert_images(inverter, digits()[:5], tmp_path / "new", on=on)


def test_images_are_translated_as_in_one_piece(on: str, photos: Path, tmp_path: Path) -> None:
    pairs = Pairs.from_arrays(digits()[:8], 1 - digits()[:8])
    model = SelfInverse(size=32, width=4, epochs=0.5, batch=4, device="cpu").fit(pairs)
    whole = translate_files(model, photos, tmp_path / "whole")
    done = translate_many(model, photos, tmp_path / "out", on=on, part=6)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert sum(one.size for one in done.made.values()) == len(whole.written) == 20
    skipped = {name for one in done.made.values() for name in one.record["skipped"]}
    assert skipped == whole.skipped.keys() - {"notes.txt"}
    (tmp_path / "out" / "000.png").unlink()
    assert translate_many(model, photos, tmp_path / "out", on=on, part=6).new == 1
    other = replace(model, seed=5).fit(pairs)
    with pytest.raises(OutputExistsError, match="model was"):
        translate_many(other, photos, tmp_path / "out", on=on, part=6)
    with pytest.raises(InputError, match="where the images are"):
        translate_many(model, photos, photos / "new", on=on)


def test_images_are_indexed_as_in_one_piece(
    on: str, photos: Path, tmp_path: Path, server: str
) -> None:
    whole = ImageIndex(feature=ColourHistogram())
    alone = whole.add(photos)
    wanted = whole.query(photos, k=5)
    for uri in (None, str(tmp_path / "photos.db"), server):
        index = ImageIndex(feature=ColourHistogram(), uri=uri)
        added = index.add_many(photos, tmp_path / "scratch", on=on, part=6)
        assert str(added) == str(alone)
        assert added.skipped == alone.skipped
        found = index.query(photos, k=5)
        assert found.names == wanted.names
        assert np.array_equal(found.distance, wanted.distance)
        assert not (tmp_path / "scratch").exists()
        again = index.add_many(photos, tmp_path / "scratch", on=on, part=6)
        assert (again.new, again.changed, again.known) == (0, 0, 20)
        assert len(index) == 20


def test_an_interrupted_index_goes_on(
    on: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = ImageIndex()
    real, seen = DHash.__call__, []

    def stops(self: DHash, pixels: torch.Tensor) -> torch.Tensor:
        seen.append(len(pixels))
        if len(seen) == 3:
            raise OSError("the disk is gone")
        return real(self, pixels)

    monkeypatch.setattr(DHash, "__call__", stops)
    added = index.add_many(photos, tmp_path / "scratch", on=on, part=6)
    assert list(added.failed.values()) == ["OSError: the disk is gone"]
    assert 0 < len(index) < 20
    again = index.add_many(photos, tmp_path / "scratch", on=on, part=6)
    assert again.failed == {}
    assert again.known == added.new
    assert len(index) == 20


def test_commands_for_images(photos: Path, tmp_path: Path, run: Run, on: str) -> None:
    RegressionInverter(width=4, steps=3, batch=8).fit(untrained()).save(tmp_path / "gan.model")
    code, out, err = run("gan", "invert", "gan.model", photos, "-o", "codes", "--on", on)
    assert (code, "not read: empty.png" in err) == (1, True)
    assert "20 files in 1 parts" in out
    assert len(table(tmp_path / "codes" / "codes")) == 20
    code, _, err = run(
        "gan", "invert", "gan.model", photos, "-o", "x", "--on", on, "--table", "csv"
    )
    assert (code, "--table cannot be had with --on" in err) == (2, True)
    code, out, _ = run("search", "index", photos, "-o", "photos.index", "--on", on, "--part", 5)
    assert (code, "20 new, 3 not read" in out) == (0, True)
    assert len(open_index(tmp_path / "photos.index")) == 20
    code, out, _ = run("search", "index", photos, "-o", "photos.index", "--add", "--on", on)
    assert "20 known already" in out


def test_volumes_are_parts(on: str, tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    draws = np.random.default_rng(0)
    for side in ("one", "two"):
        for name in FILES:
            values = draws.uniform(0, 100, (16, 16, 3)).astype(np.float32)
            (tmp_path / side).mkdir(exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / side / name)
    pairs = Pairs.from_volumes([(tmp_path / "one" / f, tmp_path / "two" / f) for f in FILES])
    model = SelfInverse(size=32, width=4, epochs=1.0, batch=2, device="cpu").fit(pairs)
    translate_files(model, tmp_path / "one", tmp_path / "whole", source="a")
    done = translate_many(model, tmp_path / "one", tmp_path / "out", on=on, source="a")
    assert len(done.made) == 2
    for name in FILES:
        whole, part = (
            nibabel.load(tmp_path / folder / name).get_fdata() for folder in ("whole", "out")
        )
        assert np.array_equal(whole, part)
    with pytest.raises(InputError, match="which side"):
        translate_many(model, tmp_path / "one", tmp_path / "new", on=on)


def test_a_paper_is_measured_by_workers_as_by_one(on: str, tmp_path: Path) -> None:
    paper = Reproduction(experiments=(1, 7), seeds=2, names=("knn", "floor"), quick=True)

    def cells(folder: str) -> dict[Any, Any]:
        return {cell.key: (cell.scores, cell.answered and cell.answered.rmse)
                for cell in paper.kept(tmp_path / folder)}  # fmt: skip

    alone = paper.measure(tmp_path / "alone")
    assert paper.measure(tmp_path / "many", on=on) == alone
    assert cells("alone") == cells("many")
    assert paper.measure(tmp_path / "many", on="tcp://nowhere:1") == 0
    with pytest.raises(ClusterError, match="no scheduler"):
        replace(paper, seeds=3).measure(tmp_path / "many", on="nonsense")
