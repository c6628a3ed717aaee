"""The reproduction of the self-inverse network, on packaged photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from typer.testing import CliRunner

from preimage.cli.app import app
from preimage.errors import InputError
from preimage.images import Picture, write_picture
from preimage.papers.one2one.data import open_data
from preimage.papers.one2one.methods import ABLATIONS, METHODS, Plan
from preimage.papers.one2one.published import SENSITIVITY, TRANSLATION
from preimage.papers.one2one.reproduce import Reproduction
from preimage.translation import PRESETS

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


def test_each_method_differs_from_the_paper_in_one_thing(data: Path) -> None:
    plan = Plan(preset="paper", epochs=1.0, device="cpu")
    paper = plan.paper().saved_settings
    for name, method in METHODS.items():
        if name in ("pix2pix", "self-inverse", "default"):
            continue
        own = method(plan).saved_settings
        changed = {key for key in paper if own[key] != paper[key]}
        assert changed in (
            {"epochs"},
            {"directions"},
            {"cycle"},
            {"direction_channel"},
            {"adversarial", "l1"},
            {"ema"},
            {"norm"},
            {"norm", "batch"},
            {"core"},
        ), name


def test_reproduction_is_kept_and_goes_on(data: Path, tmp_path: Path) -> None:
    plan = Plan(preset="paper", epochs=1.0, device="cpu")
    names = ("self-inverse", "pix2pix", "default")
    run = Reproduction(data=open_data(data), plan=plan, seeds=2, names=names)
    folder = tmp_path / "out"
    assert run.measure(folder) == 6
    files = run.write(folder)
    page = files[0].read_text("utf-8")
    for heading in ("From a to b", "Sensitivity from b to a", "Paired test", "Costs", "26.53"):
        assert heading in page
    assert run.measure(folder) == 0
    cells = {cell.key[:2]: cell for cell in run.cells(folder)}
    ours, theirs = cells["self-inverse", 0], cells["pix2pix", 0]
    assert ours.parameters * 2 == theirs.parameters
    assert ours.updates == 2 * theirs.updates
    assert set(ours.sensitivity) == {"a to b", "b to a"}
    assert (folder / "figure-9.png").is_file()


def test_what_cannot_be_run(data: Path, tmp_path: Path) -> None:
    pairs = open_data(data)
    wrong: list[tuple[int, tuple[str, ...]]] = [(0, ("pix2pix",)), (1, ("pix3pix",)), (1, ())]
    for seeds, names in wrong:
        with pytest.raises(InputError):
            Reproduction(data=pairs, plan=Plan(), seeds=seeds, names=names)
    with pytest.raises(InputError, match="train and test"):
        open_data(tmp_path)
    for words, message in (
        (["one2one"], "--data"),
        (["one2one", "--data", str(data), "--preset", "papr"], "preset"),
        (["one2one", "--data", str(data), "--experiments", "1"], "--experiments"),
    ):
        done = CliRunner().invoke(app, ["reproduce", *words])
        assert message in str(done.exception)


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
