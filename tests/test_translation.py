"""One network for both directions: what holds of every model."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_sample_images

from preimage.errors import (
    InputError,
    NotFittedError,
    OutputExistsError,
    PreimageWarning,
    StoreError,
    TrainingError,
)
from preimage.images import Picture, write_picture
from preimage.translation import METHODS, PRESETS, Pairs, Pix2Pix, SelfInverse, load, preset
from preimage.translation.augment import Windows, mirrored, relit
from preimage.translation.networks import FineUNet, InvolutionNet, PatchGAN, UNet
from preimage.translation.tiling import starts, tiled
from preimage.translation.translator import Translator


def photographs(count: int = 24, side: int = 32) -> np.ndarray:
    """Pieces of the two photographs that come with scikit-learn."""
    pieces = [
        photo[top : top + 4 * side, left : left + 4 * side][::4, ::4]
        for photo in load_sample_images().images
        for top in range(0, photo.shape[0] - 4 * side, 2 * side)
        for left in range(0, photo.shape[1] - 4 * side, 2 * side)
    ]
    return np.stack(pieces[:: max(1, len(pieces) // count)][:count]).transpose(0, 3, 1, 2)


def negatives(count: int = 24) -> Pairs:
    """Photographs, and their negatives with red and blue exchanged: its own inverse."""
    photos = photographs(count)
    return Pairs.from_arrays(photos, 255 - photos[:, ::-1])


SETTINGS: dict[str, Any] = {"size": 32, "width": 8, "epochs": 1.0, "batch": 4, "device": "cpu"}

MODELS = {
    "paper": SelfInverse(**SETTINGS),
    "together": SelfInverse(**SETTINGS, directions="together", cycle=1.0, norm="instance"),
    "told": SelfInverse(**SETTINGS, direction_channel=True, ema=0.9),
    "alone": SelfInverse(**SETTINGS, adversarial=0.0, norm="none", dropout_at_test=True),
    "fine": SelfInverse(**SETTINGS, core="fine", norm="instance", vary_jitter=True),
    "there and back": SelfInverse(**SETTINGS, adversarial=0.0, cycle=1.0, cycle_jitter=0.3),
    "involution": SelfInverse(**SETTINGS, core="involution", couplings=2),
    "pix2pix": Pix2Pix(**SETTINGS, ema=0.5),
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request: pytest.FixtureRequest) -> Translator:
    return replace(MODELS[request.param]).fit(negatives())


def test_networks_are_those_of_the_paper() -> None:
    """The parameters of pix2pix as its authors count them, and patches of 70 pixels."""
    draws = torch.Generator().manual_seed(0)
    unet = UNet(3, size=256, width=64, generator=draws)
    assert sum(one.numel() for one in unet.parameters()) == 54_413_955
    convolutions = [one for one in unet.modules() if isinstance(one, torch.nn.Conv2d)]
    assert [one.out_channels for one in convolutions] == [64, 128, 256, *[512] * 5]
    raised = [one for one in unet.modules() if isinstance(one, torch.nn.ConvTranspose2d)]
    assert [one.out_channels for one in raised] == [*[512] * 4, 256, 128, 64, 3]
    assert [one.in_channels for one in raised] == [512, *[1024] * 4, 512, 256, 128]
    judge = PatchGAN(3, width=64, norm="none", generator=draws)
    x = torch.zeros(1, 3, 256, 256, requires_grad=True)
    judge(x, torch.zeros(1, 3, 256, 256))[0, 0, 15, 15].backward()
    assert x.grad is not None
    rows = x.grad.abs().sum(dim=(0, 1, 3)).nonzero()[:, 0]
    assert int(rows.max() - rows.min()) + 1 == 70


@settings(max_examples=15)
@given(
    channels=st.integers(1, 4),
    levels=st.integers(1, 3),
    seed=st.integers(0, 99),
    n=st.integers(1, 3),
)
def test_involution_is_its_own_inverse_whatever_its_weights(
    channels: int, levels: int, seed: int, n: int
) -> None:
    draws = torch.Generator().manual_seed(seed)
    net = InvolutionNet(channels, width=8, couplings=3, levels=levels, generator=draws)
    with torch.no_grad():
        for name, weights in net.named_parameters():
            if "last" in name:
                weights.normal_(0, 0.03, generator=draws)
        x = torch.rand(n, channels, 16, 24, generator=draws) * 2 - 1
        there = net(x)
        assert there.abs().max() < 128
        assert (there - x).abs().max() > 0.1
        assert (net(there) - x).abs().max() < 1e-5


@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 72), (33, 47)])
def test_fine_network_starts_as_the_identity(height: int, width: int) -> None:
    draws = torch.Generator().manual_seed(0)
    net = FineUNet(4, out_channels=3, width=8, norm="instance", generator=draws)
    x = torch.rand(2, 4, height, width, generator=draws)
    torch.testing.assert_close(net(x), x[:, :3])


def test_fine_network_takes_nothing_from_a_label_map() -> None:
    draws = torch.Generator().manual_seed(0)
    net = FineUNet(3, out_channels=3, width=8, residual=False, generator=draws)
    assert not net(torch.rand(2, 3, 32, 32, generator=draws)).any()


def test_varied_windows_are_of_all_sizes_between() -> None:
    ramp = torch.arange(64.0).expand(1, 1, 64, 64) / 64
    pairs = Pairs.from_arrays(ramp, ramp)
    windows = Windows(size=32, jitter=2.0, vary=True, flip=False)
    drawn, _ = windows.draw(pairs, [0] * 40, torch.Generator().manual_seed(0))
    shown = (drawn[:, 0, 0, -1] - drawn[:, 0, 0, 0]) * 64
    assert shown.min() < 18
    assert shown.max() > 28
    assert (shown < 33).all()


def test_windows_do_not_depend_on_those_beside_them(tmp_path: Path) -> None:
    photos = photographs(4, 48)
    for i, photo in enumerate(photos):
        pixels = torch.from_numpy(photo[:, : 40 - 4 * i] / np.float32(255))
        write_picture(tmp_path / "a" / f"{i}.png", Picture(pixels))
        write_picture(tmp_path / "b" / f"{i}.png", Picture(1 - pixels))
    pairs = Pairs.from_folders(tmp_path / "a", tmp_path / "b")
    windows = Windows(size=32, jitter=1.5, vary=True, flip=True)
    whole = windows.draw(pairs, [0, 1, 2, 3], torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(0)
    for i in range(4):
        for alone, side in zip(windows.draw(pairs, [i], draws), whole, strict=True):
            assert torch.equal(alone[0], side[i])


def test_only_images_that_a_map_can_hold_are_to_come_back() -> None:
    photos, palette = photographs(8), [(0, 0, 0), (250, 10, 10)]
    labels = (photos.mean(axis=1) > 110).astype(np.uint8)
    to_maps = Pairs.from_arrays(photos, labels, palette_b=palette)
    short = replace(MODELS["paper"], epochs=1, cycle=1.0)
    logged = [
        name for one in (negatives(8), to_maps) for name in short.fit(one).history_.records[-1]
    ]
    assert logged.count("cycle") == 2
    model = replace(short, directions="together").fit(to_maps)
    assert model._comes_back("b")
    assert not model._comes_back("a")


def test_learned_involution_returns_exactly() -> None:
    pairs = negatives()
    model = replace(MODELS["involution"], adversarial=0.0, learning_rate=4e-3).fit(pairs)
    photos = photographs(5)
    trip = model.round_trip(photos)
    assert float(trip.error.max()) < 1e-5
    assert float((trip.there - trip.given).abs().mean()) > 0.05


def test_learns_both_directions_without_being_told() -> None:
    """On pieces that it has not seen; one grey for all would be 0.3 off."""
    train, held = negatives(80).split(0.2)
    model = SelfInverse(
        size=32,
        width=8,
        norm="none",
        dropout=0.0,
        adversarial=0.0,
        batch=8,
        l1=1.0,
        epochs=15,
        learning_rate=4e-3,
        schedule="cosine",
        jitter=1.0,
        device="cpu",
    ).fit(train)
    a, b = np.stack(held.a), np.stack(held.b)
    for x, y in ((a, b), (b, a)):
        assert np.abs(model(x).astype(float) - y).mean() / 255 < 0.1


def test_answers_do_not_depend_on_the_batch(fitted: Translator) -> None:
    photos = torch.from_numpy(photographs(5)) / 255
    whole = fitted(photos, source="a")
    alone = torch.cat([fitted(photo[None], source="a") for photo in photos])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=0)


def test_settled_answers_are_translated_back(fitted: Translator) -> None:
    photos = torch.from_numpy(photographs(3)) / 255
    before, after = (fitted.round_trip(photos, source="a", settle=n) for n in (0, 5))
    assert after.psnr.mean() > min(before.psnr.mean(), torch.tensor(90.0))
    moved = (after.there - before.there).abs().max()
    assert moved <= 5 * 0.02
    alone = torch.cat([fitted(photo[None], source="a", settle=2) for photo in photos])
    torch.testing.assert_close(fitted(photos, source="a", settle=2), alone, atol=1e-4, rtol=0)
    with pytest.raises(InputError, match="settle=-1"):
        fitted(photos, source="a", settle=-1)


def test_save_then_load_gives_identical_answers(fitted: Translator, tmp_path: Path) -> None:
    photos = photographs(3)
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.kinds_ == fitted.kinds_
    assert again.saved_settings == fitted.saved_settings
    assert again.parameters == fitted.parameters
    np.testing.assert_array_equal(again(photos, source="b"), fitted(photos, source="b"))
    with pytest.raises(OutputExistsError):
        fitted.save(tmp_path / "model")


def test_same_seed_same_answers() -> None:
    photos = photographs(2)
    one, two, other = (
        replace(MODELS["paper"], seed=seed).fit(negatives(8))(photos) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    replace(MODELS["paper"]).fit(negatives(4))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", ["told", "pix2pix"])
def test_resumed_is_as_uninterrupted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, photos = negatives(12), photographs(3)
    model = replace(MODELS[name], epochs=3.0)
    whole = replace(model).fit(pairs)(photos, source="a")
    calls = 0
    learn = type(model)._learn

    def interrupted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return learn(*arguments)

    stopped = replace(model, run=tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(type(model), "_learn", interrupted)
        from preimage.training import Trainer

        trainer = stopped.trainer
        patch.setattr(
            type(model), "trainer", lambda self, steps: replace(trainer(steps), checkpoint_every=2)
        )
        assert isinstance(trainer(1), Trainer)
        with pytest.raises(KeyboardInterrupt):
            stopped.fit(pairs)
    resumed = replace(model, run=tmp_path / "run").fit(pairs)
    np.testing.assert_array_equal(resumed(photos, source="a"), whole)
    assert list((tmp_path / "run" / "sheets").glob("*.png"))
    with pytest.raises(InputError, match="another training"):
        replace(model, run=tmp_path / "run", l1=5.0).fit(pairs)


def test_validation_keeps_the_best_weights() -> None:
    train, held = negatives(24).split(0.25)
    model = replace(MODELS["paper"], epochs=2.0, validate_every=3, ema=0.5).fit(train, held)
    assert model.history_ is not None
    values = [one["validation"] for one in model.history_.records if "validation" in one]
    assert model.history_.best == min(values)
    assert model._error(held) == pytest.approx(min(values), abs=1e-6)


def test_together_takes_half_the_steps_of_alternating() -> None:
    pairs = negatives(8)
    steps = {
        name: MODELS[name].fit(pairs).history_.steps  # pyright: ignore[reportOptionalMemberAccess]
        for name in ("paper", "together", "pix2pix")
    }
    assert steps == {"paper": 4, "together": 2, "pix2pix": 2}
    assert MODELS["pix2pix"].parameters == 2 * MODELS["paper"].parameters


def test_type_of_the_images_is_kept(fitted: Translator) -> None:
    photos = photographs(2)
    deep = (photos.astype(np.uint16)) * 257
    for given_ in (photos, deep, photos / 255, torch.from_numpy(photos), torch.rand(1, 3, 32, 32)):
        answer = fitted(given_, source="a")
        assert type(answer) is type(given_)
        assert answer.dtype == given_.dtype
        assert answer.shape == given_.shape


def test_any_size_is_translated(fitted: Translator) -> None:
    for shape in ((32, 32), (20, 45), (100, 33), (5, 5)):
        assert fitted(torch.rand(1, 3, *shape), source="b").shape == (1, 3, *shape)


@settings(max_examples=20)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([16, 32, 64]))
def test_tiles_cover_and_blend(height: int, width: int, size: int) -> None:
    x = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(tiled(lambda tile: 1 - tile, x, size), 1 - x)
    assert starts(height, size)[-1] == max(0, height - size)


@given(st.floats(0, 1), st.integers(0, 99))
def test_light_keeps_black_and_the_order_of_brightness(spread: float, seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    images = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8).repeat(3, 1, 1, 1)
    spreads = torch.tensor([0.0, spread, spread])[:, None, None, None]
    still, *moved = relit(images, spreads, draws)
    torch.testing.assert_close(still, images[0])
    for one in moved:
        assert one[0, 0, 0] == -1
        assert (one.flatten().diff() >= 0).all()
        white = (one[0, -1, -1].item() + 1) / 2
        assert math.exp(-spread) - 1e-6 <= white <= math.exp(spread) + 1e-6


def test_a_round_trip_loss_brings_images_back() -> None:
    """Blurred photographs do not say what was sharp, unless something is hidden in them."""
    photos = photographs()
    blurred = np.kron(
        photos.reshape(24, 3, 8, 4, 8, 4).mean((3, 5)).astype(np.uint8), np.ones((4, 4), np.uint8)
    )
    found = []
    for cycle in (0.0, 0.3):
        model = replace(
            preset("default", SelfInverse), **SETTINGS | {"epochs": 20.0}, cycle=cycle, ema=0.0
        )
        model.fit(Pairs.from_arrays(photos, blurred))
        found.append(model.round_trip(photos, source="a").psnr.mean().item())
    assert found[1] > found[0] + 3


def test_mirrored_repeats_no_border() -> None:
    row = torch.arange(3.0).reshape(1, 1, 1, 3)
    assert mirrored(row, 1, 8)[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]


def test_windows_of_both_sides_show_the_same() -> None:
    photos = photographs(6)
    pairs = Pairs.from_arrays(photos, 255 - photos)
    windows = Windows(size=32, jitter=286 / 256, vary=False, flip=True)
    a, b = windows.draw(pairs, [0, 3, 5], torch.Generator().manual_seed(0))
    assert a.shape == (3, 3, 32, 32)
    torch.testing.assert_close(a, 1 - b, atol=1e-5, rtol=0)


def test_different_channels_and_a_palette() -> None:
    photos = photographs(12)
    bright = photos.mean(axis=1) > 110
    labels = bright.astype(np.uint8)
    palette = [(0, 0, 0), (250, 10, 10)]
    pairs = Pairs.from_arrays(photos[:, :1], labels, palette_b=palette)
    assert [kind.channels for kind in pairs.kinds] == [1, 3]
    model = replace(MODELS["paper"], size=32).fit(pairs)
    found = model(photos[:2, :1])
    assert {tuple(colour) for colour in found.transpose(0, 2, 3, 1).reshape(-1, 3)} <= set(palette)
    assert model(found).shape == (2, 1, 32, 32)
    with pytest.raises(InputError, match="2 channels"):
        model(np.zeros((1, 2, 32, 32), np.uint8))
    with pytest.raises(InputError, match="channels"):
        model(found, source="a")


def test_what_side_must_be_told() -> None:
    for name in ("told", "pix2pix"):
        model = replace(MODELS[name]).fit(negatives(4))
        with pytest.raises(InputError, match="source="):
            model(photographs(1))


def test_bad_settings_and_states(tmp_path: Path) -> None:
    pairs = negatives(4)
    for change in (
        {"size": 48},
        {"size": 16},
        {"width": 0},
        {"epochs": 0.0},
        {"ema": 1.0},
        {"l1": 0.0, "adversarial": 0.0},
        {"cycle": -1.0},
        {"cycle_jitter": -0.1},
        {"core": "involution", "direction_channel": True},
    ):
        with pytest.raises(InputError):
            replace(MODELS["paper"], **change).fit(pairs)
    with pytest.raises(NotFittedError):
        SelfInverse()(photographs(1))
    with pytest.raises(NotFittedError):
        SelfInverse().save(tmp_path / "model")
    with pytest.raises(StoreError):
        load(tmp_path)
    with pytest.raises(InputError, match="preset"):
        preset("papr", SelfInverse)
    fitted = replace(MODELS["paper"]).fit(pairs)
    for wrong in (
        np.zeros((32, 32)),
        np.zeros((1, 3, 32, 32), np.int64),
        np.full((1, 3, 9, 9), 2.0),
    ):
        with pytest.raises(InputError):
            fitted(wrong)
    grey = Pairs.from_arrays(photographs(4)[:, 0], photographs(4)[:, 1])
    with pytest.raises(InputError, match="kind"):
        replace(MODELS["paper"]).fit(pairs, grey)


def test_bf16_trains_to_answers_in_float32() -> None:
    model = replace(MODELS["paper"], mixed_precision="bf16").fit(negatives(8))
    assert model.history_ is not None
    assert all(np.isfinite(one["l1"]) for one in model.history_.records)
    answer = model(torch.from_numpy(photographs(2)) / 255)
    assert answer.dtype == torch.float32
    assert bool(answer.isfinite().all())


def test_a_loss_that_is_not_finite_stops_the_training() -> None:
    with pytest.raises(TrainingError, match="NaN or infinite"):
        replace(MODELS["alone"], learning_rate=1e30, epochs=3.0).fit(negatives(8))


def test_one_pair_is_warned_of() -> None:
    with pytest.warns(PreimageWarning, match="one pair"):
        replace(MODELS["alone"]).fit(negatives(1))


def test_presets_are_methods() -> None:
    for name in PRESETS:
        for method in METHODS.values():
            preset(name, method).check()
