"""The page in a real browser: each tab does its work, and nothing leaves the machine."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from preimage.app.guard import MOST
from preimage.app.resources import Resources
from preimage.app.server import bound, serve
from preimage.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROBOT = Path(__file__).parents[1] / "examples" / "robots" / "ur5.urdf"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

PATIENCE = 60_000
"""Milliseconds, on a machine that is busy."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A page of its own, on a port that is free."""
    command = [sys.executable, "-m", "preimage.cli", "app", "--no-browser", "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
        assert served.stdout is not None
        line = served.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield found[0]
        served.send_signal(signal.SIGINT)
        served.wait(timeout=30)
        served.stdout.close()
        # It leaves nothing where it was started.
        assert os.listdir(folder) == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A visitor with nothing kept from others. Whatever it asks for must be on this machine."""
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    made = context.new_page()
    made.set_default_timeout(PATIENCE)
    asked: list[str] = []
    errors: list[str] = []
    made.on("request", lambda request: asked.append(request.url))
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    assert asked
    assert [url for url in asked if not re.match(r"(http://127\.0\.0\.1:|data:|blob:)", url)] == []
    assert errors == []
    assert "Traceback" not in made.content()
    context.close()


def facts(page: Page, words: str) -> None:
    """Waits until the tab that is shown says something."""
    page.locator(".facts:visible", has_text=re.compile(words)).wait_for()


def complaint(page: Page, words: str) -> None:
    page.locator(".complaint:visible", has_text=re.compile(words)).wait_for()


def drag(page: Page, across: float, down: float) -> None:
    """Drags from the middle of the first figure to a place in it, in parts of its sides."""
    box = page.locator(".figure:visible").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(
        box["x"] + across * box["width"], box["y"] + down * box["height"], steps=6
    )  # fmt: skip
    page.mouse.up()


def enter(page: Page, name: str, text: str) -> None:
    """Types into a field, once it holds still: what the page still has to say comes first."""
    page.wait_for_timeout(300)
    field = page.get_by_role("textbox", name=name)
    field.fill(text)
    field.press("Enter")


def saved(page: Page, label: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=True).locator("visible=true").click()
    return Path(download.value.path()).read_bytes()


def test_curve(page: Page, address: str) -> None:
    page.goto(f"{address}/?f=x%5E3-x&low=-2&high=2&y=0.2")
    facts(page, "y = 0.2 has 3 preimages")
    drag(page, 0.5, 0.1)
    facts(page, "has (1|no) preimage")
    page.wait_for_url(re.compile("y=[1-9]"))
    enter(page, "target y", "0.3")
    facts(page, "y = 0.3 has 3 preimages")
    figure = page.get_by_role("slider", name="The target y")
    figure.press("ArrowDown")
    facts(page, "y = 0.1.* has 3 preimages")
    assert float(figure.get_attribute("aria-valuenow") or "nan") < 0.2
    page.goto(f"{address}/?f=x%5E3-x&low=-2&high=2&y=0.3")
    facts(page, "y = 0.3 has 3 preimages")
    assert saved(page, "CSV").count(b"solved") == 3
    assert saved(page, "PNG").startswith(b"\x89PNG")
    enter(page, "f(x) =", "__import__('os')")
    complaint(page, "nothing called")
    facts(page, "y = 0.3 has 3 preimages")
    again = page.url
    page.goto(again)
    facts(page, "y = 0.3 has 3 preimages")


def test_arm(page: Page, address: str) -> None:
    page.goto(f"{address}/?tab=arm&x=0.5&y=0.4")
    facts(page, "2 postures for")
    page.get_by_role("button", name="Next posture").click()
    page.locator("tr.chosen td:first-child", has_text="2").wait_for()
    chosen = page.locator("tr.chosen td").nth(2)
    second = float(chosen.inner_text().replace("−", "-"))
    drag(page, 0.7, 0.3)
    page.wait_for_url(re.compile("x=(?!0.5&)"))
    # The elbow stays on its side.
    assert float(chosen.inner_text().replace("−", "-")) * second > 0
    drag(page, 0.12, 0.05)
    facts(page, "out of reach")
    page.locator("input[type=file]").locator("nth=0").wait_for(state="attached")
    page.goto(f"{address}/?tab=arm&arm=urdf")
    complaint(page, "drop it here first")
    page.get_by_label("Arm").click()
    page.get_by_role("option", name="from a URDF file").click()
    page.locator("input[type=file]").set_input_files(ROBOT)
    facts(page, "16 postures for")
    page.locator("input[type=file]").set_input_files(
        {"name": "no.urdf", "mimeType": "text/xml", "buffer": b"<svg/>"}
    )
    complaint(page, "describes no links|cannot be read")


def test_check(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?tab=check&f=x%5E3-x&domain=-2%2C2")
    facts(page, "not invertible")
    page.locator(".pictures svg").wait_for()
    assert b"refuted" in saved(page, "CSV")
    enter(page, "domain", "0.6, 2")
    facts(page, "invertible on its image")
    network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LeakyReLU(0.1)).eval()
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(network, (torch.ones(2, 4),), dynamic_shapes=(batch,))
    torch.export.save(program, tmp_path / "net.pt2")
    page.locator("input[type=file]").set_input_files(tmp_path / "net.pt2")
    complaint(page, "how many numbers; write R8")
    enter(page, "domain", "R3")
    complaint(page, "4")
    enter(page, "domain", "R4")
    facts(page, r"invertible, with an inverse on R\^4")
    page.locator("input[type=file]").set_input_files(
        {"name": "bad.pt2", "mimeType": "application/zip", "buffer": b"PK\x03\x04broken"}
    )
    complaint(page, "cannot be read as a program")


def test_images(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?tab=images&damage=blur&refine=10")
    facts(page, "Residual")
    page.get_by_text("consistent with it").wait_for()
    assert page.locator(".picture img").count() == 12
    lines = saved(page, "CSV").decode().splitlines()
    assert sum(line.startswith('"code"') for line in lines) == 16
    before = page.url
    page.get_by_role("button", name="Example 5").click()
    page.wait_for_url(re.compile("example=4"))
    assert page.url != before
    page.locator("input[type=file]").set_input_files(
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\nno"}
    )
    complaint(page, "broken.png cannot be read")
    large = tmp_path / "large.png"
    large.write_bytes(bytes(50 * 2**20))
    page.locator("input[type=file]").set_input_files(large)
    complaint(page, "up to 10 MB")
    page.locator("input[type=file]").set_input_files(picture(tmp_path))
    page.wait_for_url(re.compile("image="))
    again = page.url
    page.goto(again)
    facts(page, "Residual")


def picture(folder: Path) -> Path:
    from PIL import Image

    path = folder / "seven.png"
    Image.fromarray(np.eye(20, dtype=np.uint8) * 255).save(path)
    return path


def test_translate(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?tab=translate")
    facts(page, "round trip")
    assert page.locator(".picture img").count() == 4
    page.locator("input[type=file]").set_input_files(picture(tmp_path))
    page.wait_for_url(re.compile("image="))
    assert b"psnr_db" in saved(page, "CSV")
    page.locator("input[type=file]").set_input_files(
        {"name": "words.png", "mimeType": "image/png", "buffer": b"only words"}
    )
    complaint(page, "words.png cannot be read")


def test_visitors_do_not_mix(browser: Browser, address: str) -> None:
    pages = [browser.new_context().new_page() for _ in range(2)]
    for page, formula in zip(pages, ("x%5E3-x", "sin(5x)"), strict=True):
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/?f={formula}&low=-2&high=2&y=0.1")
    facts(pages[0], "3 preimages")
    facts(pages[1], "6 preimages|7 preimages")
    enter(pages[0], "target y", "5")
    facts(pages[0], "y = 5 has 1 preimage")
    assert pages[1].get_by_role("textbox", name="target y").input_value() == "0.1"
    facts(pages[1], "6 preimages|7 preimages")
    for page in pages:
        page.context.close()


@pytest.mark.parametrize("tab", ["curve", "arm", "check", "images", "translate"])
def test_a_narrow_window_needs_no_scrolling_sideways(
    browser: Browser, address: str, tab: str
) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/?tab={tab}")
    page.locator(".facts:visible").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.evaluate("document.body.classList.contains('body--dark')")
    context.close()


@pytest.mark.parametrize(
    ("query", "words"),
    [("tab=nothing", "no tab"), ("y=many", "no float"), ("tab=images&example=99", "no example 99")],
)
def test_a_wrong_link_says_what_is_wrong(page: Page, address: str, query: str, words: str) -> None:
    page.goto(f"{address}/?{query}")
    complaint(page, words)


# What needs no browser.


def asked(address: str, method: str = "GET", **headers: str) -> int:
    """The status of an answer."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/", headers=named)
    status = connection.getresponse().status
    connection.close()
    return status


def test_only_this_machine_is_answered(address: str) -> None:
    assert asked(address) == 200
    assert asked(address, Host="example.org") == 403
    assert asked(address, Origin="https://example.org") == 403
    assert asked(address, Origin=address) == 200
    assert asked(address, "POST", Content_Length=str(MOST + 1)) == 413


def test_a_port_in_use_is_an_error_in_words(address: str) -> None:
    port = address.rpartition(":")[2]
    with pytest.raises(InputError, match=f"port {port} cannot be had"):
        bound(int(port))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nicegui", None)
    with pytest.raises(MissingExtraError, match=r"nicegui.*preimage\[app\]"):
        serve(0, Resources(), lambda address: None)


def test_the_port_is_open_on_the_loopback_address_alone() -> None:
    with bound(0) as made:
        assert made.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("option", "words"),
    [("--model", "no model|config.json"), ("--translator", "no model|config.json"),
     ("--robot", "no file"), ("--images", "no folder")],
)  # fmt: skip
def test_what_is_named_and_not_there_is_said_at_once(
    option: str, words: str, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from preimage.cli import app

    done = CliRunner().invoke(
        app, ["app", "--port", "0", "--no-browser", option, str(tmp_path / "no")]
    )
    assert done.exit_code != 0
    assert re.search(words, str(done.exception))
