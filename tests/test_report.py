"""The report: whole, self-contained, safe against any name; the plots suit the answers."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch

from preimage.domain import Box
from preimage.errors import OutputExistsError
from preimage.function import Function
from preimage.inverters import GradientInverter, Inverter, NearestInverter
from preimage.plots import Drawing, draw
from preimage.report import write_report
from preimage.report.svg import VARIABLES

VOID = {"meta", "br", "hr", "img", "input", "link"}
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


class Page(HTMLParser):
    """The elements of a page; complains where tags do not match."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.source = path.read_text("utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@cache
def cubic() -> Inverter:
    return GradientInverter(anchors=512).fit_function(lambda x: x**3 - x, Box(-2, 2))


@cache
def saddle() -> Inverter:
    return GradientInverter(anchors=512).fit_function(
        lambda x: x[:, :1] ** 2 - x[:, 1:] ** 2, Box([-1, -1], [1, 1])
    )


@cache
def arm() -> Inverter:
    def hand(a: torch.Tensor) -> torch.Tensor:
        total = a.cumsum(dim=1)
        return torch.stack([total.cos().sum(dim=1), total.sin().sum(dim=1)], dim=1)

    names = [f"joint{i}" for i in range(3)]
    box = Box([-3.0] * 3, [3.0] * 3, names, units=["rad"] * 3)
    return GradientInverter(anchors=512, starts=16).fit_function(hand, box)


@cache
def measured() -> Inverter:
    """A parabola with a gap in the middle."""
    x = np.concatenate([np.linspace(-2, -0.5, 15), np.linspace(0.5, 2, 15)])
    return GradientInverter(anchors=512).fit(x, x**2 - 1)


CASES = {
    "one target": (cubic, [0.0]),
    "reached and unreachable": (cubic, np.linspace(-7, 7, 60)),
    "nothing reached": (cubic, [50.0]),
    "many targets": (cubic, np.linspace(-5, 5, 200)),
    "two inputs": (saddle, [0.1, -0.3]),
    "a pose": (arm, [[1.0, 1.5]]),
    "poses, some too far": (arm, [[i / 2, 1.0] for i in range(7)]),
    "measurements": (measured, [-0.96, 0.0, 2.0, 8.0]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_whole_and_refers_to_nothing_outside(case: str, tmp_path: Path) -> None:
    fitted, targets = CASES[case]
    inverter = fitted()
    found = inverter.invert(targets, n=4)
    write_report(found, tmp_path / "page.html", inverter=inverter)
    page = Page(tmp_path / "page.html")
    assert found.headline in page.words
    assert set(re.findall(r"https?://[^\s\"'<>)]+", page.source)) <= NAMESPACES
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    sources = [v for name, v in page.attributes if name in ("src", "href", "xlink:href")]
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in sources)
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in sources if value[0] == "#"} <= set(ids)
    assert page.tags.count("svg") == page.tags.count("figcaption") == len(draw(found, inverter))
    listed = min(int(found.listed.sum()), 300)
    assert page.source.count("<tr") - page.source.count("<thead><tr") >= listed
    for status in set(found.status):
        assert str(status) in page.words
    for fact in ("gradient", "Tolerance", "Searched", "seed = 0", "Calls of the"):
        assert fact in page.words


def test_colours_follow_the_page(tmp_path: Path) -> None:
    inverter = cubic()
    write_report(inverter.invert([0.0, 0.3]), tmp_path / "page.html", inverter=inverter)
    drawings = (tmp_path / "page.html").read_text("utf-8").partition("</style>")[2]
    assert not set(re.findall(r"#[0-9a-fA-F]{6}\b", drawings)) & set(VARIABLES)
    assert "var(--answer)" in drawings
    assert "DejaVu" not in drawings


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    nasty = "<script>alert('&x')</script>"
    function = Function(lambda x: x * 2, Box(0, 1, nasty, units="<b>"), outputs=["</svg><i>"])
    inverter = GradientInverter(anchors=64).fit_function(function)
    write_report(inverter.invert([0.5]), tmp_path / "a.html", inverter=inverter, title="<h1>&")
    page = Page(tmp_path / "a.html")
    assert not {"script", "b", "i"} & set(page.tags)
    assert nasty in page.words


def test_an_existing_page_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("mine")
    found = cubic().invert([0.0])
    with pytest.raises(OutputExistsError):
        write_report(found, path)
    assert path.read_text() == "mine"
    write_report(found, path, force=True)
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_long_lists_are_cut_with_a_word(tmp_path: Path) -> None:
    inverter = NearestInverter(anchors=64).fit_function(lambda x: x, Box(0, 1))
    found = inverter.invert(np.linspace(0, 1, 500), n=1)
    write_report(found, tmp_path / "page.html", inverter=inverter)
    words = Page(tmp_path / "page.html").words
    assert "And 400 more targets." in words
    assert "And 200 more answers" in words


def labels(drawing: Drawing) -> set[str]:
    """What the legends of a drawing name."""
    axes = drawing.figure.axes
    return {label for one in axes for label in one.get_legend_handles_labels()[1]}


def test_pictures_tell_how_answers_were_checked() -> None:
    inverter = measured()
    drawing = draw(inverter.invert([-0.96, 0.0, 8.0]), inverter)[0]
    assert {"measured", "within the surrogate's error", "target without an answer"} <= labels(
        drawing
    )
    assert any("outside the measured region" in label for label in labels(drawing))
    assert "Crosses" in drawing.caption
    exact = draw(cubic().invert([0.0]), cubic())[0]
    assert "confirmed by the function" in labels(exact)
    assert "not confirmed" not in labels(exact)


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("one target", ["answers", "residuals"]),
        ("two inputs", ["answers", "plane", "residuals", "counts"]),
        ("a pose", ["parallel", "residuals"]),
        ("poses, some too far", ["answers", "residuals", "counts"]),
    ],
)
def test_pictures_suit_the_problem(case: str, names: list[str]) -> None:
    fitted, targets = CASES[case]
    inverter = fitted()
    found = inverter.invert(targets, n=4)
    assert [drawing.name for drawing in draw(found, inverter)] == names


def test_every_answer_is_drawn_once() -> None:
    found = arm().invert([[1.0, 1.0], [0.5, 1.5]], n=5).numpy()
    drawing = draw(found)[0]
    for j, axes in enumerate(drawing.figure.axes[:3]):
        drawn = np.concatenate([np.asarray(one.get_offsets())[:, 1] for one in axes.collections])
        assert sorted(drawn) == pytest.approx(sorted(found.x[found.ok][:, j]))


def test_tensors_are_drawn_and_matplotlib_is_left_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    inverter = cubic()
    found = inverter.invert(torch.tensor([0.0, 9.0], dtype=torch.float64))
    assert draw(found, inverter)[0].name == "answers"
    assert dict(matplotlib.rcParams) == before
