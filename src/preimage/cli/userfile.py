"""The user's function, from the file that it is written in."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from preimage.cli.words import hint
from preimage.cluster.shipping import SCRIPT
from preimage.errors import InputError


def load_callable(place: str) -> Callable[[Any], Any]:
    """Run a Python file and take the function out of it.

    Args:
        place: `FILE.py:NAME`.

    Returns:
        The function, or the `preimage.Function`, of that name.

    Raises:
        InputError: If there is no such file or name, or what it names cannot be called. What the
            file itself raises comes through with its traceback.
    """
    file, colon, name = place.rpartition(":")
    if not colon or not file or not name:
        raise InputError(f"--function {place!r} is not FILE.py:NAME, such as model.py:simulate.")
    path = Path(file)
    if not path.is_file():
        there = [one.name for one in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise InputError(f"there is no file {file}{hint(path.name, there)}")
    if path.suffix != ".py":
        raise InputError(f"{file} is not a Python file; --function takes FILE.py:NAME.")
    names = _run(path)
    if name not in names:
        functions = [key for key, value in names.items() if callable(value) and key[0] != "_"]
        raise InputError(f"{file} has nothing called {name!r}{hint(name, functions)}")
    found = names[name]
    if not callable(found):
        raise InputError(
            f"{name} in {file} is a {type(found).__name__} and cannot be called; name a function "
            "of a batch (rows, inputs)."
        )
    return found


def _run(path: Path) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location(SCRIPT, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be loaded as a Python file.")
    module = importlib.util.module_from_spec(spec)
    # As Python does for a script: the function may import its neighbours, now or when called, and
    # dataclasses look their own module up.
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return vars(module)
