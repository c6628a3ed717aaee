"""From a drag to the redrawn answer, in a browser: python -m benchmarks.app. It needs Chromium."""

import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ROBOT = Path(__file__).parents[1] / "examples" / "robots" / "ur5.urdf"
MOVES = 100

CASES = {
    "Curve, x³ − x": "tab=curve",
    "Curve, sin 5x, 7 preimages": "tab=curve&f=sin(5x)&low=-2&high=2&y=0",
    "Arm, 2 joints": "tab=arm&arm=2",
    "Arm, 3 joints": "tab=arm&arm=3",
    "Arm, 6 joints": "tab=arm&arm=6",
    "Arm, UR5 from its URDF": "tab=arm&arm=urdf",
}


def drags(page: Page) -> list[float]:
    """Milliseconds from each move of the pointer to the frame that shows its answer."""
    box = page.locator(".figure:visible").first.bounding_box()
    if box is None:
        raise RuntimeError("there is no figure.")
    x, y = box["x"] + 0.6 * box["width"], box["y"] + 0.45 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 30, steps=4)
    page.wait_for_timeout(500)
    found = []
    for i in range(MOVES):
        page.evaluate("delete document.querySelector('.figure').dataset.ms")
        page.mouse.move(x + 20 * (i % 10) / 10, y - 0.8 * i)
        page.wait_for_function("document.querySelector('.figure').dataset.ms")
        found.append(float(page.evaluate("document.querySelector('.figure').dataset.ms")))
    page.mouse.up()
    return found


def main() -> None:
    """Prints the table, and how busy the machine was."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    command = [sys.executable, "-m", "preimage.cli", "app", "--no-browser", "--port", "0",
               "--robot", str(ROBOT)]  # fmt: skip
    served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = served.stdout.readline() if served.stdout else ""
    found = re.search(r"http://\S+", line)
    if found is None:
        raise RuntimeError(f"the page did not start: {line!r}")
    watched = psutil.Process(served.pid)
    print(
        "| | median ms | 95 % below | most | CPU ms of the server a drag |\n|---|---|---|---|---|"
    )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, query in CASES.items():
            page = browser.new_page(viewport={"width": 1100, "height": 800})
            page.goto(f"{found[0]}/?{query}")
            page.locator(".figure:visible svg").first.wait_for()
            page.wait_for_timeout(3000)
            before = sum(watched.cpu_times()[:2])
            took = sorted(drags(page))
            spent = 1000 * (sum(watched.cpu_times()[:2]) - before) / MOVES
            print(f"| {name} | {statistics.median(took):.0f} | {took[int(0.95 * MOVES)]:.0f} | "
                  f"{took[-1]:.0f} | {spent:.0f} |", flush=True)  # fmt: skip
            page.close()
        browser.close()
    served.terminate()
    served.wait()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{os.cpu_count()} cores; load average {load}")


if __name__ == "__main__":
    main()
