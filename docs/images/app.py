"""Takes the pictures of the page: python docs/images/app.py. It needs Chromium."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent / "app"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

SHOTS = {
    "curve": "tab=curve&y=0.2",
    "curve-twin": "tab=curve&y=0.2&twin=1",
    "arm": "tab=arm&arm=3&x=0.45&y=0.35",
    "arm-2": "tab=arm&x=0.45&y=0.35",
    "check": "tab=check&case=7",
    "images": "tab=images&example=2&damage=mask&refine=50",
    "translate": "tab=translate&example=2",
}
"""What is shown, by the name of the picture."""

DARK = ("curve-twin", "arm-2", "translate")
NARROW = ("curve", "arm", "check", "images", "translate")
WAIT = {"check": ".pictures svg", "images": ".picture img", "translate": ".picture img"}
"""What is there when all is."""


@contextmanager
def served() -> Iterator[str]:
    """The page, on a port that is free."""
    command = [sys.executable, "-m", "preimage.cli", "app", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            raise RuntimeError(f"the page did not start: {line!r}")
        yield found[0]
        process.terminate()


def take(
    browser: Browser, address: str, name: str, scheme: Literal["light", "dark"], width: int
) -> None:
    """One picture."""
    page = browser.new_page(viewport={"width": width, "height": 620}, color_scheme=scheme)
    page.goto(f"{address}/?{SHOTS[name]}")
    page.locator(WAIT.get(name, ".figure svg")).first.wait_for()
    if name == "curve-twin":
        page.locator("path.twin").first.wait_for(timeout=120_000)
    page.wait_for_timeout(1000)
    look = "-narrow" if width == 400 else ""
    height = min(900 if width == 400 else 860, page.evaluate("document.body.scrollHeight"))
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(300)
    page.screenshot(path=HERE / f"{name}{look}.png")
    page.close()


def main() -> None:
    """All pictures."""
    HERE.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with served() as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        for name in SHOTS:
            take(browser, address, name, "dark" if name in DARK else "light", 1100)
        for name in NARROW:
            take(browser, address, name, "light" if name in ("check", "images") else "dark", 400)
        browser.close()


if __name__ == "__main__":
    main()
