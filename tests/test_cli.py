"""The command line: what it answers, what it refuses, and what it leaves on disk."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet
import pytest
from commands import Ran, Run, runner

from preimage.cli import main
from preimage.cli.settings import build_method, settings_of
from preimage.cli.words import intervals, sort_words
from preimage.errors import InputError
from preimage.inverters import METHODS
from preimage.tables import read_table

ROOT = Path(__file__).parents[1]
FUNCTIONS = ROOT / "examples" / "functions.py"
CUBIC = ("--function", f"{FUNCTIONS}:cubic", "--box", "-2,2")
ARM = ("--function", f"{FUNCTIONS}:planar_arm")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in an empty folder, as the shell would."""
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capsys)


@pytest.fixture
def measured(tmp_path: Path) -> None:
    """A small table of measurements, x² − 1 on both sides of zero, with one gap."""
    rows = [f"{i / 10},{i * i / 100 - 1:.2f}" for i in range(-20, 21, 2)] + ["2.5,"]
    (tmp_path / "measured.csv").write_text("x,height\n" + "\n".join(rows) + "\n")


def test_a_function_is_inverted_and_the_exit_code_says_whether_all_targets_were(run: Run) -> None:
    whole = run("invert", *CUBIC, "0", "6")
    assert (whole.code, whole.err) == (0, "")
    assert "2 of 2 targets answered, with 4 distinct answers" in whole.out
    part = run("invert", *CUBIC, "0", "7")
    assert part.code == 1
    assert "unreachable (nearest reachable output 6, 1 away)" in part.out


@pytest.mark.parametrize("targets", [("-0.3", "-1e-1"), ("--", "-0.3", "-1e-1")])
def test_negative_numbers_are_targets(run: Run, targets: tuple[str, ...]) -> None:
    assert "2 of 2 targets answered" in run("invert", *CUBIC, *targets).out


def test_options_may_stand_between_targets(run: Run) -> None:
    assert "2 of 2 targets" in run("invert", "-0.3", *CUBIC, "-n", "2", "0.1").out


def test_output_is_plain_where_it_is_no_terminal(run: Run) -> None:
    assert "\x1b" not in run("invert", *CUBIC, "0.3").out


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
def test_answers_are_written_by_suffix_and_targets_read_by_name(run: Run, suffix: str) -> None:
    Path("poses.csv").write_text("note,hand_y,hand_x\na,0.5,1.2\nb,-0.5,1\n")
    output = Path(f"postures.{suffix}")
    assert run("invert", *ARM, "poses.csv", "-o", output).code == 0
    table = read_table(output).to_pydict()
    assert set(table["wanted_hand_x"]) == {1.2, 1.0}
    assert all(table["ok"])
    assert len(table["shoulder"]) == 4
    again = run("invert", *ARM, output.name, "-q")  # its hand_x and hand_y are targets too
    assert again == Ran(0, "", "")


def test_an_existing_output_is_refused_before_the_work_and_kept(run: Run) -> None:
    Path("out.csv").write_text("mine")
    Path("sim.py").write_text("def f(x):\n    raise AssertionError('it was called')\n")
    for option in ("-o", "--report"):
        name = Path("out.csv") if option == "-o" else Path("page.html")
        name.write_text("mine")
        refused = run("invert", "--function", "sim.py:f", "--box", "0,1", "1", option, name)
        assert refused.code == 2
        assert "exists already" in refused.err
        assert name.read_text() == "mine"
    assert run("invert", *CUBIC, "0.3", "-o", "out.csv", "--force").code == 0
    assert Path("out.csv").read_text() != "mine"


def test_a_failing_command_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    Path("sim.py").write_text("def f(x):\n    return x * float('nan')\n")
    before = set(tmp_path.iterdir())
    words = ("--function", "sim.py:f", "--box", "0,1")
    assert run("invert", *words, "1", "-o", "a.csv", "--report", "a.html").code == 2
    assert run("fit", *words, "-o", "model").code == 2
    assert {one for one in tmp_path.iterdir() if one.name != "__pycache__"} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("invert", *CUBIC), "no targets were given"),
        (("invert", "0.3"), "nothing to invert"),
        (("invert", "nowhere", "0.3"), "is not there; a model is a folder"),
        (("invert", *CUBIC, "0.3", "--toll", "1"), "did you mean --tol?"),
        (("invert", *CUBIC, "0.3", "nought"), "'nought' is neither a number nor a file"),
        (("invert", *CUBIC, "0.3", "t.csv"), "either as numbers or in one file"),
        (("invert", *CUBIC, "0.3", "1,2"), "the targets have 1 and 2 numbers"),
        (("invert", *CUBIC, "1,2"), "each target has 2 numbers, and 1 is wanted (y)"),
        (("invert", *CUBIC, "nan"), "missing or infinite"),
        (("invert", *CUBIC, "0.3", "--tol", "-1"), "not a positive number"),
        (("invert", *CUBIC, "0.3", "--method", "gradent"), "did you mean gradient?"),
        (("invert", *CUBIC, "0.3", "--set", "strats=3"), "did you mean starts?"),
        (("invert", *CUBIC, "0.3", "--set", "starts=many"), "it takes a whole number"),
        (("invert", *CUBIC, "0.3", "--preset", "paper"), "has none"),
        (("invert", *CUBIC, "0.3", "--near", "left"), "is no state"),
        (("invert", *CUBIC, "0.3", "--within", "3,4"), "no volume in common"),
        (("invert", *CUBIC, "0.3", "--within", "z=0,1"), "one of x"),
        (("invert", *CUBIC, "0.3", "--periodic", "z"), "is no input"),
        (("invert", *CUBIC, "0.3", "-o", "a.txt"), "does not end in .csv"),
        (("invert", *CUBIC, "0.3", "--report", "a.pdf"), "does not end in .html"),
        (("invert", "--function", f"{FUNCTIONS}:cubic", "0.3"), "needs a place to search"),
        (("invert", "--function", f"{FUNCTIONS}:cubic", "--box", "2", "0.3"), "is not LOW,HIGH"),
        (("invert", "--function", f"{FUNCTIONS}:cubic", "--box", "2,-2", "0.3"), "low must be"),
        (("invert", "--function", f"{FUNCTIONS}:cubics", "--box", "0,1", "1"), "mean cubic?"),
        (("invert", "--function", f"{FUNCTIONS}:math", "--box", "0,1", "1"), "cannot be called"),
        (("invert", "--function", f"{FUNCTIONS}s:cubic", "--box", "0,1", "1"), "functions.py?"),
        (("invert", "--function", "cubic", "--box", "0,1", "1"), "is not FILE.py:NAME"),
        (("invert", *ARM, "--box", "0,1", "1,1"), "brings its own domain"),
        (("fit", "measured.csv", "-o", "m"), "which columns"),
        (("fit", *CUBIC), "say where the model goes"),
        (("fit", "-o", "m"), "nothing to fit to"),
        (("fit", "measured.csv", "--x", "x", "--y", "hight", "-o", "m"), "'height'"),
        (("fit", "measured.csv", "--x", "x", "--y", "height", "-o", "m"), "missing"),
        (("methods", "twins"), "did you mean twin?"),
        (("info", "nowhere"), "is not there"),
        (("score", "nowhere", "measured.csv", "--missing", "keep"), "say error or drop"),
    ],
)
@pytest.mark.usefixtures("measured")
def test_wrong_use_is_one_clear_error(run: Run, words: tuple[str, ...], message: str) -> None:
    wrong = run(*words)
    assert wrong.code == 2
    assert wrong.err.startswith("error: ")
    assert "Traceback" not in wrong.err
    assert message in wrong.err
    assert wrong.out == ""


def test_an_error_in_the_users_file_keeps_its_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("broken.py").write_text("1 / 0\n")
    words = ["preimage", "invert", "--function", "broken.py:f", "--box", "0,1", "1"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(ZeroDivisionError):
        main()


def test_the_users_file_may_import_its_neighbours_and_hold_dataclasses(run: Run) -> None:
    Path("neighbour.py").write_text("FACTOR = 2.0\n")
    Path("sim.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Gain:\n    value: float\n"
        "def f(x):\n    from neighbour import FACTOR\n    return Gain(FACTOR).value * x\n"
    )
    assert run("invert", "--function", "sim.py:f", "--box", "0,1", "1").code == 0


@pytest.mark.usefixtures("measured")
def test_a_model_of_measurements_is_fitted_described_scored_and_inverted(run: Run) -> None:
    names = ("--x", "x", "--y", "height")
    made = run("fit", "measured.csv", *names, "--missing", "drop", "-o", "m", "--seed", "3")
    assert made.code == 0
    assert "gradient fitted to 21 rows (1 left out) of measured.csv: x -> height" in made.out
    facts = run("info", "m").out
    for fact in ("gradient", "21 measured rows, 1 left out", "gaussian process", "-2 to 2", "seed"):
        assert fact in facts
    scored = run("score", "m", "measured.csv", "--missing", "drop")
    rmse, rest = scored.out.split(" ", 1)
    assert float(rmse) < 0.01
    assert rest == "rmse, 21 of 21 targets answered\n"
    found = run("invert", "m", "0", "--within", "x=0,2", "-o", "a.json")
    assert found.code == 0
    answers = json.loads(Path("a.json").read_text())
    assert [round(row["x"], 2) for row in answers] == [1.0]
    assert answers[0]["checked_by"] == "surrogate"
    refused = run("invert", "m", "1", "--seed", "4", "--box", "0,1")
    assert refused.code == 2
    assert "--box, --seed cannot be used with a fitted model" in refused.err
    assert run("fit", "measured.csv", *names, "--missing", "drop", "-o", "m").code == 2


def test_a_model_of_a_function_needs_the_function_again(run: Run) -> None:
    assert run("fit", *ARM, "-o", "arm.model").code == 0
    forgotten = run("invert", "arm.model", "1,1")
    assert forgotten.code == 2
    assert "give it again: --function" in forgotten.err
    found = run("invert", "arm.model", "1,1", *ARM)
    assert found.code == 0
    assert "2 distinct answers" in found.out


def test_a_damaged_model_is_described_as_such(run: Run) -> None:
    assert run("fit", *ARM, "-o", "arm.model").code == 0
    config = Path("arm.model/config.json")
    whole = json.loads(config.read_text())
    config.write_text(json.dumps({key: value for key, value in whole.items() if key != "box"}))
    damaged = run("info", "arm.model")
    assert damaged.code == 2
    assert "incomplete" in damaged.err


def test_near_previous_and_near_a_state(run: Run) -> None:
    Path("path.csv").write_text("hand_x,hand_y\n" + "".join(f"1,{i / 10}\n" for i in range(5)))
    assert run("invert", *ARM, "path.csv", "--near", "previous", "-o", "a.csv").code == 0
    elbow = read_table("a.csv").to_pydict()["elbow"]
    assert len(elbow) == 5
    assert max(abs(a - b) for a, b in pairwise(elbow)) < 0.5
    assert run("invert", *ARM, "1,0.2", "--near", "0,-1", "-o", "b.csv").code == 0
    assert read_table("b.csv").to_pydict()["elbow"][0] < 0


def test_periodic_inputs_named_by_their_box(run: Run) -> None:
    Path("turn.py").write_text("def f(x):\n    return x.cos()\n")
    words = ("--function", "turn.py:f", "--box", "angle=-3.14159265,3.14159265")
    run("invert", *words, "--periodic", "angle", "--y", "c", "0.5", "-o", "a.parquet")
    table = pyarrow.parquet.read_table("a.parquet").to_pydict()
    assert sorted(round(angle, 4) for angle in table["angle"]) == [-1.0472, 1.0472]
    assert table["wanted_c"] == [0.5, 0.5]


def test_the_same_seed_gives_the_same_file(run: Run) -> None:
    for name in ("a.csv", "b.csv"):
        assert run("invert", *ARM, "1,0.3", "--seed", "5", "-o", name).code == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_long_tables_are_cut_with_a_word(run: Run) -> None:
    Path("many.csv").write_text("y\n" + "".join(f"{i / 100}\n" for i in range(300)))
    cut = run("invert", *CUBIC, "many.csv").out
    assert len(cut.splitlines()) < 210
    assert re.search(r"\.\.\. and \d+ more; -o FILE.csv writes them all", cut)


def test_methods_come_from_the_list_and_settings_from_the_fields(run: Run) -> None:
    rows = run("methods").out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == list(METHODS)
    for name, method in METHODS.items():
        shown = run("methods", name).out
        assert all(field.name in shown for field in fields(method))


@pytest.mark.parametrize("name", METHODS)
def test_every_setting_takes_its_own_default(name: str) -> None:
    method = METHODS[name]()
    words = [f"{setting}={default}" for setting, _, default in settings_of(method)]
    assert build_method(name, words, preset=None, seed=None) == method


def test_settings_reach_the_method() -> None:
    method = build_method("twin", ["recipe.steps=7", "polish=no"], preset="paper", seed=9)
    settings = {setting: value for setting, _, value in settings_of(method)}
    assert (settings["recipe.steps"], settings["polish"], settings["seed"]) == ("7", "no", "9")
    assert settings["recipe.width"] == "640"
    for wrong in ("recipe=3", "seed.x=3", "recipe.loss=l3", "polish=maybe", "polish"):
        with pytest.raises(InputError):
            build_method("twin", [wrong], preset=None, seed=None)


def test_words_are_told_apart() -> None:
    assert sort_words(["./3", "3"], []).model == Path("3")
    assert sort_words(["m", "t.PARQUET"], []).targets == Path("t.PARQUET")
    assert intervals(["a=b=0,1"], "--box")[0].name == "a=b"


def test_the_installed_program_reports_its_version_and_stops_with_its_code(tmp_path: Path) -> None:
    def program(*words: str) -> subprocess.CompletedProcess[str]:
        code = "from preimage.cli import main; main()"
        call = [sys.executable, "-c", code, *words]
        return subprocess.run(call, capture_output=True, text=True, cwd=tmp_path)

    assert re.fullmatch(r"preimage \d+\.\d+\.\d+\S*\n", program("--version").stdout)
    assert program("invert", "--n", "x").returncode == 2
    Path(tmp_path / "stop.py").write_text("raise KeyboardInterrupt\n")
    assert program("invert", "--function", "stop.py:f", "--box", "0,1", "1").returncode == 130


def commands() -> list[tuple[str, str]]:
    """Every command of the page, with the output that the page shows."""
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    found = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown))
    return found


def test_the_commands_of_the_documentation_run(run: Run, tmp_path: Path) -> None:
    """In their order. The series is thinned, so that the surrogate is learned in a moment."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "functions.py").symlink_to(FUNCTIONS)
    lines = (ROOT / "examples" / "co2_mauna_loa.csv").read_text().splitlines()
    thinned = [lines[0], *lines[1::40]]
    (tmp_path / "examples" / "co2_mauna_loa.csv").write_text("\n".join(thinned) + "\n")
    used = set()
    for command, shown in commands():
        program, name, *words = shlex.split(command)
        used.add(name)
        ran = run(name, *words)
        assert program == "preimage"
        assert ran.code in (0, 1), (command, ran.err)
        unanswered = "unreachable" in ran.out or "no preimage exists" in ran.out
        assert ran.code == 0 or name == "score" or unanswered, command
        if shown:
            flags = ELLIPSIS | NORMALIZE_WHITESPACE
            assert OutputChecker().check_output(shown, ran.out, flags), (command, ran.out)
    assert used >= {"invert", "fit", "score", "methods", "info"}
