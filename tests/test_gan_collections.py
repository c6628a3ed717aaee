"""Whole collections of images inverted into a folder, from Python and from the command line."""

import re
import shlex
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generator_cases import digits, untrained

from preimage.cli import main
from preimage.errors import InputError, OutputExistsError
from preimage.generators import Codes, LatentSearch, RegressionInverter, load
from preimage.generators import base as base_module
from preimage.generators.collection import UNFINISHED, invert_into
from preimage.images import Picture, open_images, write_picture
from preimage.tables import read_table

PAGE = Path(__file__).parents[1] / "docs" / "generators.md"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Sixty digits in folders, with what is found among photos."""
    folder = tmp_path / "photos"
    for i, image in enumerate(digits()[:60]):
        write_picture(folder / ("old/" if i % 3 else "") / f"{i:03d}.png", Picture(image))
    (folder / "empty.png").touch()
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff no more")
    (folder / "notes.txt").write_text("x")
    return folder


@pytest.fixture
def inverter() -> RegressionInverter:
    return RegressionInverter(width=4, steps=3, batch=8).fit(untrained())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the folder with the photos, as the shell would."""
    monkeypatch.chdir(tmp_path)

    def ran(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["preimage", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, printed.err

    return ran


def test_results_keep_the_names_of_the_images(
    photos: Path, inverter: RegressionInverter, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = invert_into(inverter, photos, out, refine=2, table="parquet")
    assert done.names == tuple(sorted(f"{'old/' if i % 3 else ''}{i:03d}.png" for i in range(60)))
    assert done.failed == 2
    assert set(done.skipped) == {"empty.png", "torn.jpg", "notes.txt"}
    written = {str(one.relative_to(out)) for one in out.rglob("*") if one.is_file()}
    assert written == {*done.names, "codes.parquet"}
    codes = inverter.invert(photos, refine=2)
    table = read_table(out / "codes.parquet")
    assert table["name"].to_pylist() == list(codes.names)
    found = np.stack([np.asarray(table[f"z{i}"]) for i in range(1, 5)], 1)
    assert np.allclose(found, codes.z.numpy(), atol=1e-4)
    pixels = open_images(out).load(channels=1).float()
    assert (pixels - codes.reconstruction).abs().max() < 0.003
    with pytest.raises(OutputExistsError, match="something already"):
        invert_into(inverter, photos, out)


def test_interrupted_inversion_goes_on(
    photos: Path,
    inverter: RegressionInverter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base_module, "CHUNK", 16)
    whole = invert_into(inverter, photos, tmp_path / "whole")
    stream, seen = RegressionInverter.stream, []

    def stopped(self: Any, images: Any, *, refine: int = 0) -> Iterator[Codes]:
        for codes in stream(self, images, refine=refine):
            if len(seen) == 2:
                raise KeyboardInterrupt
            seen.append(codes.names)
            yield codes

    monkeypatch.setattr(RegressionInverter, "stream", stopped)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        invert_into(inverter, photos, out)
    monkeypatch.setattr(RegressionInverter, "stream", stream)
    with pytest.raises(OutputExistsError, match="other settings"):
        invert_into(inverter, photos, out, refine=1)
    first, *_ = seen
    lost = out / first[3]
    lost.unlink(missing_ok=True)  # as if it had not been written yet
    mine = out / first[4]
    shutil.copy(PAGE, mine)  # done already, and not done again
    resumed = invert_into(inverter, photos, out)
    assert lost.is_file()
    assert mine.read_bytes() == PAGE.read_bytes()
    assert resumed.names == whole.names
    assert torch.equal(resumed.residual, whole.residual) or torch.allclose(
        resumed.residual, whole.residual, atol=1e-5
    )
    assert not (out / UNFINISHED).exists()
    first_table, second_table = (read_table(p / "codes.csv") for p in (tmp_path / "whole", out))
    assert first_table["name"].to_pylist() == second_table["name"].to_pylist()


def test_wrong_use_is_explained(photos: Path, inverter: RegressionInverter) -> None:
    with pytest.raises(InputError, match="refine=-1"):
        invert_into(inverter, photos, photos.parent / "out", refine=-1)
    with pytest.raises(InputError, match="is a file"):
        invert_into(inverter, photos, photos / "notes.txt")
    for folder in photos.iterdir():
        if folder.name in ("notes.txt", "old") or folder.name[0].isdigit():
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    with pytest.raises(InputError, match="can be read"):
        invert_into(inverter, photos, photos.parent / "out")


def test_the_commands_of_the_documentation_run(run: Run, photos: Path, tmp_path: Path) -> None:
    """With shorter trainings."""
    assert photos == tmp_path / "photos"
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    commands = [c for b in blocks for c in re.findall(r"^\$ (.*)$", b, re.MULTILINE)]
    assert len(commands) >= 2
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "preimage"
        words = ["tiny" if word == "small" else word for word in words]
        short = ["--steps", 4, "--encoder-steps", 4] if words[1] == "train" else []
        code, out, err = run(*words, *short)
        assert code == (1 if words[1] == "invert" else 0), err
        assert "torn.jpg" in err
        assert "written: " in out


def test_a_generator_is_trained_and_inverted(run: Run, photos: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in photos.rglob("*.png"):
            packed.write(file, file.relative_to(photos))
    short = ("--preset", "tiny", "--grey", "--steps", 3, "--encoder-steps", 3, "--device", "cpu")
    code, out, err = run("gan", "train", archive, "-o", "d.gan", *short)
    assert (code, "trained on 60 images" in out) == (0, True), err
    assert (tmp_path / "d.gan.run" / "generator" / "samples-0000003.png").is_file()
    code, out, err = run("gan", "invert", "d.gan", archive, "-o", "out", "--table", "parquet")
    assert (code, "60 images inverted" in out) == (1, True), err
    assert "empty.png: the file is empty" in err
    assert (tmp_path / "out" / "codes.parquet").is_file()
    again, _, err = run("gan", "invert", "d.gan", archive, "-o", "out")
    assert (again, "--force" in err) == (2, True)
    assert load(tmp_path / "d.gan").kind == "combined"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "photos"), "-o MODEL"),
        (("train", "photos", "-o", "m", "--preset", "smal"), "did you mean small?"),
        (("train", "photos", "-o", "m", "--encoder", "biggan"), "there is no encoder"),
        (("train", "nowhere", "-o", "m"), "nowhere"),
        (("train", "photos", "-o", "m", "--size", "40"), "power of two"),
        (("train", "photos", "-o", "photos"), "not empty"),
        (("invert", "m", "photos"), "-o DIR"),
        (("invert", "photos", "photos", "-o", "out"), "not a model"),
        (("invert", "alone.gan", "photos", "-o", "out"), "without an encoder"),
        (("invert", "s.gan", "photos", "-o", "out", "--table", "xls"), "there is no table"),
        (("invert", "s.gan", "photos", "-o", "out", "--device", "cuda9"), "cuda9"),
        (("invert", "s.gan", "photos", "-o", "out", "--refine", "-1"), "refine"),
    ],
)
def test_wrong_commands_are_explained(
    run: Run, photos: Path, words: tuple[str, ...], message: str
) -> None:
    LatentSearch(steps=1).fit(untrained()).save("s.gan")
    if "alone.gan" in words:
        from preimage.generators import DCGAN

        gan = DCGAN(latent=4, size=8, channels=1, width=4, steps=2, batch=4)
        gan.fit(digits()[:9]).save("alone.gan")
    code, _, err = run("gan", *words)
    assert (code, message in err) == (2, True), err
