"""Degradations, descents and restorations, mostly on a generator of eight by eight pixels."""

from functools import cache
from pathlib import Path

import pytest
import torch
from generator_cases import digits, trained, untrained
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from typer.testing import CliRunner

from preimage.cli.app import app
from preimage.errors import InputError, NotFittedError
from preimage.generators import (
    Adam,
    Blur,
    CombinedInverter,
    Custom,
    Degradation,
    Downsample,
    Generator,
    Mask,
    Noise,
    Normal,
    PairedEncoder,
    QuasiNewton,
    RegressionInverter,
    Sequence,
    descend,
    load,
    refine,
    restore,
)
from preimage.images import Picture, open_images, write_picture


def centre(side: int) -> Tensor:
    """A mask without its centre."""
    keep = torch.ones(side, side)
    keep[side // 4 : -side // 4, side // 4 : -side // 4] = 0
    return keep


@cache
def inverter() -> CombinedInverter:
    """An inverse of the small generator."""
    return CombinedInverter(width=8, steps=100, batch=32).fit(untrained())


def known(n: int = 6) -> tuple[Tensor, Tensor]:
    return untrained().sample(n, seed=7)


DEGRADATIONS = (
    Blur(1.0),
    Downsample(2),
    Mask(centre(8)),
    Custom(lambda images: images[..., ::2]),
    Sequence((Blur(0.7), Downsample(2))),
)


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=lambda one: type(one).__name__)
def test_degradations_are_linear_and_differentiable(degradation: Degradation) -> None:
    source = torch.Generator().manual_seed(0)
    a, b = torch.rand(2, 3, 1, 8, 8, generator=source)
    both = degradation(0.3 * a + 0.7 * b)
    assert torch.allclose(both, 0.3 * degradation(a) + 0.7 * degradation(b), atol=1e-5)
    a.requires_grad_()
    (slope,) = torch.autograd.grad(degradation(a).square().sum(), a)
    assert bool(slope.isfinite().all())
    assert float(slope.abs().max()) > 0


@pytest.mark.parametrize("degradation", DEGRADATIONS[:3], ids=lambda one: type(one).__name__)
def test_views_have_the_shape_of_images(degradation: Degradation) -> None:
    x = known()[1]
    seen = degradation.view(degradation(x), (1, 8, 8))
    assert seen is not None
    assert seen.shape == x.shape
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1


@given(st.floats(0.3, 3), st.floats(0, 1))
def test_blur_keeps_grey_and_lowers_contrast(sigma: float, grey: float) -> None:
    flat = torch.full((1, 3, 8, 8), grey)
    assert torch.allclose(Blur(sigma)(flat), flat, atol=1e-5)
    x = known()[1]
    assert float(Blur(sigma)(x).var()) < float(x.var())


def test_noise_is_on_what_is_seen_and_repeats() -> None:
    x = torch.full((4, 1, 32, 32), 0.5)
    noise = Sequence((Blur(1.0), Noise(0.1)))
    seen = noise.observe(x, seed=1)
    assert torch.equal(seen, noise.observe(x, seed=1))
    assert not torch.equal(seen, noise.observe(x, seed=2))
    assert float((seen - x).std()) == pytest.approx(0.1, rel=0.1)
    assert torch.equal(noise(x), Blur(1.0)(x))


def test_nonsense_degradations_are_refused() -> None:
    for make, said in (
        (lambda: Blur(0.0), "positive"),
        (lambda: Downsample(1), "from 2 on"),
        (lambda: Mask(torch.zeros(4, 4)), "keeps no pixel"),
        (lambda: Mask(torch.ones(4)), "height, width"),
        (lambda: Noise(-1.0), "0 or more"),
        (lambda: Sequence(()), "at least one"),
        (lambda: Sequence((Noise(0.1), Blur(1.0))), "last"),
        (lambda: Downsample(3)(torch.zeros(1, 1, 8, 8)), "divides"),
        (lambda: Mask(torch.ones(4, 4))(torch.zeros(1, 1, 8, 8)), "of their size"),
        (lambda: Adam(learning_rate=0.0), "positive"),
        (lambda: QuasiNewton(memory=0), "1 or more"),
    ):
        with pytest.raises(InputError, match=said):
            make()


def near(g: Generator, z: Tensor) -> Tensor:
    """Codes not far from these: from anywhere, some descents end elsewhere."""
    return g.prior.clamp(
        z + 0.15 * torch.randn(z.shape, generator=torch.Generator().manual_seed(3))
    )


@pytest.mark.parametrize("descent", [Adam(), QuasiNewton()], ids=["adam", "quasi-newton"])
def test_descent_finds_known_codes_and_never_rises(descent: Adam | QuasiNewton) -> None:
    g = untrained()
    z, x = known()
    start = near(g, z)
    end = descend(g, start, x, calls=150, descent=descent)
    assert bool((end.trace.diff(dim=0) <= 0).all())
    apart = (g(end.z) - x).flatten(1).square().mean(dim=1).sqrt()
    assert torch.allclose(apart, end.residual, atol=1e-4)
    assert bool((end.residual < 0.2 * end.trace[0]).all())
    assert torch.equal(g.prior.clamp(end.z), end.z)


@given(st.integers(0, 1000))
def test_refinement_never_makes_worse(seed: int) -> None:
    g = untrained()
    z, x = g.sample(3, seed=seed)
    start = g.prior.sample(3, torch.Generator().manual_seed(seed + 1))
    better = refine(g, start, x, steps=4)
    before, after = ((g(one) - x).flatten(1).norm(dim=1) for one in (start, better))
    assert bool((after <= before * (1 + 1e-5) + 1e-6).all())
    kept = refine(g, z, x, steps=4)
    assert torch.allclose(g(kept), x, atol=1e-4)


def test_rows_stop_where_enough_is_reached() -> None:
    g = untrained()
    z, x = known()
    start = z.clone()
    start[3:] = near(g, z)[3:]
    end = descend(g, start, x, calls=20, enough=1e-3)
    assert end.calls[:3].tolist() == [1, 1, 1]
    assert bool((end.calls[3:] > 1).all())


def test_normal_priors_pull_codes_in_where_there_is_noise() -> None:
    g = Generator(untrained().module, prior=Normal(4))
    z, x = g.sample(4, seed=1)
    far = descend(g, near(g, z), x, calls=60)
    pulled = descend(g, near(g, z), x, calls=60, degradation=Noise(2.0))
    assert float(pulled.z.norm()) < float(far.z.norm())


def test_misfits_of_shape_are_refused() -> None:
    g = untrained()
    z, x = known()
    with pytest.raises(InputError, match="one code for each"):
        refine(g, z[:2], x, steps=3)
    with pytest.raises(InputError, match="lead to"):
        refine(g, z, x, steps=3, degradation=Downsample(2))
    with pytest.raises(InputError, match="not finite"):
        refine(g, z, x / 0, steps=3)
    with pytest.raises(InputError, match="1 or more"):
        refine(g, z, x, steps=0)


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=lambda one: type(one).__name__)
def test_search_is_nearer_to_what_was_observed(degradation: Degradation) -> None:
    x = known()[1]
    y = degradation.observe(x)
    found = restore(y, degradation, inverter(), calls=80, starts=3, adaptation=5)
    assert found.images.shape == x.shape
    apart = (degradation(found.images) - y).flatten(1).square().mean(dim=1).sqrt()
    assert torch.allclose(apart, found.residual, atol=1e-4)
    if found.plain_residual is not None:
        assert bool((found.residual <= found.plain_residual + 1e-6).all())
    assert "consistent" in str(found)
    assert "recovered" not in str(found)


def test_search_is_nearer_to_the_truth_than_the_plain_pass() -> None:
    x = known()[1]
    for degradation in (Blur(1.0), Mask(centre(8))):
        found = restore(degradation(x), degradation, inverter(), calls=120, adaptation=0)
        assert found.plain is not None
        plain, better = ((one - x).square().mean() for one in (found.plain, found.images))
        assert float(better) < 0.5 * float(plain)


def test_adaptation_makes_what_the_generator_cannot() -> None:
    """Pictures of squares, of which the generator knows nothing; it stays as it was."""
    x = torch.zeros(3, 1, 8, 8)
    for i in range(3):
        x[i, :, 2 : 5 + i, 1 : 4 + i] = 1
    blur = Blur(0.7)
    before = {name: one.clone() for name, one in inverter().fitted.state_dict().items()}
    own, searched = (
        restore(blur(x), blur, inverter(), calls=40, starts=2, adaptation=steps)
        for steps in (200, 0)
    )
    after = inverter().fitted.state_dict()
    assert all(torch.equal(one, after[name]) for name, one in before.items())
    assert torch.equal(own.z, searched.z)
    assert bool((own.residual < 0.8 * searched.residual).all())
    errors = [float((one.images - x).square().mean()) for one in (own, searched)]
    assert errors[0] < 0.8 * errors[1]
    assert bool((own.calls == searched.calls + 200).all())


def test_noise_ends_the_search() -> None:
    x = known()[1]
    noisy = Noise(0.1)
    y = noisy.observe(x)
    found = restore(y, noisy, inverter(), calls=200)
    assert bool((found.residual < 0.12).all())
    assert float(found.calls.float().mean()) < 400


def test_restoration_repeats_and_does_not_look_at_neighbours() -> None:
    y = Blur(1.0)(known()[1])
    first = restore(y, Blur(1.0), inverter(), calls=20, adaptation=10)
    again = restore(y, Blur(1.0), inverter(), calls=20, adaptation=10)
    assert torch.equal(first.images, again.images)


def test_restoration_refuses_what_it_cannot_use() -> None:
    y = Blur(1.0)(known()[1])
    with pytest.raises(NotFittedError):
        restore(y, Blur(1.0), RegressionInverter())
    with pytest.raises(InputError, match="1 start"):
        restore(y, Blur(1.0), inverter(), starts=0)
    with pytest.raises(InputError, match="adaptation=-1"):
        restore(y, Blur(1.0), inverter(), adaptation=-1)
    with pytest.raises(InputError, match="not finite"):
        restore(y * torch.nan, Blur(1.0), inverter())
    with pytest.raises(InputError, match="which is no image"):
        restore(y, Custom(lambda images: images.flatten(1)), inverter())
    with pytest.raises(InputError, match="nothing to restore"):
        restore(y[:0], Blur(1.0), inverter())


def test_restoration_from_files(tmp_path: Path) -> None:
    x = known(3)[1]
    for i, picture in enumerate(Blur(1.0)(x)):
        write_picture(tmp_path / "seen" / f"{i}.png", Picture(picture.clamp(0, 1)))
    (tmp_path / "seen" / "broken.png").write_bytes(b"")
    inverter().save(tmp_path / "model")
    call = [
        *("gan", "restore", str(tmp_path / "model"), str(tmp_path / "seen")),
        *("--blur", "1", "--calls", "40", "--adaptation", "3", "-o", str(tmp_path / "out")),
    ]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 1, done.output
    assert "consistent" in done.output
    assert "broken.png" in done.output
    made = open_images(tmp_path / "out")
    assert made.names == ("0.png", "1.png", "2.png")
    assert (tmp_path / "out" / "restored.csv").read_text().startswith('"name","residual"')
    again = CliRunner().invoke(app, call)
    assert again.exit_code != 0
    nothing = CliRunner().invoke(app, [*call[:4], "-o", str(tmp_path / "other")])
    assert "say what has happened" in str(nothing.exception)


def test_masks_from_files(tmp_path: Path) -> None:
    write_picture(tmp_path / "mask.png", Picture(centre(8)[None]))
    write_picture(tmp_path / "seen.png", Picture(known(1)[1][0] * centre(8)))
    inverter().save(tmp_path / "model")
    done = CliRunner().invoke(
        app,
        [
            *("gan", "restore", str(tmp_path / "model"), str(tmp_path / "seen.png")),
            *("--mask", str(tmp_path / "mask.png"), "-o", str(tmp_path / "out")),
        ],
    )
    assert done.exit_code == 0, done.output


def turned(images: Tensor) -> Tensor:
    """Another kind of digits: white on black turned into black on white, upside down, blurred."""
    return Blur(0.7)(1 - images.flip(-1, -2))


@pytest.mark.slow
def test_few_pairs_are_enough_to_translate(tmp_path: Path) -> None:
    every = digits()
    pairs, fresh = every[:300], every[-200:]
    inverse = CombinedInverter(width=16, steps=600, batch=32).fit(trained().generator_)
    model = PairedEncoder(width=16, steps=400, batch=32).fit(inverse, turned(pairs), pairs)
    made = model.translate(turned(fresh))
    error = (made.images - fresh).square().mean()
    chance = (pairs.mean(dim=0) - fresh).square().mean()
    # What the generator's own inverse makes of the wanted images is the best that can be hoped for.
    best = (inverse.invert(fresh, refine=50).reconstruction - fresh).square().mean()
    assert float(best) < float(error) < 0.7 * float(chance)
    model.save(tmp_path / "translator")
    again = load(tmp_path / "translator")
    assert isinstance(again, PairedEncoder)
    assert torch.equal(again.translate(turned(fresh)).images, made.images)


def test_pairs_come_in_pairs() -> None:
    x = known()[1]
    with pytest.raises(InputError, match="same order"):
        PairedEncoder(width=4, steps=2, batch=4).fit(inverter(), x, x[:3])
    model = PairedEncoder(width=4, steps=2, batch=4).fit(inverter(), 1 - x, x)
    assert model.translate(1 - x).images.shape == x.shape
