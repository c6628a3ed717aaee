"""Outputs appear whole or not at all."""

import os
from pathlib import Path

import pytest

from preimage.errors import InputError, OutputExistsError
from preimage.files import writing_file, writing_folder

OURS = '{"format": 1, "preimage": "0.1"}'


def fill(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(OURS)
    (folder / "data.txt").write_text(text)


def half_a_file(target: Path, failure: type[BaseException]) -> None:
    with writing_file(target, force=True) as aside:
        aside.write_text("half a")
        raise failure


def half_a_folder(target: Path, failure: type[BaseException]) -> None:
    with writing_folder(target, force=True) as aside:
        fill(aside, "half a")
        raise failure


def two_writers(target: Path) -> None:
    with writing_file(target) as aside:
        aside.write_text("mine")
        target.write_text("theirs")


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path):
    target = tmp_path / "new" / "folder" / "answers.csv"
    with writing_file(target) as aside:
        aside.write_text("x\n1\n")
        assert not target.exists()
        assert (aside.parent, aside.suffix) == (target.parent, ".csv")
    assert target.read_text() == "x\n1\n"
    assert list(target.parent.iterdir()) == [target]


def test_a_written_file_has_the_usual_permissions(tmp_path: Path):
    (tmp_path / "plain").write_text("")
    with writing_file(tmp_path / "aside") as aside:
        aside.write_text("")
    assert (tmp_path / "aside").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [None, "before"])
def test_a_crash_leaves_the_file_as_it_was(tmp_path: Path, before, failure):
    target = tmp_path / "answers.csv"
    if before is not None:
        target.write_text(before)
    with pytest.raises(failure):
        half_a_file(target, failure)
    assert [file.read_text() for file in tmp_path.iterdir()] == ([before] if before else [])


def test_a_file_is_replaced_only_on_request(tmp_path: Path):
    target = tmp_path / "answers.csv"
    target.write_text("before")
    with (
        pytest.raises(OutputExistsError, match=r"answers\.csv exists already.*--force"),
        writing_file(target),
    ):
        pytest.fail("the block ran")
    assert target.read_text() == "before"
    with writing_file(target, force=True) as aside:
        aside.write_text("after")
    assert target.read_text() == "after"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path):
    target = tmp_path / "answers.csv"
    with pytest.raises(OutputExistsError):
        two_writers(target)
    assert target.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_is_written_through(tmp_path: Path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("before")
    link.symlink_to(real)
    with writing_file(link, force=True) as aside:
        aside.write_text("after")
    assert link.is_symlink()
    assert real.read_text() == "after"


def test_a_file_does_not_take_the_place_of_a_folder_or_a_device(tmp_path: Path):
    with pytest.raises(InputError, match="is a folder"), writing_file(tmp_path, force=True):
        pytest.fail("the block ran")
    with (
        pytest.raises(InputError, match="not a regular file"),
        writing_file(os.devnull, force=True),
    ):
        pytest.fail("the block ran")


@pytest.mark.parametrize("writing", [writing_file, writing_folder])
def test_a_parent_that_is_a_file_is_a_clear_error(tmp_path: Path, writing):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="its folder cannot be created"),
        writing(tmp_path / "file" / "answers.csv"),
    ):
        pytest.fail("the block ran")


@pytest.mark.parametrize("writing", [writing_file, writing_folder])
def test_a_folder_without_write_permission_is_a_clear_error(tmp_path: Path, writing, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with (
        pytest.raises(InputError, match="read-only for you"),
        writing(tmp_path / "answers"),
    ):
        pytest.fail("the block ran")


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path):
    target = tmp_path / "models" / "arm"
    with writing_folder(target) as aside:
        fill(aside, "whole")
        assert not target.exists()
    assert (target / "data.txt").read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_crash_leaves_the_folder_as_it_was(tmp_path: Path, failure):
    target = tmp_path / "arm"
    target.mkdir()
    fill(target, "before")
    with pytest.raises(failure):
        half_a_folder(target, failure)
    assert (target / "data.txt").read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_only_on_request_and_then_wholly(tmp_path: Path):
    target = tmp_path / "arm"
    target.mkdir()
    fill(target, "before")
    (target / "extra.txt").write_text("of the old model")
    with (
        pytest.raises(OutputExistsError, match=r"arm exists already.*--force"),
        writing_folder(target),
    ):
        pytest.fail("the block ran")
    with writing_folder(target, force=True) as aside:
        fill(aside, "after")
    assert sorted(file.name for file in target.iterdir()) == ["config.json", "data.txt"]
    assert (target / "data.txt").read_text() == "after"
    assert list(tmp_path.iterdir()) == [target]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path: Path):
    target = tmp_path / "arm"
    target.mkdir()
    fill(target, "before")
    with pytest.raises(FileNotFoundError), writing_folder(target, force=True) as aside:
        aside.rmdir()
    assert (target / "data.txt").read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_an_empty_folder_may_be_filled(tmp_path: Path):
    with writing_folder(tmp_path / "arm") as aside:
        fill(aside, "whole")
    (tmp_path / "empty").mkdir()
    with writing_folder(tmp_path / "empty") as aside:
        fill(aside, "whole")
    assert (tmp_path / "empty" / "data.txt").read_text() == "whole"


@pytest.mark.parametrize("config", [None, '{"name": "my web site"}'])
def test_somebody_elses_folder_is_never_replaced(tmp_path: Path, config):
    (tmp_path / "thesis.tex").write_text("years of work")
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with (
        pytest.raises(InputError, match="does not look like one that preimage wrote"),
        writing_folder(tmp_path, force=True),
    ):
        pytest.fail("the block ran")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_does_not_take_the_place_of_a_file(tmp_path: Path):
    (tmp_path / "arm").write_text("")
    with (
        pytest.raises(InputError, match="is a file"),
        writing_folder(tmp_path / "arm", force=True),
    ):
        pytest.fail("the block ran")
