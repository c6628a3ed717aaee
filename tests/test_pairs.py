"""Pairs from folders, halves, volumes and arrays; and models on such files."""

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.nifti1 import Nifti1Image
from PIL import Image
from sklearn.datasets import load_sample_images
from typer.testing import CliRunner

from preimage.cli.app import app
from preimage.errors import DataError, InputError, OutputExistsError
from preimage.images import Picture, open_images, write_picture
from preimage.translation import Pairs, Pix2Pix, SelfInverse
from preimage.translation.evaluation import evaluate
from preimage.translation.kinds import Kind
from preimage.translation.metrics import scores
from preimage.translation.pairs.matching import match_names
from preimage.translation.pairs.volumes import read_volume
from preimage.translation.running import translate_files
from preimage.translation.segmentation import Confusion
from preimage.translation.sensitivity import sensitivity
from preimage.translation.volumes import translate_volume

TINY = SelfInverse(size=32, width=4, epochs=1.0, batch=4, norm="instance", device="cpu")

PHOTOS = [photo[::8, ::8] for photo in load_sample_images().images]


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def folders(tmp_path: Path, count: int = 4) -> tuple[Path, Path]:
    """Photographs and their negatives; JPEG on one side and PNG on the other."""
    for i in range(count):
        photo = PHOTOS[i % 2][i : i + 40, i : i + 48]
        write(tmp_path / "a" / "sub" / f"{i}.png", photo)
        write(tmp_path / "b" / "sub" / f"{i}.jpg", 255 - photo)
    return tmp_path / "a", tmp_path / "b"


def brain(path: Path, seed: int = 0, shape: tuple[int, int, int] = (40, 36, 10)) -> np.ndarray:
    """A ball with texture, empty at both ends, in 16-bit numbers with an affine."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    inside = np.sqrt((places**2).sum(axis=0)) < 0.8
    values = (inside * (300 + 200 * rng.random(shape))).astype(np.int16)
    affine = np.diag([0.7, 0.7, 3.0, 1.0])
    affine[:3, 3] = [1, 2, 3]
    path.parent.mkdir(parents=True, exist_ok=True)
    Nifti1Image(values, affine).to_filename(path)
    return values


def test_folders_are_matched_by_name_and_the_rest_listed(tmp_path: Path) -> None:
    a, b = folders(tmp_path)
    write(a / "lonely.png", PHOTOS[0])
    (b / "sub" / "5.jpg").write_bytes(b"")
    write(a / "sub" / "5.png", PHOTOS[0])
    write(a / "sub" / "6.png", PHOTOS[0])
    write(b / "sub" / "6.png", PHOTOS[0][:20])
    pairs = Pairs.from_folders(a, b)
    assert pairs.names == tuple(f"sub/{i}" for i in range(4))
    assert "side b" in pairs.skipped["lonely.png"]
    assert "empty" in pairs.skipped["sub/5.jpg"]
    assert "differ in size" in pairs.skipped["sub/6"]
    assert pairs.a[0].shape == (3, 40, 48)
    near = np.abs(pairs.a[0].astype(int) + pairs.b[0] - 255)
    assert near.mean() < 12


def test_side_by_side(tmp_path: Path) -> None:
    photo = PHOTOS[0][:40, :48]
    write(tmp_path / "x.png", np.concatenate([photo, 255 - photo], axis=1))
    write(tmp_path / "odd.png", photo[:, :47])
    pairs = Pairs.from_side_by_side(tmp_path)
    np.testing.assert_array_equal(pairs.a[0], 255 - pairs.b[0])
    assert "no half" in pairs.skipped["odd.png"]


def test_suffixes_in_one_folder() -> None:
    names = ["1.jpg", "1_label.png", "2.jpg", "2_label.png", "3.jpg"]
    match = match_names(names, names, ("", "_label"))
    assert match.names == ("1", "2")
    assert list(match.alone) == ["3.jpg"]
    assert match_names(["p_T1.nii.gz"], ["p_T2.nii.gz"], ("_T1", "_T2")).names == ("p",)
    with pytest.raises(InputError, match="no name"):
        match_names(["x.png"], ["y.png"])
    with pytest.raises(InputError, match="two images"):
        match_names(["x.png", "x.jpg"], ["x.png"])


def test_grey_and_deep_among_others_become_alike(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.png", PHOTOS[0][..., 0])
    write(tmp_path / "a" / "2.png", PHOTOS[0])
    write(tmp_path / "b" / "1.png", PHOTOS[0][..., 0])
    write(tmp_path / "b" / "2.png", PHOTOS[0][..., 0].astype(np.uint16) * 257)
    pairs = Pairs.from_folders(tmp_path / "a", tmp_path / "b")
    assert [(kind.channels, kind.depth) for kind in pairs.kinds] == [(3, 8), (1, 16)]
    np.testing.assert_array_equal(pairs.b[0], pairs.b[1])


PALETTE = [(0, 0, 0), (200, 30, 30), (30, 30, 200)]


def test_label_maps_in_colours_and_in_numbers(tmp_path: Path) -> None:
    labels = np.indices((40, 48)).sum(axis=0).astype(np.uint8) % 3
    colours = np.array(PALETTE, np.uint8)[labels]
    write(tmp_path / "a" / "1.png", PHOTOS[0][:40, :48])
    write(tmp_path / "a" / "2.png", PHOTOS[0][:40, :48])
    write(tmp_path / "a" / "3.png", PHOTOS[0][:40, :48])
    write(tmp_path / "b" / "1.png", labels)
    write(tmp_path / "b" / "2.png", colours)
    stray = colours.copy()
    stray[0, 1] = 199, 33, 33
    write(tmp_path / "b" / "3.png", stray)
    pairs = Pairs.from_folders(tmp_path / "a", tmp_path / "b", palette_b=PALETTE)
    np.testing.assert_array_equal(pairs.b[0], pairs.b[1])
    assert "(199, 33, 33)" in pairs.skipped["3.png"]
    near = Pairs.from_folders(tmp_path / "a", tmp_path / "b", palette_b=PALETTE, stray="nearest")
    np.testing.assert_array_equal(near.b[2], near.b[1])
    kind = pairs.kinds[1]
    found = kind.labels(torch.from_numpy(near.b[0] / np.float32(255))[None])
    np.testing.assert_array_equal(found[0], labels)
    with pytest.raises(InputError, match="label 7"):
        Pairs.from_arrays(labels[None], labels[None] + 5, palette_b=PALETTE)
    for wrong in ([(0, 0)], [(0, 0, 300), (0, 0, 1)], [(0, 0, 0), (0, 0, 0)]):
        with pytest.raises(InputError):
            Pairs.from_arrays(labels[None], labels[None], palette_b=wrong)


def test_arrays_that_are_no_pairs() -> None:
    good = np.zeros((2, 3, 8, 8), np.uint8)
    for a, b in (
        (good, good[:1]),
        (good, np.zeros((2, 3, 8, 9), np.uint8)),
        (good, good.astype(np.int64)),
        (good, good.astype(float) + 2),
        (good, good[0, 0]),
        (good, np.full((2, 1, 8, 8), np.nan)),
    ):
        with pytest.raises(InputError):
            Pairs.from_arrays(a, b)


def test_split_tears_no_volume_apart(tmp_path: Path) -> None:
    for i in range(3):
        brain(tmp_path / f"{i}_T1.nii.gz", i)
        brain(tmp_path / f"{i}_T2.nii.gz", i + 9)
    pairs = Pairs.from_volumes(
        [(tmp_path / f"{i}_T1.nii.gz", tmp_path / f"{i}_T2.nii.gz") for i in range(3)]
    )
    train, held = pairs.split(0.3)
    assert not set(train.groups) & set(held.groups)
    assert len(set(held.groups)) == 1
    assert len(train) + len(held) == len(pairs)
    with pytest.raises(InputError, match="one group"):
        held.split(0.5)


def test_volumes_are_cut_and_scaled(tmp_path: Path) -> None:
    values = brain(tmp_path / "x_T1.nii.gz")
    brain(tmp_path / "x_T2.nii.gz", 1)
    both = [(tmp_path / "x_T1.nii.gz", tmp_path / "x_T2.nii.gz")]
    pairs = Pairs.from_volumes(both)
    assert [name.rsplit(":")[-1] for name in pairs.names] == [str(i) for i in range(2, 8)]
    window = pairs.kinds[0].window
    assert window is not None
    assert window[0] == 0
    assert window[1] == pytest.approx(1.25 * float(np.percentile(values[values > 0], 99)))
    restored = pairs.a[2][0] / 65535 * window[1]
    np.testing.assert_allclose(restored, values[..., 4].clip(max=window[1]), atol=0.01)
    thick = Pairs.from_volumes(both, neighbours=1)
    np.testing.assert_array_equal(thick.a[2][2], pairs.a[3][0])
    assert Pairs.from_volumes(both, axis=0).a[0].shape == (1, 36, 10)


def test_volumes_that_do_not_fit(tmp_path: Path) -> None:
    one, two = tmp_path / "1.nii.gz", tmp_path / "2.nii.gz"
    brain(one)
    brain(two, shape=(40, 36, 12))
    with pytest.raises(InputError, match=r"\(40, 36, 10\)(.|\n)*\(40, 36, 12\)(.|\n)*resample"):
        Pairs.from_volumes([(one, two)])
    assert len(Pairs.from_volumes([(one, two)], misfit="resample"))
    Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_filename(two)
    with pytest.raises(InputError, match="constant"):
        Pairs.from_volumes([(two, two)])
    two.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_volume(two)
    pairs = Pairs.from_volumes([(one, two), (one, one)])
    assert "cannot be read" in next(iter(pairs.skipped.values()))


@pytest.mark.parametrize("neighbours", [0, 1])
def test_a_volume_keeps_affine_header_and_type(tmp_path: Path, neighbours: int) -> None:
    values = brain(tmp_path / "T1.nii.gz")
    brain(tmp_path / "T2.nii.gz", 1)
    pairs = Pairs.from_volumes(
        [(tmp_path / "T1.nii.gz", tmp_path / "T2.nii.gz")], neighbours=neighbours
    )
    model = replace(TINY).fit(pairs)
    translate_volume(model, tmp_path / "T1.nii.gz", tmp_path / "new.nii.gz", source="a")
    before, after = (Nifti1Image.load(tmp_path / name) for name in ("T1.nii.gz", "new.nii.gz"))
    np.testing.assert_array_equal(after.affine, before.affine)
    assert after.get_data_dtype() == np.int16
    assert after.header.get_zooms() == before.header.get_zooms()
    found = np.asarray(after.dataobj)
    assert found.shape == values.shape
    window = pairs.kinds[1].window
    assert window is not None
    assert (found[..., 0] == round(window[0])).all()
    middle = model.raw(torch.from_numpy(pairs.a[3].astype(np.float32) / 65535)[None], "a")
    low, high = window
    wanted = low + middle[0, neighbours].clamp(0, 1).numpy() * (high - low)
    np.testing.assert_allclose(found[..., 5], wanted, atol=0.51)
    with pytest.raises(OutputExistsError):
        translate_volume(model, tmp_path / "T1.nii.gz", tmp_path / "new.nii.gz", source="a")
    with pytest.raises(InputError, match="--from"):
        translate_files(model, tmp_path / "T1.nii.gz", tmp_path / "out.nii.gz")


def test_files_keep_names_sizes_and_depths(tmp_path: Path) -> None:
    a, b = folders(tmp_path)
    model = replace(TINY).fit(Pairs.from_folders(a, b))
    write(a / "large.png", PHOTOS[0])
    write(a / "grey.png", PHOTOS[0][..., 0])
    (a / "broken.png").write_bytes(b"no image")
    done = translate_files(model, a, tmp_path / "out")
    out = open_images(tmp_path / "out")
    assert out.names == ("grey.png", "large.png", *(f"sub/{i}.png" for i in range(4)))
    assert out.read("large.png").pixels.shape[1:] == PHOTOS[0].shape[:2]
    assert set(done.skipped) == {"broken.png"}
    answer = model(PHOTOS[0].transpose(2, 0, 1)[None])
    whole = np.rint(out.read("large.png").pixels.numpy() * 255)
    assert np.abs(whole - answer[0]).max() <= 1
    with pytest.raises(InputError, match="next run"):
        translate_files(model, a, a)
    with pytest.raises(InputError, match="next run"):
        translate_files(model, a, a / "out")
    with pytest.raises(OutputExistsError):
        translate_files(model, a, tmp_path / "out")
    one = translate_files(model, a / "large.png", tmp_path / "one.tif")
    assert one.written == [tmp_path / "one.tif"]


def test_sixteen_bits_stay_and_a_wrong_image_is_skipped(tmp_path: Path) -> None:
    deep = torch.rand(1, 40, 48, generator=torch.Generator().manual_seed(0))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            write_picture(tmp_path / name / f"{i}.tif", Picture(deep, 16))
    model = replace(TINY).fit(Pairs.from_folders(tmp_path / "a", tmp_path / "b"))
    write(tmp_path / "a" / "colour.png", PHOTOS[0])
    done = translate_files(model, tmp_path / "a", tmp_path / "out")
    assert "3 channels" in done.skipped["colour.png"]
    assert open_images(tmp_path / "out").read("1.tif").depth == 16


def test_label_maps_are_never_written_lossy(tmp_path: Path) -> None:
    labels = np.indices((40, 48)).sum(axis=0).astype(np.uint8) % 3
    for i in (1, 2):
        write(tmp_path / "a" / f"{i}.jpg", PHOTOS[0][:40, :48])
        write(tmp_path / "b" / f"{i}.png", labels)
    pairs = Pairs.from_folders(tmp_path / "a", tmp_path / "b", palette_b=PALETTE)
    model = replace(TINY).fit(pairs)
    done = translate_files(model, tmp_path / "a", tmp_path / "out", source="a")
    assert done.written == [tmp_path / "out" / f"{i}.png" for i in (1, 2)]
    pixels = np.asarray(Image.open(done.written[0])).reshape(-1, 3)
    assert {tuple(colour) for colour in pixels.tolist()} <= set(PALETTE)
    back = translate_files(model, tmp_path / "b", tmp_path / "back", source="b")
    assert back.written[0].exists()


def test_no_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = folders(tmp_path)
    model = replace(TINY).fit(Pairs.from_folders(a, b))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("preimage.images.writing.write_picture", full)
    with pytest.raises(InputError, match="No space left"):
        translate_files(model, a, tmp_path / "out")


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(0, 4))
def test_channels_repeat_and_come_back(channels: int, more: int) -> None:
    kind = Kind(channels=channels)
    pixels = torch.rand(2, channels, 3, 3, generator=torch.Generator().manual_seed(0))
    x = kind.to_network(pixels, channels + more)
    assert x.shape[1] == channels + more
    torch.testing.assert_close(kind.from_network(x), pixels)
    assert Kind.from_config(json.loads(json.dumps(kind.to_config()))) == kind


def test_scores_by_hand() -> None:
    right = torch.full((2, 1, 16, 16), 0.5)
    found = right.clone()
    found[1] += 0.1
    by = scores(found, right)
    assert by.psnr.tolist() == pytest.approx([100.0, 20.0], abs=1e-3)
    assert by.l1.tolist() == pytest.approx([0.0, 0.1], abs=1e-6)
    assert float(by.ssim[0]) == pytest.approx(1.0, abs=1e-5)
    assert float(scores(found * 2 - 1, right * 2 - 1).psnr[1]) == pytest.approx(20 - 6.02, abs=0.01)
    with pytest.raises(InputError):
        scores(found, right[:1])
    with pytest.raises(InputError, match="11"):
        scores(found[..., :5], right[..., :5])


@settings(max_examples=30)
@given(st.integers(0, 999))
def test_confusion_is_what_counting_gives(seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, 3, (2, 6, 6), generator=draws)
    found = torch.randint(0, 4, (2, 6, 6), generator=draws)
    total = Confusion.empty(4).add(found[:1], truth[:1]).add(found[1:], truth[1:])
    assert total.pixel_accuracy == pytest.approx(float((found == truth).double().mean()))
    there = [k for k in range(4) if (truth == k).any()]
    ious = [
        float(((found == k) & (truth == k)).sum() / ((found == k) | (truth == k)).sum())
        for k in there
    ]
    assert total.iou == pytest.approx(float(np.mean(ious)))
    ignored = Confusion.empty(4).add(found, truth, ignored=(0,))
    assert int(ignored.counts.sum()) == int((truth != 0).sum())


def test_evaluation_and_sensitivity() -> None:
    photos = np.stack([PHOTOS[i % 2][i : i + 40, i : i + 48] for i in range(6)])
    photos = photos.transpose(0, 3, 1, 2)
    labels = (photos.mean(axis=1) > 110).astype(np.uint8)
    pairs = Pairs.from_arrays(photos, labels, palette_b=PALETTE[:2])
    model = replace(TINY, core="involution").fit(pairs)
    other = Pix2Pix(size=32, width=4, epochs=1.0, device="cpu").fit(pairs)
    found = evaluate(model, pairs)
    summary = found.summary()
    assert set(summary) == {"a to b", "b to a"}
    assert "iou" in summary["a to b"]
    assert "iou" not in summary["b to a"]
    assert summary["a to b"]["round trip psnr"] > 100
    assert len(found.rows()) == 12
    made = model(photos[:1], source="a") / 255
    wanted = scores(
        torch.from_numpy(made).float(), torch.from_numpy(pairs.b[0] / 255)[None].float()
    )
    assert float(found.scores["a"].psnr[0]) == pytest.approx(float(wanted.psnr[0]), abs=0.05)
    changes = sensitivity({"one": model, "two": other}, other, pairs)
    assert set(changes) == {"one", "two"}
    assert changes["two"]["a"].changes()["psnr each"] >= changes["two"]["a"].changes()["psnr"]
    # Where the baseline is perfect there is no perturbation, and no change: an involution that has
    # learned nothing swaps pixels, and so returns each image of these pairs exactly.
    swap = replace(TINY, core="involution", adversarial=0.0, learning_rate=1e-12).fit(pairs)
    swapped = Pairs.from_arrays(photos, swap(photos))
    same = sensitivity({"one": model}, swap, swapped)
    assert max(same["one"]["b"].changes().values()) == pytest.approx(0, abs=1e-3)


def test_command_line(tmp_path: Path) -> None:
    a, b = folders(tmp_path)
    run = CliRunner().invoke
    model = str(tmp_path / "m.model")
    words = ["--a", str(a), "--b", str(b)]
    tiny = ["--set", "size=32", "--set", "width=4", "--set", "epochs=1", "--device", "cpu"]
    train = ["translate", "train", *words, *tiny, "-o"]
    done = run(app, [*train, model, "--hold-out", "0.25"])
    assert done.exit_code == 0, done.output
    assert "4 pairs" in done.output
    assert (tmp_path / "m.model.run" / "log.jsonl").is_file()
    assert list((tmp_path / "m.model.run" / "sheets").iterdir())
    other = str(tmp_path / "p.model")
    done = run(app, [*train, other, "--method", "pix2pix", "--preset", "paper-small"])
    assert done.exit_code == 0, done.output
    (a / "broken.png").write_bytes(b"")
    done = run(app, ["translate", "run", model, str(a), "-o", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "broken.png" in done.output
    assert len(list((tmp_path / "out" / "sub").iterdir())) == 4
    scored = ["translate", "evaluate", model, *words, "-o", str(tmp_path / "s.json")]
    done = run(app, scored)
    assert done.exit_code == 0, done.output
    assert "psnr" in done.output
    assert len(json.loads((tmp_path / "s.json").read_text())["images"]) == 8
    done = run(app, ["translate", "sensitivity", model, "--baseline", other, *words])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--a", "x"], "-o"),
        (["train", "--a", "x", "-o", "m"], "--b"),
        (["train", "--a", "x", "--b", "y", "-o", "m"], "no folder"),
        (["train", "--a", "x", "--b", "y", "-o", "m", "--preset", "smal"], "preset"),
        (["train", "--a", "x", "--b", "y", "-o", "m", "--method", "pix"], "method"),
        (["train", "--a", "x", "--b", "y", "-o", "m", "--set", "wdth=3"], "width"),
        (["run", "m", "x"], "-o"),
        (["run", "m", "x", "-o", "x"], "next run"),
        (["run", "m", "x", "-o", "y", "--from", "c"], "--from"),
        (["run", "m", "x", "-o", "y"], "model"),
    ],
)
def test_wrong_words(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["translate", *words])
    assert done.exit_code != 0
    assert message in str(done.exception) + done.output


def test_volumes_by_the_command_line(tmp_path: Path) -> None:
    for i in range(2):
        brain(tmp_path / "scans" / f"{i}_T1.nii.gz", i)
        brain(tmp_path / "scans" / f"{i}_T2.nii.gz", i + 9)
    brain(tmp_path / "scans" / "5_T1.nii.gz")
    scans = str(tmp_path / "scans")
    words = ["--a", scans, "--b", scans, "--suffix-a", "_T1", "--suffix-b", "_T2"]
    tiny = ["--set", "size=32", "--set", "width=4", "--set", "epochs=0.2", "--device", "cpu"]
    model = str(tmp_path / "m.model")
    done = CliRunner().invoke(app, ["translate", "train", *words, *tiny, "-o", model])
    assert done.exit_code == 0, done.output
    assert "5_T1" in done.output
    shutil.move(tmp_path / "scans" / "5_T1.nii.gz", tmp_path / "new.nii.gz")
    arguments = ["translate", "run", model, str(tmp_path / "new.nii.gz"), "--from", "a"]
    done = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "t2.nii")])
    assert done.exit_code == 0, done.output
    assert Nifti1Image.load(tmp_path / "t2.nii").shape == (40, 36, 10)
    # How names end is known to the model, and is not typed again.
    done = CliRunner().invoke(app, ["translate", "evaluate", model, "--a", scans, "--b", scans])
    assert done.exit_code == 0, done.output
    assert "12 pairs" in done.output
    with gzip.open(tmp_path / "new.nii.gz") as file:
        assert file.read(4)
