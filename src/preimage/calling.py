"""How a user's callable is called, and what it returned is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.arraylike import float64, forwards
from preimage.errors import InputError


class Derivatives(Enum):
    """Where the derivatives of a function come from."""

    ANALYTIC = "analytic"
    AUTODIFF = "autodiff"
    FINITE_DIFFERENCES = "finite differences"


class Takes(Enum):
    """What a callable wants a batch to be."""

    TENSOR = "a tensor"
    ARRAY = "a NumPy array"


@final
@dataclass(frozen=True)
class Answer:
    """What a callable gave when it was first called.

    Attributes:
        takes: What it was given.
        derivatives: Where its derivatives would come from.
        y: The outputs.
        precision: The spacing of the floating-point numbers among them.
    """

    takes: Takes
    derivatives: Derivatives
    y: Float64[Tensor, "batch q"]
    precision: float


def argument(x: Float64[Tensor, "batch p"], takes: Takes) -> Any:
    """A batch as a callable wants it."""
    # A copy, so that a function that writes into its argument cannot change ours.
    copy = x.detach().clone()
    return copy.numpy() if takes is Takes.ARRAY else copy


def as_rows(y: Any, rows: int) -> Float64[Tensor, "batch q"]:
    """What a callable returned as `(rows, q)` float64, or an error that says what it was."""
    tensor = y if isinstance(y, Tensor) else float64(y)
    tensor = tensor.to(torch.float64)
    if tensor.ndim == 1:
        tensor = tensor[:, None]
    if tensor.ndim != 2 or tensor.shape[0] != rows or tensor.shape[1] == 0:
        raise InputError(
            f"the function returned shape {tuple(np.shape(y))} for a batch of {rows} rows; "
            f"it must return ({rows}, outputs) or ({rows},)"
        )
    return tensor


def outputs_and_jacobian(
    call: Callable[[Any], tuple[Any, Any]], x: Tensor, takes: Takes
) -> tuple[Tensor, Tensor]:
    """What a callable of both returned, without gradients."""
    with np.errstate(all="ignore"):
        y, jacobian = call(argument(x, takes))
    return as_rows(y, len(x)).detach(), float64(jacobian)


def nan_unless_finite(y: Float64[Tensor, "batch q"]) -> tuple[Float64[Tensor, "batch q"], int]:
    """NaN throughout the rows that are not finite throughout, and how many they are."""
    # One sum tells quickly that all is well, which it nearly always is.
    if math.isfinite(float(y.sum())):
        return y, 0
    usable = y.isfinite().all(dim=1, keepdim=True)
    return y.where(usable, torch.nan), int((~usable).sum())


def check_outputs(y: Tensor, q: int) -> None:
    """Complains about another number of outputs than before."""
    if y.shape[1] != q:
        raise InputError(
            f"the function returned {y.shape[1]} outputs where it had {q}; it must return as many "
            "for every x, and NaN where it is not defined."
        )


def check_jacobian(jacobian: Tensor, x: Tensor, m: int) -> None:
    """Complains about a Jacobian of another shape than `(batch, m, p)`."""
    wanted = (len(x), m, x.shape[1])
    if tuple(jacobian.shape) != wanted:
        raise InputError(
            f"the jacobian returned shape {tuple(jacobian.shape)} for an input of shape "
            f"{tuple(x.shape)}; it must return (batch, outputs, inputs) = {wanted}."
        )


def _precision(y: Any) -> float:
    dtype = y.dtype if isinstance(y, Tensor) else torch.as_tensor(forwards(np.asarray(y))).dtype
    return torch.finfo(dtype if dtype.is_floating_point else torch.float64).eps


def ask_for_gradient(fn: Callable[[Any], Any], x: Tensor) -> Answer:
    """Calls with a tensor that carries a gradient, as automatic differentiation does."""
    with torch.enable_grad():
        raw = fn(x.detach().clone().requires_grad_())
    if not isinstance(raw, Tensor):
        raise InputError(f"a {type(raw).__name__} came back for a tensor")
    y = as_rows(raw, len(x))
    known = Derivatives.AUTODIFF if y.requires_grad else Derivatives.FINITE_DIFFERENCES
    return Answer(Takes.TENSOR, known, y.detach(), _precision(raw))


def ask_array(fn: Callable[[Any], Any], x: Tensor) -> Answer:
    """Calls with a NumPy array."""
    with np.errstate(all="ignore"):
        raw = fn(x.clone().numpy())
    rows = as_rows(raw, len(x))
    return Answer(Takes.ARRAY, Derivatives.FINITE_DIFFERENCES, rows, _precision(raw))


def ask_tensor(fn: Callable[[Any], Any], x: Tensor) -> Answer:
    """Calls with a plain tensor."""
    with torch.no_grad():
        raw = fn(x.clone())
    rows = as_rows(raw, len(x))
    return Answer(Takes.TENSOR, Derivatives.FINITE_DIFFERENCES, rows, _precision(raw))


def succeeds(fn: Callable[[Any], Any], x: Any, rows: int) -> bool:
    """Whether a callable gives so many rows."""
    try:
        with np.errstate(all="ignore"):
            as_rows(fn(x), rows)
    except Exception:  # noqa: BLE001 - it is the user's code, and may raise anything
        return False
    return True
