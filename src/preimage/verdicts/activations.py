"""Functions of one number: where they are injective, what they reach, how steep they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor

from preimage.intervals.bounds import Bounds
from preimage.verdicts.facts import Facts

INF = math.inf

EARLIEST = 20.0
"""The threshold from which on softplus is taken as the exact function, and not as it jumps."""


@final
@dataclass(frozen=True, kw_only=True)
class Activation:
    """A function of one real number, applied to each element.

    Attributes:
        injective: Whether it is strictly monotone on the whole line.
        onto: Whether it takes every real value.
        lipschitz: An upper bound of its slope.
        inverse: An upper bound of one over its slope.
        bounded: Whether its values are bounded.
        smooth: Whether it is continuous and locally Lipschitz.
        monotone: Closed intervals on each of which it is strictly monotone.
        relu: Whether it is the rectifier.
        positive: Whether its values are all positive.
    """

    injective: bool
    onto: bool
    lipschitz: float = INF
    inverse: float = INF
    bounded: bool = False
    smooth: bool = True
    monotone: tuple[tuple[float, float], ...] = ()
    relu: bool = False
    positive: bool = False


RELU = Activation(injective=False, onto=False, lipschitz=1, monotone=((0, INF),), relu=True)
IDENTITY = Activation(injective=True, onto=True, lipschitz=1, inverse=1)
TANH = Activation(injective=True, onto=False, lipschitz=1, bounded=True)


def _leaky(slope: float) -> Activation | None:
    if slope == 0:
        return RELU
    if not math.isfinite(slope):
        return None
    if slope < 0:
        return Activation(injective=False, onto=False, lipschitz=max(1.0, -slope))
    return Activation(
        injective=True, onto=True, lipschitz=max(1.0, slope), inverse=max(1.0, _over(slope))
    )


def _elu(alpha: float = 1.0) -> Activation:
    if alpha > 0:
        return Activation(injective=True, onto=False, lipschitz=max(1.0, alpha))
    return Activation(injective=False, onto=False, lipschitz=max(1.0, -alpha))


def _celu(alpha: float = 1.0) -> Activation | None:
    return Activation(injective=True, onto=False, lipschitz=1) if alpha > 0 else None


def _softplus(beta: float = 1.0, threshold: float = 20.0) -> Activation | None:
    if beta > 0 and threshold >= EARLIEST:
        return Activation(injective=True, onto=False, lipschitz=1, positive=True)
    # PyTorch replaces softplus by x from the threshold on, where it jumps down.
    return Activation(injective=False, onto=False, smooth=False) if beta > 0 else None


def _clamp(low: Any = None, high: Any = None) -> Activation | None:
    if any(isinstance(side, Tensor) for side in (low, high)):
        return None
    low, high = (-INF if low is None else float(low)), (INF if high is None else float(high))
    if not low < high:
        return None
    both = math.isfinite(low) and math.isfinite(high)
    return Activation(
        injective=False, onto=False, lipschitz=1, bounded=both, monotone=((low, high),)
    )


def _softshrink(by: float = 0.5) -> Activation | None:
    if by == 0:
        return IDENTITY
    if by < 0:
        return None
    return Activation(injective=False, onto=True, lipschitz=1, monotone=((by, INF), (-INF, -by)))


def _hardshrink(by: float = 0.5) -> Activation | None:
    if by == 0:
        return IDENTITY
    return Activation(injective=False, onto=False, smooth=False) if by > 0 else None


def _power(exponent: Any) -> Activation | None:
    if not isinstance(exponent, int | float) or exponent != int(exponent) or exponent < 1:
        return None
    if exponent == 1:
        return IDENTITY
    if exponent % 2:
        return Activation(injective=True, onto=True)
    return Activation(injective=False, onto=False, monotone=((0, INF), (-INF, 0)))


def _over(x: float) -> float:
    return math.nextafter(1 / x, INF)


HALF_TURN = 1.5707963267948966
"""Just below π/2."""

TABLE: dict[str, Callable[..., Activation | None]] = {
    "relu": lambda: RELU,
    "relu6": lambda: _clamp(0.0, 6.0),
    "hardtanh": lambda low=-1.0, high=1.0: _clamp(low, high),
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": lambda low: _clamp(low, None),
    "clamp_max": lambda high: _clamp(None, high),
    "leaky_relu": lambda slope=0.01: _leaky(slope),
    "elu": _elu,
    "celu": _celu,
    "selu": lambda: Activation(injective=True, onto=False, lipschitz=1.7581),
    "softplus": _softplus,
    "tanh": lambda: TANH,
    "sigmoid": lambda: Activation(injective=True, onto=False, lipschitz=0.25, bounded=True,
                                  positive=True),
    "softsign": lambda: Activation(injective=True, onto=False, lipschitz=1, bounded=True),
    "logsigmoid": lambda: Activation(injective=True, onto=False, lipschitz=1),
    "tanhshrink": lambda: Activation(injective=True, onto=True, lipschitz=1),
    "hardsigmoid": lambda: Activation(injective=False, onto=False, lipschitz=1 / 3, bounded=True,
                                      monotone=((-3, 3),)),
    "hardswish": lambda: Activation(injective=False, onto=False, lipschitz=1.5,
                                    monotone=((-1.5, INF),)),
    "silu": lambda: Activation(injective=False, onto=False, lipschitz=1.1,
                               monotone=((-1.278, INF), (-INF, -1.279))),
    "gelu": lambda **_: Activation(injective=False, onto=False, lipschitz=1.2,
                                   monotone=((-0.75, INF),)),
    "mish": lambda: Activation(injective=False, onto=False, lipschitz=1.1,
                               monotone=((-1.19, INF),)),
    "softshrink": _softshrink,
    "hardshrink": _hardshrink,
    "identity": lambda: IDENTITY,
    "neg": lambda: IDENTITY,
    "exp": lambda: Activation(injective=True, onto=False, positive=True),
    "expm1": lambda: Activation(injective=True, onto=False),
    "sinh": lambda: Activation(injective=True, onto=True, inverse=1),
    "cosh": lambda: Activation(injective=False, onto=False, monotone=((0, INF), (-INF, 0))),
    "asinh": lambda: Activation(injective=True, onto=True, lipschitz=1),
    "arcsinh": lambda: Activation(injective=True, onto=True, lipschitz=1),
    "atan": lambda: Activation(injective=True, onto=False, lipschitz=1, bounded=True),
    "arctan": lambda: Activation(injective=True, onto=False, lipschitz=1, bounded=True),
    "erf": lambda: Activation(injective=True, onto=False, lipschitz=1.13, bounded=True),
    "abs": lambda: Activation(injective=False, onto=False, lipschitz=1,
                              monotone=((0, INF), (-INF, 0))),
    "square": lambda: Activation(injective=False, onto=False, monotone=((0, INF), (-INF, 0))),
    "pow": _power,
    "sin": lambda: Activation(injective=False, onto=False, lipschitz=1, bounded=True,
                              monotone=((-HALF_TURN, HALF_TURN),)),
    "cos": lambda: Activation(injective=False, onto=False, lipschitz=1, bounded=True,
                              monotone=((0, 2 * HALF_TURN), (-2 * HALF_TURN, 0))),
    "sign": lambda: Activation(injective=False, onto=False, bounded=True, smooth=False),
    "floor": lambda: Activation(injective=False, onto=False, smooth=False),
    "ceil": lambda: Activation(injective=False, onto=False, smooth=False),
    "round": lambda: Activation(injective=False, onto=False, smooth=False),
}  # fmt: skip
"""By name, with the parameters that each takes. `TABLE[name](...)` is None where they are odd."""


def activation(name: str, *settings: Any, **named: Any) -> Activation | None:
    """The activation of a name and its parameters; None where there is none such."""
    make = TABLE.get(name)
    if make is None:
        return None
    try:
        return make(*settings, **named)
    except (TypeError, ValueError):
        return None


def merged(parts: Sequence[Activation]) -> Activation:
    """One activation with the properties that all have."""
    return Activation(
        injective=all(part.injective for part in parts),
        onto=all(part.onto for part in parts),
        lipschitz=max(part.lipschitz for part in parts),
        inverse=max(part.inverse for part in parts),
    )


def elementwise(what: str, rule: Activation, reach: Bounds | None) -> Facts:
    """The facts of an activation on all reals, or on the interval that reaches it."""
    injective, why = rule.injective, f"{what} is strictly monotone in each element"
    inverse = rule.inverse
    if not injective:
        why = f"{what} takes a value twice"
        for low, high in rule.monotone:
            if reach is not None and bool(((reach.low >= low) & (reach.high <= high)).all()):
                injective, why = True, f"{what} is strictly monotone on [{low:g}, {high:g}]"
                why += ", where all that reaches it lies"
                inverse = 1.0 if rule.relu else INF
    onto = f"{what} takes every real value" if rule.onto else f"{what} does not take every value"
    return Facts(
        what=what, injective=injective, surjective=rule.onto, why_injective=why,
        why_surjective=onto, lipschitz=rule.lipschitz, inverse=inverse,
        continuous=rule.smooth, locally_lipschitz=rule.smooth, bounded=rule.bounded,
        relu=rule.relu, positive=rule.positive, local=injective and not rule.injective,
    )  # fmt: skip
