"""What is known of one piece of a function, as a map between whole real spaces."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True, kw_only=True)
class Facts:
    r"""What is known of a map $\mathbb{R}^n \to \mathbb{R}^m$; None and infinity mean unknown.

    Attributes:
        what: What the piece is called.
        injective: Whether it is injective, on all of $\mathbb{R}^n$ or on `reach`.
        surjective: Whether it is onto $\mathbb{R}^m$.
        why_injective: The reason, as the end of a sentence.
        why_surjective: Likewise.
        lipschitz: An upper bound of its Lipschitz constant, Euclidean.
        inverse: An upper bound of the Lipschitz constant of its inverse on its image.
        continuous: Whether it is surely continuous.
        locally_lipschitz: Whether it is surely locally Lipschitz, so that null sets stay null sets.
        bounded: Whether its image is surely bounded.
        weight: The exact matrix of a linear map, where it is small.
        bias: The exact shift.
        relu: Whether it is the rectifier.
        local: Whether it is known to be injective only on the intervals that reach it.
        moves_nothing: Whether it keeps all numbers in their order, such as a change of shape.
        positive: Whether its outputs are surely positive, all of them.
    """

    what: str
    injective: bool | None = None
    surjective: bool | None = None
    why_injective: str = ""
    why_surjective: str = ""
    lipschitz: float = math.inf
    inverse: float = math.inf
    continuous: bool = False
    locally_lipschitz: bool = False
    bounded: bool = False
    weight: Tensor | None = field(default=None, repr=False)
    bias: Tensor | None = field(default=None, repr=False)
    relu: bool = False
    local: bool = False
    positive: bool = False
    moves_nothing: bool = False


def bijection(what: str, why: str, *, lipschitz: float = math.inf, inverse: float = math.inf,
              continuous: bool = True) -> Facts:  # fmt: skip
    """A bijection between spaces of one dimension."""
    return Facts(
        what=what, injective=True, surjective=True, why_injective=why, why_surjective=why,
        lipschitz=lipschitz, inverse=inverse, continuous=continuous, locally_lipschitz=continuous,
    )  # fmt: skip


def isometry(what: str, *, in_order: bool = False) -> Facts:
    """A map that moves numbers to other places, all of them."""
    why = f"{what} only moves numbers to other places"
    return replace(bijection(what, why, lipschitz=1, inverse=1), moves_nothing=in_order)


def unknown(what: str) -> Facts:
    """A piece about which nothing is known."""
    return Facts(what=what)


def smooth(what: str, *, lipschitz: float = math.inf, bounded: bool = False) -> Facts:
    """A locally Lipschitz piece about whose invertibility nothing is known."""
    return Facts(
        what=what, lipschitz=lipschitz, continuous=True, locally_lipschitz=True, bounded=bounded
    )
