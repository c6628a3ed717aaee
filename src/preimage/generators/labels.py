"""Labels beside codes: the prior of a conditional generator, and the rows of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import torch
from jaxtyping import Float
from torch import Tensor

from preimage.errors import InputError
from preimage.generators.priors import Prior, Uniform
from preimage.images import Stack

KEPT = 4096
"""Rows of labels that a prior draws from, and that are saved with it."""


@final
@dataclass(frozen=True, eq=False)
class Labelled(Prior):
    """A vector from a uniform prior, with a row of labels behind it.

    Args:
        shape: Numbers in both together.
        base: The prior of the vector.
        rows: Rows of labels from 0 to 1, of which one is drawn.
    """

    kind: ClassVar[str] = "labelled"

    base: Uniform
    rows: Float[Tensor, "rows labels"]

    @classmethod
    def of(cls, base: Uniform, rows: Float[Tensor, "rows labels"]) -> Self:
        """The prior with up to `KEPT` of these rows, evenly spaced ones."""
        every = max(1, -(-len(rows) // KEPT))
        return cls(base.dim + rows.shape[1], base, rows[::every].clone())

    @property
    def labels(self) -> int:
        """How many labels there are."""
        return self.rows.shape[1]

    @property
    def shown(self) -> Uniform:
        """The bounds of labels."""
        return Uniform(self.labels, 0.0, 1.0)

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n ..."]:
        """Draws codes, on the device of the generator."""
        z = self.base.sample(n, generator)
        row = torch.randint(len(self.rows), (n,), generator=generator, device=generator.device)
        return torch.cat([z, self.rows.to(z.device)[row]], dim=1)

    def clamp(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The codes and labels moved into their bounds."""
        vector, labels = self._parts(z)
        return torch.cat([self.base.clamp(vector), self.shown.clamp(labels)], dim=1)

    def to_free(self, z: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """Codes in coordinates without bounds."""
        vector, labels = self._parts(z)
        return torch.cat([self.base.to_free(vector), self.shown.to_free(labels)], dim=1)

    def from_free(self, free: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """Codes from coordinates without bounds."""
        vector, labels = self._parts(free)
        return torch.cat([self.base.from_free(vector), self.shown.from_free(labels)], dim=1)

    def to_config(self) -> dict[str, Any]:
        """The prior as JSON values; rows are in `state`."""
        return {**super().to_config(), "base": self.base.to_config()}

    def state(self) -> dict[str, Tensor]:
        """The rows of labels."""
        return {"rows": self.rows}

    @classmethod
    def restore(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Self:
        """The prior that `to_config` and `state` wrote."""
        return cls.of(Uniform.restore(config["base"], {}), state["rows"])

    def _parts(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z[:, : self.base.dim], z[:, self.base.dim :]


def label_rows(labels: Any, stack: Stack) -> Float[Tensor, "images labels"]:
    """The labels of the images that were read, in their order.

    Args:
        labels: Rows in the order of the names, or a mapping from names to rows.
        stack: The images.

    Raises:
        InputError: Labels are missing, or are no numbers from 0 to 1.
    """
    if isinstance(labels, Mapping):
        if missing := [name for name in stack.names if name not in labels]:
            raise InputError(
                f"{len(missing)} images have no labels, such as {missing[0]}; leave these images "
                "out, or add their rows."
            )
        labels = [labels[name] for name in stack.names]
    elif stack.skipped:
        raise InputError(
            f"{len(stack.skipped)} files were skipped, such as {next(iter(stack.skipped))}, so "
            "that rows of labels cannot be told to images by their order; give a mapping from "
            "names to rows."
        )
    rows = torch.as_tensor(labels).to(torch.float32)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or len(rows) != len(stack):
        raise InputError(
            f"the labels have shape {tuple(rows.shape)} for {len(stack)} images; give one row for "
            "each image."
        )
    if not bool(((rows >= 0) & (rows <= 1)).all()):
        raise InputError(
            "labels must be numbers from 0 to 1; scale them, or write classes as one 0 or 1 each."
        )
    return rows
