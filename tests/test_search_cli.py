"""`preimage search`: what it prints, what it refuses, and what it leaves on disk."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from commands import Run, runner
from PIL import Image
from sklearn.datasets import load_sample_images


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder with an album, as the shell would."""
    monkeypatch.chdir(tmp_path)
    album = tmp_path / "album"
    album.mkdir()
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        for i in range(4):
            part = Image.fromarray(photo[60 * i : 60 * i + 200, 90 * i : 90 * i + 250])
            part.save(album / f"{name}{i}.png")
    Image.open(album / "china0.png").resize((120, 90)).save(album / "small.jpg")
    (album / "zero.png").touch()
    return runner(monkeypatch, capsys, "search")


@pytest.mark.parametrize("place", ["album.index", "album.db"])
def test_an_index_is_made_added_to_and_asked(run: Run, tmp_path: Path, place: str) -> None:
    made = run("index", "album", "-o", place, "--by", "phash")
    assert (made.code, made.err) == (0, "not read: zero.png: the file is empty\n")
    assert made.out == f"{place}: 9 new, 1 not read; 9 images by phash\n"
    with ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(tmp_path / "album" / "flower0.png", "more.png")
    assert "1 new; 10 images" in run("index", "more.zip", "-o", place, "--add").out
    assert "1 known already; 10 images" in run("index", "more.zip", "-o", place, "--add").out
    asked = run("query", place, "album/china0.png", "album/flower0.png", "-k", "2")
    assert (asked.code, asked.err) == (0, "")
    lines = [line.split() for line in asked.out.splitlines()]
    assert lines[0] == ["query", "rank", "distance", "image"]
    assert [line[-1] for line in lines[1:]] == [
        "china0.png",
        "small.jpg",
        "flower0.png",
        "more.png",
    ]
    again = run("index", "album", "-o", place, "--by", "phash")
    assert again.code == 2
    assert "--add" in again.err
    assert "9 images by dhash" in run("index", "album", "-o", place, "--force").out


def test_answers_go_to_tables_pages_and_programs(run: Run, tmp_path: Path) -> None:
    run("index", "album", "-o", "album.index")
    query = ("query", "album.index", "album/china0.png", "-k", "2")
    ran = run(*query, "-o", "found.csv", "--page", "found.html")
    assert ran.out == "written: found.csv\nwritten: found.html\n"
    rows = (tmp_path / "found.csv").read_text().splitlines()
    assert rows[0] == '"query","rank","image","distance","place"'
    assert len(rows) == 3
    assert (tmp_path / "found.html").read_text("utf-8").count("<img") == 3
    answer = json.loads(run(*query, "--json").out)
    assert [one["image"] for one in answer["queries"]["china0.png"]] == ["china0.png", "small.jpg"]
    assert run(*query, "-q").out == ""
    assert run(*query, "-o", "found.csv").code == 2


def test_a_query_that_cannot_be_read_makes_the_exit_code_one(run: Run) -> None:
    run("index", "album", "-o", "album.index")
    ran = run("query", "album.index", "album/china0.png", "album/zero.png")
    assert ran.code == 1
    assert "not read: zero.png" in ran.err
    assert run("query", "album.index", "album/zero.png").code == 2


def test_duplicates_of_a_folder_and_of_an_index(run: Run) -> None:
    ran = run("duplicates", "album")
    assert ran.code == 0
    assert "china0.png" in ran.out
    assert ran.out.endswith("2 of 9 images are in 1 group (by dhash, up to a distance of 2)\n")
    run("index", "album", "-o", "album.index", "--by", "colour")
    found = json.loads(run("duplicates", "album.index", "--threshold", "2", "--json").out)
    assert [len(some) for some in found["groups"]] == [9]
    none = run("duplicates", "album", "--threshold", "0", "--by", "phash", "-o", "none.csv")
    assert none.code == 0


@pytest.mark.parametrize(
    ("words", "needle"),
    [
        (("index", "nowhere", "-o", "x"), "there is no folder, archive or file nowhere"),
        (("index", "album", "-o", "x", "--by", "dash"), "did you mean dhash?"),
        (("index", "album", "-o", "x", "--by", "album"), "not a model"),
        (("index", "album", "-o", "x", "--sides", "both"), "--sides and --taken are for models"),
        (("index", "album", "-o", "x", "--add"), "is not an index"),
        (("index", "album", "-o", "x", "--add", "--force"), "one of them"),
        (("index", "album", "-o", "album"), "--add"),
        (("query", "album", "album/china0.png"), "is not an index of images"),
        (("query", "x.db", "album/china0.png"), "there is no index x.db"),
        (("query", "http://127.0.0.1:9", "album/china0.png"), "Check that the server runs"),
        (("query", "i", "nothing.png"), "nothing.png"),
        (("query", "i", "album/china0.png", "--by", "phash"), "another feature or another model"),
        (("query", "i", "album/china0.png", "--page", "x.pdf"), ".html"),
        (("query", "i", "album/china0.png", "-o", "x.xls"), ".csv"),
        (("query", "i", "album/china0.png", "-k", "0"), "-k"),
        (("duplicates", "i", "--threshold", "-1"), "threshold=-1"),
    ],
)
def test_wrong_use_is_explained_and_leaves_nothing(
    run: Run, tmp_path: Path, words: tuple[str, ...], needle: str
) -> None:
    run("index", "album", "-o", "i")
    ran = run(*words)
    assert ran.code == 2
    assert needle in ran.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["album", "i"]
