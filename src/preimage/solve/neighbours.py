"""Nearest anchors: exact k-nearest-neighbour look-up in scaled coordinates."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float64, Int64
from scipy.spatial import KDTree
from torch import Tensor


@final
class Neighbours:
    """The k nearest of a fixed set of points, by Euclidean distance after division by `scale`.

    Args:
        points: The points to find, one a row.
        scale: What one unit of distance is along each column; ones by default.
        doubt: By how much each point may be off, in units of distance (standard deviation). Points
            are then ranked by their expected squared distance, $d^2 + doubt^2$.

    Example:
        >>> table = Neighbours(torch.tensor([[0.0], [1.0], [5.0]], dtype=torch.float64))
        >>> table.query(torch.tensor([[0.9]], dtype=torch.float64), k=2)
        tensor([[1, 0]])
    """

    def __init__(
        self,
        points: Float64[Tensor, "points d"],
        scale: Float64[Tensor, " d"] | None = None,
        doubt: Float64[Tensor, " points"] | None = None,
    ) -> None:
        self.scale = torch.ones(points.shape[1], dtype=torch.float64) if scale is None else scale
        # The doubt is one more coordinate, which is zero for whoever asks.
        more = [] if doubt is None else [doubt[:, None]]
        self._more = len(more)
        self._tree = KDTree(torch.cat([points / self.scale, *more], dim=1).numpy(), leafsize=16)

    def __len__(self) -> int:
        return self._tree.n

    def query(
        self, points: Float64[Tensor, "batch d"], k: int, slack: float = 0.0
    ) -> Int64[Tensor, "batch k"]:
        """Indices of the k nearest, nearest first (all of them where there are fewer).

        With `slack` they are near, and found faster: the i-th of them is at most 1 + `slack` times
        as far away as the i-th nearest.
        """
        return torch.as_tensor(self._query(points, k, slack)[1], dtype=torch.int64)

    def distance(self, points: Float64[Tensor, "batch d"], k: int) -> Float64[Tensor, "batch k"]:
        """Scaled distances to the k nearest, nearest first."""
        return torch.as_tensor(self._query(points, k, 0.0)[0], dtype=torch.float64)

    def _query(self, points: Tensor, k: int, slack: float) -> tuple[Any, Any]:
        # A list of ranks, unlike a number, keeps the column of k = 1.
        ranks: Any = np.arange(1, min(k, len(self)) + 1)
        asked = torch.nn.functional.pad(points / self.scale, (0, self._more))
        return self._tree.query(asked.numpy(), k=ranks, eps=slack)
