"""The look-up table: the input of the nearest known output, as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from preimage.inverters.base import Inverter
from preimage.inverters.flow import Proposals, Request
from preimage.inverters.problem import Problem


@final
@dataclass(kw_only=True)
class NearestInverter(Inverter):
    r"""Answers with known inputs whose outputs are nearest to the target.

    $\hat x^{(k)} = x_{a_k}$, where $a_k$ is the k-th nearest anchor in y. Each answer stands on
    one anchor (k = 1 each), since averaging would mix branches. This is the baseline of the
    twin-network paper [1]; with `polish=True` it becomes a start for Levenberg-Marquardt.

    Args:
        neighbours: How many anchors are proposed for a target.
        polish: Whether to refine; the published baseline does not.

    References:
        [1] Wetzel, Inverting Non-Injective Functions with Twin Neural Network Regression, 2026,
        section 4.4.

    Example:
        >>> from preimage.domain import Box
        >>> inverter = NearestInverter(neighbours=3).fit_function(lambda x: x**3 - x, Box(-2, 2))
        >>> inverter.invert(0.0, n=3, tol=1e-2).count
        array([3])
    """

    kind: ClassVar[str] = "nearest"

    neighbours: int = 5
    polish: bool = False

    def _train(self, problem: Problem) -> None:
        """There is nothing to learn."""

    def _propose(self, request: Request) -> Proposals:
        problem, k = request.problem, self.neighbours
        index = problem.nearest_anchors(request.targets, k * (request.attempt + 1), request.near)
        return Proposals.from_grid(problem.x[index[:, k * request.attempt :]], complete=False)
