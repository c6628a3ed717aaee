"""What a thousand million targets, or images, would take by the measured rates."""

from __future__ import annotations

from typing import Any

MANY = 1_000_000_000

Sections = dict[str, list[dict[str, Any]]]

SOURCES = ("One core", "All cores", "Codes", "Images")


def on_paper(sections: Sections) -> Sections:
    """The table, where everything was measured that it is made of."""
    if any(name not in sections for name in SOURCES):
        return {}
    return {"On paper": [*_targets(sections), *_images(sections)]}


def _targets(sections: Sections) -> list[dict[str, Any]]:
    large = sections["All cores"][-1]
    rate = _number(sections["One core"][0]["read, answered and written, targets/s"])
    written, read, line = (
        _number(large[name]) for name in ("bytes out, a target", "bytes in", "manifest, a part")
    )
    parts = MANY / _number(large["targets in a part"])
    return [
        _row("10⁹ targets of the arm", "core hours", MANY / rate / 3600),
        _row("", "hours on 64 cores, if all are as busy", MANY / rate / 3600 / 64),
        _row("", "GB of targets read", MANY * read / 1e9),
        _row("", "GB of answers written", MANY * written / 1e9),
        _row("", "parts", parts),
        _row("", "MB of manifest, read by a restart", parts * line / 1e6),
        _row("", "MiB of memory a worker", _number(large["largest worker, MiB"])),
    ]


def _images(sections: Sections) -> list[dict[str, Any]]:
    images = sections["Images"][0]
    memory, stored = sections["Codes"]
    codes = _number(stored["codes"].split("×")[0])
    scan = _number(memory["queries/s, 64 together"]) * codes / MANY
    return [
        _row(
            "10⁹ images, indexed by dhash",
            "core hours",
            MANY * _number(images["CPU ms an image"]) / 1e3 / 3600,
        ),
        _row("", "hours to list them", MANY / _number(images["listed, files/s"]) / 3600),
        _row("", "GB of memory to list them", MANY * _number(images["bytes a listed file"]) / 1e9),
        _row("10⁹ codes of 100 numbers", "GB of memory, searched exactly", MANY * 400 / 1e9),
        _row(
            "",
            "GB on disk, as codes.db has them",
            MANY * _number(stored["on disk, MB"]) / codes / 1e3,
        ),
        _row(
            "",
            "hours to add them through one process",
            MANY / _number(stored["added, codes/s"]) / 3600,
        ),
        _row("", "seconds a query and a core, exactly", 1 / scan),
    ]


def _row(what: str, quantity: str, value: float) -> dict[str, Any]:
    shown = f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
    return {"job": what, "what it takes": quantity, "": shown}


def _number(text: Any) -> float:
    return float(str(text).replace(",", "").split()[0])
