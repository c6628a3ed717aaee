"""The published numbers: RMSE in y of each experiment, as a table of the paper names its columns.

Source: S. J. Wetzel, Inverting Non-Injective Functions with Twin Neural Network Regression, 2026,
tables 1 and 2; with the five decimals of the results saved beside the authors' code
(github.com/sjwetzel/PublicInverseTwinNeuralNetworkRegression), means over five seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class Known:
    """A row of table 1, the formula known.

    Attributes:
        nearest: k nearest neighbours, the first anchor.
        network: A network regressed from y to x.
        first: The twin, from the first anchor.
        best: The twin, the best of five by the exact f.
    """

    nearest: float
    network: float
    first: float
    best: float


@final
@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row of table 2, noisy data alone.

    Attributes:
        nearest: k nearest neighbours, the first anchor.
        first: The twin, from the first anchor.
        learned: The twin, the best of five by the learned f.
        best: The twin, the best of five by the exact f.
    """

    nearest: float
    first: float
    learned: float
    best: float


def _known(nearest: float, network: float, first: float, best: float) -> Known:
    return Known(nearest=nearest, network=network, first=first, best=best)


def _measured(nearest: float, first: float, learned: float, best: float) -> Measured:
    return Measured(nearest=nearest, first=first, learned=learned, best=best)


TABLE_1: dict[int, Known] = {
    1: _known(0.07419, 0.12161, 0.00807, 0.00508),
    2: _known(0.01753, 0.31141, 0.00343, 0.00261),
    3: _known(0.00830, 0.18304, 0.00721, 0.00163),
    4: _known(0.00395, 0.39785, 0.00189, 0.00071),
    5: _known(1.06302, 3.96112, 0.39882, 0.15291),
    6: _known(1.10393, 2.14138, 0.22365, 0.08878),
    7: _known(0.05290, 0.22964, 0.00873, 0.00398),
    8: _known(0.11991, 0.62404, 0.02549, 0.01250),
    9: _known(0.13512, 0.21389, 0.02959, 0.01190),
}

TABLE_2: dict[int, Measured] = {
    1: _measured(0.08615, 0.02429, 0.01688, 0.00562),
    2: _measured(0.02992, 0.02744, 0.01011, 0.00448),
    3: _measured(0.01168, 0.01059, 0.00829, 0.00293),
    4: _measured(0.01475, 0.01398, 0.00931, 0.00445),
    5: _measured(1.05631, 0.45321, 0.24290, 0.21688),
    6: _measured(1.10885, 0.29815, 0.15114, 0.13792),
    7: _measured(0.05404, 0.01892, 0.01138, 0.00909),
    8: _measured(0.12126, 0.03994, 0.02468, 0.01899),
    9: _measured(0.13589, 0.04255, 0.02468, 0.02077),
}
