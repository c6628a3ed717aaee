import json
import math

import pytest
import torch
from commands import runner

from preimage.errors import InputError, MissingExtraError
from preimage.inverters import METHODS
from preimage.papers.deep_inverse import benchmark as module
from preimage.papers.deep_inverse.benchmark import Curve, Plan
from preimage.papers.deep_inverse.metric import errors, resimulation
from preimage.papers.deep_inverse.output import page, write_outputs
from preimage.papers.deep_inverse.peers import PEERS
from preimage.papers.deep_inverse.published import PLACES, PUBLISHED
from preimage.papers.deep_inverse.tasks import TASKS

SINE, ARM = TASKS["sine"], TASKS["arm"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command in an empty folder; gives its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    command = runner(monkeypatch, capsys)

    def ran(*words: str) -> tuple[int, str]:
        found = command(*words)
        return found.code, found.said

    return ran


def test_the_sine_at_known_places():
    x = torch.tensor([[0.0, 0.0], [1 / 6, 1 / 3], [-1 / 6, 1 / 6]], dtype=torch.float64)
    torch.testing.assert_close(SINE.fn(x)[:, 0], torch.tensor([1.0, 0.0, -1.0]).double())


def test_the_arm_in_known_postures():
    turn = math.pi / 2
    # All links straight; the first up and the others with it; the rail alone.
    x = torch.tensor(
        [[0, 0, 0, 0], [0, turn, 2 * turn, 4 * turn], [0.7, 0, 0, 0]], dtype=torch.float64
    )
    hand = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.7]], dtype=torch.float64)
    torch.testing.assert_close(ARM.fn(x), hand)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_inputs_are_drawn_as_the_task_says(task):
    pairs, again, other = task.draw(20_000, 0), task.draw(20_000, 0), task.draw(20_000, 1)
    spread = torch.tensor(task.spread, dtype=torch.float64)
    assert torch.equal(pairs.x, again.x)
    assert not torch.equal(pairs.x, other.x)
    torch.testing.assert_close(pairs.y, task.fn(pairs.x))
    sd = spread / math.sqrt(3) if task.uniform else spread
    torch.testing.assert_close(pairs.x.std(dim=0), sd, rtol=0.03, atol=0)
    assert bool((pairs.x.abs() <= spread).all()) == task.uniform


def test_the_error_of_candidates_by_the_exact_function():
    x = torch.tensor([[[0.0, 0, 0, 0], [0.5, 0, 0, 0], [torch.nan] * 4]], dtype=torch.float64)
    found = errors(ARM, x, torch.tensor([[2.0, 0.5]], dtype=torch.float64))
    assert found.tolist() == [[0.125, 0.0, math.inf]]


def test_r_is_the_mean_over_targets_of_the_best_so_far():
    made = torch.tensor([[4.0, 1.0, 2.0], [6.0, math.inf, 0.0]], dtype=torch.float64)
    assert resimulation(made).tolist() == [5.0, 3.5, 0.5]


def test_published_figures_fall_with_the_number_of_candidates():
    assert set(PUBLISHED) == set(TASKS)
    for figures in PUBLISHED.values():
        assert all(list(row) == sorted(row, reverse=True) for row in figures.values())


def test_what_is_not_there_is_named():
    with pytest.raises(InputError, match="no task 'ball'; there are sine, arm"):
        Plan.of(["ball"], [], quick=True, seed=0)
    with pytest.raises(InputError, match="no method 'twins'"):
        Plan.of([], ["twins"], quick=True, seed=0)


def test_peers_run_where_they_are_installed_and_are_missed_where_they_are_named(monkeypatch):
    monkeypatch.setattr(module, "installed", lambda: ["sbi"])
    assert Plan.of([], [], quick=False, seed=0).methods == (*METHODS, "sbi")
    with pytest.raises(MissingExtraError, match="pip install FrEIA"):
        Plan.of([], ["freia"], quick=True, seed=0)
    assert set(PEERS) == {"sbi", "freia"}


def test_the_command_beats_the_published_figures_from_a_few_pairs(run, tmp_path):
    words = [
        "benchmark",
        "inverse",
        "--quick",
        "--tasks",
        "sine",
        "--methods",
        "gradient,direct",
        "-o",
        "out",
    ]
    code, printed = run(*words)
    assert code == 0, printed
    record = json.loads((tmp_path / "out" / "inverse.json").read_text())
    curves = {curve["method"]: curve for curve in record["measured"]}
    assert curves["gradient"]["r"][0] < PUBLISHED["sine"]["NA"][-1] < curves["direct"]["r"][0]
    assert curves["direct"]["per_target"] == 1
    assert all(len(curve["r"]) == PLACES[-1] for curve in curves.values())
    assert (tmp_path / "out" / "inverse.png").read_bytes().startswith(b"\x89PNG")
    code, printed = run(*words)
    assert code == 2
    assert "exists already" in printed


def test_the_page_lists_ours_and_the_published_methods_best_first(tmp_path):
    curve = Curve(task="arm", method="made up", r=(1e-4,) * 50, per_target=1.0, fit_seconds=1.0,
                  answer_milliseconds=1.0, note="by hand")  # fmt: skip
    lost = Curve(task="arm", method="lost", r=(math.inf,) * 50, per_target=0.0, fit_seconds=1.0,
                 answer_milliseconds=1.0, note="nothing")  # fmt: skip
    plan = Plan.of(["arm"], ["nearest"], quick=False, seed=0)
    text = page(plan, [lost, curve])
    order = [text.index(f"| {name} |") for name in ("made up", "*NA*", "*INN*", "lost")]
    assert order == sorted(order)
    write_outputs(tmp_path, plan, [lost, curve])
    measured = json.loads((tmp_path / "inverse.json").read_text())["measured"]
    assert measured[0]["r"] == [None] * 50
