"""Functions and networks about which the tab Check is asked: one of each kind of verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from preimage.runtime import seeded


@final
@dataclass(frozen=True)
class Exhibit:
    """A function to be checked.

    Attributes:
        name: What it is.
        domain: Where, as it is typed.
        formula: The formula; None for a network.
        make: Makes the network; None for a formula.
    """

    name: str
    domain: str
    formula: str | None = None
    make: Callable[[], nn.Module] | None = None


def _orthogonal() -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(10):
        linear = nn.Linear(8, 8)
        nn.init.orthogonal_(linear.weight)
        layers += [linear, nn.LeakyReLU()]
    return nn.Sequential(*layers)


@final
class _Coupling(nn.Module):
    """One half of x is shifted as the other half says."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Shifted, and the halves exchanged."""
        a, b = x.chunk(2, dim=1)
        return torch.cat([b + self.shift(a), a], dim=1)


def _pieces(activation: type[nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(2, 8), activation(), nn.Linear(8, 2))


def _bottleneck() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 64))


ARM = "cos(x) + cos(x + y), sin(x) + sin(x + y)"

EXHIBITS = (
    Exhibit("x³ − x", "-2, 2", "x^3 - x"),
    Exhibit("x³ − x, right of the fold", "0.6, 2", "x^3 - x"),
    Exhibit("x³ on all reals", "R", "x^3"),
    Exhibit("x − tanh x on all reals", "R", "x - tanh(x)"),
    Exhibit("1/x across its pole", "-1, 1", "1/x"),
    Exhibit("a narrow fold", "-1, 1", "x - 0.02 tanh(100(x - 0.123456))"),
    Exhibit("arm with two links", "-pi/2, pi/2; -pi/2, pi/2", ARM),
    Exhibit("the same arm, elbow up", "-1, 1; 0.5, 2.5", ARM),
    Exhibit("complex square", "-1, 1; -1, 1", "x^2 - y^2, 2x*y"),
    Exhibit("exponential, more than a turn", "-1, 1; -3.2, 3.2", "exp(x) cos(y), exp(x) sin(y)"),
    Exhibit("x + 2 tanh y, y − 2 tanh x", "R", "x + 2 tanh(y), y - 2 tanh(x)"),
    Exhibit("half ball", "-0.7, 0.7; -0.7, 0.7", "sqrt(1 - x^2 - y^2)"),
    Exhibit("network: 10 leaky ReLU layers", "R8", make=_orthogonal),
    Exhibit("network: a ReLU layer", "R3", make=lambda: nn.Sequential(nn.Linear(3, 3), nn.ReLU())),
    Exhibit("network: additive coupling", "R6", make=_Coupling),
    Exhibit("network: tanh 2-8-2", "R2", make=_pieces(nn.Tanh)),
    Exhibit("network: ReLU 2-8-2 on a square", "-1, 1; -1, 1", make=_pieces(nn.ReLU)),
    Exhibit("network: bottleneck 64-8-64", "R64", make=_bottleneck),
    Exhibit("network: softmax", "R5", make=lambda: nn.Softmax(dim=1)),
    Exhibit("network: dropout in training", "R5", make=lambda: nn.Dropout().train()),
)  # fmt: skip
"""In the order of the list."""


def network(exhibit: Exhibit) -> nn.Module:
    """The network of an exhibit, with the same weights each time; as it is used, not trained."""
    if exhibit.make is None:
        raise ValueError(f"{exhibit.name} is a formula.")
    with seeded(0, torch.device("cpu")):
        made = exhibit.make()
    return made if made.training and isinstance(made, nn.Dropout) else made.eval()
