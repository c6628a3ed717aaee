import math
from itertools import pairwise
from typing import final

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preimage import Box, Function, GradientInverter, NearestInverter
from preimage.errors import FunctionError, InputError
from preimage.function import Derivatives
from preimage.preimages import Status
from preimage.space import EUCLIDEAN, OutputSpace

TURN = 2 * math.pi


class Angles(OutputSpace):
    """Angles, of which those that are whole turns apart are the same."""

    def difference(self, y, target):
        gap = y - target
        return gap - TURN * torch.round(gap / TURN)

    def coordinates(self, y):
        return torch.cat([y.cos(), y.sin()], dim=1)

    def between(self, start, end, share):
        return start + share[:, None] * self.difference(end, start)


def folded(angle):
    """An angle as a function may give it: between -pi and pi, with a jump."""
    return torch.remainder(angle + math.pi, TURN) - math.pi


def twice(x):
    return folded(2 * x)


def two_joints(x):
    return folded(torch.stack([x[:, 0] + x[:, 1], x[:, 0] - 3 * x[:, 1]], dim=1))


SLOPE = torch.tensor([[1.0, 1.0], [1.0, -3.0]], dtype=torch.float64)


def slope_of_two_joints(x):
    return SLOPE.expand(len(x), -1, -1)


def in_one_pass(x):
    return two_joints(x), slope_of_two_joints(x)


def numpy_joints(x):
    return two_joints(torch.from_numpy(x)).numpy()


SQUARE = Box([-math.pi] * 2, [math.pi] * 2, periodic=True)
ANGLES = Angles()


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (Function(two_joints, SQUARE, space=ANGLES), Derivatives.AUTODIFF),
        (Function(numpy_joints, SQUARE, space=ANGLES), Derivatives.FINITE_DIFFERENCES),
        (Function(two_joints, SQUARE, slope_of_two_joints, space=ANGLES), Derivatives.ANALYTIC),
        (Function(two_joints, SQUARE, space=ANGLES, linearized=in_one_pass), Derivatives.ANALYTIC),
    ],
)
def test_the_jacobian_is_that_of_the_difference(function, kind):
    # Some of these points are a rounding away from a jump of the numbers.
    seam = torch.tensor([[math.pi / 2, math.pi / 2], [math.pi / 4, -math.pi / 4]]).double()
    x = torch.cat([SQUARE.sobol(50), seam])
    before = function.evaluations
    y, slope = function.linearize(x)
    assert function.derivatives is kind
    assert function.evaluations > before
    torch.testing.assert_close(y, two_joints(x))
    torch.testing.assert_close(slope, slope_of_two_joints(x), atol=1e-8, rtol=0)


class Turns(Angles):
    """Angles that solvers see as cosines and sines."""

    def lift(self, y):
        return torch.cat([y.cos(), y.sin()], dim=1)

    def lower(self, lifted):
        return torch.atan2(lifted[:, 2:], lifted[:, :2])

    def gap(self, lifted, target):
        c, s, u, v = (*lifted.split(2, dim=1), *target.split(2, dim=1))
        return torch.atan2(s * u - c * v, c * u + s * v)


@pytest.mark.parametrize("in_lifted_form", [True, False])
def test_a_space_with_a_lifted_form_gives_the_same_answers(in_lifted_form):
    def lifted(x):
        y, slope = in_one_pass(x)
        return Turns().lift(y), slope

    if in_lifted_form:
        f = Function(two_joints, SQUARE, space=Turns(), lifted=lifted)
    else:
        f = Function(two_joints, SQUARE, space=Turns(), linearized=in_one_pass)
    plain = Function(two_joints, SQUARE, space=ANGLES, linearized=in_one_pass)
    assert f.derivatives is Derivatives.ANALYTIC
    x = SQUARE.sobol(20)
    torch.testing.assert_close(f.linearize(x)[0], folded(plain.linearize(x)[0]))
    torch.testing.assert_close(f.linearize_lifted(x)[1], plain.linearize(x)[1])
    y = two_joints(SQUARE.sobol(30, seed=1))
    found, expected = (GradientInverter().fit_function(one).invert(y) for one in (f, plain))
    assert found.answered
    torch.testing.assert_close(found.count, expected.count)
    torch.testing.assert_close(found.x, expected.x, equal_nan=True, atol=1e-9, rtol=0)


def test_lifted_outputs_must_be_those_of_the_function():
    def other(x):
        y, slope = in_one_pass(x)
        return Turns().lift(y + 1), slope

    with pytest.raises(FunctionError, match="lifted gives other outputs"):
        _ = Function(two_joints, SQUARE, space=Turns(), lifted=other).output_dim
    with pytest.raises(InputError, match=r"linearized= and lifted= were both given"):
        Function(two_joints, SQUARE, space=Turns(), linearized=in_one_pass, lifted=other)


def test_outputs_and_derivatives_in_one_pass_cost_one_call_a_row():
    calls = []

    def counted(x):
        calls.append(len(x))
        return in_one_pass(x)

    f = Function(two_joints, SQUARE, space=ANGLES, linearized=counted)
    assert f.difference_dim == f.output_dim == 2
    calls.clear()
    before = f.evaluations
    f.linearize(SQUARE.sobol(7))
    assert calls == [7]
    assert f.evaluations - before == 7


def test_rows_that_fail_in_one_pass_are_left_out_and_counted():
    def fussy(x):
        if (x < 0).any():
            raise ValueError("negative")
        return x.sqrt(), (0.5 / x.sqrt())[:, :, None]

    f = Function(lambda x: x.sqrt(), Box(-1, 1), linearized=fussy)
    x = torch.tensor([[-0.5], [0.25], [-0.1], [0.36]], dtype=torch.float64)
    _ = f.derivatives
    before = f.excluded, f.evaluations
    y, slope = f.linearize(x)
    assert (f.excluded - before[0], f.evaluations - before[1]) == (2, 4)
    assert y.isnan().flatten().tolist() == slope.isnan().flatten().tolist()
    assert y.isnan().flatten().tolist() == [True, False, True, False]
    assert slope[1].item() == pytest.approx(1.0)


def test_derivatives_that_do_not_fit_the_function_are_errors():
    with pytest.raises(InputError, match="both given"):
        Function(twice, Box(0, 1), lambda x: x, linearized=lambda x: (x, x))

    def lost(x):
        raise KeyError("lost")

    failing = Function(twice, Box(0, 1), linearized=lost)
    with pytest.raises(FunctionError, match=r"linearized failed.*a pair of shapes"):
        _ = failing.output_dim
    other = Function(twice, Box(0, 1), linearized=lambda x: (3 * x, 3 * torch.ones(len(x), 1, 1)))
    with pytest.raises(FunctionError, match="other outputs"):
        other.linearize(torch.tensor([[0.5]], dtype=torch.float64))
    narrow = Function(two_joints, SQUARE, linearized=lambda x: (two_joints(x), SLOPE[:1, None]))
    with pytest.raises(InputError, match="must return"):
        narrow.linearize(SQUARE.sobol(3))


def test_the_same_function_on_another_domain_keeps_all_but_its_counts():
    f = Function(two_joints, SQUARE, outputs=["a", "b"], space=ANGLES, linearized=in_one_pass)
    f(SQUARE.sobol(5))
    g = f.on(Box([0, 0], [1, 1]))
    assert (g.outputs, g.space, g.evaluations) == (f.outputs, f.space, 0)
    assert g.domain == Box([0, 0], [1, 1])
    torch.testing.assert_close(g.linearize(SQUARE.sobol(3)), f.linearize(SQUARE.sobol(3)))


@given(seed=st.integers(0, 1000))
def test_the_spread_is_the_size_of_a_difference(seed):
    source = torch.Generator().manual_seed(seed)
    y = 5 + 0.1 * torch.randn(4000, 2, generator=source, dtype=torch.float64)
    torch.testing.assert_close(EUCLIDEAN.spread(y), y.std(dim=0))
    wound = folded(y) + TURN * torch.randint(-3, 3, y.shape, generator=source)
    torch.testing.assert_close(ANGLES.spread(wound), y.std(dim=0), rtol=0.2, atol=0)
    assert ANGLES.spread(torch.full((5, 1), 2.0).double()).tolist() == [1.0]


def test_every_answer_is_found_across_the_jump():
    f = Function(twice, Box(-math.pi, math.pi, periodic=True), space=ANGLES)
    y = torch.linspace(-math.pi, math.pi, 41, dtype=torch.float64)[:, None]
    for inverter in (GradientInverter(), NearestInverter(polish=True, neighbours=8)):
        answers = inverter.fit_function(f).invert(y)
        assert answers.count.tolist() == [2] * 41
        torch.testing.assert_close(
            answers.residual[:, :2], ANGLES.distance(answers.y[:, :2], y[:, None])
        )


def test_a_path_goes_on_across_the_jump():
    f = Function(twice, Box(-math.pi, math.pi, periodic=True), space=ANGLES)
    y = folded(torch.linspace(2.5, 4.5, 9, dtype=torch.float64))[:, None]
    answers = GradientInverter().fit_function(f).invert(y, near="previous")
    assert set(answers.status) == {Status.SOLVED}
    steps = [f.domain.difference(b, a).abs().item() for a, b in pairwise(answers.best)]
    assert max(steps) < 0.03


def many_joints(x):
    """Where six links of a chain in the plane end, and in which direction."""
    angle = x.cumsum(dim=1)
    return torch.stack([angle.cos().sum(dim=1), angle.sin().sum(dim=1), angle[:, -1]], dim=1)


@final
class PlanarPoses(OutputSpace):
    """A position and a direction in the plane."""

    def difference(self, y, target):
        turn = ANGLES.difference(y[..., 2:], target[..., 2:])
        return torch.cat([y[..., :2] - target[..., :2], turn], dim=-1)

    def coordinates(self, y):
        return torch.cat([y[:, :2], ANGLES.coordinates(y[:, 2:])], dim=1)


CHAIN = Function(
    many_joints, Box([-math.pi] * 6, [math.pi] * 6, periodic=True), space=PlanarPoses()
)


@pytest.mark.parametrize("n", [1, 12])
@pytest.mark.parametrize("tol", [None, 1e-3])
def test_many_inputs_and_outputs_that_wind(n, tol):
    y = many_joints(CHAIN.domain.sobol(40, 5))
    y[:, 2] = folded(y[:, 2])
    inverter = GradientInverter().fit_function(CHAIN)
    answers = inverter.invert(y, n=n, tol=tol)
    assert answers.count.tolist() == [n] * 40
    again = many_joints(answers.x.flatten(0, 1)).unflatten(0, (40, n))
    away = PlanarPoses().distance(again, y[:, None])
    assert away.max() <= answers.tol + 1e-12
    torch.testing.assert_close(away, answers.residual, atol=1e-9, rtol=0)
    assert np.isfinite(answers.evaluations)


def test_one_answer_costs_less_than_many():
    y = many_joints(CHAIN.domain.sobol(20, 5))
    inverter = GradientInverter().fit_function(CHAIN)
    inverter.invert(y, n=1)
    calls = []
    for n in (1, 16):
        before = CHAIN.evaluations
        assert inverter.invert(y, n=n).answered
        calls.append(CHAIN.evaluations - before)
    assert calls[0] < calls[1] / 4
