"""`preimage check` with programs, numbers and pages."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from commands import runner
from torch import nn

from preimage import Report

Run = Callable[..., tuple[int, str]]

FUNCTIONS = """
import torch
net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
def cubic(x): return x**3 - x
def double(x): return 2 * x
def half(y): return y / 2
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in a folder with functions and a program; gives its exit code and words."""
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    program = torch.export.export(
        nn.Sequential(nn.Linear(4, 4), nn.LeakyReLU()),
        (torch.ones(3, 4),),
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    torch.export.save(program, "net.pt2")
    Path("broken.pt2").write_bytes(b"nothing")

    command = runner(monkeypatch, capsys, "check")

    def ran(*words: str) -> tuple[int, str]:
        found = command(*words)
        return found.code, found.said

    return ran


def test_a_program_is_checked(run: Run) -> None:
    code, said = run("net.pt2", "--reals", "4", "-o", "report.json")
    assert code == 0
    assert "net.pt2, from R^4" in said
    assert "So it is invertible" in said
    from preimage import read_exported

    assert Report.load("report.json").recheck(read_exported("net.pt2"))


def test_numbers_and_the_round_trip_are_printed_and_saved(run: Run) -> None:
    words = ["functions.py:double", "--reals", "1", "--numerical", "float16"]
    code, said = run(*words, "--inverse", "functions.py:half")
    assert code == 0
    assert "under attack" in said
    assert "inputs in float16" in said
    code, said = run(*words, "--json")
    assert json.loads(said)["numerical"]["precision"] == "float16"


@pytest.mark.parametrize("domain", [["--box", "-2,2"], ["--reals", "1"]])
def test_a_page_is_written(run: Run, domain: list[str]) -> None:
    code, _ = run("functions.py:cubic", *domain, "--report", "page.html")
    assert code == 0
    assert "two points with one value" in Path("page.html").read_text("utf-8")
    code, said = run("functions.py:cubic", *domain, "--report", "page.html")
    assert code == 2
    assert "--force" in said


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["net.pt2", "--reals", "5"], "Reals((4,))"),
        (["broken.pt2", "--reals", "4"], "cannot be read"),
        (["missing.pt2", "--reals", "4"], "there is no file"),
        (["net.pt2"], "--reals"),
        (["net.pt2", "--reals", "4", "--report", "page.txt"], ".html"),
        (["net.pt2", "--reals", "4", "--inverse", "functions.py:half"], "--numerical"),
        (["net.pt2", "--reals", "4", "--numerical", "int4"], "precision"),
    ],
)
def test_wrong_use_is_explained(run: Run, words: list[str], wanted: str) -> None:
    code, said = run(*words)
    assert code != 0
    assert wanted in " ".join(said.split())
    assert "Traceback" not in said
