"""The reproduction of the self-inverse network, on packaged photographs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cluster_cases import here
from nibabel.nifti1 import Nifti1Image
from sklearn.datasets import load_sample_images
from typer.testing import CliRunner

from preimage.cli.app import app
from preimage.errors import InputError
from preimage.images import Picture, write_picture
from preimage.papers.one2one.data import open_data
from preimage.papers.one2one.layouts import open_layout
from preimage.papers.one2one.methods import ABLATIONS, Plan
from preimage.papers.one2one.published import SENSITIVITY, TRANSLATION
from preimage.papers.one2one.reproduce import Reproduction
from preimage.papers.one2one.segmenter import Segmenter
from preimage.papers.one2one.shrinking import corner_of, cut, shrunk, squeezed
from preimage.translation import PRESETS, Pairs

TINY = {"size": 32, "width": 4, "batch": 4}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for part, photo in zip(("train", "test"), load_sample_images().images, strict=True):
        for i in range(3):
            piece = photo[90 * i : 90 * i + 128 : 4, :128:4] / np.float32(255)
            pixels = torch.from_numpy(piece).permute(2, 0, 1)
            write_picture(tmp_path / "data" / part / "a" / f"{i}.png", Picture(pixels))
            write_picture(tmp_path / "data" / part / "b" / f"{i}.png", Picture(1 - pixels.flip(0)))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preimage.translation.presets.PRESETS", {**PRESETS, "paper": TINY})


def test_each_ablation_changes_one_thing(data: Path) -> None:
    plan = Plan(preset="paper", ablated=1.0, device="cpu")
    paper = plan.paper(1.0).saved_settings
    changes = []
    for method in ABLATIONS.values():
        own = method.make(plan).saved_settings
        changes.append({key for key in paper if own[key] != paper[key]})
    assert [len(one) for one in changes[:5]] == [0, 1, 1, 1, 1]
    assert {"adversarial", "l1"} in changes
    assert {"core"} in changes


def test_reproduction_is_kept_and_goes_on(data: Path, tmp_path: Path) -> None:
    plan = Plan(preset="paper", epochs=1.0, ablated=0.5, device="cpu")
    names = ("self-inverse", "pix2pix", "default", "l1-only", "neighbours")
    run = Reproduction(data=open_data(data), plan=plan, seeds=2, names=names)
    folder = tmp_path / "out"
    assert run.measure(folder) == 7
    files = run.write(folder)
    page = files[0].read_text("utf-8")
    for heading in ("From a to b", "Sensitivity from b to a", "Paired test", "Costs", "not run"):
        assert heading in page
    record = json.loads(files[1].read_text("utf-8"))
    assert len(record["cells"]) == 7
    assert run.measure(folder) == 0
    cells = {cell.key[:2]: cell for cell in run.cells(folder)}
    ours, theirs = cells["self-inverse", 0], cells["pix2pix", 0]
    assert ours.parameters * 2 == theirs.parameters
    assert ours.updates == 2 * theirs.updates
    assert set(ours.sensitivity) == {"a to b", "b to a"}
    assert [file.suffix for file in files[2:]] == [".png", ".png"]
    assert all(file.is_file() for file in files)


def test_models_of_workers_are_the_same(data: Path, tmp_path: Path) -> None:
    """One worker, as those of this process would share torch's global generator."""
    plan = Plan(preset="paper", epochs=0.5, device="cpu")
    names = ("pix2pix", "self-inverse")
    run = Reproduction(data=open_data(data), plan=plan, seeds=2, names=names)
    assert run.measure(tmp_path / "here") == 4
    with here(workers=1) as cluster:
        assert run.measure(tmp_path / "there", on=cluster.scheduler_address) == 4
    cells = [
        {cell.key: cell for cell in run.cells(tmp_path / place)} for place in ("here", "there")
    ]
    assert cells[0].keys() == cells[1].keys()
    for key, cell in cells[0].items():
        assert cell.scores == cells[1][key].scores
        assert cell.sensitivity == cells[1][key].sensitivity


def test_what_cannot_be_run(data: Path, tmp_path: Path) -> None:
    pairs = open_data(data)
    wrong: list[tuple[int, tuple[str, ...]]] = [(0, ("pix2pix",)), (1, ("pix3pix",)), (1, ())]
    for seeds, names in wrong:
        with pytest.raises(InputError):
            Reproduction(data=pairs, plan=Plan(), seeds=seeds, names=names)
    with pytest.raises(InputError, match="street"):
        open_layout("streets", data, 32)
    with pytest.raises(InputError, match="laid out"):
        open_layout("street", data, 32)
    with pytest.raises(InputError, match="train and test"):
        open_data(tmp_path)
    for words, message in (
        (["one2one"], "--data"),
        (["one2one", "--data", str(data), "--preset", "papr"], "preset"),
        (["one2one", "--data", str(data), "--experiments", "1"], "--experiments"),
        (["one2one", "--data", str(data), "--layout", "mars"], "layout"),
        (["twin", "--layout", "mri"], "--layout"),
        (["twin", "--epochs", "3"], "--epochs"),
        (["one2one", "--data", str(data), "--epochs", "0"], "epochs=0"),
    ):
        done = CliRunner().invoke(app, ["reproduce", *words])
        assert message in str(done.exception)


def painted(photo: np.ndarray) -> np.ndarray:
    """Labels of a photo: dark, middle, bright."""
    return np.digitize(photo.mean(axis=-1), [80, 160]).astype(np.uint8)


def test_streets_and_labels(tmp_path: Path) -> None:
    for part, photo in zip(("train", "val"), load_sample_images().images, strict=True):
        for i in range(4):
            piece = photo[50 * i : 50 * i + 160 : 4, : 4 * 48 : 4]
            place = tmp_path / "street" / part
            pixels = torch.from_numpy(piece / np.float32(255)).permute(2, 0, 1)
            write_picture(place / f"{i}.png", Picture(pixels))
            write_picture(
                place / f"{i}_label.png", Picture(torch.from_numpy(painted(piece))[None] / 255)
            )
    colours = [[0, 0, 0], [255, 0, 0], [255, 255, 255]]
    known = {"classes": ["dark", "Unlabelled", "bright"], "palette": colours}
    (tmp_path / "street" / "classes.json").write_text(json.dumps(known))
    found = open_layout("street", tmp_path / "street", 32)
    assert found.train.a[0].shape == (3, 32, 32)
    assert found.ignored == (1,)
    plan = Plan(preset="paper", epochs=1.0, segmenter_epochs=30, device="cpu")
    run = Reproduction(data=found, plan=plan, seeds=1, names=("pix2pix", "self-inverse"))
    run.measure(tmp_path / "out")
    cells = run.cells(tmp_path / "out")
    assert all("segmented iou" in cell.scores["b to a"] for cell in cells)
    assert all("segmented iou" in cell.sensitivity["b to a"] for cell in cells)
    page = run.write(tmp_path / "out")[0].read_text("utf-8")
    assert "the ceiling" in page
    assert "From label to photo" in page
    # Labels by brightness are easy: real photos are segmented far better than by chance.
    segmenter = Segmenter(found.train, ignored=(1,), epochs=30, device="cpu")
    assert segmenter.score(found.test, segmenter.ceiling).pixel_accuracy > 0.7


def test_subjects_that_choose_settings_are_not_scored(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    names = ("mni_patient07", "mni_patient19", "long_patient03_s2", "long_patient04_s1")
    draws = np.random.default_rng(0)
    for name in names:
        for side in ("T1", "T2"):
            volume = draws.uniform(10, 90, (20, 20, 4)).astype(np.int16)
            Nifti1Image(volume, np.eye(4)).to_filename(scans / f"{name}_{side}.nii.gz")
    found = open_layout("mri", scans, 32)
    chosen = found.choosing
    assert set(chosen.test.groups) == {"long_patient03_s2"}
    assert set(chosen.train.groups) | set(chosen.test.groups) == set(found.train.groups)
    assert not set(found.test.groups) & set(found.train.groups)
    assert not set(chosen.train.groups) & set(chosen.test.groups)
    assert found.beside is not None
    assert chosen.beside is not None
    assert chosen.beside.test.names == chosen.test.names
    assert chosen.beside.test.a[0].shape[0] == 3 * chosen.test.a[0].shape[0]
    plan = Plan(preset="paper", epochs=0.5, ablated=0.5, device="cpu")
    run = Reproduction(data=found, plan=plan, seeds=1, names=("self-inverse", "neighbours"))
    assert run.measure(tmp_path / "out") == 2
    page = run.write(tmp_path / "out")[0].read_text("utf-8")
    of_each = page.split("PSNR of each")[1].split("##")[0]
    assert "mni_patient19" in of_each
    assert "long_patient03_s2" not in of_each


def test_pieces_are_where_their_names_say() -> None:
    image = np.arange(1 * 70 * 100, dtype=np.uint16).reshape(1, 1, 70, 100)
    pieces = cut(Pairs.from_arrays(image, image), 32)
    assert len(pieces) == 6
    for name, piece in zip(pieces.names, pieces.a, strict=True):
        top, left = corner_of(name)
        np.testing.assert_array_equal(piece, image[0, :, top : top + 32, left : left + 32])


def test_shrunk_keeps_means_and_labels() -> None:
    photo = np.full((1, 3, 32, 64), 200, np.uint8)
    labels = np.zeros((1, 32, 64), np.uint8)
    labels[:, :, 32:] = 1
    pairs = Pairs.from_arrays(photo, labels, palette_b=[(0, 0, 0), (0, 255, 0)])
    small = squeezed(pairs, 16)
    assert (small.a[0] == 200).all()
    assert small.b[0][1].mean() == 255 / 2
    assert shrunk(pairs, 16).a[0].shape == (3, 16, 16)


def test_command_line(data: Path, tmp_path: Path) -> None:
    words = ["reproduce", "one2one", "--data", str(data), "--quick", "-o", str(tmp_path / "r")]
    done = CliRunner().invoke(app, [*words, "--methods", "pix2pix,self-inverse"])
    assert done.exit_code == 0, done.output
    assert "2 models trained" in done.output


def test_published_numbers_have_both_methods_and_directions() -> None:
    for table in (TRANSLATION, SENSITIVITY):
        assert len(table) == 6
        assert all(set(methods) == {"pix2pix", "self-inverse"} for methods in table.values())
    gain = (
        TRANSLATION["T1 to T2"]["self-inverse"]["psnr"] / TRANSLATION["T1 to T2"]["pix2pix"]["psnr"]
    )
    assert gain == pytest.approx(1.102, abs=1e-3)
