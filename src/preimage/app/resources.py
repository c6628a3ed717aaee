"""What the tabs work on: models and files that are named when the page is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class Resources:
    """Where models are; those of this package where none are named.

    Attributes:
        model: A folder that `preimage gan train` wrote.
        images: Images among which similar ones are looked for: a folder, an archive.
        translator: A folder that `preimage translate train` wrote.
        robot: A URDF file.
    """

    model: Path | None = None
    images: Path | None = None
    translator: Path | None = None
    robot: Path | None = None
