"""Gradients through answers agree with answers to targets nearby."""

import pytest
import torch
from torch import Tensor

import preimage
from preimage import Box, GradientInverter, Preimages
from preimage.papers.twin.experiments import EXPERIMENTS, Experiment

STEP = 1e-6


def asked(experiment: Experiment, count: int) -> Tensor:
    return experiment.draw(count, torch.Generator().manual_seed(3))[1]


def jacobian(found: Preimages, target: Tensor, row: int, place: int) -> Tensor:
    """The derivative of one answer by all targets, `(p, targets, q)`."""
    return torch.stack(
        [torch.autograd.grad(v, target, retain_graph=True)[0] for v in found.x[row, place]]
    )


@pytest.mark.parametrize(
    "experiment", [EXPERIMENTS[i] for i in (0, 1, 2, 4, 5, 6)], ids=lambda e: e.name
)
def test_isolated_answers_agree_with_finite_differences(experiment):
    inverter = GradientInverter().fit_function(experiment.function())
    target = asked(experiment, 4).requires_grad_()
    found = inverter.invert(target, n=3)
    for row, place in found.ok.nonzero().tolist():
        derivative = jacobian(found, target, row, place)
        others = [other for other in range(4) if other != row]
        assert bool((derivative[:, others] == 0).all())
        branch = found.x[row, place].detach()
        for j in range(target.shape[1]):
            shift = torch.zeros_like(target[0])
            shift[j] = STEP
            two = torch.stack([target[row] + shift, target[row] - shift]).detach()
            above, below = inverter.invert(two, n=1, near=branch).best
            slope = (above - below) / (2 * STEP)
            torch.testing.assert_close(derivative[:, row, j], slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("experiment", [EXPERIMENTS[i] for i in (3, 7)], ids=lambda e: e.name)
def test_out_of_a_continuum_the_answer_follows_the_target_by_the_least_movement(experiment):
    function = experiment.function()
    target = asked(experiment, 3).requires_grad_()
    found = GradientInverter().fit_function(function).invert(target, n=2)
    for row, place in found.ok.nonzero().tolist():
        derivative = jacobian(found, target, row, place)[:, row]
        slope = function.linearize(found.x[row, place, None].detach())[1][0]
        torch.testing.assert_close(slope @ derivative, torch.eye(target.shape[1]).double())
        width = function.domain.width
        least = torch.linalg.pinv(slope * width)
        torch.testing.assert_close(derivative / width[:, None], least, rtol=1e-6, atol=1e-9)


def test_the_values_are_those_without_gradients():
    f, box = (lambda x: x**3 - x), Box(-2, 2)
    target = torch.tensor([[0.2], [7.0], [0.0]], dtype=torch.float64)
    plain = preimage.invert(f, target, box, n=4)
    live = preimage.invert(f, target.clone().requires_grad_(), box, n=4)
    assert torch.equal(plain.x.nan_to_num(), live.x.detach().nan_to_num())
    assert torch.equal(plain.ok, live.ok)
    assert str(plain) == str(live)
    assert live.to_frame().equals(plain.to_frame())
    assert not plain.x.requires_grad


def test_targets_without_an_answer_carry_no_gradient():
    target = torch.tensor([0.2, 7.0], dtype=torch.float32, requires_grad=True)
    found = preimage.invert(lambda x: x**3 - x, target, Box(-2, 2), n=2)
    (gradient,) = torch.autograd.grad(found.x[:, 0].nan_to_num().sum(), target)
    assert gradient.dtype == torch.float32
    assert gradient[0] != 0
    assert gradient[1] == 0


def test_a_fold_gives_no_infinite_gradient():
    target = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    found = preimage.invert(lambda x: x**2, target, Box(-1, 1), n=1)
    assert bool(found.ok[0, 0])
    (gradient,) = torch.autograd.grad(found.x[0, 0, 0], target)
    assert bool(gradient.isfinite().all())
