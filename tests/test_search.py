"""Similar images: neighbours are exact, features are what they say, indexes come back."""

import sys
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from preimage.cli.search import FEATURE_NAMES
from preimage.errors import InputError, MissingExtraError, OutputExistsError, StoreError
from preimage.generators import DCGAN, RegressionInverter
from preimage.images import Entry, open_images
from preimage.search import (
    FEATURES,
    CodeFeature,
    ColourHistogram,
    DHash,
    ImageIndex,
    Matches,
    PHash,
    code_feature,
    label_agreement,
    open_index,
)
from preimage.search.nearest import Exact
from preimage.search.vectors import InMemory

PHOTOS = load_sample_images().images
DATA, LABELS = load_digits(return_X_y=True)
DIGITS = (DATA.reshape(-1, 8, 8) / 16).astype(np.float32)
NEAREST = [DHash(), PHash(size=6), ColourHistogram(bins=4)]
COPIES = ("same.png", "small.jpg", "smaller.webp")


def cuts(photo: np.ndarray, count: int) -> list[np.ndarray]:
    """Parts of a photograph that overlap little."""
    draws = np.random.default_rng(0)
    corners = [(int(draws.integers(0, 300)), int(draws.integers(0, 500))) for _ in range(count)]
    return [photo[y : y + 120, x : x + 120] for y, x in corners]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Thirty parts of two photographs, and three copies of the first one."""
    root = tmp_path / "album"
    root.mkdir()
    parts = [part for photo in PHOTOS for part in cuts(photo, 15)]
    for i, part in enumerate(parts):
        Image.fromarray(part).save(root / f"part{i:02d}.png")
    (root / "copies").mkdir()
    Image.fromarray(parts[0]).save(root / "copies" / "small.jpg", quality=70)
    Image.fromarray(parts[0]).resize((90, 90)).save(root / "copies" / "smaller.webp")
    Image.fromarray(parts[0]).save(root / "copies" / "same.png")
    return root


@st.composite
def codes(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Codes with many ties, far from zero or not, and queries among them."""
    n, d = draw(st.integers(1, 60)), draw(st.integers(1, 20))
    seed = draw(st.integers(0, 10_000))
    source = np.random.default_rng(seed)
    offset = draw(st.sampled_from([0.0, 100.0]))
    if draw(st.booleans()):
        values = source.integers(0, 2, (n + 5, d)) + offset
    else:
        values = source.normal(size=(n + 5, d)) + offset
    both = torch.from_numpy(values.astype(np.float32))
    return both[:n], torch.cat([both[n:], both[: n // 2]]), draw(st.integers(1, n))


@given(codes())
def test_neighbours_are_those_of_a_full_sort(case: tuple[torch.Tensor, torch.Tensor, int]) -> None:
    rows, queries, k = case
    order = np.random.default_rng(1).permutation(len(rows))
    squared, found = Exact(rows, order).nearest(queries, k)
    gaps = queries.double().numpy()[:, None] - rows.double().numpy()[None]
    exact = np.square(gaps).sum(axis=2)
    for i in range(len(queries)):
        truth = np.lexsort((order, exact[i]))[:k]
        assert np.array_equal(found[i], truth)
        assert np.array_equal(squared[i], exact[i][truth])


@given(codes(), st.floats(0, 30))
def test_pairs_are_all_that_are_close(
    case: tuple[torch.Tensor, torch.Tensor, int], radius: float
) -> None:
    rows, _, _ = case
    exact = np.square(rows.double().numpy()[:, None] - rows.double().numpy()[None]).sum(axis=2)
    one, other = np.nonzero(np.triu(exact <= radius, k=1))
    parts = list(Exact(rows, np.arange(len(rows))).within(radius))
    found = [(a, b) for part in parts for a, b in zip(*part[:2], strict=True)]
    assert sorted(found) == sorted(zip(one, other, strict=True))


@pytest.mark.parametrize("parts", [1, 7, 1000])
def test_neighbours_do_not_depend_on_who_else_asks(
    parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = torch.randn(2000, 100, generator=torch.Generator().manual_seed(0))
    exact = Exact(rows, np.arange(2000))
    squared, found = exact.nearest(rows[:50], 9)
    monkeypatch.setattr("preimage.search.nearest.AT_ONCE", 2000 * parts)
    again = exact.nearest(rows[:50], 9)
    assert np.array_equal(squared, again[0])
    assert np.array_equal(found, again[1])


@pytest.mark.parametrize(
    ("feature", "reference"),
    [
        (DHash(), lambda image: imagehash.dhash(image)),
        (DHash(size=16), lambda image: imagehash.dhash(image, hash_size=16)),
        (PHash(), lambda image: imagehash.phash(image)),
        (PHash(size=16), lambda image: imagehash.phash(image, hash_size=16)),
    ],
)
def test_hashes_of_files_are_those_of_imagehash(album: Path, feature: Any, reference: Any) -> None:
    size, channels, fit = feature.view
    (batch,) = open_images(album).batches(99, size=size, channels=channels, fit=fit)
    found = feature(batch.pixels)
    for name, bits in zip(batch.names, found, strict=True):
        with Image.open(album / name) as image:
            assert np.array_equal(bits.numpy().astype(bool), reference(image).hash.reshape(-1))


def test_colours_are_counted_wherever_they_are() -> None:
    pixels = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    shuffled = pixels.flatten(2)[..., torch.randperm(64)].view_as(pixels)
    found = ColourHistogram(bins=4)(pixels)
    assert torch.equal(found, ColourHistogram(bins=4)(shuffled))
    assert torch.allclose(found.square().sum(dim=1), torch.ones(3))
    (counts, _) = np.histogramdd(pixels[0].flatten(1).T.numpy(), bins=4, range=[(0, 1)] * 3)
    assert np.allclose(found[0].square().numpy() * 64, counts.reshape(-1))


@pytest.mark.parametrize("feature", NEAREST, ids=lambda feature: feature.name)
@pytest.mark.parametrize("place", ["memory", "db"])
def test_a_query_finds_itself_then_its_copies(
    album: Path, tmp_path: Path, feature: Any, place: str
) -> None:
    index = ImageIndex(feature=feature, uri=None if place == "memory" else tmp_path / "album.db")
    assert index.add(album).new == 33
    found = index.query(album / "part00.png", k=4)
    near = dict(zip(found.names[0], found.distance[0].tolist(), strict=True))
    assert near["copies/same.png"] == near["part00.png"] == 0
    if feature.name != "colour":
        assert set(near) == {"part00.png", *(f"copies/{n}" for n in COPIES)}
    assert sorted(near.items(), key=lambda one: (one[1], one[0])) == list(near.items())


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_answers_depend_neither_on_batches_nor_on_order(album: Path, batch: int) -> None:
    index = ImageIndex(feature=PHash())
    index.add(album, batch=batch)
    images = open_images(album)
    whole = index.query(images, k=6, batch=batch)
    other = ImageIndex(feature=PHash())
    other.add(images.only(images.names[::-1]))
    turned = other.query(images.only(images.names[::-1]), k=6)
    assert turned.names == whole.names[::-1]
    assert np.array_equal(turned.distance, whole.distance[::-1])


def test_adding_again_adds_nothing(album: Path, tmp_path: Path) -> None:
    for uri in (None, str(tmp_path / "album.db")):
        index = ImageIndex(uri=uri)
        assert str(index.add(album)) == "33 new"
        assert str(index.add(album)) == "33 known already"
        (album / "zero.png").touch()
        assert str(index.add(album)) == "33 known already, 1 not read"
        (album / "zero.png").unlink()
        (album / "link.png").symlink_to(album / "part03.png")
        again = index.add([album / "link.png", album / "part03.png"])
        assert (again.new, again.known, again.skipped) == (
            0,
            1,
            {"part03.png": "the same file as link.png"},
        )
        (album / "link.png").unlink()
        assert len(index) == 33


def test_a_file_that_changed_is_looked_at_again(album: Path, tmp_path: Path) -> None:
    for i, uri in enumerate((None, str(tmp_path / "album.db"))):
        index = ImageIndex(uri=uri)
        index.add(album)
        Image.fromarray(cuts(PHOTOS[i], 40)[-1]).save(album / "part29.png")
        added = index.add(album)
        assert (added.changed, added.known, len(index)) == (1, 32, 33)
        assert index.query(album / "part29.png", k=1).distance.item() == 0


def test_arrays_are_told_apart_by_their_content() -> None:
    index = ImageIndex(feature=ColourHistogram())
    assert index.add(DIGITS[:10]).new == 10
    assert index.add(DIGITS[:20]).new == 20
    assert index.add(DIGITS[:20]).known == 20


@pytest.mark.parametrize("feature", NEAREST, ids=lambda feature: feature.name)
def test_save_then_load_gives_identical_answers(album: Path, tmp_path: Path, feature: Any) -> None:
    index = ImageIndex(feature=feature)
    index.add(album)
    index.save(tmp_path / "album.index")
    again = open_index(tmp_path / "album.index")
    assert again.feature == feature
    before, after = index.query(album, k=5), again.query(album, k=5)
    assert (before.names, before.entries) == (after.names, after.entries)
    assert np.array_equal(before.distance, after.distance)
    assert again.add(album).known == 33
    with pytest.raises(OutputExistsError):
        index.save(tmp_path / "album.index")


def test_milvus_answers_as_memory_does(album: Path, tmp_path: Path, server: str) -> None:
    memory = ImageIndex(feature=ColourHistogram())
    memory.add(album)
    wanted = memory.query(album, k=5)
    for uri in (str(tmp_path / "album.db"), server):
        index = ImageIndex(feature=ColourHistogram(), uri=uri)
        index.add(album)
        for one in (index, open_index(uri)):
            found = one.query(album, k=5)
            assert found.names == wanted.names
            assert np.array_equal(found.distance, wanted.distance)
            assert one.duplicates(0.3).groups == memory.duplicates(0.3).groups
        with pytest.raises(InputError, match="another feature or another model"):
            open_index(uri, feature=DHash()).query(album)
    index.save(tmp_path / "copy.index")
    assert open_index(tmp_path / "copy.index").query(album, k=5).names == wanted.names


def test_milvus_gives_everything_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preimage.search.milvus.PAGE", 20)
    index, memory = ImageIndex(uri=tmp_path / "digits.db"), ImageIndex()
    index.add(DIGITS[:100])
    memory.add(DIGITS[:100])
    (entries, vectors), (wanted, exact) = index.vectors.all(), memory.vectors.all()
    assert entries == wanted
    assert torch.equal(vectors, exact)


def test_many_vectors_in_a_file_are_searched_exactly_and_can_be_added_to(tmp_path: Path) -> None:
    from preimage.search import milvus

    values = torch.rand(12_000, 8, generator=torch.Generator().manual_seed(0))
    entries = [Entry(f"{i:05d}", f"/codes/{i:05d}", "") for i in range(len(values))]
    uri = str(tmp_path / "codes.db")
    memory = InMemory(8)
    client = milvus.connect(uri, None)
    stored = milvus.collection(client, uri, "codes", 8, {})
    for some in (slice(0, 11_000), slice(11_000, 12_000), slice(10_500, 11_500)):
        for one in (memory, stored):
            one.put(entries[some], values[some])
        found, wanted = stored.nearest(values[::600], 10), memory.nearest(values[::600], 10)
        assert found[0] == wanted[0]
        assert np.array_equal(found[1], wanted[1])
    assert len(stored) == 12_000
    client.close()


def test_duplicates_are_found_in_groups(album: Path) -> None:
    index = ImageIndex()
    index.add(album)
    found = index.duplicates()
    copies = ("copies/same.png", "copies/small.jpg", "copies/smaller.webp", "part00.png")
    assert found.groups == (copies,)
    assert found.by_image()["part00.png"][0] == "copies/same.png"
    assert set(found.by_image()) == set(copies)
    assert found.to_columns()["nearest"].tolist()[0] == 0
    everything = index.duplicates(64)
    assert [len(some) for some in everything.groups] == [33]
    assert len(everything.pairs) == 33 * 32 / 2
    assert "4 of 33 images are in 1 group (" in str(found)


def test_a_group_is_a_chain_and_pairs_are_direct() -> None:
    ramp = torch.zeros(3, 1, 4, 4)
    ramp[1, 0, 0], ramp[2, 0, :2] = 1, 1
    index = ImageIndex(feature=ColourHistogram(bins=2))
    index.add(ramp)
    found = index.duplicates(0.6)
    assert found.groups == (("0", "1", "2"),)
    assert found.by_image()["0"] == ["1"]
    assert index.duplicates(0.1).groups == ()


def test_images_of_one_name_are_told_apart(tmp_path: Path) -> None:
    index = ImageIndex()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(PHOTOS[0]).save(tmp_path / folder / "one.png")
        index.add(tmp_path / folder)
    assert len(index) == 2
    assert index.duplicates().groups == (
        (str(tmp_path / "a" / "one.png"), str(tmp_path / "b" / "one.png")),
    )


@pytest.mark.parametrize(
    ("do", "needle"),
    [
        (lambda index: index.query(DIGITS[:1]), "the index is empty"),
        (lambda index: index.duplicates(), "the index is empty"),
        (lambda index: index.query(DIGITS[:1], k=0), "k=0"),
        (lambda index: index.duplicates(-1.0), "threshold=-1"),
        (lambda index: DHash(size=1), "size=1"),
        (lambda index: ColourHistogram(bins=99), "bins=99"),
        (lambda index: ImageIndex(uri="album.sqlite").add(DIGITS[:1]), "neither a path"),
    ],
)
def test_wrong_use_is_explained(do: Any, needle: str) -> None:
    with pytest.raises(InputError, match=needle):
        do(ImageIndex())


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none", tmp_path / "none.db"):
        with pytest.raises(StoreError, match=r"no index|not an index"):
            open_index(place)
    with pytest.raises(StoreError, match="Check that the server runs"):
        open_index("http://127.0.0.1:9")


def test_fewer_images_than_asked_for_are_never_padded() -> None:
    index = ImageIndex()
    index.add(DIGITS[:3])
    found = index.query(DIGITS[:2], k=10)
    assert found.distance.shape == (2, 3)
    assert [len(names) for names in found.names] == [3, 3]


def test_queries_that_cannot_be_read_are_listed(album: Path) -> None:
    index = ImageIndex()
    index.add(album)
    (album / "zero.png").touch()
    found = index.query([album / "zero.png", album / "part01.png"], k=1)
    assert found.names == (("part01.png",),)
    assert found.skipped == {"zero.png": "the file is empty"}
    assert "zero.png: not read" in str(found)
    frame = found.to_frame("pandas")
    assert frame.columns.tolist() == ["query", "rank", "image", "distance", "place"]
    assert frame.image.tolist() == ["part01.png"]


class Average:
    """An encoder whose code is the mean of each colour."""

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.mean(dim=(2, 3)).reshape(-1, 3, 1)


def test_an_index_of_another_model_is_refused(album: Path, tmp_path: Path) -> None:
    mean = CodeFeature(Average(), (3, 32, 32), 3, "average")
    index = ImageIndex(feature=mean)
    index.add(album)
    index.save(tmp_path / "mean.index")
    again = open_index(tmp_path / "mean.index", feature=mean)
    assert again.query(album, k=3).names == index.query(album, k=3).names
    other = CodeFeature(Average(), (3, 32, 32), 3, "another")
    with pytest.raises(InputError, match="another model"):
        open_index(tmp_path / "mean.index", feature=other)
    with pytest.raises(InputError, match="pass feature="):
        open_index(tmp_path / "mean.index")
    with pytest.raises(InputError, match="give a threshold"):
        index.duplicates()
    wrong = CodeFeature(Average(), (3, 32, 32), 4, "average")
    with pytest.raises(InputError, match="4 numbers each"):
        ImageIndex(feature=wrong).add(album)


@pytest.mark.slow
def test_codes_of_a_generator_find_images(tmp_path: Path) -> None:
    gan = DCGAN(latent=10, size=16, channels=1, width=4, steps=20, device="cpu").fit(DIGITS)
    inverter = RegressionInverter(steps=20, width=4, device="cpu").fit(gan.generator_)
    inverter.save(tmp_path / "digits.gan")
    index = ImageIndex(feature=CodeFeature.of(inverter, model=str(tmp_path / "digits.gan")))
    index.add(DIGITS[:200])
    assert index.query(DIGITS[:20], k=1).names == tuple((f"{i:03d}",) for i in range(20))
    index.save(tmp_path / "digits.index")
    again = open_index(tmp_path / "digits.index")
    assert again.query(DIGITS[:20], k=5).names == index.query(DIGITS[:20], k=5).names
    RegressionInverter(steps=25, width=4, device="cpu").fit(gan.generator_).save(
        tmp_path / "digits.gan", force=True
    )
    with pytest.raises(InputError, match="another model"):
        open_index(tmp_path / "digits.index")


@pytest.mark.slow
def test_an_index_keeps_what_is_taken_of_a_model_that_moves(tmp_path: Path) -> None:
    gan = DCGAN(latent=10, size=16, channels=1, width=4, steps=20, device="cpu").fit(DIGITS)
    inverter = RegressionInverter(steps=20, width=4, device="cpu").fit(gan.generator_)
    inverter.save(tmp_path / "digits.gan")
    index = ImageIndex(feature=code_feature(tmp_path / "digits.gan", sides="both", taken="maps"))
    index.add(DIGITS[:200])
    index.save(tmp_path / "digits.index")
    (tmp_path / "digits.gan").rename(tmp_path / "moved.gan")
    with pytest.raises(InputError, match="is not there"):
        open_index(tmp_path / "digits.index")
    again = open_index(tmp_path / "digits.index", model=tmp_path / "moved.gan")
    mirrored = DIGITS[:20, ..., ::-1]
    assert again.query(mirrored, k=1).names == tuple((f"{i:03d}",) for i in range(20))


def test_a_page_shows_every_image_and_needs_nothing_else(album: Path, tmp_path: Path) -> None:
    (album / "part01.png").rename(album / "<b>&.png")
    (album / "zero.png").touch()
    index = ImageIndex()
    index.add(album)
    found = index.query([album / "<b>&.png", album / "part02.png", album / "zero.png"], k=3)
    (album / "part02.png").unlink()
    found.page(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert text.count("<figure") == 2 * 4
    assert text.count("not there to be shown") == 2
    assert "<b>&" not in text
    assert "zero.png: the file is empty" in text
    assert "http" not in text.replace("https://", "http://").split("base64")[0]
    with pytest.raises(OutputExistsError):
        found.page(tmp_path / "page.html")
    with pytest.raises(InputError, match=r"does not end in .html"):
        found.page(tmp_path / "page.pdf")


def test_images_in_memory_are_shown_if_given(tmp_path: Path) -> None:
    index = ImageIndex()
    index.add(DIGITS[:20])
    found = index.query(DIGITS[:3], k=2)
    found.page(tmp_path / "named.html")
    found.page(tmp_path / "shown.html", images=DIGITS[:20], queries=DIGITS[:3])
    assert (tmp_path / "named.html").read_text("utf-8").count("<img") == 0
    assert (tmp_path / "shown.html").read_text("utf-8").count("<img") == 9


def agreed(k: int, feature: Any = None) -> tuple[Matches, dict[str, list[int]]]:
    """Digits found by queries that are not in the index, and one label for each digit."""
    index = ImageIndex(feature=feature or DHash())
    images = open_images(DIGITS[:500])
    index.add(images)
    labels = {name: (LABELS[i] == np.arange(10)).tolist() for i, name in enumerate(images.names)}
    return index.query(images.only(images.names[:100]), k=k), labels


def test_agreement_is_between_random_and_best() -> None:
    found, labels = agreed(5)
    result = label_agreement(found, labels, among=list(labels))
    counts = np.bincount(LABELS[:500]) / 500
    same = counts[LABELS[:100]].mean()
    assert result.random == pytest.approx(1 - 0.2 * (1 - same), abs=1e-9)
    assert result.best == 1
    assert result.random < result.agreement < result.best
    assert result.by_label.mean() == pytest.approx(result.agreement)
    assert result.random_by_label.mean() == pytest.approx(result.random)
    assert result.error < 0.05


def test_best_possible_is_the_best_of_all_choices() -> None:
    found, labels = agreed(1)
    result = label_agreement(found, labels)
    wanted = {name: labels[name] for name in list(labels)[100:]}
    truth = [
        max(np.mean(np.equal(row, labels[query.name])) for row in wanted.values())
        for query in found.queries
    ]
    assert result.best == pytest.approx(np.mean(truth))


def test_labels_must_be_there() -> None:
    found, labels = agreed(1)
    with pytest.raises(InputError, match="'000' has no labels"):
        label_agreement(found, {k: v for k, v in labels.items() if k != "000"})
    with pytest.raises(InputError, match="as many"):
        label_agreement(found, {**labels, "001": [1]}, among=list(labels))


@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("imagehash", lambda path: ImageIndex().add(DIGITS[:1])),
        ("pymilvus", lambda path: ImageIndex(uri=path / "a.db").add(DIGITS[:1])),
        ("milvus_lite", lambda path: ImageIndex(uri=path / "a.db").add(DIGITS[:1])),
    ],
)
def test_what_is_not_installed_is_named(
    module: str, use: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"{module}.*preimage\[search\]"):
        use(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_names_the_features_that_there_are() -> None:
    assert tuple(FEATURES) == FEATURE_NAMES
