"""The codes of images, with what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from preimage.tables import Kind, to_frame, write_table


@final
@dataclass(frozen=True)
class Codes:
    """The codes that were found for some images.

    Attributes:
        z: The codes, `(n, *latent_shape)`.
        reconstruction: What the generator makes of them, `(n, channels, height, width)` in [0, 1].
            It is an image like the given one that the generator can make, and no more than that.
        residual: The root of the mean squared difference of a pixel between the image and its
            reconstruction, in [0, 1].
        names: The names of the images.
        skipped: Files that are no images, by name, with the reason.
    """

    z: Float[Tensor, "n ..."]
    reconstruction: Float[Tensor, "n c h w"]
    residual: Float[Tensor, " n"]
    names: tuple[str, ...]
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @staticmethod
    def join(parts: Sequence[Codes]) -> Codes:
        """The codes of several batches, one after the other."""
        return Codes(
            torch.cat([one.z for one in parts]),
            torch.cat([one.reconstruction for one in parts]),
            torch.cat([one.residual for one in parts]),
            tuple(name for one in parts for name in one.names),
            {name: reason for one in parts for name, reason in one.skipped.items()},
        )

    def columns(self) -> dict[str, np.ndarray]:
        """One row an image: "name", "residual", and the numbers of its code, "z1", "z2", ..."""
        return code_columns(self.names, self.z, self.residual)

    def to_frame(self, kind: Kind = "pyarrow") -> Any:
        """The codes as a frame.

        Args:
            kind: "pandas", "polars" or "pyarrow".
        """
        return to_frame(self.columns(), kind)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Writes the codes as a table, by the suffix of the path: .csv, .parquet or .json.

        Args:
            path: The file.
            force: Replace a file that is already there.

        Raises:
            InputError: The suffix is none of these.
            OutputExistsError: The file is there already.
        """
        write_table(self.columns(), path, force=force)

    def __str__(self) -> str:
        if not len(self):
            return "no codes"
        worst, mean = int(self.residual.argmax()), self.residual.mean()
        return (
            f"{len(self)} codes of {self.z[0].numel()} numbers; residual {mean:.3g} on average, "
            f"{self.residual[worst]:.3g} at most ({self.names[worst]})"
        )


def code_columns(
    names: Sequence[str], z: Float[Tensor, "n ..."], residual: Float[Tensor, " n"]
) -> dict[str, np.ndarray]:
    """Columns "name", "residual", "z1", "z2", ..., one row an image."""
    flat = z.flatten(1).cpu().numpy()
    return {
        "name": np.array(names, dtype=str),
        "residual": residual.cpu().numpy(),
        **{f"z{i + 1}": flat[:, i] for i in range(flat.shape[1])},
    }
