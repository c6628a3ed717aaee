"""The networks against the tables of AEGAN's appendix."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from preimage.nets.convolutional import (
    DeconvNet,
    Discriminator,
    Encoder,
    PairDiscriminator,
    map_widths,
)

KINDS = {nn.Linear: "dense", nn.Conv2d: "conv", nn.ConvTranspose2d: "deconv"}
FACE = (3, 64, 64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def table(net: nn.Module) -> list[tuple[object, ...]]:
    """One row a layer: operation, kernel, stride, filters, whether BN follows, activation."""
    rows: list[tuple[object, ...]] = []
    for layer in (one for one in net.modules() if not list(one.children())):
        if isinstance(layer, nn.Linear):
            rows.append(("dense", None, None, layer.out_features, False, None))
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            kind, filters = KINDS[type(layer)], layer.out_channels
            rows.append((kind, layer.kernel_size, layer.stride, filters, False, None))
        elif isinstance(layer, nn.BatchNorm2d):
            assert layer.num_features in (rows[-1][3], int(str(rows[-1][3])) // 16)
            rows[-1] = (*rows[-1][:4], True, None)
        elif isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.Sigmoid):
            rows[-1] = (*rows[-1][:5], type(layer).__name__)
    return rows


def conv(filters: int, activation: str, kind: str = "conv") -> tuple[object, ...]:
    return (kind, (5, 5), (2, 2), filters, True, activation)


def test_generator_is_table_3() -> None:
    net = DeconvNet(100, size=64, channels=3, width=64, generator=seeded())
    assert table(net) == [
        ("dense", None, None, 4 * 4 * 64 * 8, True, "ReLU"),
        conv(64 * 4, "ReLU", "deconv"),
        conv(64 * 2, "ReLU", "deconv"),
        conv(64 * 1, "ReLU", "deconv"),
        ("deconv", (5, 5), (2, 2), 3, False, "Sigmoid"),
    ]
    assert sides(net, torch.zeros(2, 100)) == [4, 8, 16, 32, 64]


def test_discriminator_is_table_4_up_to_its_sigmoid() -> None:
    net = Discriminator(FACE, width=64, generator=seeded())
    convs = [conv(64 * n, "LeakyReLU") for n in (1, 2, 4, 8)]
    assert table(net) == [*convs, ("dense", None, None, 1, False, None)]
    assert net.dense.in_features == 4 * 4 * 64 * 8
    assert sides(net, torch.zeros(2, *FACE)) == [32, 16, 8, 4]


def test_inverse_generator_is_table_5_up_to_its_tanh() -> None:
    net = Encoder(FACE, 100, width=64, generator=seeded())
    convs = [conv(64 * n, "ReLU") for n in (1, 2, 4, 8)]
    assert table(net) == [*convs, ("dense", None, None, 100, False, None)]
    assert net.dense.in_features == 4 * 4 * 64 * 8


def test_discriminator_of_bigan_is_table_6_up_to_its_sigmoid() -> None:
    net = PairDiscriminator(FACE, 100, width=64, generator=seeded())
    convs = [conv(64 * n, "LeakyReLU") for n in (1, 2, 4, 8, 8, 8)]
    assert table(net) == [*convs, ("dense", None, None, 1, False, None)]
    joined = next(one for one in net.pair if isinstance(one, nn.Conv2d))
    assert joined.in_channels == 64 * 4 + 100
    assert net.dense.in_features == 1 * 1 * 64 * 8
    assert sides(net, torch.zeros(2, *FACE), torch.zeros(2, 100)) == [32, 16, 8, 4, 2, 1]


def sides(net: nn.Module, *inputs: Tensor) -> list[int]:
    """The sides of the maps before the activations."""
    seen: list[int] = []

    def note(layer: nn.Module, given: object, made: Tensor) -> None:
        if made.ndim == 4:
            assert made.shape[2] == made.shape[3]
            seen.append(made.shape[2])

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Unflatten):
            layer.register_forward_hook(note)
    net(*inputs)
    return seen


@given(st.sampled_from([8, 16, 32, 128]), st.sampled_from([1, 3]))
def test_other_sizes_have_fewer_or_more_layers(size: int, channels: int) -> None:
    net = DeconvNet(5, size=size, channels=channels, width=2, generator=seeded())
    with torch.no_grad():
        made = net(torch.zeros(2, 5))
    assert made.shape == (2, channels, size, size)
    assert 0 <= made.min() <= made.max() <= 1


@given(st.integers(5, 70), st.integers(5, 70), st.sampled_from([1, 3]))
def test_encoders_take_images_of_any_shape(height: int, width: int, channels: int) -> None:
    shape = (channels, height, width)
    x, z = torch.zeros(2, *shape), torch.zeros(2, 7)
    with torch.no_grad():
        assert Encoder(shape, 7, width=2, generator=seeded())(x).shape == (2, 7)
        assert Discriminator(shape, width=2, generator=seeded())(x).shape == (2,)
        assert PairDiscriminator(shape, 7, width=2, generator=seeded())(x, z).shape == (2,)


@given(st.integers(5, 2000), st.integers(1, 64))
def test_maps_double_and_end_small(size: int, base: int) -> None:
    widths = map_widths(size, size, base)
    assert widths[0] == base
    assert all(after in (before, 2 * before) for before, after in pairwise(widths))
    assert max(widths) <= 8 * base
    assert size / 2 ** len(widths) <= 4


@pytest.mark.parametrize("build", [Encoder, PairDiscriminator])
def test_weights_come_from_the_generator_alone(build: type) -> None:
    before = torch.get_rng_state()
    nets = [build(FACE, 4, width=4, generator=seeded(seed)) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    first, second, other = (torch.cat([p.flatten() for p in n.parameters()]) for n in nets)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_convolutions_start_as_in_dcgan() -> None:
    net = Encoder(FACE, 100, width=32, generator=seeded())
    for layer in net.features:
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    weight = net.dense.weight
    assert weight.abs().max() <= 1 / weight.shape[1] ** 0.5
