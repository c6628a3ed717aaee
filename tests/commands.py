"""Commands as the shell runs them, for tests."""

import sys
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import pytest

from preimage.cli import main


class Ran(NamedTuple):
    """What a command left: its exit code, what it printed, and what it complained of."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.out + self.err


Run: TypeAlias = Callable[..., Ran]


def runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *first: str) -> Run:
    """What runs commands that begin with these words, in the folder where the test is."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["preimage", *first, *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        return Ran(int(stop.value.code or 0), printed.out, printed.err)

    return run
