"""Reading whatever is there, batches of one size, writing with names and depth, sheets."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from preimage.errors import DataError, InputError, OutputExistsError
from preimage.images import (
    Picture,
    open_images,
    output_path,
    read_place,
    sheet,
    write_picture,
    write_sheet,
    writing_pictures,
)

PHOTOS = load_sample_images().images


def save(array: np.ndarray, path: Path, mode: str | None = None, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two photographs, a grey digit, and everything that is found among photographs."""
    root = tmp_path / "album"
    save(PHOTOS[0], root / "china.png")
    save(PHOTOS[1], root / "trip" / "flower.jpg")
    digit = load_digits(return_X_y=True)[0][0].reshape(8, 8)
    save((digit * 15).astype(np.uint8), root / "digit.bmp")
    (root / "empty.jpg").touch()
    (root / "broken.png").write_bytes((root / "china.png").read_bytes()[:5000])
    (root / "words.jpg").write_text("these are words")
    (root / "notes.txt").write_text("a list")
    (root / ".hidden.png").touch()
    return root


def pack(folder: Path, path: Path, extra: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return path


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG by hand: headers that Pillow would not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_a_folder_gives_what_can_be_read_and_says_what_cannot(album: Path) -> None:
    images = open_images(album)
    stack = images.load(size=32)
    assert stack.names == ("china.png", "digit.bmp", "trip/flower.jpg")
    assert stack.pixels.shape == (3, 3, 32, 32)
    assert stack.pixels.dtype == torch.uint8
    assert set(stack.skipped) == {"empty.jpg", "broken.png", "words.jpg", "notes.txt"}
    assert stack.skipped["empty.jpg"] == "the file is empty"
    assert stack.skipped["broken.png"].startswith("damaged (")
    assert stack.skipped["words.jpg"].startswith("not an image")
    assert images.skipped == stack.skipped


def test_an_archive_gives_what_its_folder_gives(album: Path, tmp_path: Path) -> None:
    whole = open_images(album).load(size=32)
    packed = open_images(pack(album, tmp_path / "album.zip")).load(size=32)
    assert packed.names == whole.names
    assert packed.skipped.keys() == whole.skipped.keys()
    assert torch.equal(packed.pixels, whole.pixels)


@pytest.mark.parametrize("name", ["../out.png", "/root.png", "a/../../b.png", "c:evil.png"])
def test_a_member_that_would_leave_its_folder_is_left_out(
    album: Path, tmp_path: Path, name: str
) -> None:
    data = (album / "china.png").read_bytes()
    images = open_images(pack(album, tmp_path / "album.zip", {name: data}))
    assert name not in images.names
    assert "would leave the folder" in images.skipped[name]
    with pytest.raises(InputError, match="outside"):
        output_path(tmp_path / "out", name)


@given(st.lists(st.sampled_from(["..", ".", "a", "b.png", "", "\\", "C:"]), max_size=5))
def test_no_output_path_is_outside_of_its_folder(parts: list[str]) -> None:
    root = Path("/some/folder")
    try:
        path = output_path(root, "/".join(parts))
    except InputError:
        return
    assert path.resolve().is_relative_to(root)


def test_members_that_unpack_to_much_more_than_they_are_packed_in_are_left_out(
    album: Path, tmp_path: Path
) -> None:
    bomb = {"bomb.bmp": b"BM" + bytes(1 << 27)}
    images = open_images(pack(album, tmp_path / "album.zip", bomb))
    assert "it declares 134,217,730 bytes" in images.skipped["bomb.bmp"]


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_images_that_declare_too_many_pixels_are_passed_over(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png(side, side, 8, 2, b""))
    save(PHOTOS[0], tmp_path / "china.png")
    images = open_images(tmp_path)
    assert images.load(size=8).names == ("china.png",)
    assert "MAX_IMAGE_PIXELS" in images.skipped["bomb.png"]


@pytest.mark.parametrize(
    ("what", "needle"),
    [
        ("missing", "there is no folder, archive or file"),
        ("empty", "it is empty"),
        ("text", "1 other file"),
        ("bad.zip", "not a zip archive"),
        ("none.zip", "there is no image"),
    ],
)
def test_places_without_images_are_refused(tmp_path: Path, what: str, needle: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("a")
    (tmp_path / "bad.zip").write_text("PK")
    pack(tmp_path / "text", tmp_path / "none.zip")
    with pytest.raises(InputError, match=needle):
        open_images(tmp_path / what)


def test_where_nothing_can_be_read_that_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    images = open_images(tmp_path)
    with pytest.raises(InputError, match=r"none of the 1 images .* a.png: the file is empty"):
        images.load(size=8)
    with pytest.raises(DataError, match=r"a.png: the file is empty"):
        images.read("a.png")


def test_the_same_file_is_kept_once(album: Path) -> None:
    (album / "again.png").symlink_to(album / "china.png")
    (album / "loop").symlink_to(album)
    images = open_images(album)
    assert images.skipped["china.png"] == "the same file as again.png"
    assert len(images) == 6
    one = album / "china.png"
    assert open_images([one, one, album / "trip" / ".." / "china.png"]).names == ("china.png",)


def test_one_file_may_be_called_anything(album: Path) -> None:
    odd = (album / "china.png").rename(album / "china")
    assert open_images(odd).read("china").mode == "RGB"
    assert "china" in open_images(album).skipped


def test_files_are_named_from_the_folder_that_they_share(album: Path) -> None:
    images = open_images([album / "trip" / "flower.jpg", str(album / "china.png")])
    assert images.names == ("china.png", "trip/flower.jpg")
    with pytest.raises(InputError, match="is a folder"):
        open_images([album])
    with pytest.raises(InputError, match="there is no file"):
        open_images([album / "none.png"])


@pytest.mark.parametrize("batch", [1, 2, 3, 50])
@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_batches_do_not_depend_on_their_size(album: Path, batch: int, fit: str) -> None:
    images = open_images(album)
    stack = images.load(size=16, channels=1, fit=fit)  # pyright: ignore[reportArgumentType]
    found = list(images.batches(batch, size=16, channels=1, fit=fit))  # pyright: ignore[reportArgumentType]
    assert torch.equal(torch.cat([one.pixels for one in found]), stack.float())
    assert sum((one.names for one in found), ()) == stack.names
    assert all(len(one.names) == batch for one in found[:-1])


def test_sizes_must_agree_where_none_is_asked_for(album: Path) -> None:
    with pytest.raises(InputError, match=r"china.png is 640 × 427 and digit.bmp is 8 × 8"):
        open_images(album).load()
    assert open_images([album / "china.png"]).load().pixels.shape == (1, 3, 427, 640)


def test_a_crop_is_the_largest_central_part() -> None:
    ramp = np.zeros((1, 4, 10), np.uint8)
    ramp[0] = np.arange(10)
    images = open_images(ramp)
    assert images.load(size=4, channels=1).pixels[0, 0, 0].tolist() == [3, 4, 5, 6]
    assert images.load(size=(4, 10), channels=1).pixels[0, 0, 0].tolist() == list(range(10))
    assert images.load(size=(2, 4), channels=1).pixels.shape == (1, 1, 2, 4)


def test_shrinking_averages_instead_of_picking() -> None:
    stripes = np.zeros((1, 64, 64), np.uint8)
    stripes[:, ::2] = 255
    for given_ in (stripes, torch.from_numpy(stripes) / 255):
        small = open_images(given_).load(size=16, channels=1).float()
        assert (small[..., 4:12, :] - 0.5).abs().max() < 0.03


def modes() -> dict[str, tuple[Image.Image, list[float], int]]:
    """Images of one colour with what they look like: RGB or grey in [0, 1], on white."""
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 51))
    clear = Image.new("P", (4, 4), 1)
    clear.putpalette([0, 0, 0, 255, 0, 0])
    clear.info["transparency"] = 1
    deep = Image.fromarray(np.full((4, 4), 40000, np.uint16))
    return {
        "grey.png": (Image.new("L", (4, 4), 51), [0.2], 8),
        "bit.png": (Image.new("1", (4, 4), 1), [1.0], 8),
        "rgb.png": (red, [1, 0, 0], 8),
        "palette.png": (red.convert("P"), [1, 0, 0], 8),
        "clear.png": (clear, [1, 1, 1], 8),
        "alpha.png": (half, [1, 0.8, 0.8], 8),
        "alpha.webp": (half, [1, 0.8, 0.8], 8),
        "grey-alpha.png": (Image.new("LA", (4, 4), (0, 51)), [0.8], 8),
        "cmyk.tif": (Image.new("CMYK", (4, 4), (0, 255, 255, 0)), [1, 0, 0], 8),
        "lab.tif": (Image.new("LAB", (4, 4), (255, 128, 128)), [1, 1, 1], 8),
        "deep.png": (deep, [40000 / 65535], 16),
        "deep.tif": (deep, [40000 / 65535], 16),
        "real.tif": (Image.fromarray(np.full((4, 4), 0.3, np.float32)), [0.3], 16),
    }


@pytest.mark.parametrize("name", modes())
def test_modes_are_read_as_they_look(tmp_path: Path, name: str) -> None:
    image, looks, depth = modes()[name]
    image.save(tmp_path / name, lossless=True)
    picture = open_images(tmp_path).read(name)
    assert picture.depth == depth
    assert picture.pixels.mean(dim=(1, 2)).tolist() == pytest.approx(looks, abs=0.005)
    black = open_images(tmp_path, background=0.0).read(name).pixels
    if "alpha" not in name and "clear" not in name:
        assert torch.equal(black, picture.pixels)
    else:
        assert bool((black <= picture.pixels).all())
        assert not torch.equal(black, picture.pixels)


def test_mixed_modes_stand_in_one_batch(tmp_path: Path) -> None:
    for name, (image, _, _) in modes().items():
        image.save(tmp_path / name)
    stack = open_images(tmp_path).load(size=4)
    assert stack.skipped == {}
    assert stack.pixels.dtype == torch.float32
    deep = stack.pixels[stack.names.index("deep.png")]
    assert torch.allclose(deep, torch.tensor(40000 / 65535), atol=1e-6)


@pytest.mark.parametrize("numbers", [np.full((4, 4), 1.5, np.float32), np.full((4, 4), 1 << 20)])
def test_numbers_that_are_no_brightness_are_passed_over(
    tmp_path: Path, numbers: np.ndarray
) -> None:
    kind = np.float32 if numbers.dtype == np.float32 else np.int32
    Image.fromarray(numbers.astype(kind)).save(tmp_path / "odd.tif")
    save(PHOTOS[0], tmp_path / "china.png")
    images = open_images(tmp_path)
    images.load(size=4)
    assert "rescale it" in images.skipped["odd.tif"]


def test_orientation_is_applied(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    save(PHOTOS[0], tmp_path / "turned.png", exif=tags)
    picture = open_images(tmp_path).read("turned.png")
    assert torch.equal(
        picture.pixels, torch.from_numpy(np.rot90(PHOTOS[0], -1).copy()).permute(2, 0, 1) / 255
    )


def test_what_is_not_taken_over_is_noted(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + struct.pack(">6H", *[65535, 300, 0] * 2) for _ in range(2))
    (tmp_path / "deep.png").write_bytes(png(2, 2, 16, 2, rows))
    first, second = (Image.new("L", (4, 4), shade) for shade in (10, 20))
    first.save(tmp_path / "two.tif", save_all=True, append_images=[second])
    images = open_images(tmp_path)
    images.load(size=2)
    assert images.notes == {
        "deep.png": "16 bits a colour, read as 8",
        "two.tif": "the first of 2 frames",
    }


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64", "torch"])
@pytest.mark.parametrize("layout", ["grey", "last", "first"])
def test_arrays_are_read_in_each_layout(kind: str, layout: str) -> None:
    whole = np.stack([photo[:60, :80] for photo in PHOTOS])
    array = {"grey": whole[..., 0], "last": whole, "first": whole.transpose(0, 3, 1, 2)}[layout]
    same = {
        "uint8": array,
        "uint16": array.astype(np.uint16) * 257,
        "float32": array.astype(np.float32) / 255,
        "float64": array / 255,
        "torch": torch.from_numpy(array.copy()),
    }[kind]
    stack = open_images(same).load(channels=1 if layout == "grey" else 3)
    wanted = torch.from_numpy(array if layout != "last" else array.transpose(0, 3, 1, 2)).float()
    assert stack.names == ("0", "1")
    assert torch.allclose(stack.float() * 255, wanted.reshape(stack.pixels.shape), atol=1e-3)


@pytest.mark.parametrize(
    ("array", "needle"),
    [
        (np.zeros((8, 8)), r"image\[None\]"),
        (np.zeros((8, 8, 3)), r"image\[None\]"),
        (np.zeros((5, 4, 8, 8)), "1 or 3 channels"),
        (np.zeros((5, 3, 8, 3)), "first or last"),
        (np.zeros((0, 8, 8)), "the array is empty"),
        (np.full((1, 8, 8), 16.0), r"from 16 to 16"),
        (np.full((1, 8, 8), -1.0), r"\(images \+ 1\) / 2"),
        (np.full((1, 8, 8), np.nan), "not finite"),
        (np.zeros((1, 8, 8), np.int64), "torch.int64"),
        (object(), "a object cannot be read"),
        ([], "the list of files is empty"),
    ],
)
def test_arrays_that_are_no_images_are_refused(array: object, needle: str) -> None:
    with pytest.raises(InputError, match=needle):
        open_images(array)


@pytest.mark.parametrize("view", [{"size": 0}, {"size": (4, 0)}, {"size": 8, "channels": 2}])
def test_views_that_there_are_not_are_refused(view: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"size=0|size=\(4, 0\)|channels=2"):
        open_images(np.zeros((1, 8, 8))).load(**view)  # pyright: ignore[reportArgumentType]


def test_writing_keeps_names_and_depth(album: Path, tmp_path: Path) -> None:
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999).save(album / "deep.png")
    images = open_images(album)
    with writing_pictures(tmp_path / "out") as write:
        for name, picture in images.pictures():
            write(name, picture)
    again = open_images(tmp_path / "out")
    assert again.names == ("china.png", "deep.png", "digit.bmp", "trip/flower.jpg")
    assert again.skipped == {}
    for name in again.names:
        before, after = images.read(name), again.read(name)
        assert (after.depth, after.mode) == (before.depth, before.mode)
        exact = not name.endswith("jpg")
        assert torch.allclose(after.pixels, before.pixels, atol=1e-7 if exact else 0.1)


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    picture = Picture(torch.rand(3, 4, 4))
    write_picture(tmp_path / "a.png", picture)
    with pytest.raises(OutputExistsError):
        write_picture(tmp_path / "a.png", picture)
    with pytest.raises(OutputExistsError), writing_pictures(tmp_path) as write:
        write("a.png", picture)
    write_picture(tmp_path / "a.png", picture, force=True)
    with writing_pictures(tmp_path) as write:
        write("b", picture)
        with pytest.raises(InputError, match="two images"):
            write("b.png", picture)


@pytest.mark.parametrize(
    ("name", "shape", "depth", "needle"),
    [
        ("a.gif", (3, 4, 4), 8, "does not end in"),
        ("a.jpg", (1, 4, 4), 16, "cannot hold 16 bits"),
        ("a.png", (3, 4, 4), 16, "16 bits a colour"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    tmp_path: Path, name: str, shape: tuple[int, ...], depth: int, needle: str
) -> None:
    with pytest.raises(InputError, match=needle):
        write_picture(tmp_path / name, Picture(torch.rand(shape), depth))  # pyright: ignore[reportArgumentType]
    assert list(tmp_path.iterdir()) == []


def test_places_are_read_again(album: Path, tmp_path: Path) -> None:
    for source in (album, pack(album, tmp_path / "album.zip"), album / "china.png"):
        images = open_images(source)
        place = {entry.name: entry.place for entry in images.entries}["china.png"]
        assert torch.equal(read_place(place).pixels, images.read("china.png").pixels)
    (album / "china.png").unlink()
    with pytest.raises(DataError, match="there is no file"):
        read_place(str(album / "china.png"))
    (entry,) = open_images(np.zeros((1, 8, 8))).entries
    with pytest.raises(DataError, match="in memory"):
        read_place(entry.place)


def test_some_of_the_images(album: Path) -> None:
    images = open_images(album).only(["trip/flower.jpg", "china.png"])
    assert images.load(size=8).names == ("trip/flower.jpg", "china.png")
    assert images.skipped == {}
    with pytest.raises(InputError, match="not among"):
        images.only(["digit.bmp"])


def test_a_sheet_shows_each_pixel_where_it_belongs(tmp_path: Path) -> None:
    rows = [torch.rand(3, 3, 8, 8), torch.rand(2, 1, 8, 8)]
    drawn = sheet(rows, scale=2)
    assert drawn.shape == (2 + 2 * 18, 2 + 3 * 18, 3)
    cell = drawn[20:36, 20:36]
    assert np.array_equal(cell[::2, ::2, 0], np.rint(rows[1][1, 0].numpy() * 255))
    write_sheet(tmp_path / "sheet.png", rows, ["first", ["a", "b"]])
    written = np.asarray(Image.open(io.BytesIO((tmp_path / "sheet.png").read_bytes())))
    assert written[2:18].min() < 100
    with pytest.raises(InputError, match="2 rows and 1 captions"):
        sheet(rows, ["one"])
    with pytest.raises(InputError, match="of one size"):
        sheet([torch.rand(1, 1, 8, 8), torch.rand(1, 1, 9, 9)])
