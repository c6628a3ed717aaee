"""Where inputs live: bounds, names, units, and which of them are periodic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from preimage.arraylike import float64
from preimage.errors import InputError


@final
class Box:
    r"""A product of closed intervals, $\{x : low_i \le x_i \le high_i\}$.

    A periodic dimension is one where `low` and `high` are the same state, such as a joint that
    can turn all the way round. Solvers walk across that seam and answers are wrapped back.

    Args:
        low: The lower bounds, in the units of x: a number for one dimension, a sequence for more.
        high: The upper bounds, likewise.
        names: A name for each dimension, used in frames, plots and messages.
        units: A unit for each dimension, used in plots and messages.
        periodic: Whether each dimension is periodic; one value serves for all.

    Raises:
        InputError: If a bound is not finite, if `low >= high` somewhere, or if lengths differ.

    Example:
        >>> box = Box([0, -1], [1, 1], names=["time", "height"])
        >>> box
        Box(time: [0, 1], height: [-1, 1])
        >>> box.contains(torch.tensor([[0.5, 0.0], [0.5, 2.0]], dtype=torch.float64))
        tensor([ True, False])
    """

    low: Float64[Tensor, " p"]
    high: Float64[Tensor, " p"]
    names: tuple[str, ...]
    units: tuple[str, ...] | None
    periodic: Bool[Tensor, " p"]

    def __init__(
        self,
        low: float | Sequence[float] | Any,
        high: float | Sequence[float] | Any,
        names: str | Sequence[str] | None = None,
        *,
        units: str | Sequence[str] | None = None,
        periodic: bool | Sequence[bool] = False,
    ) -> None:
        self.low, self.high = _bounds(low, "low"), _bounds(high, "high")
        if len(self.low) != len(self.high):
            raise InputError(
                f"Box got {len(self.low)} lower and {len(self.high)} upper bounds; "
                "give one of each for every dimension."
            )
        for i, (a, b) in enumerate(zip(self.low.tolist(), self.high.tolist(), strict=True)):
            if not (math.isfinite(a) and math.isfinite(b)):
                raise InputError(
                    f"Box dimension {i} is [{a}, {b}]; bounds must be finite. Choose bounds wide "
                    "enough to hold every input that you would accept as an answer."
                )
            if a >= b:
                raise InputError(
                    f"Box dimension {i} is [{a:g}, {b:g}]; low must be smaller than high. "
                    "Swap them, or leave out an input that is constant."
                )
        self.names = _labels(names, len(self.low), "names") or tuple(
            ["x"] if len(self.low) == 1 else [f"x{i + 1}" for i in range(len(self.low))]
        )
        if len(set(self.names)) < len(self.names):
            raise InputError(f"Box names {list(self.names)} repeat; give each dimension its own.")
        self.units = _labels(units, len(self.low), "units")
        flags = [periodic] * len(self.low) if isinstance(periodic, bool) else list(periodic)
        if len(flags) != len(self.low):
            raise InputError(
                f"Box got {len(flags)} periodic flags for {len(self.low)} dimensions; "
                "give one for each, or a single True or False."
            )
        self.periodic = torch.tensor(flags, dtype=torch.bool)

    @property
    def dim(self) -> int:
        """The number of inputs, p."""
        return len(self.low)

    @property
    def width(self) -> Float64[Tensor, " p"]:
        """`high - low`, in the units of x."""
        return self.high - self.low

    @property
    def center(self) -> Float64[Tensor, " p"]:
        """The middle of the box, in the units of x."""
        return (self.low + self.high) / 2

    def contains(
        self, x: Float64[Tensor, "batch p"], slack: float = 1e-12
    ) -> Bool[Tensor, " batch"]:
        """Whether each point lies in the box, give or take `slack` box widths."""
        margin = slack * self.width
        return ((x >= self.low - margin) & (x <= self.high + margin)).all(dim=1)

    def clip(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch p"]:
        """The nearest point of the box, with periodic dimensions wrapped rather than cut."""
        wrapped = self.low + torch.remainder(x - self.low, self.width)
        cut = torch.minimum(torch.maximum(x, self.low), self.high)
        inside = (x >= self.low) & (x <= self.high)
        return torch.where(self.periodic & ~inside, wrapped, cut)

    def difference(
        self, a: Float64[Tensor, "*#batch p"], b: Float64[Tensor, "*#batch p"]
    ) -> Float64[Tensor, "*batch p"]:
        """`a - b` in box widths, the short way round in periodic dimensions."""
        step = (a - b) / self.width
        return torch.where(self.periodic, step - torch.round(step), step)

    def sobol(self, count: int, seed: int = 0) -> Float64[Tensor, "count p"]:
        """`count` low-discrepancy points (scrambled Sobol), the same for the same seed."""
        engine = torch.quasirandom.SobolEngine(self.dim, scramble=True, seed=seed)
        return self.low + self.width * engine.draw(count, dtype=torch.float64)

    def intersection(self, other: Box) -> Box:
        """The box common to both, with this box's names; periodic only where `other` spans all.

        Raises:
            InputError: If the boxes have no volume in common; choose a sub-box inside the domain.
        """
        if other.dim != self.dim:
            raise InputError(
                f"a box of {other.dim} dimensions was given for a domain of {self.dim}; "
                "give bounds for every input."
            )
        low, high = torch.maximum(self.low, other.low), torch.minimum(self.high, other.high)
        if bool((low >= high).any()):
            raise InputError(f"{other} and the domain {self} have no volume in common.")
        whole = (low == self.low) & (high == self.high)
        periodic = (self.periodic & whole).tolist()
        return Box(low, high, self.names, units=self.units, periodic=periodic)

    def to_config(self) -> dict[str, Any]:
        """The box as plain JSON values; `from_config` reads them back."""
        return {
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "names": list(self.names),
            "units": list(self.units) if self.units else None,
            "periodic": self.periodic.tolist(),
        }

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> Box:
        """The box that `to_config` described."""
        return Box(
            config["low"],
            config["high"],
            config["names"],
            units=config["units"],
            periodic=config["periodic"],
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self.to_config() == other.to_config()

    def __hash__(self) -> int:
        return hash((tuple(self.low.tolist()), tuple(self.high.tolist()), self.names))

    def __repr__(self) -> str:
        sides = zip(self.names, self.low.tolist(), self.high.tolist(), strict=True)
        return f"Box({', '.join(f'{name}: [{a:g}, {b:g}]' for name, a, b in sides)})"


def as_box(domain: Any) -> Box:
    """A `Box` from a `Box` or a `(low, high)` pair."""
    if isinstance(domain, Box):
        return domain
    if isinstance(domain, Sequence) and len(domain) == 2:
        return Box(domain[0], domain[1])
    raise InputError(
        f"a domain was expected and a {type(domain).__name__} was given; "
        "write preimage.Box(low, high), or a pair (low, high)."
    )


def _bounds(value: Any, role: str) -> Float64[Tensor, " p"]:
    try:
        bounds = float64(value).cpu().reshape(-1).clone()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"Box {role} must be a number or numbers, not {value!r}.") from error
    if len(bounds) == 0:
        raise InputError(f"Box {role} is empty; give a bound for every dimension.")
    return bounds


def _labels(value: str | Sequence[str] | None, dim: int, role: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    labels = (value,) if isinstance(value, str) else tuple(str(label) for label in value)
    if len(labels) != dim:
        raise InputError(f"Box got {len(labels)} {role} for {dim} dimensions; give one for each.")
    return labels
