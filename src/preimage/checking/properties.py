"""The properties that every inverter must have, each a check of its own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from preimage.checking.trials import LOOSE, PLACES, Subject
from preimage.domain import Box
from preimage.errors import (
    CheckError,
    DataError,
    InputError,
    MissingExtraError,
    NotFittedError,
    PreimageError,
)
from preimage.inverters.base import Inverter
from preimage.inverters.loading import load
from preimage.preimages import Status
from preimage.tables import Kind, to_frame

FRAMES: tuple[Kind, ...] = ("pandas", "polars", "pyarrow")

ROUNDING = 1e-5
"""How far answers that should be the same may differ, in box widths: networks are float32."""


def _require(holds: Any, detail: str) -> None:
    if not bool(holds):
        raise CheckError(detail)


def _refuses(error: type[PreimageError], call: Callable[[], Any], what: str) -> None:
    try:
        call()
    except error:
        return
    raise CheckError(f"{what} should raise {error.__name__}, and nothing was raised.")


def _settings_are_stored(inverter: Inverter) -> None:
    """The constructor stores its arguments and does nothing else."""
    copy = replace(inverter)
    for field in fields(copy):
        given, stored = getattr(inverter, field.name), getattr(copy, field.name)
        _require(given is stored, f"{field.name}={given!r} was given, and {stored!r} is stored.")
    extra = set(vars(copy)) - {field.name for field in fields(copy)}
    _require(not extra, f"it also sets {sorted(extra)}.")


def _unfitted_says_so(inverter: Inverter) -> None:
    """Without a fit, `invert`, `score` and `save` raise NotFittedError."""
    copy = replace(inverter)
    _refuses(NotFittedError, lambda: copy.invert(0.0), "invert")
    _refuses(NotFittedError, lambda: copy.score(0.0, 0.0), "score")
    with tempfile.TemporaryDirectory() as folder:
        _refuses(NotFittedError, lambda: copy.save(Path(folder) / "model"), "save")


def _fit_returns_self(subject: Subject) -> None:
    """`fit` returns the inverter itself and keeps its settings."""
    _require(subject.inverter is subject.unfitted, "another object came back.")
    for name, before in subject.settings.items():
        after = getattr(subject.inverter, name)
        _require(before == after, f"{name} was {before!r} and is {after!r}.")


def _surroundings_are_kept(subject: Subject) -> None:
    """Random states, the default dtype and the number of threads are left alone."""
    names = ("torch's random state", "NumPy's", "the dtype", "threads", "gradient mode")
    for name, before, after in zip(names, subject.before, subject.after, strict=True):
        _require(before == after, f"{name} changed during fit or invert.")


def _shapes(subject: Subject) -> None:
    """Every part of the result has its shape and type."""
    t, p, q = len(subject.trial.targets), subject.trial.box.dim, subject.trial.targets.shape[1]
    for found in subject.both:
        wanted = {"x": (t, PLACES, p), "y": (t, PLACES, q), "residual": (t, PLACES)}
        for name, shape in wanted.items():
            given = getattr(found, name)
            _require(given.shape == shape, f"{name} is {given.shape}, wanted {shape}.")
            _require(given.dtype == np.float64, f"{name} is {given.dtype}, wanted float64.")
        _require(found.ok.shape == (t, PLACES) and found.ok.dtype == bool, "ok is no boolean grid.")
        _require(all(isinstance(s, Status) for s in found.status), "a status is no Status.")
        _require(len(found) == len(found.status) == t, f"{len(found)} results for {t} targets.")


def _answers_are_true(subject: Subject) -> None:
    """y is what the function gives at x, and residual its distance from the target."""
    for found in subject.both:
        there = np.isfinite(found.residual)
        x = torch.from_numpy(found.x[there])
        problem = subject.inverter.fitted
        y = (subject.trial.fn if problem.surrogate is None else problem.surrogate.mean)(x).detach()
        size = 1e-9 * (1 + np.abs(found.targets).max())
        worst = np.abs(y.numpy() - found.y[there]).max(initial=0.0)
        _require(worst <= size, f"y differs from the function by {worst:.3g}.")
        y, targets = torch.from_numpy(found.y), torch.from_numpy(found.targets[:, None])
        gap = problem.space.distance(y, targets).numpy()
        worst = np.abs(gap - found.residual)[there].max(initial=0.0)
        _require(worst <= size, f"residual differs from |y - target| by {worst:.3g}.")


def _ok_is_earned(subject: Subject) -> None:
    """An answer is ok exactly where its residual is within the tolerance."""
    for found in subject.both:
        limit = np.full(found.ok.shape, found.tol)
        if found.sd is not None:
            limit = np.fmax(limit, 2 * np.linalg.norm(found.sd, axis=2))
        earned = found.residual <= limit
        _require((found.ok == earned).all(), f"{(found.ok != earned).sum()} answers differ.")
        given = [status.answered for status in found.status]
        _require((found.ok.any(axis=1) == given).all(), "a status contradicts ok.")


def _answers_are_inside(subject: Subject) -> None:
    """Answers lie in the domain, and in `within` where it is given."""
    box = subject.trial.box
    part = Box(box.center - 0.1 * box.width, box.high)
    for found, where in (
        (subject.found, subject.inverter.fitted.box),
        (subject.loose, subject.inverter.fitted.box),
        (subject.invert(within=part), part),
        (subject.invert(within=part, tol=LOOSE), part),
    ):
        x = torch.from_numpy(found.x[np.isfinite(found.residual)])
        _require(where.contains(x).all(), f"{int((~where.contains(x)).sum())} leave {where}.")


def _answers_are_distinct(subject: Subject) -> None:
    """No two answers of a target are the same."""
    problem = subject.inverter.fitted
    for found in subject.both:
        x = torch.from_numpy(found.x)
        apart = problem.box.difference(x[:, :, None], x[:, None]).norm(dim=3)
        apart += torch.diag(torch.full((PLACES,), torch.inf))
        least = float(apart.nan_to_num(nan=torch.inf).min())
        _require(least > problem.separation, f"two are {least:.3g} box widths apart.")


def _gaps_are_nan(subject: Subject) -> None:
    """Places without an answer hold NaN and False, after those that have one."""
    for found in subject.both:
        empty = np.isnan(found.residual)
        _require((np.isnan(found.x).any(axis=2) == empty).all(), "x and residual disagree.")
        _require((np.isnan(found.y).any(axis=2) == empty).all(), "y and residual disagree.")
        _require(not (found.ok & empty).any(), "an empty place is ok.")
        _require(((found.checked_by == "") == empty).all(), "an empty place was checked.")
        _require((np.diff(found.ok.astype(int), axis=1) <= 0).all(), "ok follows not ok.")
        _require((np.diff(empty.astype(int), axis=1) >= 0).all(), "an answer follows a gap.")
        _require((found.count == found.ok.sum(axis=1)).all(), "count is not the sum of ok.")


def _impossible_stays_so(subject: Subject) -> None:
    """A target out of reach has no answer."""
    found = subject.invert(subject.trial.unreachable)
    _require(not found.ok.any(), f"{int(found.ok.sum())} answers to targets out of reach are ok.")
    _require(not found.answered, "the result says that all targets are answered.")


def _order_of_targets(subject: Subject) -> None:
    """Permuting the targets permutes the answers."""
    order = np.random.default_rng(0).permutation(len(subject.trial.targets))
    again = subject.invert(subject.trial.targets[order])
    _same(subject, subject.found.x[order], again.x)


def _batches_of_targets(subject: Subject) -> None:
    """Splitting the targets into batches changes nothing."""
    parts = np.split(subject.trial.targets, [1, 4])
    _same(subject, subject.found.x, np.concatenate([subject.invert(part).x for part in parts]))


def _seed_decides(subject: Subject) -> None:
    """The same seed gives the same answers."""
    again = subject.trial.fit(replace(subject.inverter))
    x = again.invert(subject.trial.targets, n=PLACES).x
    _require(np.array_equal(subject.found.x, x, equal_nan=True), "a second fit answers otherwise.")


def _survives_saving(subject: Subject) -> None:
    """A saved and loaded inverter has the same settings and gives the same answers."""
    function = None if subject.trial.rows else subject.trial.fn
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        subject.inverter.save(path)
        loaded = load(path, function=function)
    _require(type(loaded) is type(subject.inverter), f"a {type(loaded).__name__} came back.")
    for field in fields(loaded):
        before, after = getattr(subject.inverter, field.name), getattr(loaded, field.name)
        _require(before == after, f"{field.name} was {before!r} and is {after!r}.")
    x = loaded.invert(subject.trial.targets, n=PLACES).x
    _same(subject, subject.found.x, x)
    if subject.found.checker == "function":
        _require(np.array_equal(subject.found.x, x, equal_nan=True), "the answers are not equal.")


def _kinds_of_tables(subject: Subject) -> None:
    """Tensors give tensors, and frames give frames of the same kind."""
    targets = subject.trial.targets
    tensors = subject.invert(torch.from_numpy(targets))
    for name in ("x", "y", "residual", "ok", "targets", "count", "best"):
        _require(isinstance(getattr(tensors, name), Tensor), f"{name} is no tensor.")
    _same(subject, subject.found.x, tensors.x.numpy())
    columns = dict(zip(subject.found.outputs, targets.T, strict=True))
    backwards = dict(reversed(columns.items()))
    for kind in FRAMES:
        with contextlib.suppress(MissingExtraError):
            frame = to_frame(backwards, kind)
            found = subject.invert(frame)
            _same(subject, subject.found.x, found.x)
            back = found.to_frame()
            _require(type(back) is type(frame), f"{type(frame)} gave {type(back)}.")
            rows = np.maximum(np.isfinite(found.residual).sum(axis=1), 1).sum()
            _require(len(back) == rows, f"{len(back)} rows for {rows} answers.")


def _near_comes_first(subject: Subject) -> None:
    """With `near`, the closest answers come first."""
    box = subject.inverter.fitted.box
    state = box.center + 0.2 * box.width
    for tol in (None, LOOSE):
        found = subject.invert(near=state, tol=tol)
        away = box.difference(torch.from_numpy(found.x), state).norm(dim=2).numpy()
        both = found.ok[:, 1:]  # confirmed answers come before the others
        _require((np.diff(away)[both] >= -1e-9).all(), "a farther answer comes before a closer.")


def _bad_targets_are_refused(subject: Subject) -> None:
    """Targets, counts and states that make no sense are refused."""
    targets, p = subject.trial.targets, subject.trial.box.dim
    gap = targets.copy()
    gap[1, 0] = np.nan
    wide = np.hstack([targets, targets, targets])
    _refuses(DataError, lambda: subject.invert(gap), "a target with NaN")
    _refuses(DataError, lambda: subject.invert(np.zeros((0, targets.shape[1]))), "no target")
    _refuses(InputError, lambda: subject.invert(wide), "a target of too many columns")
    _refuses(InputError, lambda: subject.inverter.invert(targets, n=0), "n=0")
    _refuses(InputError, lambda: subject.invert(tol=-1.0), "tol=-1")
    _refuses(InputError, lambda: subject.invert(near=[0.0] * (p + 1)), "near= of other length")
    _refuses(InputError, lambda: subject.invert(near="next"), "near='next'")
    away = Box(subject.trial.box.high + 1, subject.trial.box.high + 2)
    _refuses(InputError, lambda: subject.invert(within=away), "within= outside the domain")


def _score_is_the_error(subject: Subject) -> None:
    """`score` is the root mean square error of the first answers."""
    targets = subject.trial.targets
    best = subject.inverter.invert(targets, n=1)
    by_hand = float(np.sqrt(np.mean((best.y[:, 0] - targets) ** 2)))
    score = subject.inverter.score(best.x[:, 0], targets)
    _require(np.isfinite(score), f"it is {score}.")
    _require(abs(score - by_hand) <= 1e-12 + 1e-6 * by_hand, f"{score} is not {by_hand}.")


def _same(subject: Subject, x: np.ndarray, again: np.ndarray) -> None:
    """Whether answers agree to rounding."""
    width = subject.inverter.fitted.box.width.numpy()
    _require((np.isnan(x) == np.isnan(again)).all(), "the number of answers differs.")
    worst = np.nanmax(np.abs(x - again) / width, initial=0.0)
    _require(worst <= ROUNDING, f"answers differ by {worst:.3g} box widths.")


BEFORE_FIT: tuple[Callable[[Inverter], None], ...] = (_settings_are_stored, _unfitted_says_so)
"""What is checked of an inverter that was never fitted."""

AFTER_FIT: tuple[Callable[[Subject], None], ...] = (
    _fit_returns_self,
    _surroundings_are_kept,
    _shapes,
    _answers_are_true,
    _ok_is_earned,
    _answers_are_inside,
    _answers_are_distinct,
    _gaps_are_nan,
    _impossible_stays_so,
    _order_of_targets,
    _batches_of_targets,
    _kinds_of_tables,
    _near_comes_first,
    _bad_targets_are_refused,
    _score_is_the_error,
    _survives_saving,
    _seed_decides,
)
"""What is checked on every trial."""
