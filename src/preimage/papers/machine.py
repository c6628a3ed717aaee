"""What seconds depend on: where something was measured."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from preimage.runtime import package_version


def machine() -> dict[str, str]:
    """The processor and the versions."""
    import torch

    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        **({"GPU": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "preimage": package_version(),
    }


def _processor() -> str:
    """The model of the processor, where the system tells."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text("utf-8").splitlines() if told.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
