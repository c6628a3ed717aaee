"""The pages of verdicts hold their pictures, and nothing that the names could smuggle in."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from check_cases import arm, gaussian
from torch import Tensor, nn

from preimage import Box, Finite, Reals, check, check_numerically
from preimage.errors import OutputExistsError
from preimage.plots.verdicts import draw_verdict
from preimage.report import write_verdict

TURN = Box([-1.5, -1.5], [1.5, 1.5])


def cubic(x: Tensor) -> Tensor:
    return x**3 - x


@pytest.mark.parametrize(
    ("f", "domain", "pictures"),
    [
        (cubic, Box(-2, 2), ["graph"]),
        (nn.Tanh(), Reals(1), ["graph"]),
        (lambda x: 1 / x, Box(-1, 1), ["graph"]),
        (lambda x: (x**2).sum(1), TURN, ["levels"]),
        (arm, TURN, ["fold", "image"]),
        (gaussian(2, 8, 2).eval(), Reals(2), ["fold", "image"]),
        (nn.Linear(2, 2), Reals(2), ["fold", "image"]),
        (nn.Linear(3, 3), Reals(3), []),
        (lambda x: torch.cat([x, x**2], 1), Box(-1, 1), []),
        (torch.exp, Finite([1.0, 2.0]), []),
        (lambda x: x.round().to(torch.int8), Box(-2, 2), ["graph"]),
    ],
)
def test_pictures_suit_the_dimensions(
    f: Any, domain: Any, pictures: list[str], tmp_path: Path
) -> None:
    report = check(f, domain, budget=3)
    assert [drawing.name for drawing in draw_verdict(report, f)] == pictures
    page = tmp_path / "page.html"
    write_verdict(report, f, page)
    text = page.read_text("utf-8")
    assert text.count("<svg") == len(pictures)
    assert report.injective.reason.split("'")[0] in text
    assert "http" not in text.replace("http://www.w3.org", "")
    with pytest.raises(OutputExistsError):
        write_verdict(report, f, page)


def test_the_fold_line_and_the_pair_are_drawn(tmp_path: Path) -> None:
    report = check(arm, TURN)
    write_verdict(report, arm, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "the fold: determinant 0" in text
    assert "two points with one value" in text


def test_numbers_are_on_the_page(tmp_path: Path) -> None:
    report = check(cubic, Box(-2, 2))
    report = replace(report, numerical=check_numerically(cubic, Box(-2, 2)))
    write_verdict(report, cubic, tmp_path / "page.html")
    assert "In float32" in (tmp_path / "page.html").read_text("utf-8")


def test_names_are_no_markup(tmp_path: Path) -> None:
    report = replace(check(cubic, Box(-2, 2, "<b>")), name="<script>")
    write_verdict(report, cubic, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "<script>" not in text
    assert "<b>" not in text
