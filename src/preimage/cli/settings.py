"""`--set name=value`: the settings of a method, read off the fields of its class."""

import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from preimage.cli.words import hint
from preimage.errors import InputError
from preimage.inverters import METHODS, Inverter
from preimage.training.recipe import RECIPES

YES, NO = ("true", "yes", "1"), ("false", "no", "0")


def build_method(
    name: str | None, words: Sequence[str], *, preset: str | None, seed: int | None
) -> Inverter:
    """An inverter that is not fitted yet, from what is typed.

    Args:
        name: One of `METHODS`; the first by default.
        words: `setting=value`; `recipe.steps=500` sets a setting of a setting.
        preset: A name of `RECIPES`, for methods that train a network.
        seed: Fixes everything that is drawn.

    Raises:
        InputError: If there is no such method, setting or preset, or a value does not fit.

    Example:
        >>> build_method("twin", ["recipe.steps=500", "polish=no"], preset=None, seed=1).polish
        False
    """
    chosen = next(iter(METHODS)) if name is None else name
    if chosen not in METHODS:
        raise InputError(f"there is no method {chosen!r}{hint(chosen, list(METHODS))}")
    method = METHODS[chosen]() if seed is None else METHODS[chosen](seed=seed)
    if preset is not None:
        method = _with_recipe(method, preset)
    return with_settings(method, words)


def with_settings(owner: Any, words: Sequence[str]) -> Any:
    """A dataclass with other settings, from what is typed.

    Args:
        owner: Has the settings as fields.
        words: `setting=value`.

    Raises:
        InputError: If there is no such setting, or a value does not fit.
    """
    for word in words:
        setting, equals, value = word.partition("=")
        if not equals:
            raise InputError(f"--set {word!r} is not SETTING=VALUE, such as --set seed=1.")
        owner = _changed(owner, setting.strip().split("."), value.strip(), setting)
    return owner


def settings_of(owner: Any, prefix: str = "") -> list[tuple[str, str, str]]:
    """Name, type and default of everything that `--set` can set, those of settings included."""
    rows: list[tuple[str, str, str]] = []
    hints = get_type_hints(type(owner))
    for field in fields(owner):
        value = getattr(owner, field.name)
        if is_dataclass(value):
            rows += settings_of(value, f"{prefix}{field.name}.")
        else:
            rows.append((prefix + field.name, _kind(hints[field.name]), _shown(value)))
    return rows


def _with_recipe(method: Inverter, preset: str) -> Inverter:
    if preset not in RECIPES:
        raise InputError(f"there is no preset {preset!r}{hint(preset, list(RECIPES))}")
    if all(field.name != "recipe" for field in fields(method)):
        raise InputError(f"--preset chooses a training, and the method {method.kind} has none.")
    return _replaced(method, "recipe", RECIPES[preset])


def _changed(owner: Any, path: list[str], value: str, full: str) -> Any:
    """The owner with one setting changed, found along a path of names."""
    names = [field.name for field in fields(owner)]
    name, rest = path[0], path[1:]
    if name not in names:
        raise InputError(f"--set {full}: there is no setting {name!r}{hint(name, names)}")
    held = getattr(owner, name)
    if is_dataclass(held):
        if not rest:
            inner = [f"{name}.{field.name}" for field in fields(held)]
            raise InputError(f"--set {full} needs one of {', '.join(inner)}.")
        return _replaced(owner, name, _changed(held, rest, value, full))
    if rest:
        raise InputError(f"--set {full}: {name} has no settings of its own.")
    return _replaced(owner, name, _parsed(value, get_type_hints(type(owner))[name], full))


def _replaced(owner: Any, name: str, value: Any) -> Any:
    return replace(owner, **{name: value})


def _parsed(value: str, kind: Any, full: str) -> Any:
    """A value of a field's type: a number, yes or no, one of some words, or None."""
    if get_origin(kind) in (Union, types.UnionType):
        if type(None) in get_args(kind) and value.lower() == "none":
            return None
        return _parsed(value, next(one for one in get_args(kind) if one is not type(None)), full)
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is bool and value.lower() in YES + NO:
        return value.lower() in YES
    if kind is str:
        return value
    if kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    raise InputError(f"--set {full}={value} does not fit: it takes {_kind(kind)}.")


def _kind(kind: Any) -> str:
    """A type in words."""
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in get_args(kind))
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    words = {bool: "yes or no", int: "a whole number", float: "a number", str: "text"}
    return "none" if kind is type(None) else words.get(kind, str(kind))


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value).lower()
