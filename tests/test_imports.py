"""What `import preimage` and `preimage --help` leave alone."""

import subprocess
import sys

import pytest

import preimage

HEAVY = ("accelerate", "matplotlib", "pandas", "polars", "pyarrow", "scipy", "sklearn", "torch")


def loaded_by(code: str) -> set[str]:
    """The heavy modules that a fresh interpreter has loaded after `code`."""
    report = f"import sys; print('LOADED', *sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_check_sees_a_heavy_import() -> None:
    assert "scipy" in loaded_by("import scipy")


@pytest.mark.parametrize("module", ["preimage", "preimage.cli"])
def test_import_is_light(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["invert", "--help"], ["search", "query", "--help"]]
)
def test_help_is_light(arguments: list[str]) -> None:
    code = f"""
import sys
from preimage.cli import main

sys.argv = ["preimage", *{arguments!r}]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert loaded_by(code) == set()


@pytest.mark.parametrize("name", preimage.__all__)
def test_public_name_is_there(name: str) -> None:
    assert getattr(preimage, name).__doc__
    assert name in dir(preimage)
