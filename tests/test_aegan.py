"""AEGAN's experiments, shortened, on digits."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from cluster_cases import here
from generator_cases import untrained
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from preimage.cluster.kept import Kept
from preimage.errors import DataError, InputError, OutputExistsError, StoreError
from preimage.generators import LatentSearch
from preimage.generators.maps import Maps
from preimage.images import Picture, write_picture
from preimage.papers.aegan.cells import Cell, Key
from preimage.papers.aegan.data import Faces, digits, photos, read_labels
from preimage.papers.aegan.descents import reached
from preimage.papers.aegan.measures import hash_similarity, psnr, ssim
from preimage.papers.aegan.models import Models
from preimage.papers.aegan.reproduce import MEASURES, Reproduction, check_place
from preimage.papers.aegan.searching import agreement, mirrored
from preimage.papers.aegan.sizes import SIZES
from preimage.papers.aegan.tables import TABLES
from preimage.search import ImageIndex, code_feature, open_index

SHORT = replace(
    SIZES["tiny"],
    gan_steps=30,
    encoder_steps=20,
    longer_steps=25,
    bigan_steps=10,
    codes=8,
    descents=4,
    calls=8,
)


def some_digits() -> Faces:
    """A few of them."""
    every = digits(16)
    assert every.known_labels is not None
    assert every.held_labels is not None
    return replace(
        every,
        known=every.known[:200],
        held=every.held[:40],
        known_labels=every.known_labels[:200],
        held_labels=every.held_labels[:40],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reproduction with trainings far too short to be any good."""
    place = tmp_path_factory.mktemp("aegan")
    run = Reproduction(size=SHORT, data=some_digits())
    assert run.measure(place) == len(MEASURES)
    run.write(place)
    return place


def test_everything_is_measured_once(folder: Path) -> None:
    assert Reproduction(size=SHORT, data=some_digits()).measure(folder) == 0


def test_tables_of_workers_are_the_same(folder: Path, tmp_path: Path) -> None:
    """They find the models in the folder, and each seed's tables go one after the other."""
    run, copy = Reproduction(size=SHORT, data=some_digits()), tmp_path / "copy"
    shutil.copytree(folder, copy)
    lines = (copy / "cells.jsonl").read_text("utf-8").splitlines(keepends=True)
    again = [line for line in lines if '"real"' in line or '"degrading"' in line]
    left = [line for line in lines if line not in again]
    (copy / "cells.jsonl").write_text("".join(left), "utf-8")
    with here() as cluster:
        assert run.measure(copy, on=cluster.scheduler_address) == len(again) == 2
    before, after = ({one.key: one for one in run.cells(place)} for place in (folder, copy))
    assert before == after


def test_page_holds_every_table_and_figure(folder: Path) -> None:
    page = (folder / "results.md").read_text("utf-8")
    for table in TABLES:
        assert f"### {table.title}" in page
    assert "Not measured" not in page
    for number in (2, 3, 4, 5):
        assert (folder / f"figure-{number}.png").exists()
        assert f"figure-{number}.png" in page
    assert "0.8266" in page


def test_record_is_json_with_every_cell(folder: Path) -> None:
    record = json.loads((folder / "results.json").read_text("utf-8"))
    assert {cell["table"] for cell in record["cells"]} == set(MEASURES)
    values = {cell["table"]: cell["values"] for cell in record["cells"]}
    assert values["reconstruction"]["best"]["dhash"] == 1
    assert values["searching"]["random"]["known1"] == pytest.approx(0.1, abs=0.02)
    # Refinement never makes an image worse, so neither does it on average.
    rows = values["reconstruction"]
    assert values["real"]["refined-longer"]["psnr"] >= values["real"]["refined"]["psnr"]
    assert rows["search-longer"]["psnr"] > rows["random"]["psnr"]


def test_models_are_kept_for_their_images(folder: Path) -> None:
    known = Models(folder / "models" / "seed-0", some_digits(), SHORT, 0)
    before = known.generator.sample(2)[1]
    again = Models(folder / "models" / "seed-0", some_digits(), SHORT, 0)
    assert torch.equal(again.generator.sample(2)[1], before)
    assert known.spent("gan").steps == SHORT.gan_steps


def test_results_from_elsewhere_stay(tmp_path: Path) -> None:
    (tmp_path / "results.md").write_text("mine", "utf-8")
    with pytest.raises(OutputExistsError, match="choose another folder"):
        check_place(tmp_path)
    with pytest.raises(InputError, match="1 or more"):
        Reproduction(size=SHORT, data=some_digits(), seeds=0)


def images(seed: int, n: int = 4) -> Tensor:
    return torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 1000))
def test_measures_know_equal_images(seed: int) -> None:
    a, b = images(seed), images(seed + 1)
    for measure, best in ((hash_similarity, 1.0), (psnr, 120.0), (ssim, 1.0)):
        assert torch.allclose(measure(a, a), torch.full((4,), best), atol=1e-4)
        assert torch.allclose(measure(a, b), measure(b, a), atol=1e-4)
        assert bool((measure(a, b) < best).all())


def test_psnr_of_a_known_difference() -> None:
    a = torch.full((1, 1, 8, 8), 0.5)
    assert float(psnr(a, a + 0.1)) == pytest.approx(20, abs=1e-3)


def test_reached_counts_calls_from_one() -> None:
    found = reached(torch.tensor([[1.0, 1.0], [0.01, 1.0], [0.001, 0.001]]), extra=5)
    # 35 dB is a residual of .0178: after 2 and after 3 calls; torch's median is the lower one.
    assert found["calls35"] == 7
    assert found["share35"] == 1
    never = reached(torch.ones(3, 4), extra=0)
    assert never["calls30"] is None
    assert never["share30"] == 0


def test_agreement_of_an_image_with_itself_and_with_its_opposite() -> None:
    codes = torch.arange(6.0)[:, None] * torch.ones(1, 3)
    labels = np.array([[1, 1], [-1, -1], [-1, 1], [1, -1], [1, 1], [1, 1]])
    assert agreement(codes, labels, codes, labels)[1] == 1
    assert agreement(codes, labels, codes, -labels)[1] == 0


@given(st.integers(0, 1000))
def test_mirrored_looks_do_not_see_mirroring(seed: int) -> None:
    look = mirrored(lambda batch: batch.flatten(1)[:, :20])
    assert torch.allclose(look(images(seed)), look(images(seed).flip(-1)))


@pytest.mark.parametrize("taken", ["codes", "maps"])
def test_both_sides_do_not_see_mirroring(
    folder: Path, tmp_path: Path, taken: Literal["codes", "maps"]
) -> None:
    model = folder / "models" / "seed-0" / "aegan"
    both, given = code_feature(model, sides="both", taken=taken), code_feature(model, taken=taken)
    x = images(0)
    assert torch.allclose(both(x), both(x.flip(-1)), atol=1e-5)
    assert not torch.allclose(given(x), given(x.flip(-1)), atol=1e-5)
    index = ImageIndex(feature=both)
    index.add(x)
    index.save(tmp_path / "index")
    assert open_index(tmp_path / "index").feature.fingerprint == both.fingerprint
    with pytest.raises(InputError):
        open_index(tmp_path / "index", feature=given)


def test_maps_want_a_network() -> None:
    with pytest.raises(InputError, match="no network"):
        Maps(LatentSearch(steps=1).fit(untrained()))


def celeba(folder: Path, n: int) -> Path:
    """A label file as CelebA has it."""
    path = folder / "labels.txt"
    rows = [f"{i:03}.png {1 if i % 2 else -1} -1" for i in range(n)]
    path.write_text("\n".join([str(n), "Odd Never", *rows]), "utf-8")
    return path


def test_photos_with_labels(tmp_path: Path) -> None:
    place = tmp_path / "photos"
    for i in range(100):
        write_picture(place / f"{i:03}.png", Picture(torch.full((3, 20, 16), i / 100)))
    data = photos(place, celeba(tmp_path, 100), 16)
    assert tuple(data.known.shape) == (89, 3, 16, 16)
    assert len(data.held) == 11
    assert data.held_labels is not None
    assert data.held_labels[:, 0].tolist() == [1 if i % 2 else -1 for i in range(89, 100)]
    with pytest.raises(DataError, match="no labels for 1 images"):
        photos(place, celeba(tmp_path, 99), 16)


def test_bad_label_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as labels"):
        read_labels(tmp_path / "none.txt")
    path = tmp_path / "odd.txt"
    path.write_text("1\na b\n1.png 1\n", "utf-8")
    with pytest.raises(InputError, match="2 names of labels"):
        read_labels(path)


def test_few_photos_are_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Picture(torch.zeros(3, 8, 8)))
    with pytest.raises(DataError, match="100 are the least"):
        photos(tmp_path, None, 16)


def test_kept_cells_survive_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    cell = Cell(Key("real", 0), {"row": {"psnr": 1.5, "calls": None}}, "1")
    Kept(path, Cell.from_json).add(cell)
    with path.open("a") as file:
        file.write('{"table": "re')
    again = Kept(path, Cell.from_json)
    assert list(again) == [cell]
    again.add(Cell(Key("real", 1), {}, "1"))
    assert len(Kept(path, Cell.from_json)) == 2
    path.write_text("nonsense\n", "utf-8")
    with pytest.raises(StoreError, match="line 1"):
        Kept(path, Cell.from_json)
