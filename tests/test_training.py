import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from preimage.errors import InputError, MissingExtraError, StoreError, TrainingError
from preimage.runtime import Precision, single_threaded
from preimage.store import read_tree
from preimage.training import History, Loop, Recorded, Trainer

STEPS = 40


@dataclass
class Duel:
    """Two networks with losses through each other, dropout, and both kinds of scheduler."""

    at: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    lr: float = 1e-2
    width: int = 8
    calls: int = 0

    def __post_init__(self) -> None:
        rng = torch.Generator().manual_seed(1)
        self.x = torch.rand(64, 2, generator=rng)
        with torch.random.fork_rng():
            torch.manual_seed(2)
            self.forth = nn.Sequential(
                nn.Linear(2, self.width), nn.Tanh(), nn.Dropout(0.3), nn.Linear(self.width, 2)
            )
            self.back = nn.Sequential(nn.Linear(2, self.width), nn.BatchNorm1d(self.width))
            self.back.append(nn.Linear(self.width, 2))
        self.optimizers = {
            "forth": Adam(self.forth.parameters(), lr=self.lr, fused=True),
            "back": SGD(self.back.parameters(), lr=self.lr, momentum=0.9),
        }
        self.schedulers = {
            "forth": CosineAnnealingLR(self.optimizers["forth"], STEPS),
            "back": ReduceLROnPlateau(self.optimizers["back"], patience=1, factor=0.5),
        }

    def step(self, loop: Loop) -> dict[str, Tensor]:
        self.at.get(loop.steps, lambda: None)()
        self.calls += 1
        x = self.x[torch.randint(64, (16,), generator=loop.generator)]
        forth, back = loop.networks["forth"], loop.networks["back"]
        cycle = (back(forth(x)) - x).square().mean()
        loop.minimise("forth", cycle)
        other = (back(forth(x).detach()) - x).abs().mean()
        loop.minimise("back", other)
        return {"cycle": cycle} | ({"other": other} if loop.steps % 3 == 0 else {})

    def validate(self) -> float:
        return (self.back(self.forth(self.x)) - self.x).square().mean().item()

    def fit(self, trainer: Trainer) -> History:
        return trainer.fit(
            {"forth": self.forth, "back": self.back},
            self.optimizers,
            self.step,
            schedulers=self.schedulers,
            validate=self.validate,
            label="a duel",
        )

    def weights(self) -> dict[str, Tensor]:
        return {
            f"{name}.{key}": value.clone()
            for name, one in (("forth", self.forth), ("back", self.back))
            for key, value in one.state_dict().items()
        }


def trainer(run: Path | None = None, **changes: Any) -> Trainer:
    base = Trainer(
        steps=STEPS, run=run, log_every=7, checkpoint_every=10, validate_every=5, device="cpu"
    )
    return replace(base, **changes)


def timeless(history: History) -> list[dict[str, int | float]]:
    return [{k: v for k, v in one.items() if k != "seconds"} for one in history.records]


def assert_same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def crash() -> None:
    raise OSError("the machine is gone")


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with single_threaded():
        yield


@pytest.fixture(scope="module")
def whole() -> tuple[Duel, History]:
    duel = Duel()
    return duel, duel.fit(trainer())


@pytest.mark.parametrize("stop", [0, 6, 19, 23, STEPS - 1])
@pytest.mark.parametrize("how", [press_ctrl_c, crash])
def test_interrupted_and_resumed_is_uninterrupted_bit_for_bit(
    tmp_path: Path, whole: tuple[Duel, History], stop: int, how: Callable[[], None]
) -> None:
    expected, history = whole
    torch.manual_seed(stop)  # the state of the global generator must not matter
    with pytest.raises((KeyboardInterrupt, OSError)):
        Duel(at={stop: how}).fit(trainer(tmp_path))
    torch.rand(3)
    second = Duel()
    resumed = second.fit(trainer(tmp_path))

    done = stop + 1 if how is press_ctrl_c else stop // 10 * 10
    assert second.calls == STEPS - done
    assert_same(second.weights(), expected.weights())
    assert timeless(resumed) == timeless(history)
    assert (resumed.best, resumed.best_step, resumed.flat) == (
        history.best,
        history.best_step,
        history.flat,
    )
    for name, optimizer in second.optimizers.items():
        mine, other = optimizer.state_dict(), expected.optimizers[name].state_dict()
        assert mine["param_groups"] == other["param_groups"]
        for index, state in mine["state"].items():
            assert_same(state, other["state"][index])


@pytest.mark.parametrize("fused", [True, False])
def test_resume_of_weights_that_are_laid_out_channels_last(tmp_path: Path, fused: bool) -> None:
    """Fused optimisers walk through weights and moments by their place in memory."""

    def fit(run: Path | None, stop: int | None) -> Tensor:
        rng = torch.Generator().manual_seed(0)
        net = nn.Conv2d(2, 3, 5)
        net.weight.data = torch.randn(net.weight.shape, generator=rng)
        net.weight.data = net.weight.data.to(memory_format=torch.channels_last)
        assert net.bias is not None
        net.bias.data.zero_()

        def step(loop: Loop) -> dict[str, Tensor]:
            if loop.steps == stop:
                press_ctrl_c()
            x = torch.randn(4, 2, 6, 6, generator=loop.generator)
            loss = (loop.networks["net"](x) - 1).square().mean()
            loop.minimise("net", loss)
            return {"loss": loss}

        optimizers = {"net": Adam(net.parameters(), lr=0.01, fused=fused)}
        trainer(run, steps=12).fit({"net": net}, optimizers, step, label="channels last")
        return net.weight.detach()

    whole = fit(None, None)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, 5)
    assert torch.equal(whole, fit(tmp_path, None))


def test_observing_changes_nothing() -> None:
    seen: list[tuple[int, bool, bool]] = []

    def fit(*, watched: bool) -> Duel:
        duel = Duel()
        del duel.schedulers["back"]

        def observe(step: int) -> None:
            seen.append((step, duel.forth.training, torch.is_grad_enabled()))
            duel.back(duel.forth(duel.x))

        trainer(observe_every=15).fit(
            {"forth": duel.forth, "back": duel.back},
            duel.optimizers,
            duel.step,
            schedulers=duel.schedulers,
            observe=observe if watched else None,
            label="a duel",
        )
        return duel

    observed = fit(watched=True)
    assert seen == [(step, False, False) for step in (15, 30, STEPS)]
    assert_same(observed.weights(), fit(watched=False).weights())


def test_log_holds_the_history_after_a_crash(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        Duel(at={18: crash}).fit(trainer(tmp_path))
    history = Duel().fit(trainer(tmp_path))
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == history.records
    assert [one["step"] for one in history.records] == sorted(
        {*range(7, STEPS + 1, 7), *range(5, STEPS + 1, 5)}
    )


def test_resume_in_mixed_precision(tmp_path: Path) -> None:
    whole, resumed = Duel(), Duel()
    whole.fit(trainer(mixed_precision="bf16"))
    with pytest.raises(KeyboardInterrupt):
        Duel(at={9: press_ctrl_c}).fit(trainer(tmp_path, mixed_precision="bf16"))
    resumed.fit(trainer(tmp_path, mixed_precision="bf16"))
    assert_same(resumed.weights(), whole.weights())


def test_finished_run_returns_at_once(tmp_path: Path) -> None:
    first, second = Duel(), Duel()
    history = first.fit(trainer(tmp_path))
    assert second.fit(trainer(tmp_path)) == history
    assert second.calls == 0
    assert_same(first.weights(), second.weights())


@pytest.mark.parametrize(
    ("duel", "changes"),
    [
        (Duel(), {"steps": STEPS + 1}),
        (Duel(), {"seed": 1}),
        (Duel(lr=2e-2), {}),
        (Duel(width=9), {}),
    ],
    ids=["steps", "seed", "learning rate", "width"],
)
def test_another_training_in_the_folder_is_refused(
    tmp_path: Path, duel: Duel, changes: dict[str, Any]
) -> None:
    Duel().fit(trainer(tmp_path))
    before = duel.weights()
    with pytest.raises(InputError, match=r"another training .* was .* is "):
        duel.fit(trainer(tmp_path, **changes))
    assert_same(duel.weights(), before)


def test_settings_that_do_not_matter_may_change(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        Duel(at={3: press_ctrl_c}).fit(trainer(tmp_path))
    moved = tmp_path.rename(tmp_path.with_name("elsewhere"))
    second = Duel()
    second.fit(trainer(moved, checkpoint_every=3, progress=False))
    assert second.calls == STEPS - 4


def test_damaged_checkpoint_is_reported(tmp_path: Path) -> None:
    Duel().fit(trainer(tmp_path))
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(StoreError, match="damaged"):
        Duel().fit(trainer(tmp_path))


def test_global_state_is_left_alone(whole: tuple[Duel, History]) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state(), torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    duel = Duel()
    duel.fit(trainer())
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (torch.get_num_threads(), signal.getsignal(signal.SIGINT))
    assert_same(duel.weights(), whole[0].weights())


def test_another_seed_is_another_training(whole: tuple[Duel, History]) -> None:
    duel = Duel()
    duel.fit(trainer(seed=1))
    assert not torch.equal(duel.weights()["forth.0.weight"], whole[0].weights()["forth.0.weight"])


@dataclass
class Line:
    """One weight, at 0, pulled up by 1 in each step of plain SGD with learning rate 1."""

    net: nn.Linear = field(default_factory=lambda: nn.Linear(1, 1, bias=False))

    def __post_init__(self) -> None:
        nn.init.zeros_(self.net.weight)
        self.sgd = SGD(self.net.parameters(), lr=1.0)

    @property
    def weight(self) -> float:
        return self.net.weight.item()

    def step(self, loop: Loop) -> dict[str, Tensor]:
        loss = -loop.networks["line"](torch.ones(1, 1)).sum()
        loop.minimise("sgd", loss)
        return {"loss": loss.detach()}

    def fit(
        self, trainer: Trainer, *, validate: Callable[[], float] | None = None, data: str = ""
    ) -> History:
        return trainer.fit(
            {"line": self.net},
            {"sgd": self.sgd},
            self.step,
            label="a line",
            validate=validate,
            data=data,
        )


def test_best_weights_are_put_back() -> None:
    line = Line()
    history = line.fit(trainer(validate_every=1), validate=lambda: abs(line.weight - 17))
    assert line.weight == 17
    assert (history.best, history.best_step, history.steps) == (0, 17, STEPS)
    assert history.records[16]["validation"] == 0


def test_patience_counts_validations() -> None:
    line = Line()
    history = line.fit(
        trainer(validate_every=2, patience=3), validate=lambda: abs(line.weight - 10)
    )
    assert (history.steps, history.best_step, history.finished) == (16, 10, True)
    assert line.weight == 10


def test_the_last_step_is_validated_and_logged() -> None:
    line = Line()
    history = line.fit(trainer(steps=9, log_every=100), validate=lambda: -line.weight)
    assert history.best_step == history.records[-1]["step"] == 9


def test_records_are_means_since_the_last_one() -> None:
    history = Line().fit(trainer(steps=6, log_every=3))
    assert [one["loss"] for one in history.records] == [-1.0, -4.0]


def test_plateau_lowers_the_rate() -> None:
    line = Line()
    trainer(validate_every=1, steps=5).fit(
        {"line": line.net},
        {"sgd": line.sgd},
        line.step,
        schedulers={"sgd": ReduceLROnPlateau(line.sgd, patience=1, factor=0.5)},
        validate=lambda: 1.0,
        label="a line",
    )
    assert line.sgd.param_groups[0]["lr"] == 0.25


def test_clip_norm_bounds_a_step() -> None:
    line = Line()
    line.fit(trainer(steps=4, clip_norm=0.25))
    assert line.weight == pytest.approx(1.0, rel=1e-5)


def test_validation_is_in_evaluation_mode_without_gradients() -> None:
    line, seen = Line(), []

    def validate() -> float:
        seen.append((line.net.training, torch.is_grad_enabled()))
        return 0.0

    line.fit(trainer(), validate=validate)
    assert set(seen) == {(False, False)}
    assert not line.net.training


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_loss_that_is_not_finite_stops_before_the_weights_are_lost(bad: float) -> None:
    line = Line()

    def step(loop: Loop) -> dict[str, Tensor]:
        loss = -loop.networks["line"](torch.ones(1, 1)).sum()
        loop.minimise("sgd", loss * bad if loop.steps == 4 else loss)
        return {}

    with pytest.raises(TrainingError, match=r"loss 'sgd' .* at step 5 .*lower learning rate"):
        trainer().fit({"line": line.net}, {"sgd": line.sgd}, step, label="a line")
    assert line.weight == 4


def test_validation_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(TrainingError, match=r"validation value is NaN .* after step 5"):
        Line().fit(trainer(), validate=lambda: math.nan)


def test_ctrl_c_ends_with_a_whole_step_and_without_a_folder() -> None:
    duel = Duel(at={4: press_ctrl_c})
    with pytest.raises(KeyboardInterrupt):
        duel.fit(trainer())
    assert duel.calls == 5


def test_second_ctrl_c_does_not_wait() -> None:
    def impatient() -> None:
        press_ctrl_c()
        press_ctrl_c()

    duel = Duel(at={4: impatient})
    with pytest.raises(KeyboardInterrupt):
        duel.fit(trainer())
    assert duel.calls == 4


def test_fit_works_outside_the_main_thread() -> None:
    line = Line()
    thread = threading.Thread(target=lambda: line.fit(trainer()))
    thread.start()
    thread.join()
    assert line.weight == STEPS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps=0 must be at least 1"),
        ({"log_every": -1}, "log_every=-1"),
        ({"clip_norm": 0.0}, "clip_norm=0.0 must be positive"),
        ({"patience": 3}, "patience .* need validate"),
        ({"tensorboard": True}, "run=PATH"),
        ({"mixed_precision": "fp16"}, r"'fp16' does not run on device 'cpu'.* \"bf16\""),
        ({"device": "nowhere"}, "device='nowhere' .* 'c"),
    ],
)
def test_wrong_settings_are_explained(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Line().fit(trainer(**changes))


def test_wrong_names_are_explained() -> None:
    line = Line()
    with pytest.raises(InputError, match=r"no optimiser 'adam'; there are \['sgd'\]"):
        trainer().fit(
            {"line": line.net},
            {"sgd": line.sgd},
            lambda loop: {"loss": loop.minimise("adam", torch.zeros(())) or torch.zeros(())},
            label="a line",
        )
    with pytest.raises(InputError, match=r"schedulers \['adam'\] and optimisers \['sgd'\]"):
        trainer().fit(
            {"line": line.net},
            {"sgd": line.sgd},
            line.step,
            schedulers={"adam": CosineAnnealingLR(line.sgd, 3)},
            label="a line",
        )


def test_other_data_is_another_training(tmp_path: Path) -> None:
    Line().fit(trainer(tmp_path), data="one")
    with pytest.raises(InputError, match="data was 'one', is 'two'"):
        Line().fit(trainer(tmp_path), data="two")


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("no", torch.float32)])
def test_precision_is_that_of_this_training_only(precision: Precision, dtype: torch.dtype) -> None:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    Line().fit(trainer())
    own = Accelerator(cpu=True, mixed_precision="no")
    shared = dict(AcceleratorState._shared_state)
    duel, inside, outside = Duel(), set(), set()
    hook = duel.forth[0].register_forward_hook(lambda module, x, y: inside.add(y.dtype))

    def step(loop: Loop) -> dict[str, Tensor]:
        outside.add(loop.networks["forth"](duel.x).dtype)
        return duel.step(loop)

    trainer(mixed_precision=precision).fit(
        {"forth": duel.forth, "back": duel.back}, duel.optimizers, step, label="a duel"
    )
    hook.remove()
    assert inside == {dtype}
    assert outside == {torch.float32}
    assert duel.forth[0](duel.x).dtype == torch.float32
    assert torch.equal(duel.forth(duel.x), nn.Sequential(*duel.forth).eval()(duel.x))
    assert own.mixed_precision == "no"
    assert dict(AcceleratorState._shared_state) == shared


def test_tensorboard_is_written_and_asked_for_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Line().fit(trainer(tmp_path / "there", tensorboard=True))
    assert list((tmp_path / "there").glob("events.out.tfevents.*"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match="pip install tensorboard"):
        Line().fit(trainer(tmp_path / "missing", tensorboard=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["no", "bf16", "fp16"])
def test_on_a_gpu(tmp_path: Path, precision: Precision) -> None:
    def fit(run: Path, interrupt: Callable[[], None] = lambda: None, bad: float = 1.0) -> Tensor:
        net = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        net.load_state_dict({name: torch.ones_like(one) for name, one in net.state_dict().items()})
        adam = Adam(net.parameters(), lr=1e-2)

        def step(loop: Loop) -> dict[str, Tensor]:
            if loop.steps == 15:
                interrupt()
            x = torch.rand(32, 2, generator=loop.generator, device=loop.device)
            loss = loop.networks["net"](x).square().mean()
            loop.minimise("adam", loss * bad if loop.steps == 15 else loss)
            return {"loss": loss}

        settings = trainer(run, device="cuda", mixed_precision=precision)
        settings.fit({"net": net}, {"adam": adam}, step, label="on a GPU")
        return next(net.parameters()).detach().cpu()

    whole = fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts", press_ctrl_c)
    assert torch.equal(fit(tmp_path / "parts"), whole)
    with pytest.raises(TrainingError, match="between steps 15 and 20;"):
        fit(tmp_path / "bad", bad=math.inf)


class Wave:
    """A network that learns a sine, by a step that may be recorded."""

    def __init__(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))

    def fit(self, settings: Trainer, at: Mapping[int, Callable[[], None]] | None = None) -> History:
        def learn(loop: Loop, x: Tensor) -> dict[str, Tensor]:
            noise = 0.01 * torch.rand(x.shape, generator=loop.generator, device=loop.device)
            error = (loop.networks["net"](x) - x.sin() - noise).square().mean()
            loop.minimise("adam", error * (1 + loop.share))
            return {"error": error}

        adam = Adam(self.net.parameters(), lr=1e-2, fused=True)
        recorded = Recorded(learn, period=2)

        def step(loop: Loop) -> Mapping[str, Tensor]:
            (at or {}).get(loop.steps, lambda: None)()
            draws = torch.Generator().manual_seed(loop.steps)
            return recorded(loop, (6 * torch.rand(64, 1, generator=draws)).to(loop.device))

        return settings.fit(
            {"net": self.net}, {"adam": adam}, step, label="a wave",
            schedulers={"adam": CosineAnnealingLR(adam, STEPS)},
        )  # fmt: skip

    def weights(self) -> dict[str, Tensor]:
        return {name: one.cpu().clone() for name, one in self.net.state_dict().items()}


def test_a_step_that_cannot_be_recorded_is_taken() -> None:
    history = Wave().fit(trainer())
    assert history.steps == STEPS
    assert history.records[-1]["error"] < history.records[0]["error"]


def test_while_steps_are_recorded_schedulers_wait() -> None:
    line = Line()
    rates: list[float] = []

    def step(loop: Loop) -> dict[str, Tensor]:
        rates.append(float(line.sgd.param_groups[0]["lr"]))
        loss = -loop.networks["line"](torch.ones(1, 1)).sum()
        with loop.recording() as minimised:
            loop.minimise("sgd", loss)
        rates.append(float(line.sgd.param_groups[0]["lr"]))
        for name in minimised:
            loop.advance(name)
        return {"loss": loss}

    schedule = CosineAnnealingLR(line.sgd, STEPS)
    trainer().fit(
        {"line": line.net}, {"sgd": line.sgd}, step, schedulers={"sgd": schedule}, label="a line"
    )
    assert rates[0::2] == rates[1::2]
    assert len(set(rates)) == STEPS


# Torch imports code of its own that it has deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_compiled_networks_learn_the_same() -> None:
    usual, compiled = Wave(), Wave()
    usual.fit(trainer())
    compiled.fit(trainer(compiled=True))
    for name, one in usual.weights().items():
        torch.testing.assert_close(compiled.weights()[name], one, atol=1e-4, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_recorded_steps_are_those_that_are_taken(tmp_path: Path) -> None:
    usual, recorded, resumed = Wave(), Wave(), Wave()
    usual.fit(trainer(device="cuda"))
    recorded.fit(trainer(device="cuda", compiled=True))
    with pytest.raises(KeyboardInterrupt):
        Wave().fit(trainer(tmp_path, device="cuda", compiled=True), {23: press_ctrl_c})
    resumed.fit(trainer(tmp_path, device="cuda", compiled=True))
    for name, one in usual.weights().items():
        torch.testing.assert_close(recorded.weights()[name], one, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(resumed.weights()[name], one, atol=1e-4, rtol=1e-4)


def test_large_checkpoints_take_a_small_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.training.checkpoint.QUICK", 0.0)
    monkeypatch.setattr("preimage.training.checkpoint.SHARE", 1e-9)
    with pytest.raises(OSError, match="gone"):
        Duel(at={35: crash}).fit(trainer(tmp_path))
    # The first is written when it is due, the next would be far too soon.
    history = read_tree(tmp_path / "checkpoint.safetensors")["course"]["history"]
    assert history["steps"] == 10


TWO = """
import sys, torch
from pathlib import Path
from torch import nn
from preimage.training import Trainer

net = nn.Linear(1, 1, bias=False)
nn.init.zeros_(net.weight)
sgd = torch.optim.SGD(net.parameters(), lr=1.0)
drawn = []

def step(loop):
    drawn.append(torch.rand((), generator=loop.generator).item())
    pull = 1.0 + 2.0 * torch.distributed.get_rank()
    loss = -loop.networks["line"](torch.full((1, 1), pull)).sum()
    loop.minimise("sgd", loss)
    return {"loss": loss}

trainer = Trainer(steps=int(sys.argv[2]), run=sys.argv[1], device="cpu", patience=2)
trainer.validate_every = 2
rank = lambda: torch.distributed.get_rank()
history = trainer.fit({"line": net}, {"sgd": sgd}, step, label="two", validate=lambda: rank() * 2.0)
Path(sys.argv[1], f"rank{rank()}").write_text(f"{net.weight.item()} {history.best} {drawn[0]}")
torch.distributed.destroy_process_group()
"""


def launched(code: str, *words: object, processes: int = 2) -> list[subprocess.Popen[str]]:
    """Processes as `accelerate launch` starts them on CPUs, that talk by gloo."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        "ACCELERATE_USE_CPU": "true",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "OMP_NUM_THREADS": "1",
    }
    return [
        subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]


def ended(processes: list[subprocess.Popen[str]]) -> list[int]:
    """The exit codes, once all have ended."""
    errors = [process.communicate(timeout=120)[1] for process in processes]
    codes = [process.returncode for process in processes]
    assert codes == [0] * len(codes), errors
    return codes


def test_two_processes_average_gradients_and_agree(tmp_path: Path) -> None:
    assert ended(launched(TWO, tmp_path, 20)) == [0, 0]
    first, second = ((tmp_path / f"rank{rank}").read_text().split() for rank in (0, 1))
    # Pulls of 1 and 3 move the weight by 2 a step; the first validation, at step 2, is the best.
    assert first[:2] == second[:2] == ["4.0", "1.0"]
    assert first[2] != second[2]
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3


SHARED = """
import os, signal, sys, torch
from pathlib import Path
from torch import nn
from preimage.training import Trainer

run, stop, half = Path(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3
rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
drawn = torch.Generator().manual_seed(0)
x = torch.rand(64, 3, generator=drawn, dtype=torch.float64)
net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).double()
for one in net.parameters():
    one.data = torch.randn(one.shape, generator=drawn, dtype=torch.float64)
adam = torch.optim.Adam(net.parameters(), lr=0.01)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 24)

def step(loop):
    # One batch of 16 for a process alone, and for two processes each one half of it.
    rows = torch.arange(16) + 16 * (loop.steps % 4)
    mine = rows[rank::world]
    loss = (loop.networks["net"](x[mine]) - x[mine, :2].sin()).square().mean()
    if loop.steps == stop and rank == world - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    noise = torch.rand((), generator=loop.generator, dtype=torch.float64)
    loop.minimise("adam", loss * (1 + noise) if half else loss)
    return {"loss": loss.detach()}

trainer = Trainer(steps=24, run=run, checkpoint_every=8, log_every=8, device="cpu")
trainer.fit({"net": net}, {"adam": adam}, step, label="shared", schedulers={"adam": cosine})
if world > 1:
    torch.distributed.destroy_process_group()
"""


def kept(run: Path) -> dict[str, Any]:
    """The networks and the moments of a checkpoint."""
    tree = read_tree(run / "checkpoint.safetensors")
    moments = tree["optimizers"]["adam"]["state"]
    return {
        **tree["networks"]["net"],
        **{f"{i}.{name}": one for i, all_ in moments.items() for name, one in all_.items()},
        "rate": tree["schedulers"]["adam"]["_last_lr"],
    }


def killed(*words: object) -> None:
    """Two processes of which the second is ended in the middle, which ends the first as well."""
    both = launched(SHARED, *words)
    for process in both:
        process.communicate(timeout=120)
    assert both[1].returncode == -signal.SIGKILL
    assert both[0].returncode != 0


def test_two_processes_with_half_a_batch_each_train_as_one_with_all(tmp_path: Path) -> None:
    """Gradients and so weights, moments and checkpoints are the same, but for rounding.

    One of the two is killed on the way, and both are started again.
    """
    killed(tmp_path / "two", 19)
    two = launched(SHARED, tmp_path / "two", -1)
    one = launched(SHARED, tmp_path / "one", -1, processes=1)
    assert ended([*two, *one]) == [0, 0, 0]
    single, shared = kept(tmp_path / "one"), kept(tmp_path / "two")
    assert single.keys() == shared.keys()
    for name, value in single.items():
        torch.testing.assert_close(value, shared[name], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_killed_process_is_made_up_for_bit_for_bit(tmp_path: Path) -> None:
    """Each process draws its own noise, and takes its own random state up again."""
    assert ended(launched(SHARED, tmp_path / "whole", -1, "noisy")) == [0, 0]
    killed(tmp_path / "killed", 19, "noisy")
    assert len(read_tree(tmp_path / "killed" / "checkpoint.safetensors")["random"][0]) == 2
    assert ended(launched(SHARED, tmp_path / "killed", -1, "noisy")) == [0, 0]
    whole, resumed = kept(tmp_path / "whole"), kept(tmp_path / "killed")
    for name, value in whole.items():
        assert value == resumed[name] if name == "rate" else torch.equal(value, resumed[name])
    alone = launched(SHARED, tmp_path / "killed", -1, "noisy", processes=1)[0]
    assert "another training (processes was 2, is 1)" in alone.communicate(timeout=120)[1]


@pytest.mark.slow
def test_accelerate_launch_starts_it(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text(SHARED)
    # Without --multi_gpu it starts one process; which device they use is the trainer's to say.
    words = ["launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    words += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process"]
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.accelerate_cli", *words, "1",
         file, tmp_path / "two", "-1"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ended(launched(SHARED, tmp_path / "one", -1, processes=1)) == [0]
    single, shared = kept(tmp_path / "one"), kept(tmp_path / "two")
    for name, value in single.items():
        torch.testing.assert_close(value, shared[name], rtol=1e-9, atol=1e-12)
    assert read_tree(tmp_path / "two" / "checkpoint.safetensors")["identity"]["processes"] == 2
