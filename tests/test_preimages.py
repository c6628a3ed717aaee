from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

import preimage
from preimage import Box, Function, Status


def cubic(x):
    return x**3 - x


@pytest.fixture(scope="module")
def found():
    return preimage.invert(cubic, [0.0, 7.0, 6.0], Box(-2, 2, "speed"), n=5)


def test_the_result_prints_every_answer_and_the_fate_of_every_target(found):
    assert str(found).splitlines() == [
        "2 of 3 targets answered; checked by the function, derivatives by autodiff",
        "0: solved (3 answers, residual 0)",
        "  speed = -1",
        "  speed = 0",
        "  speed = 1",
        "7: unreachable (nearest reachable output 6, 1 away)",
        "6: solved (1 answer, residual 0)",
        "  speed = 2",
    ]


def test_places_are_filled_from_the_front(found):
    assert found.x.shape == (3, 5, 1)
    assert found.count.tolist() == [3, 0, 1]
    assert found.checked_by.tolist() == [
        ["function"] * 3 + [""] * 2,
        ["function"] + [""] * 4,
        ["function"] + [""] * 4,
    ]
    assert not found.answered
    assert [status.answered for status in found.status] == [True, False, True]


def test_an_unanswered_target_shows_the_nearest_output(found):
    assert found.status[1] is Status.UNREACHABLE
    assert not found.ok[1].any()
    assert found.best[1, 0] == pytest.approx(2)
    assert found.y[1, 0, 0] == pytest.approx(6)
    assert found.residual[1, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)]
)
def test_a_frame_has_one_row_an_answer(found, kind, frame):
    table = found.to_frame(kind)
    assert isinstance(table, frame)
    assert len(table) == 5
    columns = ["target", "wanted_y", "answer", "speed", "y", "residual", "ok"]
    columns += ["checked_by", "status"]
    named = table.column_names if isinstance(table, pa.Table) else table.columns
    assert list(named) == columns
    assert list(np.asarray(table["target"])) == [0, 0, 0, 1, 2]
    assert list(np.asarray(table["ok"])) == [True, True, True, False, True]
    assert list(np.asarray(table["status"]))[3] == "unreachable"


def test_arrays_give_a_pyarrow_table(found):
    assert isinstance(found.to_frame(), pa.Table)


def test_names_that_collide_are_told_apart():
    f = Function(lambda x: x[:, [0, 1]], Box([0, 0], [1, 1], ["y1", "target"]))
    columns = preimage.invert(f, [[0.25, 0.75]]).to_columns()
    assert columns["input_y1"].tolist() == columns["output_y1"].tolist() == [0.25]
    assert columns["input_target"].tolist() == columns["y2"].tolist() == [0.75]
    assert columns["target"].tolist() == [0]


def test_points_that_gave_nothing_are_mentioned(found):
    told = replace(found, excluded=3, evaluations=40)
    assert "3 of 40 points gave nothing usable" in str(told)
    assert "nothing usable" not in str(replace(found, excluded=0))


def test_several_outputs_are_shown_as_a_point():
    found = preimage.invert(lambda x: x, [[0.5, 0.25], [3.0, 1.0]], Box([0, 0], [1, 1]))
    assert found.explain(0).startswith("(0.5, 0.25): solved (1 answer, residual ")
    assert found.explain(1).startswith("(3, 1): unreachable (nearest reachable output (1, ")
    assert found.y[1, 0].tolist() == pytest.approx([1, 1], abs=1e-4)


def test_long_results_are_cut():
    text = str(preimage.invert(cubic, np.linspace(1, 2, 30), Box(-2, 2)))
    assert text.endswith("... and 20 more targets")


def test_torch_targets_give_torch_results():
    found = preimage.invert(cubic, torch.tensor([0.0, 7.0]), Box(-2, 2), n=4)
    assert found.kind == "torch"
    assert torch.equal(found.count, torch.tensor([3, 0]))
    assert found.checked_by[0].tolist() == ["function"] * 3 + [""]
    assert "unreachable" in found.explain(1)


def test_measured_answers_tell_their_uncertainty_and_whether_they_are_outside():
    x = np.concatenate([np.linspace(0, 1, 30), np.linspace(3, 4, 30)])
    found = preimage.GradientInverter().fit(x, x + 0.01 * np.sin(40 * x)).invert([0.5, 2.0], n=1)
    assert found.checked_by[:, 0].tolist() == ["surrogate"] * 2
    assert found.status[0] is Status.WITHIN_SURROGATE
    assert found.outside[:, 0].tolist() == [False, True]
    assert found.sd[1, 0, 0] > found.sd[0, 0, 0] >= 0
    assert {"sd_y", "outside"} <= set(found.to_columns())
    assert "outside the measured region" in str(found)
