import pytest

import preimage.progress
from preimage.progress import progress


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(preimage.progress, "time", clock)
    return clock


def run(clock: Clock, seconds: float, *, show: bool = True, done: int = 0) -> None:
    with progress("learning", 100, done=done, show=show) as bar:
        for step in range(done, 100):
            clock.now += seconds / (100 - done)
            bar.update(step + 1, f"loss {step + 1}")


@pytest.mark.parametrize("done", [0, 60])
def test_long_work_is_shown_on_a_terminal(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], done: int
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    run(clock, 9.0, done=done)
    out, err = capsys.readouterr()
    assert "learning" in err
    assert "100/100" in err
    assert "loss 100" in err
    assert out == ""


@pytest.mark.parametrize(
    ("seconds", "show", "terminal"), [(1.5, True, "1"), (9.0, False, "1"), (9.0, True, "")]
)
def test_short_unwanted_or_redirected_work_is_silent(
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seconds: float,
    show: bool,
    terminal: str,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", terminal)
    run(clock, seconds, show=show)
    assert capsys.readouterr() == ("", "")
