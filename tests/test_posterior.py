import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from preimage import (
    Box,
    DirectInverter,
    FlowInverter,
    MixtureInverter,
    Recipe,
    TandemInverter,
)
from preimage.errors import DataError, InputError, NotFittedError
from preimage.nets.mixture import Mixture

SHORT = Recipe(steps=400, width=32, depth=2, learning_rate=4e-3)

DENSITIES = [MixtureInverter(recipe=SHORT), FlowInverter(recipe=SHORT, transforms=1)]


def identity(x):
    return x


def square(x):
    return x**2


@pytest.fixture(scope="module")
def measured():
    """x is standard normal and y = x + e with e of variance 1/4, so that x | y ~ N(.8 y, .2)."""
    source = torch.Generator().manual_seed(3)
    x = torch.randn(2000, 1, generator=source, dtype=torch.float64)
    return x, x + 0.5 * torch.randn(2000, 1, generator=source, dtype=torch.float64)


@pytest.fixture(scope="module", params=DENSITIES, ids=lambda inverter: inverter.kind)
def linear(request, measured):
    return replace(request.param).fit(*measured, function=identity)


def test_samples_follow_the_posterior_of_a_linear_model(linear):
    y = np.array([[-1.0], [0.0], [1.0]])
    drawn = linear.sample(y, 2000)
    assert drawn.shape == (3, 2000, 1)
    np.testing.assert_allclose(drawn.mean(axis=1), 0.8 * y, atol=0.1)
    np.testing.assert_allclose(drawn.std(axis=1), math.sqrt(0.2), atol=0.08)


def test_the_log_density_is_that_of_the_posterior(linear):
    y = np.repeat([[-1.0], [0.5]], 21, axis=0)
    x = 0.8 * y + np.tile(np.linspace(-0.8, 0.8, 21), 2)[:, None]
    truth = -((x - 0.8 * y) ** 2) / 0.4 - math.log(2 * math.pi * 0.2) / 2
    np.testing.assert_allclose(linear.log_density(x, y), truth[:, 0], atol=0.35)


def test_the_density_integrates_to_one(linear):
    x = np.linspace(-12, 12, 4001)[:, None]
    density = np.exp(linear.log_density(x, np.full_like(x, 0.7)))
    assert np.trapezoid(density, x[:, 0]) == pytest.approx(1, abs=0.01)


def test_what_comes_back_is_of_the_kind_that_was_given(linear):
    y = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    assert isinstance(linear.sample(y, 3), torch.Tensor)
    assert isinstance(linear.sample(y.numpy(), 3), np.ndarray)
    assert isinstance(linear.log_density(y, y), torch.Tensor)


def test_a_seed_decides_the_samples(linear):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, again, other = (linear.sample([0.0, 1.0], 5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    assert torch.equal(torch.get_rng_state(), state)


def test_beyond_the_known_outputs_the_nearest_stands_in(linear, measured):
    top = float(measured[1].max())
    np.testing.assert_array_equal(linear.sample(1e6, 4), linear.sample(top, 4))


def test_samples_are_asked_for_in_the_right_way(linear):
    with pytest.raises(InputError, match="x has 2 rows and y has 1"):
        linear.log_density([0.0, 1.0], 0.0)
    with pytest.raises(InputError, match="2 columns"):
        linear.sample([[0.0, 1.0]], 3)
    with pytest.raises(InputError, match="one or more"):
        linear.sample(0.0, 0)
    with pytest.raises(DataError, match="missing or infinite"):
        linear.sample([0.0, math.nan], 3)
    with pytest.raises(NotFittedError):
        MixtureInverter().sample(0.0, 3)


@pytest.mark.parametrize("inverter", DENSITIES, ids=lambda inverter: inverter.kind)
def test_both_roots_of_a_square_are_sampled_and_found(inverter):
    inverter = replace(inverter).fit_function(square, Box(-2, 2))
    drawn = inverter.sample(2.25, 400)[0, :, 0]
    for root in (-1.5, 1.5):
        assert 0.3 < (np.abs(drawn - root) < 0.3).mean() < 0.7
    found = inverter.invert(2.25)
    np.testing.assert_allclose(np.sort(found.x[0, found.ok[0], 0]), [-1.5, 1.5], atol=1e-8)


def test_the_first_proposals_of_a_mixture_are_its_branches():
    inverter = MixtureInverter(recipe=SHORT, polish=False, draws=1)
    found = inverter.fit_function(square, Box(-2, 2)).invert(2.25, n=30, tol=0.2)
    assert {-1.0, 1.0} <= set(np.sign(found.x[0, found.ok[0], 0]))


def test_a_tandem_network_settles_on_a_branch_where_regression_averages():
    box, targets = Box(-2, 2), np.linspace(0.5, 3.5, 20)
    tandem = TandemInverter(recipe=SHORT, polish=False).fit_function(square, box)
    direct = DirectInverter(recipe=SHORT, polish=False).fit_function(square, box)
    assert tandem.score(targets, targets) < 0.05
    assert direct.score(targets, targets) > 1


def test_a_tandem_network_inverts_an_injective_function():
    tandem = TandemInverter(recipe=replace(SHORT, steps=800), polish=False)
    tandem.fit_function(lambda x: x.exp(), Box(0, 1))
    targets = np.linspace(1.05, 2.65, 30)
    assert tandem.score(targets, targets) < 0.03
    found = tandem.invert(targets, n=1)
    np.testing.assert_allclose(found.x[:, 0, 0], np.log(targets), atol=0.06)


def test_a_tandem_network_stays_in_its_box():
    tandem = TandemInverter(recipe=SHORT, polish=False).fit_function(square, Box(1, 2))
    answers = tandem.invert([-50.0, 50.0], n=1).x[:, 0, 0]
    assert ((answers >= 1) & (answers <= 2)).all()


def mixture():
    """Two correlated normal densities in the plane, of weights 1/4 and 3/4."""
    root = torch.tensor([[[2.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [-0.5, 0.5]]]).double()
    return Mixture(
        log_weight=torch.tensor([[0.25, 0.75]]).double().log(),
        mean=torch.tensor([[[-8.0, 0.0], [8.0, 1.0]]]).double(),
        root=root[None],
    )


def test_the_density_of_a_mixture_is_that_of_torch():
    ours = mixture()
    precision = ours.root[0] @ ours.root[0].mT
    theirs = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=ours.log_weight[0]),
        torch.distributions.MultivariateNormal(ours.mean[0], precision_matrix=precision),
    )
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)).double() * 4
    both = Mixture(*(part.expand(50, *part.shape[1:]) for part in vars(ours).values()))
    torch.testing.assert_close(both.log_prob(x), theirs.log_prob(x))


def test_samples_of_a_mixture_have_its_moments():
    ours = mixture()
    u = torch.rand(1, 40_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = ours.transport(u)[0]
    left = drawn[:, 0] < 0
    assert float(left.double().mean()) == pytest.approx(0.25, abs=0.01)
    for part, k in ((drawn[left], 0), (drawn[~left], 1)):
        covariance = torch.linalg.inv(ours.root[0, k] @ ours.root[0, k].T)
        torch.testing.assert_close(part.mean(dim=0), ours.mean[0, k], atol=0.08, rtol=0)
        torch.testing.assert_close(part.T.cov(), covariance, atol=0.3, rtol=0.1)
