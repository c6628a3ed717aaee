"""Enclosures hold what they claim to hold, compared with forty digits; proofs prove true things."""

import math
import random
from typing import Any

import mpmath
import pytest
import torch
from expressions import UNARY, Expression, Number, Undefined, random_boxes
from mpmath import mpf
from torch import nn
from torch.nn import functional as F

from preimage.errors import InputError, PreimageError
from preimage.intervals.branch_and_prune import solve_all
from preimage.intervals.enclosure import Interval
from preimage.intervals.failures import UndefinedEnclosure, UnsupportedOperation, partial
from preimage.intervals.first_order import enclose, enclose_jacobian, enclose_mean_value
from preimage.intervals.krawczyk import certify
from preimage.intervals.matrices import determinant_sign, least_eigenvalue, left_inverse

SAMPLES = 200


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


def check_expression(seed, points):
    """Values and gradients at random points, corners, and where the function is extreme."""
    source = random.Random(seed)
    inputs = source.randint(1, 3)
    expression = Expression(source, inputs, source.randint(1, 4))
    low, high = random_boxes(source, inputs, 3)
    with partial():
        value, jacobian = enclose_jacobian(expression.torch, low, high)
        plain = enclose(expression.torch, low, high)
    generator = torch.Generator().manual_seed(seed)
    checked = 0
    for box in range(3):
        unit = torch.rand(SAMPLES, inputs, generator=generator, dtype=torch.float64)
        unit[0], unit[1] = 0, 1
        x = (low[box] + (high[box] - low[box]) * unit).clamp(low[box], high[box])
        y = expression.torch(x).nan_to_num(nan=0.0)
        chosen = {0, 1, int(y.argmin()), int(y.argmax()), *range(2, 2 + points)}
        for point in sorted(chosen):
            try:
                exact = expression.exact([mpf(v) for v in x[point].tolist()])
            except (Undefined, OverflowError, ZeroDivisionError):
                continue
            if not isinstance(exact.value, mpf) or not abs(exact.value) < mpf(10) ** 300:
                continue
            where = f"{expression} at {x[point].tolist()} in [{low[box]}, {high[box]}], seed {seed}"
            for enclosure in (value, plain):
                assert enclosure.low[box, 0].item() <= exact.value, where
                assert enclosure.high[box, 0].item() >= exact.value, where
            for i, slope in enumerate(exact.slopes):
                assert jacobian.low[box, 0, i].item() <= slope, f"slope {i} of {where}"
                assert jacobian.high[box, 0, i].item() >= slope, f"slope {i} of {where}"
            checked += 1
    return checked


def test_enclosures_of_random_expressions_hold_values_and_derivatives():
    assert sum(check_expression(seed, points=4) for seed in range(150)) > 1500


@pytest.mark.slow
def test_enclosures_of_ten_thousand_random_expressions_hold_values_and_derivatives():
    assert sum(check_expression(seed, points=8) for seed in range(1000, 11_000)) > 100_000


# Layers and other operations, against automatic differentiation


class Block(nn.Module):
    """Attention over three tokens of two features."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(2, 1, batch_first=True)

    def forward(self, x):
        tokens = x.reshape(-1, 3, 2)
        return self.attention(tokens, tokens, tokens)[0].flatten(1)


def pictures(*layers):
    return nn.Sequential(nn.Unflatten(1, (1, 2, 3)), *layers, nn.Flatten())


NETWORKS = {
    "tanh": lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4)),
    "relu in place": lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 2)),
    "prelu": lambda: nn.Sequential(nn.Linear(6, 5), nn.PReLU(5), nn.Linear(5, 2)),
    "glu": lambda: nn.Sequential(nn.Linear(6, 8), nn.GLU()),
    "softmax": lambda: nn.Softmax(1),
    "log softmax": lambda: nn.Sequential(nn.Linear(6, 4), nn.LogSoftmax(1)),
    "layer norm": lambda: nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 2)),
    "batch norm": lambda: nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.SiLU()),
    "group norm": lambda: nn.Sequential(nn.Unflatten(1, (2, 3)), nn.GroupNorm(1, 2), nn.Flatten()),
    "bilinear": lambda: nn.Sequential(nn.Dropout(), nn.Linear(6, 3), nn.Hardswish()),
    "convolution": lambda: pictures(nn.Conv2d(1, 4, 2, padding=1), nn.Mish(), nn.Conv2d(4, 2, 2)),
    "grouped": lambda: pictures(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, (1, 3), 1, (0, 1), groups=2)),
    "transposed": lambda: pictures(nn.ConvTranspose2d(1, 3, 2, stride=2), nn.GELU()),
    "conv1d": lambda: nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Conv1d(2, 3, 2), nn.Flatten()),
    "max pool": lambda: pictures(nn.Conv2d(1, 3, 1), nn.MaxPool2d(2, 1)),
    "avg pool": lambda: pictures(nn.Conv2d(1, 3, 1), nn.AvgPool2d(2, 1, 1),
                                 nn.AdaptiveAvgPool2d(1)),
    "shuffle": lambda: nn.Sequential(nn.Unflatten(1, (6, 1, 1)), nn.Conv2d(6, 4, 1),
                                     nn.PixelShuffle(2), nn.Upsample(scale_factor=2), nn.Flatten()),
    "attention": Block,
}  # fmt: skip


def _homogeneous(x):
    c, s, zero = x[:, 0].cos(), x[:, 0].sin(), torch.zeros_like(x[:, 0])
    turn = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)
    return torch.cat([(turn @ x[:, 1:3, None])[:, :, 0], torch.stack([zero, c], 1)], 1)


FORMULAS = {
    "matrices": _homogeneous,
    "einsum": lambda x: torch.einsum("bi,bj->bij", x[:, :2], x[:, 2:4]).flatten(1),
    "index": lambda x: x[:, [0, 5, 2]] * x[:, -3:],
    "mask": lambda x: x[:, torch.tensor([True, False, True, True, False, False])] ** 2,
    "apart": lambda x: x.reshape(-1, 2, 3)[:, [0, 1]][:, :, [2, 0]].flatten(1).sin(),
    "cumsum": lambda x: x.cumsum(1).cos(),
    "prod": lambda x: x.prod(1),
    "norm": lambda x: (x + 5).norm(dim=1),
    "normalize": lambda x: F.normalize(x + 4),
    "var": lambda x: x.var(1),
    "logsumexp": lambda x: x.logsumexp(1),
    "amax": lambda x: torch.stack([x.amax(1), x.min(1).values, x[:, :2].max(dim=1)[0]], 1),
    "cross": lambda x: torch.linalg.cross(x[:, :3], x[:, 3:]),
    "roll": lambda x: x.roll(2, 1).flip(1) * x,
    "repeat": lambda x: x.repeat(1, 2) * torch.arange(12),
    "pad": lambda x: F.pad(x, (1, 2), value=3.0).exp(),
    "reflect": lambda x: F.pad(x[:, None], (2, 2), mode="reflect")[:, 0] ** 2,
    "gather": lambda x: x.gather(1, torch.zeros(len(x), 2, dtype=torch.int64)),
    "where": lambda x: torch.where(x > 9, x, x**2),
    "masks": lambda x: (x * ((x > -9) & ~(x > 9))).masked_fill(x > 9, 0.0),
    "remainder": lambda x: (x * 0.01 + 0.5).remainder(1.0) + (x / 50 + 0.5).floor(),
    "lerp": lambda x: torch.lerp(x[:, :2], x[:, 2:4], 0.3).addcmul(x[:, :2], x[:, 4:]),
    "mean": lambda x: x - x.mean(1, keepdim=True),
    "permute": lambda x: x.view(-1, 3, 2).permute(2, 0, 1).unbind(0)[1].tanh().squeeze(),
    "split": lambda x: torch.hstack([part.sum(1, keepdim=True) for part in x.split([2, 4], 1)]),
    "tril": lambda x: (x.view(-1, 2, 3).tril() @ x.view(-1, 3, 2)).flatten(1),
}  # fmt: skip


def check_against_samples(f, exact, seed):
    """f on boxes of several sizes; `exact` is the same in float64."""
    derivative: Any = torch.autograd.functional.jacobian
    generator = torch.Generator().manual_seed(seed)
    for size in (1e-9, 0.05, 0.6):
        low = 2 * torch.rand(3, 6, generator=generator, dtype=torch.float64) - 1
        high = low + size * torch.rand(3, 6, generator=generator, dtype=torch.float64)
        value, jacobian = enclose_jacobian(f, low, high)
        for _ in range(20):
            x = low + (high - low) * torch.rand(3, 6, generator=generator, dtype=torch.float64)
            y = exact(x).detach().reshape(3, -1)
            slope = torch.stack([
                derivative(lambda t: exact(t).reshape(-1), row)[:, 0] for row in x.split(1)
            ])  # fmt: skip
            for bounds, truth in ((value, y), (jacobian, slope)):
                slack = 1e-12 * (1 + truth.abs())
                assert (bounds.low <= truth + slack).all()
                assert (bounds.high >= truth - slack).all()
    # They are of use: on the smallest boxes they are hardly wider than the boxes.
    low = 2 * torch.rand(3, 6, generator=generator, dtype=torch.float64) - 1
    value, jacobian = enclose_jacobian(f, low, low)
    assert (value.bounds.width < 1e-10 * (1 + value.bounds.magnitude)).all()
    assert (jacobian.bounds.width < 1e-8 * (1 + jacobian.bounds.magnitude)).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name, dtype):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = NETWORKS[name]().eval().to(dtype)
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point():
                tensor.data += 0.3 * torch.rand_like(tensor)
    exact = NETWORKS[name]().eval().double()
    exact.load_state_dict(network.state_dict())
    check_against_samples(network, exact, 1)


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name):
    check_against_samples(FORMULAS[name], FORMULAS[name], 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_weights_are_exact_numbers_whatever_their_type(dtype):
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        weight = torch.randn(3, 50, generator=generator).to(dtype)
        bias = torch.randn(3, generator=generator).to(dtype)
        x = torch.randn(1, 50, generator=generator, dtype=torch.float64)
        value = enclose(lambda x, w=weight, b=bias: F.linear(x, w, b), x, x)
        for i in range(3):
            exact = mpmath.fdot(map(mpf, weight[i].tolist()), map(mpf, x[0].tolist()))
            exact += mpf(bias[i].item())
            assert value.low[0, i].item() <= exact <= value.high[0, i].item()
        assert (value.bounds.width < 1e-11).all()


def test_sums_of_numbers_of_very_different_sizes_are_enclosed():
    x = rows([1e30, 1.0, -1e30, 1e-30, 3.0])
    value = enclose(lambda x: x.sum(1), x, x)
    assert value.low.item() <= 4 <= value.high.item()
    assert (value.low <= 4).all()


EXTREME = ["square", "cube", "exp", "sigmoid", "sin", "cos", "erfc", "gelu", "softplus", "expm1",
           "cosh", "asinh", "tanh", "mish"]  # fmt: skip


@pytest.mark.parametrize("x", [1e-320, 5e-324, 1e300, 1e-200, 0.0, -745.0, 710.0, -1e4, 1e15, 1e22])
@pytest.mark.parametrize("name", EXTREME)
def test_very_small_and_very_large_numbers(name, x):
    function, rule = UNARY[name]
    point = rows([x])
    value, jacobian = enclose_jacobian(lambda t: function(t), point, point)
    if name == "cosh" and abs(x) > 1e5:
        assert value.high.isinf().all()
        return
    if abs(x) > 1e15 and name in ("erfc", "mish", "gelu"):
        return
    with mpmath.workdps(60):
        exact = rule(Number(mpf(x), [mpf(1)]))
    assert value.low.item() <= exact.value <= value.high.item()
    assert jacobian.low.item() <= exact.slopes[0] <= jacobian.high.item()


# What cannot be enclosed says so


def _write(x):
    out = torch.zeros(len(x), 2, dtype=torch.float64)
    out[:, 0] = x[:, 0]
    return out


def _write_part(x):
    y = x.clone()
    y[:, 0] = 1.0
    return y


UNSUPPORTED = {
    "sort": lambda x: x.sort(1).values,
    "_local_scalar_dense": lambda x: x * float(x[0, 0]),
    "argmax": lambda x: x.argmax(1),
    "eval": nn.Dropout(),
    "batch_norm": nn.BatchNorm1d(2).double(),
    "numpy": lambda x: torch.from_numpy(x.numpy() ** 2),
    "copy_": _write,
    "fill_": _write_part,
    "lgamma": torch.lgamma,
    "complex": lambda x: x * torch.ones(2, dtype=torch.complex128),
    "dict": lambda x: {"y": x},
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_an_operation_without_a_rule_is_named(name):
    low = torch.zeros(3, 2, dtype=torch.float64)
    with pytest.raises(UnsupportedOperation, match=name):
        enclose_jacobian(UNSUPPORTED[name], low, low + 1)


def test_a_choice_by_if_is_refused_rather_than_guessed():
    def f(x):
        return x if (x > 0).all() else -x

    with pytest.raises(UnsupportedOperation, match=r"torch\.where"):
        enclose(f, rows([-1.0]), rows([1.0]))


def test_memory_that_is_shared_is_not_changed_behind_our_back():
    def f(x):
        part = x.view(-1)
        x.mul_(2)
        return part.view(-1, 1)

    with pytest.raises(UnsupportedOperation, match="mul_"):
        enclose(f, rows([1.0]), rows([2.0]))


HOLES = {
    "division": lambda x: 1 / x,
    "quotient": lambda x: (x + 9) / x,
    "logarithm": torch.log,
    "square root": torch.sqrt,
    "tangent": lambda x: torch.tan(x + math.pi / 2),
    "arcsine": lambda x: torch.asin(x + 0.5),
    "power": lambda x: x**0.3,
    "NaN": lambda x: torch.where(x > 0, x, torch.nan),
}


@pytest.mark.parametrize("name", HOLES)
def test_a_function_with_a_hole_in_the_box_is_refused_or_unbounded(name):
    low, high = rows([-1.0], [0.1]), rows([1.0], [0.2])
    with pytest.raises(UndefinedEnclosure):
        enclose(HOLES[name], low, high)
    assert enclose(HOLES[name], low[1:], high[1:]).bounds.finite.all()
    with partial():
        value, jacobian = enclose_jacobian(HOLES[name], low, high)
    assert value.bounds.finite[1].all()
    assert jacobian.bounds.finite[1].all()
    assert not jacobian.bounds.finite[0].any()


BOUNDED = [torch.tanh, torch.relu, torch.abs, torch.cos, torch.square, torch.atan,
           lambda x: x.clamp(0, 1), lambda x: torch.exp(-x * x)]  # fmt: skip


@pytest.mark.parametrize("after", BOUNDED)
def test_a_hole_is_not_forgotten_by_a_bounded_function(after):
    with partial():
        value = enclose(lambda x: after(torch.log(x)), rows([-1.0]), rows([1.0]))
    assert not value.bounds.finite.any()


def test_what_is_no_box_is_refused():
    with pytest.raises(InputError, match="swap"):
        enclose(torch.sin, rows([1.0]), rows([0.0]))
    with pytest.raises(InputError, match="swap"):
        enclose(torch.sin, rows([math.nan]), rows([0.0]))
    with pytest.raises(InputError, match="swap"):
        solve_all(torch.sin, rows(0.0), rows(1.0), rows(0.0))
    with pytest.raises(InputError, match="shape"):
        enclose(lambda x: x.sum(), rows([0.0]), rows([1.0]))
    with pytest.raises(InputError, match="low > high"):
        Interval(torch.ones(1), torch.zeros(1))
    assert issubclass(UnsupportedOperation, PreimageError)
    assert issubclass(UndefinedEnclosure, PreimageError)


# Kinks, jumps, comparisons


def test_kinks_have_all_slopes_between_and_jumps_any():
    low, high = rows([-1.0]), rows([1.0])
    for f, least, most in (
        (torch.relu, 0, 1),
        (torch.abs, -1, 1),
        (lambda x: F.leaky_relu(x, 0.25), 0.25, 1),
        (lambda x: torch.maximum(2 * x, -x), -1, 2),
        (lambda x: torch.minimum(x, 0.0 * x), 0, 1),
        (lambda x: F.hardtanh(3 * x), 0, 3),
    ):
        _, slope = enclose_jacobian(f, low, high)
        assert slope.low.item() == pytest.approx(least, abs=1e-12)
        assert slope.high.item() == pytest.approx(most, abs=1e-12)
    for f in (torch.sign, torch.floor, lambda x: torch.where(x > 0, x, -x),
              lambda x: (x > 0.0) * 1.0, lambda x: x * (x > 0.5)):  # fmt: skip
        _, slope = enclose_jacobian(f, low, high)
        assert slope.high.item() == math.inf
        _, slope = enclose_jacobian(f, low + 1.6, high - 0.1)
        assert slope.bounds.finite.all()


def test_comparisons_know_what_they_do_not_know():
    x: Any = Interval(rows(-1.0, 1.0, -3.0), rows(1.0, 2.0, -2.0))
    above = x > 0
    assert above.low.tolist() == [False, True, False]
    assert above.high.tolist() == [True, True, False]
    outside = (x < -1.5) | (x > 1.5)
    assert outside.low.tolist() == [False, False, True]
    assert outside.high.tolist() == [False, True, True]
    assert (~above).low.tolist() == [False, False, True]


def test_the_mean_value_form_is_sound_and_tighter_on_small_boxes():
    def f(x):
        return torch.sin(3 * x) * x - x.square().sum(1, keepdim=True)

    low = rows([0.2, -0.7], [1.0, 2.0])
    high = low + 0.01
    natural, better = enclose(f, low, high), enclose_mean_value(f, low, high)
    assert (better.bounds.width < natural.bounds.width).all()
    for share in torch.rand(500, 2, generator=torch.Generator().manual_seed(0)).double():
        y = f(low + 0.01 * share)
        assert ((better.low <= y + 1e-12) & (y <= better.high + 1e-12)).all()


# Matrices


def test_least_eigenvalues_bound_the_form_of_every_matrix():
    generator = torch.Generator().manual_seed(3)
    proved = 0
    for n in (1, 2, 5, 12):
        skew = torch.randn(20, n, n, generator=generator, dtype=torch.float64)
        middle = skew - skew.mT + torch.rand(20, n, 1, generator=generator) * torch.eye(n)
        bound = least_eigenvalue(Interval(middle - 0.01, middle + 0.01))
        proved += int((bound > 0).sum())
        for _ in range(20):
            noise = 0.02 * torch.rand(20, n, n, generator=generator, dtype=torch.float64) - 0.01
            matrix = middle + noise
            least = torch.linalg.eigvalsh((matrix + matrix.mT) / 2)[:, 0]
            assert (bound <= least + 1e-12).all()
    assert proved > 50
    flat = rows([1.0, 5.0], [-5.0, 0.0])
    assert least_eigenvalue(Interval(flat[None], flat[None])).item() == -math.inf


def test_left_inverses_bound_the_inverse():
    generator = torch.Generator().manual_seed(1)
    for q, p in ((2, 2), (5, 5), (6, 3)):
        middle = torch.randn(20, q, p, generator=generator, dtype=torch.float64)
        inverse = left_inverse(Interval(middle - 0.02, middle + 0.02))
        proved = inverse.norm < 1
        assert proved.any()
        assert ((inverse.norm >= inverse.spectral_radius) | ~proved).all()
        for _ in range(30):
            noise = 0.04 * torch.rand(20, q, p, generator=generator, dtype=torch.float64) - 0.02
            change = torch.randn(20, p, 1, generator=generator, dtype=torch.float64)
            moved = ((middle + noise) @ change).abs().amax(dim=(1, 2))
            limit = inverse.lipschitz * moved
            assert (change.abs().amax(dim=(1, 2)) <= limit + 1e-12)[proved].all()


def test_singular_and_infinite_matrices_are_not_proved_regular():
    singular = rows([1.0, 2.0], [2.0, 4.0])
    wide = torch.eye(2).double()
    for low, high in ((singular, singular), (wide - 1, wide + 1), (wide, wide * math.inf + wide)):
        high = high.nan_to_num(nan=math.inf)
        inverse = left_inverse(Interval(low, high))
        assert not inverse.norm < 1
        assert not inverse.spectral_radius < 1
        assert determinant_sign(Interval(low, high)).item() == 0


def test_signs_of_determinants_are_those_of_exact_arithmetic():
    generator = torch.Generator().manual_seed(2)
    decided = 0
    for n in (1, 2, 3, 5, 8):
        matrix = torch.randint(-3, 4, (40, n, n), generator=generator).double()
        matrix = matrix + 1e-9 * torch.randint(-1, 2, (40, n, n), generator=generator)
        sign = determinant_sign(Interval(matrix, matrix))
        for rows_, given in zip(matrix.tolist(), sign.tolist(), strict=True):
            exact = mpmath.sign(mpmath.det(mpmath.matrix(rows_)))
            assert given in (0, exact)
            decided += given != 0
    assert decided > 150
    tiny = rows([1.0, 1.0], [1.0, 1.0 + 1e-8])
    assert determinant_sign(Interval(tiny, tiny)).item() == 1
    assert determinant_sign(Interval(tiny - 1e-7, tiny + 1e-7)).item() == 0


# Solutions with proof


def random_network(seed, p, hidden, gain):
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Linear(p, hidden), nn.Tanh(), nn.Linear(hidden, p)).double()
    for tensor in network.parameters():
        scale = gain / math.sqrt(tensor.shape[-1]) if tensor.ndim > 1 else 1.0
        tensor.data = scale * torch.randn(tensor.shape, generator=generator).double()
    return network


def planar_arm(theta):
    angle = theta.cumsum(dim=1)
    return torch.stack([angle.cos().sum(dim=1), angle.sin().sum(dim=1)], dim=1)


def polished(f, y, starts):
    """Newton's method from many starts: the solutions that a search finds, without proof."""
    x = starts
    for _ in range(25):
        slope = torch.func.vmap(torch.func.jacrev(lambda t: f(t[None])[0]))(x)
        step = torch.linalg.solve_ex(slope, (f(x) - y)[:, :, None])[0].detach()
        x = x - step[:, :, 0].nan_to_num().clamp(-0.3, 0.3)
    good = (f(x) - y).abs().amax(dim=1) < 1e-11
    found = []
    for point in x[good].detach():
        if all((point - other).abs().max() > 1e-6 for other in found):
            found.append(point)
    return found


def test_an_answer_is_proved_with_its_error():
    with mpmath.workdps(50):
        truth = mpmath.findroot(lambda x: x**3 - x - mpf(0.2), 1.09)
    for error in (0.0, 1e-12, 1e-6, 1e-3):
        x = rows([float(truth) + error])
        found = certify(lambda x: x**3 - x, x, rows([0.2]))
        assert found.proved.all()
        assert found.low.item() <= truth <= found.high.item()
        assert error * (1 - 1e-9) <= found.radius.item() < 3 * error + 1e-14
        # The slope vanishes at 1/sqrt(3), and the next solution is beyond it.
        assert 0.1 < found.isolation.item() < 1.09 - 3**-0.5


def test_nothing_is_proved_where_there_is_no_isolated_solution():
    x = rows([0.0], [1e-9], [1e-3])
    for c in (0.0, -1e-18, -1e-12):
        found = certify(lambda x: x**2, x, rows([c]).expand(3, 1))
        assert not found.proved.any()
        assert found.isolation.eq(0).all()
        assert found.low.isnan().all()
    assert not certify(torch.sqrt, rows([0.0]), rows([0.0])).proved.any()
    assert not certify(lambda x: 1 / x, rows([0.0]), rows([0.0])).proved.any()
    assert not certify(torch.relu, rows([-1.0]), rows([0.0])).proved.any()
    assert not certify(lambda x: torch.where(x > 0, x + 1, x - 1), rows([0.0]), rows([0.0])).proved


def test_the_proof_holds_at_kinks():
    found = certify(lambda x: F.leaky_relu(x, 0.5), rows([0.0], [1e-9]), rows([0.0], [0.0]))
    assert found.proved.all()
    assert (found.low <= 0).all()
    assert (found.high >= 0).all()


def test_solutions_on_a_fibre_are_proved_across_it():
    x = rows([0.6, 0.8], [1.0, 1e-7], [0.0, 0.0])
    found = certify(lambda x: x.square().sum(1), x, rows([1.0], [1.0], [1.0]))
    assert found.proved.tolist() == [True, True, False]
    for low, high in zip(found.low[:2].tolist(), found.high[:2].tolist(), strict=True):
        least = sum(min(abs(a), abs(b)) ** 2 for a, b in zip(low, high, strict=True))
        most = sum(max(abs(a), abs(b)) ** 2 for a, b in zip(low, high, strict=True))
        assert least - 1e-12 <= 1 <= most + 1e-12
    with pytest.raises(InputError, match="equations"):
        certify(lambda x: torch.cat([x, x], 1), rows([1.0]), rows([1.0, 1.0]))


@pytest.mark.parametrize("seed", range(2))
def test_no_second_solution_is_found_where_it_is_proved_that_there_is_none(seed):
    network = random_network(seed, 2, 12, 2.5)
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(12, 2, generator=generator, dtype=torch.float64) - 1
    y = network(x).detach()
    found = certify(network, x, y)
    assert found.proved.sum() > 6
    assert (found.radius[found.proved] < 1e-9).all()
    starts = 4 * torch.rand(100, 2, generator=generator, dtype=torch.float64) - 2
    for i in found.proved.nonzero()[:, 0].tolist():
        inside = [
            point
            for point in polished(network, y[i], starts)
            if (point - x[i]).abs().max() < found.isolation[i]
        ]
        assert len(inside) <= 1


def solve(f, y, low, high, **options):
    return solve_all(f, rows(*y), rows(*low), rows(*high), **options)


def test_all_solutions_of_one_equation():
    found = solve(lambda x: x**3 - x, [0.2], [-2], [2])
    with mpmath.workdps(40):
        truth = sorted(mpmath.polyroots([1, 0, -1, -mpf(0.2)], maxsteps=200))
    assert found.complete
    assert len(found) == 3
    assert found.within.all()
    for low, high, root in zip(found.low, found.high, truth, strict=True):
        assert low.item() <= root.real <= high.item()
    assert (found.high - found.low < 1e-13).all()


@pytest.mark.parametrize("case", [
    (lambda x: x**3 - x, 0.0, -2, 2, [-1, 0, 1]),  # at the borders of cells
    (lambda x: torch.sin(5 * x), 0.0, -1, 1, [-math.pi / 5, 0, math.pi / 5]),
    (lambda x: x.abs(), 0.5, -1, 1, [-0.5, 0.5]),
    (lambda x: F.leaky_relu(x, 0.1), 0.0, -1, 1, [0]),
    (lambda x: x.log(), 0.0, -1, 3, [1]),  # undefined in a part of the box
    (lambda x: x**2, 1.0, -1, 1, [-1, 1]),  # on the border of the box
    (lambda x: torch.where(x > 0.3, x, x - 2), 0.5, -1, 1, [0.5]),
    (torch.tanh, 0.999, 0, 9, [math.atanh(0.999)]),
    (lambda x: (-x).exp(), 1e-3, 0, 30, [math.log(1000)]),
])  # fmt: skip
def test_solutions_that_are_known(case):
    f, y, low, high, truth = case
    found = solve(f, [y], [low], [high])
    assert found.x.flatten().tolist() == pytest.approx(truth, abs=1e-12)
    settled = [box for box in found.undecided_low.flatten().tolist() if abs(box) > 0.31]
    assert settled == []


def test_the_arm_has_two_poses_and_out_of_reach_none():
    turn = [math.pi, math.pi]
    found = solve(planar_arm, [1.2, 0.7], [-v for v in turn], turn)
    assert found.complete
    torch.testing.assert_close(planar_arm(found.x), rows([1.2, 0.7], [1.2, 0.7]))
    assert len(found) == 2
    none = solve(planar_arm, [2.0, 0.7], [-v for v in turn], turn)
    assert none.none
    assert len(none) == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(2, 8), (2, 32), (3, 16)])
def test_all_solutions_of_networks_are_found_and_no_others(shape, seed):
    p, hidden = shape
    network = random_network(seed, p, hidden, 2.0)
    source = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(1, p, generator=source, dtype=torch.float64) - 1
    y = network(x)[0].detach()
    bound = torch.full((p,), 2.0).double()
    found = solve_all(network, y, -bound, bound)
    assert found.complete
    # The proof of each, once more from scratch.
    assert certify(network, found.x, y.expand(len(found), -1)).proved.all()
    starts = 4 * torch.rand(200, p, generator=source, dtype=torch.float64) - 2
    searched = [point for point in polished(network, y, starts) if (point.abs() < 2).all()]
    for point in searched:
        assert (found.x - point).abs().amax(dim=1).min() < 1e-7
    assert (found.x - x).abs().amax(dim=1).min() < 1e-9
    if p == 2:
        assert len(searched) == len(found)


def check_equation(seed):
    """f(x) = f(a) for a random expression of one variable: no sign change is overlooked."""
    source = random.Random(seed)
    expression = Expression(source, 1, source.randint(2, 4))
    grid = torch.linspace(-2, 2, 4001, dtype=torch.float64)[:, None]
    values = expression.torch(grid).detach()
    target = values[source.randrange(100, 3900)].item() + 1e-3
    if not math.isfinite(target):
        return 0, 0
    found = solve(expression.torch, [target], [-2], [2], max_boxes=4000)

    def sign(x):
        return mpmath.sign(expression.exact([mpf(x)]).value - mpf(target))

    def held(low, high, x, beyond):
        return bool(((low <= beyond) & (high >= x)).any())

    for low, high in zip(found.low.flatten().tolist(), found.high.flatten().tolist(), strict=True):
        # The ends of a box around a simple root, given room where the root is an end of it.
        assert sign(low) * sign(high) <= 0, f"{expression}, seed {seed}"
    changes = ((values[:-1] - target) * (values[1:] - target) < 0).nonzero()[:, 0].tolist()
    for i in changes:
        x, beyond = grid[i, 0].item(), grid[i + 1, 0].item()
        covered = held(found.low, found.high, x, beyond)
        covered |= held(found.undecided_low, found.undecided_high, x, beyond)
        # Poles and jumps change sign without a solution.
        jump = not abs(values[i + 1] - values[i]) <= 0.1 * (1 + min(abs(values[i]), 1e300))
        assert covered or jump, f"{expression} = {target} near {x}, seed {seed}"
    return len(found), len(changes)


def test_where_a_function_has_no_value_it_has_no_solution():
    def f(x):
        return (x.rsqrt() - 2.7) * x.cosh()

    found = solve(f, [-0.2], [-2], [2], max_boxes=4000)
    assert len(found.low) == 1
    assert float(found.low) > 0
    nowhere = torch.tensor([[-0.5]]).double()
    assert not certify(f, nowhere, torch.tensor([[-3.0]]).double()).proved.any()


NOWHERE = [
    lambda x: x.rsqrt(), lambda x: 1 / x.sqrt(), lambda x: x.log() / x, lambda x: x.log().tanh(),
    lambda x: x.sqrt() * 0, lambda x: x.sqrt() - 2.7, lambda x: 1 / (1 + x.sqrt().square()),
    lambda x: x.log().relu(), lambda x: x.sqrt() ** -2, lambda x: x.sqrt().clamp(0, 1),
    lambda x: torch.maximum(x.sqrt(), x), lambda x: x.log().sign(),
]  # fmt: skip


@pytest.mark.parametrize("f", NOWHERE)
def test_no_value_stays_no_value(f):
    with partial():
        bounds = f(Interval(torch.tensor([-0.5]), torch.tensor([-0.25]))).bounds
    assert not (bounds.finite & (bounds.low <= bounds.high)).any()


def test_a_comparison_without_a_value_is_open():
    with partial():
        value = Interval(torch.tensor([-0.5]), torch.tensor([-0.25]))
        chosen = torch.where(value.log() > 0, value, 2 * value)
    assert isinstance(chosen, Interval)
    assert chosen.low.item() <= -1
    assert chosen.high.item() >= -0.25


def test_no_solution_of_a_random_equation_is_overlooked_and_none_is_invented():
    solutions, changes = zip(*[check_equation(seed) for seed in range(40)], strict=True)
    assert sum(solutions) > 20
    assert sum(changes) > 20


@pytest.mark.slow
def test_no_solution_of_a_thousand_random_equations_is_overlooked_and_none_is_invented():
    solutions, changes = zip(*[check_equation(seed) for seed in range(100, 1100)], strict=True)
    assert sum(solutions) > 500
    assert sum(changes) > 500


def test_what_cannot_be_settled_is_said():
    double = solve(lambda x: (x - 0.3) ** 2, [0.0], [-2], [2])
    assert len(double) == 0
    assert not double.complete
    assert not double.none
    assert (double.undecided_low <= 0.3).all()
    assert (double.undecided_high >= 0.3).all()
    fibre = solve(lambda x: x.sum(1, keepdim=True) * torch.ones(2), [0.0, 0.0], [-1, -1], [1, 1],
                  max_boxes=3000)  # fmt: skip
    assert not fibre.complete
    for t in (-0.9, 0.0, 0.4):
        point = rows(t, -t)
        inside = (fibre.undecided_low <= point) & (point <= fibre.undecided_high)
        assert inside.all(dim=1).any()


def test_searches_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match="1 to 4"):
        solve(torch.sin, [0.0] * 5, [-1] * 5, [1] * 5)
    with pytest.raises(InputError, match="outputs"):
        solve(lambda x: x.sum(1), [0.0, 0.0], [-1, -1], [1, 1])
    with pytest.raises(InputError, match="outputs"):
        solve(lambda x: x, [0.0], [-1, -1], [1, 1])


def test_progress_is_reported_and_the_answers_do_not_depend_on_it():
    seen = []
    network = random_network(0, 3, 16, 2.0)
    bound = torch.full((3,), 2.0).double()
    y = network(torch.zeros(1, 3).double())[0].detach()
    found = solve_all(network, y, -bound, bound, watch=seen.append)
    assert seen[-1] == 1.0
    assert all(0 <= share <= 1 for share in seen)
    torch.testing.assert_close(found.x, solve_all(network, y, -bound, bound).x, rtol=0, atol=0)
