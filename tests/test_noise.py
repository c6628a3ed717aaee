"""Measurements of unequal worth: known noise, repeated rows, anchors that are off."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import preimage
from preimage import GradientInverter, NearestInverter, Recipe, TwinInverter
from preimage.errors import DataError, InputError
from preimage.inverters.replicates import averaged
from preimage.papers.twin.experiments import EXPERIMENTS
from preimage.solve.neighbours import Neighbours
from preimage.surrogates import Ensemble, GaussianProcess
from preimage.tables.pairs import paired

SHORT = Recipe(steps=300, width=64, depth=2, loss="mae")


def measured(rows: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A sine: inputs, truth, measurements of which a third are far off, and their noise."""
    source = torch.Generator().manual_seed(seed)
    x = 6 * torch.rand(rows, 1, generator=source, dtype=torch.float64)
    bad = torch.rand(rows, 1, generator=source, dtype=torch.float64) < 1 / 3
    sd = torch.where(bad, 0.5, 0.005).double()
    y = x.sin() + sd * torch.randn(rows, 1, generator=source, dtype=torch.float64)
    return x, x.sin(), y, sd


@pytest.mark.parametrize(
    "surrogate", [GaussianProcess(), Ensemble(steps=500, width=48)], ids=["gp", "ensemble"]
)
def test_rows_known_to_be_noisy_count_for_less(surrogate):
    x, truth, y, sd = measured(150, 0)

    def error(noise: Tensor | None) -> float:
        return float((surrogate.fit(x, y, noise).mean(x) - truth).square().mean().sqrt())

    assert error(sd) < error(None) / 2


def test_noise_that_is_known_is_not_learned_again():
    x, _, y, sd = measured(150, 1)
    rest = GaussianProcess().fit(x, y, sd).noise_sd(torch.zeros(1, 1, dtype=torch.float64))
    assert float(rest) < 0.02  # of .5 in a third of the rows


def test_answers_to_unequal_measurements_are_near_the_truth(tmp_path):
    x, _, y, sd = measured(150, 2)
    data = pd.DataFrame({"x": x[:, 0], "y": y[:, 0], "sd": sd[:, 0]})
    path = tmp_path / "data.csv"
    data.to_csv(path, index=False)
    wanted = np.linspace(-0.9, 0.9, 7)
    model = GradientInverter().fit("x", "y", data=path, noise="sd")
    found = model.invert(wanted, n=4)
    assert found.answered
    miss = np.abs(np.sin(found.x[..., 0]) - wanted[:, None])[found.ok]
    assert miss.max() < 0.02
    model.save(tmp_path / "model")
    again = preimage.load(tmp_path / "model")
    assert again.fitted.noise is not None
    np.testing.assert_array_equal(again.invert(wanted, n=4).x, found.x)


def test_anchors_known_to_be_noisy_are_avoided():
    x = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    y = torch.tensor([[0.0], [1.0], [1.1]], dtype=torch.float64)
    trusted = NearestInverter(neighbours=1)
    plain = trusted.fit(x, y, function=lambda x: x).invert(1.0, n=1, tol=9.0)
    aware = trusted.fit(x, y, noise=[0.0, 0.8, 0.0], function=lambda x: x)
    assert plain.best == 1
    assert aware.invert(1.0, n=1, tol=9.0).best == 2


def test_doubt_ranks_by_the_expected_squared_distance():
    source = torch.Generator().manual_seed(0)
    points = torch.rand(200, 2, generator=source, dtype=torch.float64)
    doubt = torch.rand(200, generator=source, dtype=torch.float64)
    asked = torch.rand(20, 2, generator=source, dtype=torch.float64)
    scale = torch.tensor([1.0, 3.0], dtype=torch.float64)
    expected = torch.cdist(asked / scale, points / scale).square() + doubt.square()
    found = Neighbours(points, scale, doubt).query(asked, 9)
    assert torch.equal(found, expected.argsort(dim=1)[:, :9])


def test_denoised_anchors_are_nearer_to_the_truth_and_make_better_steps():
    x, truth, y, sd = measured(200, 3)
    wanted = torch.linspace(-0.9, 0.9, 50, dtype=torch.float64)[:, None]

    def miss(*, denoise: bool) -> float:
        twin = TwinInverter(recipe=SHORT, polish=False, denoise=denoise)
        found = twin.fit(x, y, noise=sd).invert(wanted, n=1)
        return float((found.best.sin() - wanted).square().mean().sqrt())

    problem = GradientInverter().fit(x, y, noise=sd).fitted
    assert (problem.denoised.y - truth).norm() < (problem.y - truth).norm() / 5
    assert miss(denoise=True) < miss(denoise=False)


def test_exact_measurements_are_not_smoothed():
    x = torch.linspace(0, 6, 40, dtype=torch.float64)[:, None]
    problem = GradientInverter().fit(x, x.sin()).fitted
    torch.testing.assert_close(problem.denoised.y, x.sin(), rtol=0, atol=1e-4)


def test_repeated_rows_are_averaged_by_their_worth():
    x = torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64)
    y = torch.tensor([[2.0], [5.0], [4.0]], dtype=torch.float64)
    noise = torch.tensor([[1.0], [0.3], [3.0]], dtype=torch.float64)
    inputs, mean, level = averaged(x, y, noise)
    assert inputs.flatten().tolist() == [1, 0]
    torch.testing.assert_close(mean.flatten(), torch.tensor([2.2, 5.0]).double())
    assert level is not None
    torch.testing.assert_close(level.flatten(), torch.tensor([0.9**0.5, 0.3]).double())
    exact = averaged(x, y, noise * torch.tensor([[0.0], [1.0], [1.0]]).double())[1]
    torch.testing.assert_close(exact.flatten(), torch.tensor([2.0, 5.0]).double())


def test_the_mean_of_repeated_measurements_is_one_known_pair():
    x = torch.linspace(0, 1, 12, dtype=torch.float64)[:, None].repeat(5, 1)
    source = torch.Generator().manual_seed(0)
    y = x.square() + 0.05 * torch.randn(60, 1, generator=source, dtype=torch.float64)
    problem = GradientInverter().fit(x, y, repeats="keep").fitted
    assert len(problem.x) == 12
    torch.testing.assert_close(problem.y, y.reshape(5, 12, 1).mean(0))
    assert problem.surrogate is not None
    learned = problem.surrogate.noise_sd(torch.full((1, 1), 0.5, dtype=torch.float64))
    assert 0.03 < float(learned) < 0.08


def test_noise_as_one_number_a_column_or_a_column_for_each_output():
    x, y = np.arange(4.0), np.arange(8.0).reshape(4, 2) ** 2
    one = paired(x, y, noise=0.5).noise
    column = paired(x, y, noise=[0.5, 0.5, 0.5, 0.5]).noise
    each = paired(x, y, noise=np.full((4, 2), 0.5)).noise
    frame = pd.DataFrame({"x": x, "a": y[:, 0], "b": y[:, 1], "s": 0.5})
    named = paired("x", ["a", "b"], noise="s", data=frame).noise
    for noise in (one, column, each, named):
        np.testing.assert_array_equal(noise, np.full((4, 2), 0.5))
    assert paired(x, y).noise is None


def test_noise_that_makes_no_sense_is_refused():
    x, y = np.arange(4.0), np.arange(4.0) ** 2
    with pytest.raises(DataError, match=r"noise is negative in 1 rows \(row 2"):
        paired(x, y, noise=[0, 1, -1, 1])
    with pytest.raises(DataError, match="noise has the shape"):
        paired(x, y, noise=[0.1, 0.1])
    with pytest.raises(DataError, match=r"noise.*in 1 row"):
        paired(x, y, noise=[0.1, np.nan, 0.1, 0.1])
    assert paired(x, y, noise=[0.1, np.nan, 0.1, 0.1], missing="drop").dropped == 1
    frame = pd.DataFrame({"x": x, "y": y})
    with pytest.raises(InputError, match="no column 'sd'"):
        paired("x", "y", noise="sd", data=frame)


def test_targets_without_inputs_make_the_steps_of_a_twin_better():
    """Fifty measured postures of a 2-link arm, and many places where the hand should go."""
    arm = EXPERIMENTS[6]
    x, y = arm.draw(450, torch.Generator().manual_seed(0))
    known, wanted = y[:50], y[50:]

    def miss(unlabelled: Tensor | None) -> float:
        twin = TwinInverter(recipe=replace(SHORT, steps=600), polish=False)
        twin.fit(x[:50], known, domain=arm.box, unlabelled=unlabelled)
        there = arm.fn(twin.invert(wanted, n=1).best)
        return float((there - wanted).square().mean().sqrt())

    assert miss(wanted) < 0.75 * miss(None)


def test_targets_without_inputs_are_refused_where_they_are_of_no_use():
    x = torch.linspace(0, 1, 9, dtype=torch.float64)
    with pytest.raises(InputError, match="unlabelled="):
        GradientInverter().fit(x, x.square(), unlabelled=[0.5])
    with pytest.raises(InputError, match="unlabelled="):
        TwinInverter().fit(x, x.square(), unlabelled=[0.5], function=torch.square)
    with pytest.raises(InputError, match="unlabelled has 2 columns"):
        TwinInverter(recipe=SHORT).fit(x, x.square(), unlabelled=[[0.5, 1.0]])
