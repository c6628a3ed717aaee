"""What is given to `check`, made ready: a copy in float64, of the shape of the domain."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, cast

from torch import fx, nn

from preimage.errors import InputError
from preimage.function import Function
from preimage.verdicts.programs import SAMPLE


def prepared(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The callable, or a copy of the module in float64, which is exact."""
    if isinstance(f, Function):
        return f.fn
    if isinstance(f, nn.Module):
        return copied(f).double()
    return f


def shaped(f: Callable[[Any], Any], shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """A program whose samples have the shape of the domain.

    Raises:
        InputError: If they have another number of dimensions.
    """
    wanted = f.meta.get(SAMPLE) if isinstance(f, fx.GraphModule) else None
    if wanted is None or wanted == shape:
        return f
    if len(shape) == 1 and shape[0] == math.prod(wanted):
        return nn.Sequential(nn.Unflatten(1, wanted), cast(nn.Module, f))
    raise InputError(
        f"the program takes samples of shape {wanted} and the domain has {shape}; give "
        f"Reals({wanted}), or a box of {math.prod(wanted)} dimensions."
    )


def copied(module: nn.Module) -> nn.Module:
    """A copy on the CPU, in the mode and the type that the module is in.

    Raises:
        InputError: If it cannot be copied.
    """
    try:
        return copy.deepcopy(module).cpu().requires_grad_(False)
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"the {type(module).__name__} cannot be copied ({error}). Run it once if it has lazy "
            "layers, or remove the old torch.nn.utils.weight_norm and give a function of a batch."
        ) from error
