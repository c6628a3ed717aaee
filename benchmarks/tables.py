"""Result tables, as markdown for people and as JSON, with what they were measured on."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from preimage.runtime import package_version

RESULTS = Path(__file__).parent / "results"


def hardware() -> dict[str, Any]:
    """The machine and the versions that a result depends on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    packages = ("torch", "numpy", "scipy", "scikit-learn")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        **({"GPU": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}),
        "python": platform.python_version(),
        "preimage": package_version(),
        **{name: version(name) for name in packages},
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows with the same keys as a markdown table."""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(str(row[head]) for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def read(name: str) -> dict[str, list[dict[str, Any]]]:
    """The sections that `results/NAME.json` holds; none where there is no such file."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text())["sections"] if path.exists() else {}


def write(name: str, title: str, sections: dict[str, list[dict[str, Any]]], notes: str) -> None:
    """Writes `results/NAME.md` and `results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    machine = hardware()
    record = {"title": title, "hardware": machine, "notes": notes, "sections": sections}
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    parts = [f"# {title}", notes]
    parts += [f"## {head}\n\n{markdown(rows)}" for head, rows in sections.items()]
    parts.append("Measured on " + ", ".join(f"{k} {v}" for k, v in machine.items()) + ".")
    (RESULTS / f"{name}.md").write_text("\n\n".join(parts) + "\n")
