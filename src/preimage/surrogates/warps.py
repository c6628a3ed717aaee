"""Monotone changes of the output scale under which a function may be smoother."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import Tensor


class Scale(NamedTuple):
    """u = forward(y), y = inverse(u), and the slope dy/du at u."""

    forward: Callable[[Tensor], Tensor]
    inverse: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


SCALES = {
    "identity": Scale(lambda y: y, lambda u: u, torch.ones_like),
    # Square-root singularities, such as the rim of a dome, become smooth.
    "square": Scale(torch.square, torch.sqrt, lambda u: 0.5 / u.sqrt()),
    # Exponential laws become linear, and noise in percent becomes even.
    "log": Scale(torch.log, torch.exp, torch.exp),
}


@final
@dataclass(frozen=True, kw_only=True)
class Warp:
    r"""A change of scale $u = h(y)$ of a positive output, usable for every real number.

    Below the smallest measured output (the knee) $h$ goes on as its tangent, so that a posterior
    mean that undershoots the data still has an output and a slope: root finders need both.

    Args:
        name: A name in `SCALES`.
        knee: The smallest output to which the scale itself applies; unused by "identity".

    Source: Snelson, Rasmussen, Ghahramani, "Warped Gaussian Processes" (2003), with a choice of
    fixed warps by marginal likelihood in place of a learned one.
    """

    name: str
    knee: float

    def forward(self, y: Tensor) -> Tensor:
        """From the output to the scale on which it is modelled."""
        scale, (knee, u) = SCALES[self.name], self._knee(y)
        return scale.forward(y.clamp(min=knee)) + (y - knee).clamp(max=0) / scale.slope(u)

    def inverse(self, u: Tensor) -> Tensor:
        """From the scale on which it is modelled back to the output."""
        scale, (_, knee) = SCALES[self.name], self._knee(u)
        return scale.inverse(u.clamp(min=knee)) + (u - knee).clamp(max=0) * scale.slope(knee)

    def slope(self, u: Tensor) -> Tensor:
        """dy/du at u."""
        return SCALES[self.name].slope(u.clamp(min=self._knee(u)[1]))

    def _knee(self, like: Tensor) -> tuple[Tensor, Tensor]:
        low = float("-inf") if self.name == "identity" else self.knee
        knee = like.new_tensor(low)
        return knee, SCALES[self.name].forward(knee)
