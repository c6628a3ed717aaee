"""Condition numbers, attacks and round trips agree with known truth, and prove nothing."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from check_cases import Coupling, orthogonal
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from preimage import Box, Finite, Reals, Report, check, check_numerically
from preimage.errors import FunctionError, InputError
from preimage.verdicts import Numerical, Status


def test_the_condition_of_a_diagonal_map_is_known() -> None:
    found = check_numerically(lambda x: x * torch.tensor([1.0, 1e-4]).double(), Reals(2))
    assert found.condition == found.worst_condition == pytest.approx(1e4)
    assert found.stretch == pytest.approx(1e4, rel=1e-3)
    assert found.digits_lost == pytest.approx(4, abs=0.1)
    assert found.loss == pytest.approx(found.amplification * 2.0**-23)


def test_the_ascent_finds_the_fold() -> None:
    found = check_numerically(lambda x: x**3 - x, Box(-2, 2))
    assert found.amplification > 1e2
    assert abs(abs(found.worst_at[0]) - 3**-0.5) < 0.05
    assert found.stretch > 1e2


@settings(max_examples=6)
@given(st.integers(0, 10**6), st.floats(0.01, 0.9))
def test_the_worst_pair_stays_below_what_is_proved(seed: int, slope: float) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = orthogonal(3, 2, lambda: nn.LeakyReLU(slope)).eval()
    proved = check(net, Reals(3)).injective.bounds["inverse lipschitz"]
    found = check_numerically(net, Reals(3), seed=seed)
    assert found.stretch <= proved * (1 + 1e-6)
    a, b = torch.tensor(found.pair, dtype=torch.float64)
    with torch.no_grad():
        y = net.double()(torch.stack([a, b]))
    assert float((a - b).norm() / (y[0] - y[1]).norm()) == pytest.approx(found.stretch, rel=1e-6)


@pytest.mark.parametrize("f", [torch.tanh, lambda x: 2 * x, lambda x: x / 3, torch.relu])
def test_float16_is_exhausted(f: Any) -> None:
    found = check_numerically(f, Box(-2, 2), precision="float16")
    x = [v for v in _all_halves() if -2 <= v <= 2]
    y = f(torch.tensor(x, dtype=torch.float16)).tolist()
    counts: dict[float, int] = {}
    for value in y:
        counts[value] = counts.get(value, 0) + 1
    assert found.inputs == len(x)
    assert found.shared == sum(count for count in counts.values() if count > 1)


def _all_halves() -> list[float]:
    bits = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16)
    x = bits.view(torch.float16)
    return sorted(set(x[x.isfinite()].tolist()))


class Undone(nn.Module):
    """The inverse of a coupling."""

    def __init__(self, coupling: Coupling, factor: float) -> None:
        super().__init__()
        self.coupling, self.factor = coupling, factor

    def forward(self, y: Tensor) -> Tensor:
        a, b = y.chunk(2, dim=1)
        b = (b - self.coupling.shift(a)) / torch.exp(self.coupling.scale(a))
        return torch.cat([a, self.factor * b], dim=1)


def test_round_trips_tell_a_wrong_inverse_from_a_right_one() -> None:
    net = Coupling(4, affine=True).eval()
    good = check_numerically(net, Reals(4), inverse=Undone(net, 1.0))
    wrong = check_numerically(net, Reals(4), inverse=Undone(net, 1.01))
    assert good.round_trip is not None
    assert good.attacked_round_trip is not None
    assert wrong.round_trip is not None
    assert good.round_trip <= good.attacked_round_trip < 1e-4 < wrong.round_trip


def test_a_saturated_inverse_is_caught() -> None:
    found = check_numerically(torch.tanh, Box(-20, 20), inverse=torch.atanh)
    assert found.attacked_round_trip == math.inf


def test_numbers_change_no_verdict(tmp_path: Path) -> None:
    net = orthogonal(8, 10, nn.LeakyReLU).eval()
    report = check(net, Reals(8))
    both = replace(report, numerical=check_numerically(net, Reals(8), precision="float64"))
    assert both.bijective.status is report.bijective.status is Status.PROVED
    assert both.numerical is not None
    assert both.numerical.loss > 1
    assert "no digit of x is left" in str(both)
    both.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json").numerical == both.numerical


def test_infinity_is_saved_too() -> None:
    found = check_numerically(nn.Linear(3, 2), Reals(3))
    assert found.condition == math.inf
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Numerical.from_json(plain) == found


def test_same_seed_same_numbers() -> None:
    net = orthogonal(3, 2, nn.LeakyReLU).eval()
    one, other = (check_numerically(net, Reals(3), seed=5, budget=60) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domain": Finite([1.0, 2.0])}, "finite set"),
        ({"precision": "int4"}, "precision"),
        ({"points": [[1.0, 2.0]]}, "points have shape"),
        ({"points": [[7.0]]}, "outside the domain"),
        ({"inverse": lambda y: y.sum()}, "shape of the inputs"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    given = {"domain": Box(-1, 1), **settings}
    with pytest.raises(InputError, match=message):
        check_numerically(torch.tanh, **given)


def test_failures_are_ours() -> None:
    import numpy as np

    with pytest.raises(FunctionError, match="differentiated"):
        check_numerically(lambda x: np.sin(np.asarray(x.detach())), Box(-1, 1))

    def broken(y: Tensor) -> Tensor:
        raise KeyError("weights")

    with pytest.raises(FunctionError, match="inverse failed"):
        check_numerically(torch.tanh, Box(-1, 1), inverse=broken)
