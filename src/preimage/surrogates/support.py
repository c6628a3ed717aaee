"""Where the measurements are: whether a point lies inside the measured region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.errors import DataError, NotFittedError
from preimage.surrogates.base import centre_and_scale, check_inputs

REPEAT = 0.01  # points closer than this share of the mean spacing are repeats of one input


@final
@dataclass(kw_only=True)
class Support:
    r"""The measured region: every place that has a measured point nearby.

    In standardised inputs, a point is outside when its distance to the nearest measured point is
    more than

    $$r = c\, Q_{99\%}(d_1, \dots, d_n),$$

    with $d_i$ the distance of the measured point i to its nearest other one and Q their quantile. A
    new point of the same distribution has nearly the same distances, so that hardly any is called
    outside, even in a corner of a box where neighbours are on one side only ($c = 2$ allows for
    that, and for a series with single samples missing); a gap of many sampling intervals, a hole
    and the space around the data are outside. Repeated
    measurements of one input, exact or nearly so (`REPEAT`), say nothing about the spacing and
    count once; the few isolated points beyond the quantile widen nothing.

    Args:
        reach: The factor c.

    Example:
        >>> x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
        >>> Support().fit(x).outside(torch.tensor([[0.505], [1.5]], dtype=torch.float64))
        tensor([False,  True])
    """

    reach: float = 2.0

    def fit(self, x: Float64[Tensor, "rows p"]) -> Support:
        """Learn the spacing of the measured inputs.

        Raises:
            DataError: If there are fewer than two distinct points; measure more.
        """
        x = x.detach().to("cpu", torch.float64)
        self.centre_, self.scale_ = centre_and_scale(x)
        points = (x - self.centre_) / self.scale_
        same = REPEAT * len(x) ** (-1 / x.shape[1])
        _, first = np.unique(np.round(points.numpy() / same), axis=0, return_index=True)
        if len(first) < 2:
            raise DataError(
                f"Support was given {len(first)} distinct measured point(s); it wants two or "
                "more. Measure the function at more inputs."
            )
        self.x_ = points[torch.from_numpy(first)]
        spacing = torch.from_numpy(_neighbour_distance(self.x_, self.x_, rank=2))
        self.radius_ = self.reach * spacing.quantile(0.99, interpolation="lower")
        return self

    def outside(self, x: Float64[Tensor, "batch p"]) -> Bool[Tensor, " batch"]:
        """Tell which points have no measured point nearby."""
        if "x_" not in vars(self):
            raise NotFittedError("This Support knows no measurements yet. Call fit first.")
        z = (check_inputs(x.detach(), self.x_.shape[1]) - self.centre_) / self.scale_
        return torch.from_numpy(_neighbour_distance(z, self.x_, rank=1)) > self.radius_

    def state(self) -> dict[str, Tensor]:
        """The learned tensors."""
        names = {"centre": self.centre_, "scale": self.scale_, "x": self.x_, "radius": self.radius_}
        return {name: tensor.clone() for name, tensor in names.items()}

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor]) -> Support:
        """Rebuild a fitted support."""
        support = cls()
        support.centre_, support.scale_ = tensors["centre"], tensors["scale"]
        support.x_, support.radius_ = tensors["x"], tensors["radius"]
        return support


def _neighbour_distance(points: Tensor, measured: Tensor, *, rank: int) -> np.ndarray:
    """The distance of every point to its nearest (rank 1) or second nearest measured point."""
    from scipy.spatial import KDTree

    distance, _ = KDTree(measured.numpy()).query(points.numpy(), k=rank)
    return distance.reshape(len(points), rank)[:, -1]
