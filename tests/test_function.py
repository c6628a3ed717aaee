import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preimage import Box, Function
from preimage.errors import FunctionError, InputError
from preimage.function import Derivatives, as_function

UNIT = Box([0.1, 0.1], [1, 1])


def tensor_map(x):
    return torch.stack([x[:, 0] * x[:, 1].sin(), x[:, 1] ** 3], dim=1)


def numpy_map(x):
    assert isinstance(x, np.ndarray)
    return np.column_stack([x[:, 0] * np.sin(x[:, 1]), x[:, 1] ** 3])


def jacobian_of_map(x):
    a, b = x[:, 0], x[:, 1]
    zero = torch.zeros_like(a)
    rows = [torch.stack([b.sin(), a * b.cos()], dim=1), torch.stack([zero, 3 * b**2], dim=1)]
    return torch.stack(rows, dim=1)


def detached_map(x):
    return torch.from_numpy(numpy_map(x.detach().numpy()))


@pytest.mark.parametrize(
    ("fn", "jacobian", "kind"),
    [
        (tensor_map, None, Derivatives.AUTODIFF),
        (numpy_map, None, Derivatives.FINITE_DIFFERENCES),
        (detached_map, None, Derivatives.FINITE_DIFFERENCES),
        (tensor_map, jacobian_of_map, Derivatives.ANALYTIC),
        (numpy_map, lambda x: jacobian_of_map(torch.from_numpy(x)).numpy(), Derivatives.ANALYTIC),
    ],
)
def test_however_it_is_written_values_and_derivatives_are_those_of_the_map(fn, jacobian, kind):
    f = Function(fn, UNIT, jacobian)
    assert f.derivatives is kind
    assert f.output_dim == 2
    x = UNIT.sobol(30)
    y, slope = f.linearize(x)
    torch.testing.assert_close(y, tensor_map(x))
    torch.testing.assert_close(slope, jacobian_of_map(x), atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(f(x), tensor_map(x))


@given(x=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_finite_differences_are_taken_inside_the_domain(x):
    def strict(points):
        assert ((points >= 0) & (points <= 1)).all()
        return np.exp(points)

    f = Function(strict, Box(0, 1))
    points = torch.tensor(x, dtype=torch.float64)[:, None]
    y, slope = f.linearize(points)
    assert f.excluded == 0
    torch.testing.assert_close(y, points.exp())
    torch.testing.assert_close(slope[:, :, 0], points.exp(), atol=1e-4, rtol=1e-4)


def test_a_neighbour_that_is_undefined_leaves_a_one_sided_difference():
    f = Function(lambda x: np.where(x < 0.5, np.nan, x**2), Box(0, 1))
    slope = f.linearize(torch.tensor([[0.5]], dtype=torch.float64))[1]
    assert slope.item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("whole", [True, False])
def test_rows_that_raise_are_left_out_and_counted(whole):
    def fussy(x):
        bad = x[:, 0] < 0
        if bad.any():
            raise ValueError("negative")
        return x.sqrt()

    f = Function(fussy, Box(-1, 1))
    x = torch.tensor([[-0.5], [0.25], [-0.1], [0.36]], dtype=torch.float64)
    before = f.excluded
    y = f.linearize(x)[0] if whole else f(x)
    assert y.isnan().flatten().tolist() == [True, False, True, False]
    assert y[~y.isnan()].tolist() == pytest.approx([0.5, 0.6])
    assert f.excluded - before >= 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("differentiable", [True, False])
def test_a_row_with_one_unusable_output_is_unusable(bad, differentiable):
    def half(x):
        y = torch.stack([x[:, 0], x[:, 0]], dim=1)
        y = torch.where((x > 0.5) & torch.tensor([True, False]), bad, y)
        return y if differentiable else y.detach()

    f = Function(half, Box(0, 1))
    y = f.linearize(torch.tensor([[0.2], [0.8]], dtype=torch.float64))[0]
    assert y.isnan().tolist() == [[False, False], [True, True]]
    assert f.excluded >= 1


def test_numpy_warnings_of_undefined_points_stay_quiet():
    f = Function(np.log, Box(-1, 1))
    assert f(torch.tensor([[-0.5], [1.0]], dtype=torch.float64))[1].item() == 0.0


def test_a_function_may_write_into_its_argument():
    def careless(x):
        x *= 2
        return x

    f = Function(careless, Box(0, 1))
    x = torch.tensor([[0.5]], dtype=torch.float64)
    assert f(x).item() == 1.0
    assert x.item() == 0.5


def test_float32_functions_are_known_to_be_coarse():
    f = Function(lambda x: x.astype(np.float32) ** 2, Box(0, 1))
    assert f.precision == pytest.approx(np.finfo(np.float32).eps)
    slope = f.linearize(torch.tensor([[0.5]], dtype=torch.float64))[1]
    assert slope.item() == pytest.approx(1.0, abs=1e-3)


def test_one_output_may_have_one_dimension_and_a_list_will_do():
    x = torch.tensor([[0.5], [1.0]], dtype=torch.float64)
    assert Function(lambda x: x[:, 0], Box(0, 1))(x).tolist() == [[0.5], [1.0]]
    assert Function(lambda x: [float(v) for v in x[:, 0]], Box(0, 1))(x).shape == (2, 1)


def test_a_function_that_ignores_an_input_has_a_zero_derivative():
    f = Function(lambda x: torch.stack([x[:, 0], x[:, 0] * 0 + 1], dim=1), UNIT)
    slope = f.linearize(UNIT.center[None])[1]
    assert slope.tolist() == [[[1, 0], [0, 0]]]


def test_a_function_that_never_works_says_what_happened():
    def broken(x):
        raise TypeError("no such thing")

    with pytest.raises(FunctionError, match="no such thing"):
        _ = Function(broken, Box(0, 1)).output_dim
    with pytest.raises(FunctionError, match="must return"):
        _ = Function(lambda x: x[:0], Box(0, 1)).output_dim


def test_a_jacobian_of_the_wrong_shape_or_that_fails_is_an_error():
    wrong = Function(tensor_map, UNIT, lambda x: jacobian_of_map(x)[:, :, :1])
    with pytest.raises(InputError, match=r"\(16, 2, 1\).*must return .* = \(16, 2, 2\)"):
        wrong.linearize(UNIT.sobol(5))

    def failing(x):
        raise KeyError("lost")

    with pytest.raises(FunctionError, match=r"jacobian failed.*lost"):
        Function(tensor_map, UNIT, failing).linearize(UNIT.sobol(5))


def test_a_jacobian_that_raises_in_places_leaves_gaps_there():
    def partial(x):
        if (x[:, 0] > 0.999).any():
            raise ValueError("edge")
        return torch.ones(len(x), 1, 1)

    f = Function(lambda x: x, Box(0, 1), partial)
    slope = f.linearize(torch.tensor([[0.5], [1.0]], dtype=torch.float64))[1]
    assert slope.isnan().flatten().tolist() == [False, True]


def test_another_number_of_outputs_is_an_error_and_no_gap():
    def growing(x):
        return x.repeat(1, 2) if (x > 0.999).any() else x

    f = Function(growing, Box(0, 0.9))
    with pytest.raises(InputError, match=r"returned 2 outputs where it had 1.*NaN"):
        f(torch.tensor([[0.5], [1.0]], dtype=torch.float64))


def test_evaluations_are_counted_in_rows():
    f = Function(tensor_map, UNIT)
    before = f.evaluations
    f(UNIT.sobol(7))
    f.linearize(UNIT.sobol(5))
    assert f.evaluations - before == 12


def test_what_is_no_function_is_refused():
    with pytest.raises(InputError, match="needs a domain"):
        as_function(np.sin)
    with pytest.raises(InputError, match="has its own"):
        as_function(Function(np.sin, Box(0, 1)), Box(0, 1))


def test_mirrored_arrays_are_read_like_any_other() -> None:
    def backwards(x: np.ndarray) -> np.ndarray:
        return np.stack([x[:, 0] ** 3, x[:, 1]], axis=1)[:, ::-1]

    function = Function(backwards, Box(np.array([1.0, 0.0])[::-1], np.array([2.0, 3.0])[::-1]))
    x = torch.tensor([[2.0, 1.5]], dtype=torch.float64)
    assert function(x).tolist() == [[1.5, 8.0]]
