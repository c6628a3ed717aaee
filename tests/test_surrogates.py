"""Functions learned from measurements: what must hold whatever was measured."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from preimage.errors import DataError, InputError, NotFittedError, StoreError
from preimage.surrogates import (
    Ensemble,
    GaussianProcess,
    Support,
    Surrogate,
    default_surrogate,
    restore_surrogate,
    surrogate_settings,
)
from preimage.surrogates.warps import SCALES, Warp

FAST = {"screen_rows": 60, "learn_rows": 100}


def uniform(rows: int, p: int, *, low: float, high: float, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(rows, p, generator=generator, dtype=torch.float64)


def noise(like: Tensor, *, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=generator, dtype=torch.float64)


def two_outputs(x: Tensor) -> Tensor:
    return torch.stack([torch.sin(x[:, 0]) + x[:, 1], (1 + x[:, 1].square()).sqrt()], dim=1)


def rmse(a: Tensor, b: Tensor) -> float:
    return (a - b).square().mean().sqrt().item()


@pytest.fixture(scope="module", params=["gaussian_process", "ensemble"])
def fitted(request: pytest.FixtureRequest) -> Surrogate:
    x = uniform(150, 2, low=-2, high=2)
    y = two_outputs(x) * (1 + 0.02 * noise(two_outputs(x)))
    surrogates: dict[str, Surrogate] = {
        "gaussian_process": GaussianProcess(**FAST),
        "ensemble": Ensemble(width=32, depth=2, steps=1000, batch=64),
    }
    return surrogates[request.param].fit(x, y)


# What every surrogate does


def test_learns_the_function_and_not_the_noise(fitted: Surrogate) -> None:
    x = uniform(200, 2, low=-1.9, high=1.9, seed=7)
    assert rmse(fitted.mean(x), two_outputs(x)) < 0.06
    assert fitted.mean(x).dtype == torch.float64


def test_the_jacobian_is_the_derivative_of_the_mean(fitted: Surrogate) -> None:
    x = uniform(20, 2, low=-3, high=3, seed=8)
    total = torch.autograd.functional.jacobian(lambda z: fitted.mean(z).sum(0), x)
    assert isinstance(total, Tensor)
    torch.testing.assert_close(fitted.jacobian(x), total.transpose(0, 1), rtol=1e-7, atol=1e-8)


def test_the_sd_grows_away_from_the_data(fitted: Surrogate) -> None:
    inside = fitted.sd(uniform(100, 2, low=-1.5, high=1.5)).median(0).values
    outside = fitted.sd(uniform(100, 2, low=8, high=9)).median(0).values
    assert (outside > 3 * inside).all()
    assert (inside > 0).all()


def test_noise_grows_with_the_output(fitted: Surrogate) -> None:
    near, far = fitted.noise_sd(torch.tensor([[1.0, 1.0], [2.5, 2.5]], dtype=torch.float64))
    assert (near > 0).all()
    assert (far >= near).all()


def test_a_saved_surrogate_predicts_the_same(fitted: Surrogate) -> None:
    saved = json.loads(json.dumps(surrogate_settings(fitted)))
    copy = restore_surrogate(saved, fitted.state())
    x = uniform(30, 2, low=-3, high=3, seed=3)
    y = fitted.mean(x)
    assert torch.equal(copy.mean(x), y)
    assert torch.equal(copy.sd(x), fitted.sd(x))
    assert torch.equal(copy.jacobian(x), fitted.jacobian(x))
    assert torch.equal(copy.noise_sd(y), fitted.noise_sd(y))


def test_a_damaged_state_is_a_store_error(fitted: Surrogate) -> None:
    saved, tensors = surrogate_settings(fitted), fitted.state()
    with pytest.raises(StoreError, match="kind"):
        restore_surrogate(saved | {"kind": "oracle"}, tensors)
    tensors.popitem()
    with pytest.raises(StoreError, match="save it again"):
        restore_surrogate(saved, tensors)


def test_rows_are_predicted_independently(fitted: Surrogate) -> None:
    x = uniform(9, 2, low=-2, high=2)
    parts = torch.cat([fitted.mean(x[:4]), fitted.mean(x[4:])])
    torch.testing.assert_close(fitted.mean(x), parts, rtol=1e-9, atol=1e-9)


def test_inputs_of_another_width_are_refused(fitted: Surrogate) -> None:
    with pytest.raises(InputError, match=r"\(batch, 2\)"):
        fitted.mean(torch.zeros(4, 3, dtype=torch.float64))


@pytest.mark.parametrize("surrogate", [GaussianProcess(), Ensemble(steps=3)])
def test_misuse_says_what_to_do(surrogate: Surrogate) -> None:
    x = torch.zeros(3, 1, dtype=torch.float64)
    with pytest.raises(NotFittedError, match="fit"):
        surrogate.mean(x)
    with pytest.raises(NotFittedError, match="fit"):
        surrogate.state()
    with pytest.raises(DataError, match="rows"):
        surrogate.fit(x[:1], x[:1])
    with pytest.raises(DataError, match="finite"):
        surrogate.fit(x, x / 0)


def test_global_state_is_left_alone() -> None:
    x = uniform(30, 1, low=0, high=1)
    before = torch.get_rng_state()
    for surrogate in (GaussianProcess(**FAST), Ensemble(width=8, depth=1, steps=5)):
        surrogate.fit(x, x.square())
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(
    ("rows", "inputs", "kind"),
    [
        (2, 9, GaussianProcess),
        (10_000, 4, GaussianProcess),
        (10_000, 5, Ensemble),
        (10_001, 1, Ensemble),
    ],
)
def test_the_default_depends_on_rows_and_inputs(rows: int, inputs: int, kind: type) -> None:
    chosen = default_surrogate(rows, inputs=inputs, seed=3)
    assert isinstance(chosen, kind)
    assert chosen == kind(seed=3)


# The Gaussian process


@pytest.mark.parametrize("sigma", [0.02, 0.2])
def test_even_noise_is_recovered(sigma: float) -> None:
    x = uniform(200, 1, low=-2, high=2)
    truth = torch.sin(3 * x)
    process = GaussianProcess(**FAST).fit(x, truth + sigma * noise(x))
    learned = process.noise_sd(torch.tensor([[-0.5], [0.0], [0.5]], dtype=torch.float64))
    assert (learned > sigma / 1.6).all()
    assert (learned < 1.6 * sigma).all()
    assert rmse(process.mean(x), truth) < 0.5 * sigma


def test_proportional_noise_is_recovered() -> None:
    x = uniform(250, 1, low=-2, high=2)
    truth = x**3 - x
    process = GaussianProcess(learn_rows=200).fit(x, truth * (1 + 0.02 * noise(x)))
    ends = process.noise_sd(torch.tensor([[0.0], [5.0]], dtype=torch.float64))[:, 0]
    assert ends[1] / 5 == pytest.approx(0.02, rel=0.4)
    assert ends[0] < ends[1] / 5
    z = (process.mean(x) - truth) / process.sd(x)
    assert 0.3 < z.square().mean().sqrt() < 2


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_is_never_taken_for_signal(seed: int) -> None:
    x = uniform(80, 2, low=-1, high=1, seed=seed)
    y = noise(x[:, :1], seed=seed + 10)
    learned = GaussianProcess(**FAST).fit(x, y).noise_sd(torch.zeros(1, 1, dtype=torch.float64))
    assert learned.item() > 0.3


def test_exact_measurements_are_reproduced() -> None:
    x = torch.linspace(-2, 2, 100, dtype=torch.float64)[:, None]
    between = (x[1:] + x[:-1]) / 2
    process = GaussianProcess(**FAST).fit(x, x**3 - x)
    assert rmse(process.mean(between), between**3 - between) < 1e-4
    assert process.sd(between).max() < 1e-2


def test_a_square_root_rim_is_straightened() -> None:
    x = uniform(400, 2, low=-1, high=1)
    x = x[x.square().sum(1) < 0.99]
    y = (1 - x.square().sum(1, keepdim=True)).sqrt()
    process = GaussianProcess(**FAST).fit(x[:150], y[:150] * (1 + 0.02 * noise(y[:150])))
    assert process.outputs_[0].warp.name == "square"
    assert rmse(process.mean(x[150:]), y[150:]) < 0.01
    beyond = uniform(20, 2, low=1.0, high=1.5)
    assert process.mean(beyond).isfinite().all()
    assert process.jacobian(beyond).isfinite().all()


def test_a_fast_and_a_slow_part_are_both_followed() -> None:
    x = uniform(300, 1, low=0, high=12)
    truth = x + 0.3 * torch.sin(2 * math.pi * x)
    process = GaussianProcess(screen_rows=150, learn_rows=200).fit(x, truth + 0.05 * noise(x))
    at = uniform(200, 1, low=0.5, high=11.5, seed=5)
    assert rmse(process.mean(at), at + 0.3 * torch.sin(2 * math.pi * at)) < 0.06


def test_the_order_of_rows_does_not_matter() -> None:
    x = uniform(110, 2, low=-1, high=1)
    y = two_outputs(x) + 0.05 * noise(two_outputs(x))
    shuffled = torch.randperm(110, generator=torch.Generator().manual_seed(0))
    process = GaussianProcess(**FAST).fit(x, y)
    other = GaussianProcess(**FAST).fit(x[shuffled], y[shuffled])
    at = uniform(50, 2, low=-1.5, high=1.5, seed=2)
    torch.testing.assert_close(process.mean(at), other.mean(at), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(process.sd(at), other.sd(at), rtol=1e-5, atol=1e-6)


@settings(max_examples=4, deadline=None)
@given(
    rows=st.integers(2, 12),
    inputs=st.integers(1, 3),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    seed=st.integers(0, 100),
)
def test_few_rows_of_any_unit_are_enough(rows: int, inputs: int, scale: float, seed: int) -> None:
    x = uniform(rows, inputs, low=-scale, high=scale, seed=seed)
    y = torch.cat([x[:, :1] / scale, scale * torch.ones_like(x[:, :1])], dim=1)
    process = GaussianProcess(**FAST).fit(x.repeat(2, 1), y.repeat(2, 1))  # repeated rows
    assert process.mean(x).isfinite().all()
    assert (process.sd(x) > 0).all()
    assert process.jacobian(x).shape == (rows, 2, inputs)


@given(
    name=st.sampled_from(sorted(SCALES)),
    knee=st.floats(1e-2, 10),
    y=st.floats(-20, 20),
)
def test_a_warp_is_inverted_on_all_numbers(name: str, knee: float, y: float) -> None:
    warp = Warp(name=name, knee=knee)
    at = torch.tensor([y], dtype=torch.float64, requires_grad=True)
    u = warp.forward(at)
    torch.testing.assert_close(warp.inverse(u), at, rtol=1e-9, atol=1e-9)
    (slope,) = torch.autograd.grad(u.sum(), at)
    if abs(y - knee) > 1e-9:
        torch.testing.assert_close(warp.slope(u).detach(), 1 / slope)


# The support


@settings(max_examples=25, deadline=None)
@given(inputs=st.integers(1, 3), rows=st.integers(60, 300), seed=st.integers(0, 1000))
def test_points_like_the_measured_ones_are_inside(inputs: int, rows: int, seed: int) -> None:
    x = uniform(2 * rows, inputs, low=-3, high=5, seed=seed)
    support = Support().fit(x[:rows])
    assert not support.outside(x[:rows]).any()
    assert support.outside(x[rows:]).double().mean() < 0.1
    assert support.outside(x[:rows] + 100).all()


def test_a_gap_is_outside_and_a_missing_sample_is_not() -> None:
    weeks = torch.arange(0, 300, dtype=torch.float64)
    kept = weeks[((weeks < 100) | (weeks > 130)) & (weeks != 50)]
    support = Support().fit(kept[:, None])
    at = torch.tensor([[50.0], [115.0], [299.5], [310.0], [-9.0]], dtype=torch.float64)
    assert support.outside(at).tolist() == [False, True, False, True, True]


@pytest.mark.parametrize("jitter", [0.0, 1e-7])
def test_repeats_do_not_shrink_the_support(jitter: float) -> None:
    x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None].repeat(5, 1)
    support = Support().fit(x + jitter * noise(x))
    assert not support.outside(uniform(100, 1, low=0, high=1)).any()


def test_the_support_survives_saving_and_units() -> None:
    x = uniform(100, 2, low=0, high=1)
    at = uniform(200, 2, low=-1, high=2)
    support = Support().fit(x)
    copy = Support.from_state(support.state())
    units = torch.tensor([1e6, 1e-3], dtype=torch.float64)
    assert torch.equal(support.outside(at), copy.outside(at))
    assert torch.equal(support.outside(at), Support().fit(x * units).outside(at * units))
    assert set(support.outside(at).tolist()) == {True, False}


def test_one_place_is_no_region() -> None:
    with pytest.raises(DataError, match="distinct"):
        Support().fit(torch.ones(5, 2, dtype=torch.float64))
    with pytest.raises(NotFittedError, match="fit"):
        Support().outside(torch.ones(5, 2, dtype=torch.float64))
