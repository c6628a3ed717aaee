import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import preimage
from preimage import (
    METHODS,
    Box,
    DirectInverter,
    FlowInverter,
    Function,
    GradientInverter,
    Inverter,
    MixtureInverter,
    NearestInverter,
    Recipe,
    Status,
    TandemInverter,
    TwinInverter,
    check_inverter,
)
from preimage.errors import (
    CheckError,
    DataError,
    FunctionError,
    InputError,
    OutputExistsError,
    StoreError,
)
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.surrogates import Ensemble

SHORT = Recipe(steps=300, width=64, depth=2)
SHORTER = replace(SHORT, steps=60)
LIGHT = Ensemble(members=2, width=16, depth=2, steps=60, batch=64)

QUICK: dict[str, Inverter] = {
    "gradient": GradientInverter(),
    "nearest": NearestInverter(),
    "mixture": MixtureInverter(recipe=SHORTER, draws=16),
    "flow": FlowInverter(recipe=replace(SHORTER, width=16), transforms=1, draws=16),
    "tandem": TandemInverter(recipe=SHORTER),
    "direct": DirectInverter(recipe=SHORTER),
    "twin": TwinInverter(recipe=SHORTER, polish=False),
}
"""Every method, with a training short enough for a test."""


def cubic(x):
    return x**3 - x


def arm(x):
    first, both = x[:, 0], x[:, 0] + x[:, 1]
    return torch.stack([first.cos() + both.cos(), first.sin() + both.sin()], dim=1)


ARM = Box([-math.pi, -math.pi], [math.pi, math.pi], ["shoulder", "elbow"], periodic=True)


def postures(point):
    """Elbow up and elbow down, in closed form."""
    reach = np.hypot(*point)
    elbow = np.arccos(np.clip(reach**2 / 2 - 1, -1, 1))
    shoulder = np.arctan2(point[1], point[0])
    both = np.array([[shoulder - elbow / 2, elbow], [shoulder + elbow / 2, -elbow]])
    return (both + np.pi) % (2 * np.pi) - np.pi


# The shared suite


def test_every_method_is_tested():
    assert set(QUICK) == set(METHODS)
    assert all(type(QUICK[kind]) is method for kind, method in METHODS.items())


@pytest.mark.parametrize("kind", METHODS)
def test_the_shared_suite(kind):
    check_inverter(QUICK[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", METHODS)
def test_the_shared_suite_with_the_polish_turned_round(kind):
    check_inverter(replace(QUICK[kind], polish=not QUICK[kind].polish))


@pytest.mark.slow
@pytest.mark.parametrize("kind", METHODS)
def test_the_shared_suite_with_default_settings(kind):
    check_inverter(METHODS[kind]())


def broken(name, spoil):
    """An inverter whose method `name` does something wrong."""
    subclass = type("Broken", (NearestInverter,), {})
    original = getattr(NearestInverter, name)
    setattr(subclass, name, lambda self, *args, **options: spoil(original, self, *args, **options))
    return subclass()


def reversed_targets(original, self, y, **options):
    found = original(self, y, **options)
    return replace(found, x=found.x[::-1], y=found.y[::-1]) if len(found) > 2 else found


def always_sure(original, self, y, **options):
    found = original(self, y, **options)
    return replace(found, ok=found.residual < 1e9)


def noisy(original, self, y, **options):
    found = original(self, y, **options)
    return replace(found, x=found.x + 1e-3 * np.random.default_rng().random(found.x.shape))


def drawing(original, self, request):
    torch.rand(1)
    return original(self, request)


def forgetful(original, self, problem):
    self.neighbours = 2
    original(self, problem)


def ungrateful(original, self, before, problem):
    return original(replace(self), before, problem)


@pytest.mark.parametrize(
    ("method", "spoil", "property_"),
    [
        ("invert", reversed_targets, "residual"),
        ("invert", always_sure, "exactly where its residual is within the tolerance"),
        ("invert", noisy, "y is what the function gives at x"),
        ("_propose", drawing, "Random states"),
        ("_train", forgetful, "keeps its settings"),
        ("_fit_problem", ungrateful, "another object came back"),
    ],
)
def test_the_shared_suite_finds_what_is_broken(method, spoil, property_):
    with pytest.raises(CheckError, match=property_):
        check_inverter(broken(method, spoil))


# Truth: every root, every posture, every fibre


@st.composite
def roots_apart(draw):
    """Up to five roots in [-2, 2], no two of them close."""
    places = draw(st.lists(st.integers(-38, 38), min_size=1, max_size=5, unique=True))
    shift = draw(st.floats(-0.02, 0.02))
    return np.sort(np.array(places) * 0.05 + shift)


@settings(max_examples=40)
@given(roots=roots_apart(), level=st.floats(-3, 3))
@example(roots=np.array([-0.5, 0.0, 0.5]), level=0.0)
def test_all_roots_of_a_polynomial_are_found(roots, level):
    coefficients = np.poly(roots)
    coefficients[-1] += level
    truth = np.roots(np.concatenate([coefficients[:-1], [coefficients[-1] - level]]))
    truth = np.sort(truth[np.abs(truth.imag) < 1e-9].real)

    def polynomial(x):
        y = torch.zeros_like(x)
        for c in coefficients:
            y = y * x + c
        return y

    found = preimage.invert(polynomial, level, Box(-2.1, 2.1))
    answers = np.sort(found.x[0, found.ok[0], 0])
    assert len(answers) == len(truth)
    np.testing.assert_allclose(answers, truth, atol=1e-6)
    assert found.status[0] is Status.SOLVED


@settings(max_examples=25)
@given(shoulder=st.floats(-3.1, 3.1), elbow=st.floats(0.15, 2.9) | st.floats(-2.9, -0.15))
def test_an_arm_has_both_postures(shoulder, elbow):
    point = arm(torch.tensor([[shoulder, elbow]], dtype=torch.float64)).numpy()
    found = preimage.invert(arm, point, ARM)
    assert found.count[0] == 2
    for posture in postures(point[0]):
        away = ARM.difference(torch.from_numpy(found.x[0, :2]), torch.from_numpy(posture))
        assert away.norm(dim=1).min() < 1e-7


def test_an_answer_is_found_just_across_the_seam():
    def turn(x):
        return torch.cat([x.cos(), x.sin()], dim=1)

    box = Box(-math.pi, math.pi, periodic=True)
    angles = torch.tensor([[math.pi - 1e-4], [-math.pi + 1e-4]], dtype=torch.float64)
    found = preimage.invert(turn, turn(angles), box)
    assert found.count.tolist() == [1, 1]
    assert torch.allclose(found.best, angles, atol=1e-8)
    near = preimage.invert(turn, turn(angles[:1]), box, near=angles[1])
    assert box.difference(near.best, angles[:1]).abs().max() < 1e-8


def half_ball(x):
    return (1 - x.square().sum(dim=1)).sqrt()


@pytest.mark.parametrize("height", [0.3, 0.8])
def test_the_fibre_of_a_half_ball_is_covered(height):
    found = preimage.invert(half_ball, height, Box([-1, -1], [1, 1]), n=16)
    assert found.count[0] == 16
    np.testing.assert_allclose(np.linalg.norm(found.x[0], axis=1), np.sqrt(1 - height**2))
    around = np.sort(np.arctan2(found.x[0, :, 1], found.x[0, :, 0]))
    gaps = np.diff(np.append(around, around[0] + 2 * np.pi))
    assert gaps.max() < 1.0


@settings(max_examples=10)
@given(
    angle=st.floats(-math.pi, math.pi),
    far=st.floats(0.2, 0.95),
    height=st.floats(0.3, 0.9),
)
def test_the_closest_point_of_a_circle(angle, far, height):
    state = far * np.array([np.cos(angle), np.sin(angle)])
    found = preimage.invert(half_ball, height, Box([-1, -1], [1, 1]), near=state, n=3)
    closest = np.sqrt(1 - height**2) * state / far
    np.testing.assert_allclose(found.best[0], closest, atol=1e-5)
    away = np.linalg.norm(found.x[0] - state, axis=1)
    assert (np.diff(away[found.ok[0]]) >= -1e-9).all()


def test_the_closest_point_of_a_sphere_whatever_the_units():
    scale = np.array([1.0, 10.0, 0.1])
    box = Box(-2 * scale, 2 * scale)
    state = np.array([1.0, 1.0, -0.5]) * scale

    def size(x):
        return np.linalg.norm(x / scale, axis=1)

    found = preimage.invert(size, [1.0, 1.5], box, near=state, n=1)
    closest = state / np.linalg.norm(state / scale)
    np.testing.assert_allclose(found.best / scale, [closest / scale, 1.5 * closest / scale],
                               atol=1e-4)  # fmt: skip


def test_a_closest_point_that_lies_on_the_bound():
    found = preimage.invert(
        lambda x: x.square().sum(dim=1), 1.0, Box([-2, -2], [2, 0.5]), near=[0.1, 0.45], n=1
    )
    assert found.best[0] == pytest.approx([np.sqrt(0.75), 0.5], abs=1e-4)


def test_near_orders_isolated_answers():
    found = preimage.invert(cubic, 0.0, Box(-2, 2), near=0.8)
    assert found.x[0, :3, 0] == pytest.approx([1, 0, -1], abs=1e-8)
    each = preimage.invert(cubic, [0.0, 0.0], Box(-2, 2), near=[0.8, -0.8], n=1)
    assert each.best[:, 0] == pytest.approx([1, -1], abs=1e-8)


def test_more_outputs_than_inputs():
    def helix(x):
        return torch.cat([x.cos(), x.sin(), 0.1 * x], dim=1)

    box = Box(0, 12)
    angles = torch.tensor([[1.0], [11.5]], dtype=torch.float64)
    targets = torch.cat([helix(angles), torch.tensor([[0.0, 0.0, 0.5]]).double()])
    found = preimage.invert(helix, targets, box)
    assert found.count.tolist() == [1, 1, 0]
    assert torch.allclose(found.best[:2], angles, atol=1e-8)
    assert found.status[2] is Status.UNREACHABLE


def test_many_inputs():
    def chain(x):
        angles = x.cumsum(dim=1)
        return torch.stack([angles.cos().sum(dim=1), angles.sin().sum(dim=1)], dim=1)

    box = Box([-3.0] * 6, [3.0] * 6)
    x = box.sobol(20, seed=4)
    found = preimage.invert(chain, chain(x), box, n=8)
    assert found.answered
    assert bool((found.count == 8).all())
    part = Box([0.0] * 6, [2.0] * 6)
    narrow = preimage.invert(chain, chain(part.sobol(5)), box, n=4, within=part)
    assert narrow.answered
    assert bool(part.contains(narrow.x[narrow.ok]).all())


def test_targets_out_of_reach_show_the_nearest_output():
    found = preimage.invert(arm, [[3.0, 4.0], [0.0, -9.0]], ARM)
    assert not found.answered
    assert list(found.status) == [Status.UNREACHABLE] * 2
    np.testing.assert_allclose(found.y[:, 0], [[1.2, 1.6], [0.0, -2.0]], atol=1e-3)
    assert found.residual[:, 0] == pytest.approx([3.0, 7.0], abs=1e-4)
    assert not found.ok.any()
    assert np.isnan(found.x[:, 1:]).all()


# Functions of all kinds


@pytest.mark.parametrize(
    ("fn", "jacobian", "derivatives"),
    [
        (cubic, None, "autodiff"),
        (lambda x: np.asarray(x) ** 3 - np.asarray(x), None, "finite differences"),
        (cubic, lambda x: (3 * x**2 - 1)[:, :, None], "analytic"),
    ],
)
def test_the_answer_says_how_it_was_differentiated(fn, jacobian, derivatives):
    found = preimage.invert(Function(fn, Box(-2, 2), jacobian), [0.0, 0.3])
    assert found.derivatives == derivatives
    assert found.count.tolist() == [3, 3]
    assert found.checked_by[0, 0] == "function"


def test_the_analytic_jacobian_is_what_is_used():
    calls = []

    def jacobian(x):
        calls.append(len(x))
        return (3 * x**2 - 1)[:, :, None]

    preimage.invert(Function(cubic, Box(-2, 2), jacobian), 0.3)
    assert len(calls) > 1
    with pytest.raises(InputError, match="must return"):
        preimage.invert(Function(cubic, Box(-2, 2), lambda x: 3 * x**2 - 1), 0.3)


def test_a_function_that_is_undefined_in_places():
    found = preimage.invert(np.log, [0.0, -1.0], Box(-1, 3))
    np.testing.assert_allclose(found.best[:, 0], [1, np.exp(-1)])
    assert found.answered

    def fussy(x):
        if (x < 0).any():
            raise ValueError("negative")
        return np.sqrt(x)

    found = preimage.invert(fussy, [0.5, 1.0], Box(-1, 3))
    np.testing.assert_allclose(found.best[:, 0], [0.25, 1])


def test_a_function_that_is_defined_nowhere():
    with pytest.raises(FunctionError, match="usable output at 0 of"):
        preimage.invert(lambda x: x * np.nan, 0.0, Box(0, 1))


def test_a_float32_function_is_held_to_its_own_precision():
    found = preimage.invert(lambda x: x.astype(np.float32) ** 2, [0.25, 2.0], Box(0, 2))
    assert found.answered
    assert found.tol > 1e-7
    np.testing.assert_allclose(found.best[:, 0], [0.5, np.sqrt(2)], atol=1e-4)


# What may be asked


def test_one_target_of_several_outputs_as_a_plain_list():
    found = preimage.invert(arm, [1.0, 1.0], ARM)
    assert found.x.shape[0] == 1
    assert found.count[0] == 2


def test_a_number_is_a_target_of_one_output():
    assert preimage.invert(cubic, 0.0, (-2, 2)).count.tolist() == [3]


def test_one_answer_a_target_when_one_is_asked_for():
    found = preimage.invert(cubic, [0.0, 0.3], Box(-2, 2), n=1)
    assert found.x.shape == (2, 1, 1)
    assert found.count.tolist() == [1, 1]


def test_within_keeps_to_a_part_of_the_domain():
    found = preimage.invert(cubic, 0.0, Box(-2, 2), within=(-0.5, 1.5))
    assert found.x[0, :2, 0] == pytest.approx([0, 1], abs=1e-8)
    assert found.count[0] == 2
    tiny = preimage.invert(cubic, 0.0, Box(-2, 2), within=(1 - 1e-7, 1 + 1e-7))
    assert tiny.count[0] == 1
    assert preimage.invert(cubic, 0.0, Box(-2, 2), within=(0.2, 0.8)).count[0] == 0
    with pytest.raises(InputError, match="no volume in common"):
        preimage.invert(cubic, 0.0, Box(-2, 2), within=(3, 4))


def test_within_does_not_change_what_counts_as_equal():
    whole = preimage.invert(cubic, 0.0, Box(-2, 2))
    part = preimage.invert(cubic, 0.0, Box(-2, 2), within=(0.9, 1.1))
    assert part.tol == whole.tol


def test_tol_decides_what_is_confirmed():
    nearest = NearestInverter().fit_function(cubic, Box(-2, 2))
    assert nearest.invert(0.3).count[0] == 0
    assert nearest.invert(0.3, tol=0.1).count[0] > 0
    with pytest.raises(InputError, match="not a positive number"):
        nearest.invert(0.3, tol=0.0)


def test_targets_as_a_frame_in_any_order_with_more_columns():
    f = Function(arm, ARM, outputs=["right", "up"])
    plain = preimage.invert(f, [[1.0, 0.5], [0.2, -0.7]])
    columns = {"note": ["a", "b"], "up": [0.5, -0.7], "right": [1.0, 0.2]}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        found = preimage.invert(f, frame)
        np.testing.assert_array_equal(found.x, plain.x)
        assert type(found.to_frame()) is type(frame)


def test_columns_that_do_not_fit_are_named():
    f = Function(arm, ARM, outputs=["right", "up"])
    with pytest.raises(InputError, match=r"3 columns.*2 are wanted: right, up"):
        preimage.invert(f, [[1.0, 2.0, 3.0]])
    with pytest.raises(DataError, match="differ in length"):
        preimage.invert(f, [[1.0, 2.0], [3.0]])
    with pytest.raises(DataError, match=r"missing or infinite.*'up' in 1 row"):
        preimage.invert(f, pd.DataFrame({"right": [1.0, 1.0], "up": [0.0, np.nan]}))
    with pytest.raises(InputError, match="near= has 2 rows for 3 targets"):
        preimage.invert(f, [[1.0, 0.5]] * 3, near=[[0.0, 0.0]] * 2)


def test_methods_are_chosen_by_name_or_object():
    assert preimage.invert(cubic, 0.0, (-2, 2), method="nearest", tol=0.1).count[0] > 1
    polished = preimage.invert(cubic, 0.0, (-2, 2), method=NearestInverter(polish=True))
    assert polished.count[0] > 1
    with pytest.raises(InputError, match="there is no method 'magic'; there are gradient"):
        preimage.invert(cubic, 0.0, (-2, 2), method="magic")
    with pytest.raises(InputError, match="needs a domain"):
        preimage.invert(cubic, 0.0)


# A moving target


def test_a_posture_is_followed_without_jumps():
    turn = np.linspace(0, 2 * np.pi, 60)
    circle = np.column_stack([1 + 0.5 * np.cos(turn), 0.5 * np.sin(turn)])
    found = preimage.invert(arm, circle, ARM, near="previous")
    assert found.x.shape == (60, 1, 2)
    assert (found.status == Status.SOLVED).all()
    steps = ARM.difference(torch.from_numpy(found.best[1:]), torch.from_numpy(found.best[:-1]))
    assert steps.norm(dim=1).max() < 0.1
    elbow = np.sign(found.best[:, 1])
    assert (elbow == elbow[0]).all()
    np.testing.assert_allclose(found.best[0], found.best[-1], atol=1e-6)


def test_a_path_that_leaves_the_reachable_set_is_taken_up_near_where_it_was_left():
    line = np.column_stack([np.concatenate([np.linspace(1.5, 2.2, 10), np.linspace(2.2, 1.5, 10)]),
                            np.full(20, 0.3)])  # fmt: skip
    found = preimage.invert(arm, line, ARM, near="previous")
    reach = np.hypot(line[:, 0], line[:, 1]) < 2
    assert (found.ok[:, 0] == reach).all()
    assert (found.status[~reach] == Status.UNREACHABLE).all()
    back = int(np.flatnonzero(~reach)[-1]) + 1
    assert found.status[back] is Status.NO_CONTINUOUS_BRANCH
    assert (found.status[back + 1 :] == Status.SOLVED).all()
    left = int(np.flatnonzero(~reach)[0]) - 1
    assert np.sign(found.best[left, 1]) == np.sign(found.best[back, 1])


def test_a_fold_is_where_no_branch_goes_on():
    fold = 2 / (3 * np.sqrt(3))
    path = np.linspace(-0.2, 0.6, 17)
    cubic_here = GradientInverter().fit_function(cubic, Box(-1.1, 2))
    found = cubic_here.invert(path, near="previous")
    # Only the right branch crosses the fold, and it is the one that is kept.
    assert (found.status == Status.SOLVED).all()
    assert (np.diff(found.best[:, 0]) > 0).all()
    left = cubic_here.invert(path, near="previous", within=(-1.1, 0.4))
    beyond = path > fold
    assert (left.status[~beyond] == Status.SOLVED).all()
    assert (left.status[beyond] == Status.UNREACHABLE).all()
    # There and back: beyond the left fold lies the left branch alone.
    path = np.concatenate([[1.0, 0.6], np.linspace(0.3, -0.6, 10)])
    found = preimage.invert(cubic, path, Box(-2, 2), near="previous")
    jump = found.status == Status.NO_CONTINUOUS_BRANCH
    assert jump.sum() == 1
    assert path[jump][0] < -fold <= path[np.flatnonzero(jump)[0] - 1]
    assert found.answered


# Measurements


def spring(rows=60, noise=0.0):
    source = np.random.default_rng(5)
    x = source.uniform(-1, 1, size=(rows, 2))
    y = np.column_stack([x[:, 0] + 0.3 * np.sin(3 * x[:, 1]), x[:, 1] + 0.3 * x[:, 0] ** 2])
    return x, y + noise * source.normal(size=y.shape)


def test_measurements_are_inverted_to_the_accuracy_of_the_noise():
    x, y = spring(noise=0.01)
    inner = np.abs(x).max(axis=1) < 0.8
    found = GradientInverter().fit(x, y).invert(y[inner], n=1)
    assert found.answered
    assert set(found.status) == {Status.WITHIN_SURROGATE}
    assert (found.checked_by == "surrogate").all()
    assert np.abs(found.best - x[inner]).max() < 0.1
    assert (found.sd > 0).all()


def test_a_known_function_checks_measurements_itself():
    x, y = spring()

    def forward(points):
        a, b = points.unbind(dim=1)
        return torch.stack([a + 0.3 * (3 * b).sin(), b + 0.3 * a**2], dim=1)

    for function in (forward, Function(forward, Box([-1, -1], [1, 1]))):
        found = NearestInverter(polish=True).fit(x, y, function=function).invert(y[:9])
        assert found.answered
        assert found.sd is None
        assert found.checked_by[0, 0] == "function"
        assert found.outside is not None
    with pytest.raises(InputError, match="2 inputs and 1 outputs; x has 2 columns and y has 2"):
        NearestInverter().fit(x, y, function=lambda points: points[:, :1])
    with pytest.raises(InputError, match="both given"):
        NearestInverter().fit(x, y, function=forward, surrogate=LIGHT)


def test_frames_files_and_column_names(tmp_path):
    x, y = spring()
    frame = pd.DataFrame({"b": x[:, 1], "force": y[:, 0], "a": x[:, 0], "sag": y[:, 1]})
    frame["note"] = "ok"
    frame.to_csv(tmp_path / "spring.csv", index=False)
    plain = NearestInverter().fit(x, y, surrogate=LIGHT).invert(y[:3])
    for data in (frame, pl.from_pandas(frame), tmp_path / "spring.csv"):
        model = NearestInverter().fit(["a", "b"], ["force", "sag"], data=data, surrogate=LIGHT)
        found = model.invert(frame.iloc[:3])
        assert found.inputs == ("a", "b")
        assert found.outputs == ("force", "sag")
        np.testing.assert_allclose(found.x, plain.x)
        score = model.score(["a", "b"], ["force", "sag"], data=data)
        assert score == pytest.approx(model.score(x, y))
        assert model.score(x, frame[["sag", "force"]]) == pytest.approx(score)


def test_a_domain_of_measurements():
    x, y = spring()
    frame = pd.DataFrame(x, columns=["a", "b"])
    model = NearestInverter().fit(frame, y, domain=([-2, -2], [2, 2]), surrogate=LIGHT)
    assert model.fitted.box == Box([-2, -2], [2, 2], ["a", "b"])
    with pytest.raises(InputError, match="same names in the same order"):
        NearestInverter().fit(frame, y, domain=Box([-2, -2], [2, 2], ["b", "a"]), surrogate=LIGHT)
    with pytest.raises(InputError, match="x has 2 columns and domain= has 1"):
        NearestInverter().fit(x, y, domain=Box(-2, 2), surrogate=LIGHT)


def test_a_score_is_a_root_mean_square():
    model = NearestInverter(neighbours=1).fit_function(lambda x: x, Box(0, 1))
    gap = model.invert([0.5, 3.0], n=1)
    assert model.score([0, 0], [0.5, 3.0]) == pytest.approx(
        np.sqrt(np.mean((gap.y[:, 0] - [[0.5], [3.0]]) ** 2))
    )
    assert gap.y[1, 0, 0] <= 1


def corrupt(change: Callable[[np.ndarray, np.ndarray], Any]):
    x, y = spring(20)
    return change(x, y)


def with_gap(x, y):
    x[3, 1] = np.nan
    y[5, 0] = np.inf
    return x, y


def with_repeats(x, y):
    x[4] = x[7]
    return x, y


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_gap, "missing or infinite in 2 of 20 rows: x column 1 in 1.*missing='drop'"),
        (lambda x, y: (x * [1, 0], y), "constant columns tell nothing: x column 1"),
        (lambda x, y: (x, y * [0, 1]), "constant columns tell nothing: y column 0"),
        (lambda x, y: (x.astype(str).astype(object), y), "not numbers: column 0 .text"),
        (with_repeats, r"rows 4 and 7, for instance.*repeats='keep'"),
        (lambda x, y: (x[:1], y[:1]), "1 usable row"),
        (lambda x, y: (x[:0], y[:0]), "x is empty"),
        (lambda x, y: (x[:5], y), "x has 5 rows and y has 20"),
    ],
)
def test_bad_measurements_are_refused(change, message):
    x, y = corrupt(change)
    with pytest.raises(DataError, match=message):
        NearestInverter().fit(x, y, surrogate=LIGHT)


def test_rows_with_gaps_can_be_dropped_and_repeats_kept():
    x, y = corrupt(with_gap)
    model = NearestInverter().fit(x, y, surrogate=LIGHT, missing="drop")
    assert model.dropped_ == 2
    assert len(model.fitted.x) == 18
    x, y = corrupt(with_repeats)
    model = NearestInverter().fit(x, y, surrogate=LIGHT, repeats="keep")
    assert len(model.fitted.x) == 19  # the mean of the two rows is one known pair
    with pytest.raises(InputError, match="repeats='often' is not known"):
        NearestInverter().fit(x, y, repeats="often")


def test_equal_rows_are_no_contradiction():
    x, y = spring(20)
    twice = NearestInverter().fit(np.vstack([x, x]), np.vstack([y, y]), surrogate=LIGHT)
    assert len(twice.fitted.x) == 20


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("rows", [2, 4])
def test_fewer_points_than_neighbours_will_do(kind, rows):
    x = np.linspace(0, 1, rows)
    model = replace(QUICK[kind]).fit(x, 2 * x, function=lambda x: 2 * x)
    found = model.invert([0.2, 2.0], n=8, tol=5.0)
    assert found.ok[:, 0].all()


# On disk


def test_a_model_of_a_function_needs_the_function_again(tmp_path):
    GradientInverter(starts=7).fit_function(cubic, Box(-2, 2, "v")).save(tmp_path / "m")
    with pytest.raises(InputError, match="pass it again"):
        preimage.load(tmp_path / "m")
    with pytest.raises(InputError, match=r"1 inputs and 2 outputs.*with 1 and 1"):
        preimage.load(tmp_path / "m", function=lambda x: torch.cat([x, x], dim=1))
    model = preimage.load(tmp_path / "m", function=cubic)
    assert model == GradientInverter(starts=7)
    assert model.invert(0.0).count[0] == 3
    assert model.fitted.box.names == ("v",)
    with pytest.raises(FunctionError, match="failed on every one"):
        preimage.load(tmp_path / "m", function=lambda x: x / "two")


def test_a_model_of_measurements_takes_no_function(tmp_path):
    x, y = spring(20)
    model = NearestInverter().fit(x, y, surrogate=LIGHT)
    model.save(tmp_path / "m")
    with pytest.raises(InputError, match="leave function= out"):
        preimage.load(tmp_path / "m", function=cubic)
    again = preimage.load(tmp_path / "m")
    np.testing.assert_allclose(again.invert(y[:3]).sd, model.invert(y[:3]).sd)


def test_a_loaded_gaussian_process_answers_bit_for_bit(tmp_path):
    source = torch.Generator().manual_seed(0)
    arm = EXPERIMENTS[7]
    x, y = arm.draw(120, source)
    model = GradientInverter().fit(x.numpy(), y.numpy())
    model.save(tmp_path / "m")
    again = preimage.load(tmp_path / "m").invert(y[:9].numpy(), n=4)
    before = model.invert(y[:9].numpy(), n=4)
    for part in ("x", "y", "residual", "sd"):
        np.testing.assert_array_equal(getattr(again, part), getattr(before, part))


def test_saving_twice_needs_force(tmp_path):
    model = NearestInverter().fit_function(cubic, Box(-2, 2))
    model.save(tmp_path / "m")
    with pytest.raises(OutputExistsError):
        model.save(tmp_path / "m")
    model.save(tmp_path / "m", force=True)


def change_config(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda m: (m / "model.safetensors").unlink(), "missing"),
        (lambda m: (m / "model.safetensors").write_bytes(b"\x08"), "damaged or incomplete"),
        (lambda m: (m / "config.json").write_text("{"), "cannot be read"),
        (lambda m: change_config(m, method="magic"), "method 'magic'.*reads inverters of"),
        (lambda m: change_config(m, kind="translator"), "holds a 'translator' model"),
        (lambda m: change_config(m, box=None), "incomplete"),
        (lambda m: change_config(m, settings={"wings": 2}), "incomplete.*wings"),
    ],
)
def test_a_damaged_model_says_so(tmp_path, damage, message):
    NearestInverter().fit_function(cubic, Box(-2, 2)).save(tmp_path / "m")
    damage(tmp_path / "m")
    with pytest.raises(StoreError, match=message):
        preimage.load(tmp_path / "m", function=cubic)


# What a method adds


def test_a_trained_step_beats_the_anchor_it_starts_from():
    targets = np.linspace(-3, 3, 50)
    twin = TwinInverter(recipe=SHORT, polish=False).fit_function(cubic, Box(-2, 2))
    sparse = replace(twin, anchors=64).fit_function(cubic, Box(-2, 2))
    nearest = NearestInverter(anchors=64).fit_function(cubic, Box(-2, 2))
    assert sparse.score(targets, targets) < nearest.score(targets, targets) / 2


def test_a_regression_is_right_where_there_is_one_answer_and_wrong_where_there_are_more():
    direct = DirectInverter(recipe=SHORT).fit_function(torch.exp, Box(0, 1))
    assert direct.score([0, 0], [1.5, 2.0]) < 0.05
    direct = DirectInverter(recipe=SHORT).fit_function(torch.square, Box(-1, 1))
    assert direct.score([0, 0], [0.5, 0.9]) > 0.3


def test_seeds_matter_and_repeat():
    a, b, c = (
        TwinInverter(recipe=SHORTER, polish=False, seed=seed).fit_function(cubic, Box(-2, 2))
        for seed in (1, 1, 2)
    )
    targets = [0.1, 0.2]
    np.testing.assert_array_equal(a.invert(targets).x, b.invert(targets).x)
    assert not np.array_equal(a.invert(targets).x, c.invert(targets).x)
