"""Rounding outward in float64: every bound is moved past the error of the operation behind it."""

from __future__ import annotations

import torch
from torch import Tensor

UNIT = 2.0**-53
"""The unit roundoff of float64."""

SMALLEST = 2.0**-1022
"""The smallest normal number; added wherever a result may have underflowed."""

LIBM_ULPS = 8
r"""By how many units in the last place a transcendental function is widened.

PyTorch computes them by SLEEF ($\le 1$ ulp), by Intel's VML in its accurate mode ($< 1$ ulp), or by
the C library ($\le 2$ ulp), depending on the processor and on how many values there are. Some are
compositions of two or three of these, such as the logistic function. Eight covers all of them
with room to spare; the tests compare against 60 digits.
"""

_DOWN = torch.tensor(-torch.inf, dtype=torch.float64)
_UP = torch.tensor(torch.inf, dtype=torch.float64)


def below(x: Tensor) -> Tensor:
    """A lower bound of what an exactly rounded operation rounded to x."""
    return torch.nextafter(x, _DOWN)


def above(x: Tensor) -> Tensor:
    """An upper bound of what an exactly rounded operation rounded to x."""
    return torch.nextafter(x, _UP)


def lower(x: Tensor, ulps: int = LIBM_ULPS) -> Tensor:
    """A lower bound of a value computed as x with an error of at most `ulps`."""
    # |x| 2^-52 is at least one unit in the last place; one more covers this subtraction.
    return x - (x.abs() * ((ulps + 1) * 2 * UNIT)).add_(SMALLEST)


def upper(x: Tensor, ulps: int = LIBM_ULPS) -> Tensor:
    """An upper bound of a value computed as x with an error of at most `ulps`."""
    return x + (x.abs() * ((ulps + 1) * 2 * UNIT)).add_(SMALLEST)


def gamma(terms: int) -> float:
    r"""$\gamma_n = n u / (1 - n u)$, the relative error of a sum of n products in any order.

    References:
        Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, SIAM 2002, section 3.1.
        One term more than needed pays for rounding $\gamma$ itself.
    """
    n = terms + 1
    return n * UNIT / (1 - n * UNIT)
