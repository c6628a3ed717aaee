"""How well what was found agrees with what was asked for, by labels that the search never saw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from preimage.errors import InputError
from preimage.search.matches import Matches


@final
@dataclass(frozen=True)
class Agreement:
    """The share of labels that images found have in common with the image asked about.

    Attributes:
        agreement: The mean over queries, images found and labels.
        error: Its standard error, with queries as independent draws.
        random: What images drawn at random would reach: the mean over all pairs of a query and an
            image of the index. Where most labels are rare, this is high.
        best: What the best possible search would reach: for each query, as many images as were
            found, with the most labels in common.
        by_label: The agreement of each label alone.
        random_by_label: Likewise, drawn at random.
    """

    agreement: float
    error: float
    random: float
    best: float
    by_label: Float[np.ndarray, " labels"]
    random_by_label: Float[np.ndarray, " labels"]

    @property
    def margin(self) -> float:
        """How far the agreement is above that of random images."""
        return self.agreement - self.random

    @property
    def share(self) -> float:
        """The margin as a share of the best possible one."""
        return self.margin / (self.best - self.random) if self.best > self.random else math.nan

    def __str__(self) -> str:
        return (
            f"agreement {self.agreement:.4f} ± {self.error:.4f} (random pairs {self.random:.4f}, "
            f"best possible {self.best:.4f})"
        )


def label_agreement(
    matches: Matches, labels: Mapping[str, Any], *, among: Sequence[str] | None = None
) -> Agreement:
    """How many labels images found have in common with the image asked about.

    Args:
        matches: What a search found.
        labels: The labels of each image by name, of queries and of images in the index: sequences
            of equal length; a label agrees if it is equal.
        among: The names of the images of the index, for the rows to compare with; None takes all
            of `labels` that are not queries.

    Raises:
        InputError: An image has no labels, or not as many as the others.

    Example:
        >>> import torch
        >>> from preimage.search import ImageIndex
        >>> index = ImageIndex()
        >>> pictures = torch.rand(4, 1, 9, 9)
        >>> _ = index.add(pictures)
        >>> labels = {"0": [1, 1], "1": [1, -1], "2": [-1, 1], "3": [-1, -1]}
        >>> print(label_agreement(index.query(pictures, k=1), labels, among=list(labels)))
        agreement 1.0000 ± 0.0000 (random pairs 0.5000, best possible 1.0000)
    """
    asked = [query.name for query in matches.queries]
    if among is None:
        outside = set(labels) - set(asked)
        among = sorted(outside)
    there = _rows(labels, among)
    wanted = _rows(labels, asked)
    equal = np.array(
        [
            (_rows(labels, names) == row).mean(axis=0)
            for names, row in zip(matches.names, wanted, strict=True)
        ]
    )
    each = equal.mean(axis=1)
    k = len(matches.names[0])
    best = [np.sort((there == row).mean(axis=1))[-k:].mean() for row in wanted]
    random = np.mean([(there == row).mean(axis=0) for row in wanted], axis=0)
    spread = each.std(ddof=1) if len(each) > 1 else math.nan
    return Agreement(
        agreement=float(each.mean()),
        error=float(spread / math.sqrt(len(each))),
        random=float(random.mean()),
        best=float(np.mean(best)),
        by_label=equal.mean(axis=0),
        random_by_label=random,
    )


def _rows(labels: Mapping[str, Any], names: Sequence[str]) -> np.ndarray:
    """The labels of these images, one row each."""
    missing = next((name for name in names if name not in labels), None)
    if missing is not None or not names:
        raise InputError(
            f"{missing!r} has no labels; give labels for every query and every image of the index."
            if names
            else "there are no images to compare with; name those of the index: among=..."
        )
    rows = [np.asarray(labels[name]).reshape(-1) for name in names]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or 0 in lengths:
        raise InputError(f"images have {sorted(lengths)} labels; each must have as many.")
    return np.stack(rows)
