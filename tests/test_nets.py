from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preimage.nets import MLP, Standardize


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(depth=st.integers(0, 3), width=st.integers(1, 5), rows=st.integers(0, 4))
def test_mlp_shapes(depth: int, width: int, rows: int) -> None:
    net = MLP(3, 2, width=width, depth=depth, generator=seeded(0))
    assert net(torch.zeros(rows, 3)).shape == (rows, 2)
    sizes = [3, *[width] * depth, 2]
    wanted = sum((a + 1) * b for a, b in pairwise(sizes))
    assert sum(one.numel() for one in net.parameters()) == wanted


def test_mlp_weights_come_from_the_generator_alone() -> None:
    before = torch.get_rng_state()
    first, second, other = (MLP(2, 2, generator=seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    x = torch.ones(1, 2)
    assert torch.equal(first(x), second(x))
    assert not torch.equal(first(x), other(x))


def test_mlp_starts_like_torch() -> None:
    weight = MLP(100, 1, depth=1, width=500, generator=seeded(0)).layers[0].weight
    assert isinstance(weight, torch.Tensor)
    assert weight.abs().max() <= 0.1
    assert weight.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.02)


@given(seed=st.integers(0, 100))
def test_standardize(seed: int) -> None:
    x = torch.randn(50, 3, generator=seeded(seed), dtype=torch.float64) * 40 - 7
    x[:, 2] = 3.0
    scaled = Standardize.of(x)
    z = scaled(x)
    assert torch.allclose(z.mean(0), torch.zeros(3, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(z.std(0), torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64))
    assert torch.allclose(scaled.inverse(z), x)
    assert set(scaled.state_dict()) == {"mean", "scale"}
