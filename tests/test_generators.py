"""Generators, and what their inverses owe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest
import torch
from generator_cases import OwnNet, digits, kinds, own_net, trained, untrained
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from preimage.errors import InputError, NotFittedError, PreimageWarning, StoreError, TrainingError
from preimage.generators import (
    DCGAN,
    BiGAN,
    CombinedInverter,
    ConditionalDCGAN,
    ConditionalInverter,
    EncoderInverter,
    Generator,
    GeneratorInverter,
    Labelled,
    LatentSearch,
    LearnedInverter,
    Normal,
    Prior,
    RegressionInverter,
    Uniform,
    load,
)
from preimage.generators.presets import ENCODERS, PRESETS
from preimage.tables import read_table

LEARNED = [CombinedInverter, EncoderInverter, RegressionInverter]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbers(model: nn.Module) -> dict[str, Tensor]:
    return {name: one.clone() for name, one in model.state_dict().items()}


def same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


# Priors


LABELLED = Labelled.of(Uniform(3), torch.tensor([[0.0, 1.0], [1.0, 1.0]]))
PRIORS = [Uniform(5), Uniform((2, 3, 1), -2.0, 0.5), Normal((4, 1, 1)), LABELLED]


@pytest.mark.parametrize("prior", PRIORS)
def test_prior_gives_codes_of_its_shape_that_it_keeps(prior: Prior) -> None:
    z = prior.sample(200, seeded())
    assert z.shape == (200, *prior.latent_shape)
    assert torch.equal(prior.clamp(z), z)
    assert torch.equal(z, prior.sample(200, seeded()))
    assert not torch.equal(z, prior.sample(200, seeded(1)))


@pytest.mark.parametrize("prior", PRIORS)
@given(scale=st.floats(0, 100), seed=st.integers(0, 100))
def test_free_coordinates_are_finite_and_go_back(prior: Prior, scale: float, seed: int) -> None:
    free = scale * torch.randn(3, *prior.latent_shape, generator=seeded(seed))
    z = prior.from_free(free)
    assert torch.equal(prior.clamp(z), z)
    back = prior.to_free(z)
    assert back.isfinite().all()
    assert torch.allclose(prior.from_free(back), z, atol=2e-3)


@pytest.mark.parametrize("prior", PRIORS)
def test_prior_comes_back_from_its_config(prior: Prior) -> None:
    again = type(prior).restore(prior.to_config(), prior.state())
    assert torch.equal(prior.sample(9, seeded()), again.sample(9, seeded()))


@pytest.mark.parametrize(
    "build", [lambda: Uniform(0), lambda: Uniform(3, 1.0, 1.0), lambda: Normal(())]
)
def test_impossible_priors_are_refused(build: Any) -> None:
    with pytest.raises(InputError):
        build()


# Generators


def test_generator_is_a_frozen_copy() -> None:
    net = own_net()
    before = numbers(net)
    g = Generator(net, prior=Normal((6, 1, 1)), range=(-1, 1))
    assert net.training
    assert all(one.requires_grad for one in net.parameters())
    z = torch.randn(7, 6, 1, 1, generator=seeded()).requires_grad_()
    g.train()
    made = g(z)
    assert made.shape == (7, *g.image_shape) == (7, 3, 10, 10)
    assert 0 <= made.min() <= made.max() <= 1
    made.sum().backward()
    assert z.grad is not None
    assert z.grad.abs().sum() > 0
    assert not any(one.requires_grad for one in g.parameters())
    assert same(before, numbers(net))
    assert same(before, numbers(g.module))
    net.layers[0].weight.data.zero_()  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
    assert same(before, numbers(g.module))


class Noisy(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return torch.nn.functional.dropout(z, 0.5, training=True).sigmoid()[:, None, :, None]


class Mixing(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return (z - z.mean(0)).sigmoid()[:, None, :, None] * 0.9


class Wide(nn.Module):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, z: Tensor) -> Tensor:
        return self.scale * z[:, None, :, None].sigmoid()


@pytest.mark.parametrize(
    ("module", "settings", "message"),
    [
        (own_net(), {"prior": Normal((5, 1, 1)), "range": (-1, 1)}, "latent size or shape"),
        (own_net(), {"prior": Normal((6, 1, 1))}, r"perhaps range=\(-1, 1\)"),
        (own_net(), {"prior": Normal((6, 1, 1)), "range": (1, 1)}, "low < high"),
        (Wide(255), {"prior": Normal(6)}, "declared"),
        (Noisy(), {"prior": Normal(6)}, "one image"),
        (Mixing(), {"prior": Uniform(6)}, "one image"),
        (nn.Linear(6, 3), {"prior": Normal(6)}, "must make images"),
        (nn.Unflatten(1, (2, 3, 1)), {"prior": Uniform(6)}, "put channels first"),
        (torch.sigmoid, {"prior": Normal(6)}, r"torch\.nn\.Module"),
    ],
)
def test_generators_that_cannot_be_used_are_explained(
    module: Any, settings: dict[str, Any], message: str
) -> None:
    # beartype, in these tests alone, refuses a function before the constructor can.
    with pytest.raises(Exception, match=message if isinstance(module, nn.Module) else "module"):
        Generator(module, **settings)


def test_wider_range_than_the_images_is_doubted() -> None:
    with pytest.warns(PreimageWarning, match=r"declare range=\(0, 1\)"):
        Generator(Wide(1), prior=Normal(6), range=(-1, 1))


def test_codes_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"takes \(n, 4\)"):
        untrained()(torch.zeros(2, 5))


# What the inverses owe


def test_the_code_of_an_image_gives_it_back() -> None:
    """The whole way: a generator of digits, its inverse, and images it has never seen."""
    g = trained().generator_
    z, images = g.sample(256, seed=99)
    inverter = PRESETS["tiny"].encoder().fit(g)
    codes = inverter.invert(images)
    apart = (images - images.roll(1, 0)).square().flatten(1).mean(1).sqrt().mean()
    assert codes.residual.mean() < 0.25 * apart
    assert (codes.z - z).abs().mean() < 0.5 * (z - z.roll(1, 0)).abs().mean()
    assert torch.allclose(g(codes.z), codes.reconstruction, atol=1e-6)
    made = (codes.reconstruction - images).square().flatten(1).mean(1).sqrt()
    assert torch.allclose(codes.residual, made, atol=1e-6)
    refined = inverter.invert(images, refine=40)
    assert (refined.residual <= codes.residual + 1e-6).all()
    assert refined.residual.mean() < 0.2 * codes.residual.mean()


def test_samples_of_digits_are_told_from_noise() -> None:
    """The closest digit to a sample is much closer than it is to the same pixels shuffled."""
    _, samples = trained().generator_.sample(64, seed=5)
    shuffled = samples.flatten(1)[:, torch.randperm(256, generator=seeded())]
    known = digits().flatten(1)
    near = torch.cdist(samples.flatten(1), known).amin(1).mean()
    assert near < 0.6 * torch.cdist(shuffled, known).amin(1).mean()
    assert samples.std(0).mean() > 0.5 * digits().std(0).mean()


@pytest.mark.parametrize("method", LEARNED)
def test_training_an_encoder_leaves_the_generator_bit_for_bit(
    method: type[LearnedInverter],
) -> None:
    g = Generator(own_net(), prior=Normal((6, 1, 1)), range=(-1, 1))
    before, state = numbers(g), torch.get_rng_state()
    inverter = method(width=4, steps=5, batch=8).fit(g)
    assert same(before, numbers(g))
    assert torch.equal(state, torch.get_rng_state())
    assert not any(one.requires_grad for one in g.parameters())
    assert inverter.invert(g.sample(3)[1]).z.shape == (3, 6, 1, 1)


@pytest.mark.parametrize("method", LEARNED)
def test_encoders_get_better(method: type[LearnedInverter]) -> None:
    g = untrained()
    images = g.sample(64, seed=3)[1]
    short, long = (
        method(width=8, steps=steps, batch=32, learning_rate=3e-3).fit(g) for steps in (1, 150)
    )
    assert long.invert(images).residual.mean() < 0.7 * short.invert(images).residual.mean()


@pytest.mark.parametrize("method", LEARNED)
def test_same_seed_same_answers(method: type[LearnedInverter]) -> None:
    g = untrained()
    images = g.sample(5)[1]
    first, second, other = (
        method(width=4, steps=5, batch=8, seed=seed).fit(g).invert(images).z for seed in (0, 0, 1)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@cache
def fitted(kind: str) -> GeneratorInverter:
    """A fitted inverter of each kind."""
    g = untrained()
    if kind == "search":
        return LatentSearch(steps=10, starts=2).fit(g)
    if kind == "bigan":
        bigan = BiGAN(latent=4, size=8, channels=1, width=4, steps=20, batch=8)
        return bigan.fit(g.sample(32)[1])
    return ENCODERS[kind](width=4, steps=20, batch=8).fit(g)


EVERY = pytest.mark.parametrize("kind", [*ENCODERS, "search", "bigan"])


@EVERY
def test_answers_do_not_depend_on_the_batch(kind: str) -> None:
    inverter = fitted(kind)
    images = inverter.fitted.sample(9, seed=4)[1]
    whole = inverter.encode(images)
    alone = torch.cat([inverter.encode(image) for image in images.split(1)])
    # The last bits of a convolution depend on the size of the batch; a search magnifies them.
    assert torch.allclose(whole, alone, atol=2e-3 if inverter.kind == "search" else 1e-4)
    assert torch.equal(whole, inverter.encode(images))


@EVERY
def test_codes_are_within_the_prior_whatever_the_image(kind: str) -> None:
    inverter = fitted(kind)
    extremes = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8), torch.eye(8)[None]])
    codes = inverter.invert(extremes, refine=5)
    assert codes.z.isfinite().all()
    assert torch.equal(inverter.fitted.prior.clamp(codes.z), codes.z)


@EVERY
def test_saved_and_loaded_answers_are_the_same(kind: str, tmp_path: Path) -> None:
    inverter = fitted(kind)
    images = inverter.fitted.sample(5, seed=2)[1]
    inverter.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again, type(inverter))
    first, second = inverter.invert(images, refine=3), again.invert(images, refine=3)
    assert torch.equal(first.z, second.z)
    assert torch.equal(first.reconstruction, second.reconstruction)
    assert not any(one.suffix in (".pkl", ".pt") for one in (tmp_path / "model").iterdir())


def test_dcgan_is_loaded_with_its_discriminator(tmp_path: Path) -> None:
    gan = DCGAN(latent=4, size=8, channels=1, width=4, steps=5, batch=8).fit(digits()[:40])
    gan.save(tmp_path / "gan")
    again = load(tmp_path / "gan")
    assert isinstance(again, DCGAN)
    assert again.latent == 4
    assert torch.equal(gan.generator_.sample(3)[1], again.generator_.sample(3)[1])
    images = gan.generator_.sample(3)[1]
    assert torch.equal(gan.discriminator_(images), again.discriminator_(images))


def test_own_generator_is_loaded_into_a_module_given_again(tmp_path: Path) -> None:
    g = Generator(own_net(seed=1), prior=Normal((6, 1, 1)), range=(-1, 1))
    inverter = RegressionInverter(width=4, steps=5, batch=8).fit(g)
    inverter.save(tmp_path / "own")
    with pytest.raises(InputError, match=r"modules are code.*module="):
        load(tmp_path / "own")
    with pytest.raises(InputError, match="not built like the OwnNet"):
        load(tmp_path / "own", module=OwnNet(latent=5))
    fresh = own_net(seed=2)
    before = numbers(fresh)
    again = load(tmp_path / "own", module=fresh)
    assert isinstance(again, RegressionInverter)
    assert same(before, numbers(fresh))
    images = g.sample(4)[1]
    assert torch.equal(inverter.encode(images), again.encode(images))


def test_loading_explains_what_is_wrong(tmp_path: Path) -> None:
    inverter = LatentSearch().fit(untrained())
    inverter.save(tmp_path / "m")
    with pytest.raises(InputError, match="leave module= out"):
        load(tmp_path / "m", module=own_net())
    with pytest.raises(InputError, match="device='nowhere'"):
        load(tmp_path / "m", device="nowhere")
    config = tmp_path / "m" / "config.json"
    config.write_text(config.read_text().replace('"search"', '"other"'))
    with pytest.raises(StoreError, match="'other'"):
        load(tmp_path / "m")


# Training


def trainings(run: Path | None) -> list[Callable[[], Any]]:
    """Everything that is trained, each for nine steps."""
    g = untrained()
    short: dict[str, Any] = {"width": 4, "steps": 9, "batch": 8, "checkpoint_every": 4, "run": run}
    small: dict[str, Any] = {"latent": 4, "size": 8, "channels": 1, **short}
    images, labels = g.sample(32)[1], (torch.arange(32) % 2).float()
    told = ConditionalDCGAN(**{**small, "run": None, "steps": 2}).fit(images, labels).generator_
    return [
        lambda: DCGAN(**small).fit(images),
        lambda: BiGAN(**small).fit(images),
        lambda: ConditionalDCGAN(**small).fit(images, labels),
        lambda: ConditionalInverter(**short).fit(told, images, labels),
        lambda: CombinedInverter(**short).fit(g),
    ]


@pytest.mark.parametrize("which", range(5))
def test_resumed_is_uninterrupted_bit_for_bit(
    which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from preimage.training import Loop

    whole = trainings(None)[which]()
    minimise = Loop.minimise

    def stopped(loop: Loop, name: str, loss: Tensor) -> None:
        minimise(loop, name, loss * (torch.nan if loop.steps == 6 else 1.0))

    monkeypatch.setattr(Loop, "minimise", stopped)
    with pytest.raises(TrainingError):
        trainings(tmp_path)[which]()
    monkeypatch.undo()
    assert (tmp_path / "checkpoint.safetensors").is_file()
    resumed = trainings(tmp_path)[which]()
    assert resumed.history_.steps == 9
    assert same(numbers(whole.generator_), numbers(resumed.generator_))
    assert same(whole._state(), resumed._state())


def test_samples_are_drawn_while_training(tmp_path: Path) -> None:
    from preimage.images import open_images

    gan = DCGAN(latent=4, size=8, channels=1, width=4, steps=5, batch=8, run=tmp_path)
    gan.sheet_every = 2
    gan.fit(digits()[:20])
    sheets = open_images(tmp_path).names
    assert sheets == tuple(f"samples-000000{n}.png" for n in (2, 4, 5))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 40}, "power of two"),
        ({"size": 4}, "power of two"),
        ({"channels": 2}, "grey"),
        ({"latent": 0}, "latent=0"),
        ({"batch": 1}, "batch normalisation"),
        ({"width": 0}, "width=0"),
        ({"steps": 0}, "steps=0"),
    ],
)
def test_wrong_settings_are_explained(settings: dict[str, Any], message: str) -> None:
    usual = {"latent": 4, "size": 8, "channels": 1, "width": 4, "steps": 2, "batch": 4}
    with pytest.raises(InputError, match=message):
        DCGAN(**{**usual, **settings}).fit(digits()[:9])


def test_one_image_is_too_few() -> None:
    with pytest.raises(InputError, match="there are 1 images"):
        DCGAN(latent=4, size=8, channels=1, steps=2).fit(digits()[:1])


def test_questions_before_fit_are_refused() -> None:
    with pytest.raises(NotFittedError, match="call fit first"):
        CombinedInverter().invert(digits())
    with pytest.raises(NotFittedError):
        DCGAN().save("nowhere")


def test_wrong_images_are_explained() -> None:
    search = LatentSearch(steps=2).fit(untrained())
    with pytest.raises(InputError, match="refine=-1"):
        search.invert(digits()[:2], refine=-1)
    with pytest.raises(InputError, match=r"of shape \(n, 1, 8, 8\)"):
        search.encode(digits()[:2])
    assert search.invert(digits()[:2]).z.shape == (2, 4)  # resized


# Labels


def test_labels_are_found_and_can_be_told() -> None:
    settings: dict[str, Any] = {"width": 8, "batch": 32, "learning_rate": 2e-3}
    gan = ConditionalDCGAN(latent=8, size=16, channels=1, steps=150, **settings)
    gan.fit(digits(), kinds())
    inverter = ConditionalInverter(steps=150, **settings)
    inverter.fit(gan.generator_, digits()[:1500], kinds()[:1500])
    codes = inverter.invert(digits()[1500:])
    assert codes.z.shape == (297, 18)
    right = codes.z[:, 8:].argmax(1) == kinds()[1500:].argmax(1)
    assert right.float().mean() > 0.7
    z, images = gan.generator_.sample(200, seed=8)
    assert (inverter.encode(images)[:, :8] - z[:, :8]).square().mean() < z[:, :8].var()


def test_wrong_labels_are_explained() -> None:
    images = digits()[:20]
    gan = ConditionalDCGAN(latent=4, size=8, channels=1, width=4, steps=2, batch=4)
    with pytest.raises(InputError, match="one row for each image"):
        gan.fit(images, torch.zeros(19, 2))
    with pytest.raises(InputError, match="from 0 to 1"):
        gan.fit(images, torch.arange(20))
    with pytest.raises(InputError, match="1 images have no labels, such as 07"):
        gan.fit(images, {f"{i:02d}": [0.0] for i in range(20) if i != 7})
    with pytest.raises(InputError, match="not told labels"):
        ConditionalInverter().fit(untrained(), images, torch.zeros(20))
    gan.fit(images, {f"{i:02d}": [i % 2] for i in range(20)})
    with pytest.raises(InputError, match="the generator is told 1"):
        ConditionalInverter().fit(gan.generator_, images, torch.zeros(20, 3))


# Codes


def test_codes_are_a_table(tmp_path: Path) -> None:
    codes = LatentSearch(steps=2).fit(untrained()).invert(digits()[:12])
    frame = codes.to_frame("pandas")
    assert list(frame.columns) == ["name", "residual", "z1", "z2", "z3", "z4"]
    assert frame["name"][3] == "03"
    for suffix in ("csv", "parquet"):
        codes.save(tmp_path / f"codes.{suffix}")
        again = read_table(tmp_path / f"codes.{suffix}")
        assert np.array_equal(np.asarray(again["z2"], dtype=np.float32), codes.z[:, 1].numpy())
    assert "12 codes of 4 numbers" in str(codes)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_of_one_size(preset: str, name: str) -> None:
    sized = PRESETS[preset]
    assert sized.gan().width == sized.encoder(name).width
    assert sized.encoder(name).kind == name
    with pytest.raises(InputError, match="there is no encoder 'none'"):
        sized.encoder("none")


@final
@dataclass(kw_only=True)
class Halved(LearnedInverter):
    """A method of one's own: one hook."""

    kind: ClassVar[str] = "halved"

    def _losses(
        self, free: Tensor, z: Tensor, x: Tensor, generator: Generator
    ) -> Mapping[str, Tensor]:
        return {"code": (self._code(free, generator) - z / 2).square().mean()}


def test_a_method_is_one_hook() -> None:
    g = untrained()
    z, images = g.sample(64)
    found = Halved(width=8, steps=100, batch=32, learning_rate=3e-3).fit(g).encode(images)
    assert found.std() < 0.7 * z.std()
