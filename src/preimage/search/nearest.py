"""Exact nearest neighbours: a product of matrices says who may be near, float64 says who is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

AT_ONCE = 1 << 24
"""So many distances are held at a time."""

UNIT = 2.0**-24
"""Half the distance from 1 to the next float32: what one rounding costs at most."""


@final
class Exact:
    r"""Codes among which neighbours are looked for.

    Squared distances come as $\lvert a \rvert^2 + \lvert b \rvert^2 - 2 a \cdot b$ from one product
    of matrices in float32. Rounding errs by at most
    $\varepsilon = (d + 8)\, u\, (\lvert a \rvert + \lvert b \rvert)^2$ with $u = 2^{-24}$ and $d$
    numbers in a code (the usual bound for inner products, Higham 2002, section 3.1, and a rest for
    the sums). So whoever is at most $2 \varepsilon$ beyond the last of the nearest by that product
    may be among the nearest; their distances are computed again in float64, one by one. The answer
    does therefore not depend on what else was asked in the same call.

    Args:
        codes: One row an image.
        order: Who comes first of several at the same distance: one number for each row.
    """

    def __init__(self, codes: Float[Tensor, "images d"], order: np.ndarray) -> None:
        self.codes = codes
        self.order = order
        # Distances stay as they are, and smaller numbers are rounded by less.
        self._centre = codes.mean(dim=0)
        self._centred = codes - self._centre
        self._norms = self._centred.double().square().sum(dim=1).float()
        self._longest = float(self._norms.max().sqrt())

    def __len__(self) -> int:
        return len(self.codes)

    def nearest(
        self, queries: Float[Tensor, "queries d"], k: int
    ) -> tuple[Float[np.ndarray, "queries k"], np.ndarray]:
        """The rows nearest to each query.

        Args:
            queries: One row each.
            k: How many, at most as many as there are rows.

        Returns:
            Squared Euclidean distances, from the least, and the rows.
        """
        found = [np.zeros((0, k))], [np.zeros((0, k), dtype=np.int64)]
        for part in queries.split(max(1, AT_ONCE // len(self))):
            rough, slack = self._rough(part)
            last = rough.topk(k, dim=1, largest=False, sorted=False).values.amax(
                dim=1, keepdim=True
            )
            query, row = (rough <= last + 2 * slack).numpy().nonzero()
            squared = self._squared(part, query, row)
            first = np.lexsort((self.order[row], squared, query))
            starts = np.searchsorted(query[first], np.arange(len(part)))
            best = first[starts[:, None] + np.arange(k)]
            found[0].append(squared[best])
            found[1].append(row[best])
        return np.concatenate(found[0]), np.concatenate(found[1])

    def within(self, radius: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
        """All pairs of rows that are close, some rows at a time.

        Args:
            radius: The largest squared distance.

        Yields:
            The first row of each pair, the second, which comes later, their squared distance, and
            how many rows are done.
        """
        size = max(1, AT_ONCE // len(self))
        for start in range(0, len(self), size):
            part = self.codes[start : start + size]
            rough, slack = self._rough(part)
            # Whoever came in an earlier part has had its pairs.
            one, other = (rough[:, start:] <= radius + slack).numpy().nonzero()
            one, other = one[other > one], other[other > one] + start
            squared = self._squared(part, one, other)
            near = squared <= radius
            yield one[near] + start, other[near], squared[near], start + len(part)

    def _rough(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Squared distances of each query to all rows, and how wrong they may be."""
        centred = queries - self._centre
        norms = centred.double().square().sum(dim=1, keepdim=True).float()
        rough = torch.addmm(self._norms, centred, self._centred.T, alpha=-2).add_(norms)
        slack = (queries.shape[1] + 8) * UNIT * (norms.sqrt() + self._longest).square()
        return rough, slack

    def _squared(self, queries: Tensor, query: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Squared distances of pairs in float64."""
        # NumPy adds up each row in the same order, whatever stands beside it.
        left, right = queries.numpy(), self.codes.numpy()
        size = max(1, AT_ONCE // 8 // max(1, left.shape[1]))
        squared = np.empty(len(row))
        for start in range(0, len(row), size):
            some = slice(start, start + size)
            gap = left[query[some]].astype(np.float64) - right[row[some]]
            squared[some] = np.square(gap).sum(axis=1)
        return squared
