"""The function under examination: called on copies, in float64, and watched for misbehaviour."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor, nn

from preimage.domain import Box
from preimage.errors import FunctionError, InputError, PreimageError
from preimage.intervals.enclosure import Enclosure
from preimage.intervals.failures import UnsupportedOperation, partial
from preimage.intervals.first_order import checked, nowhere_defined, values
from preimage.runtime import generator
from preimage.verdicts.domains import Domain, Finite, Reals
from preimage.verdicts.lifting import lifted
from preimage.verdicts.preparing import copied, prepared, shaped
from preimage.verdicts.programs import is_program, program_of

SPREADS = (1.0, 0.1, 10.0)
"""On all real vectors, points are drawn from normal distributions of these widths."""

ROWS = 4
"""How many points are tried to learn what the function takes and returns."""


def touched(module: nn.Module) -> bool:
    """Whether a module does more than its class says: by hooks, or a forward of its own."""
    hooks = module._forward_hooks or module._forward_pre_hooks
    return bool(hooks) or "forward" in vars(module)


class NotAFunction(Exception):
    """The callable is no function of one sample on the domain; the message says why."""

    def __init__(self, reason: str, rule: str, witness: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.rule = rule
        self.witness = witness or {}


@final
class Subject:
    """A callable on batches as a map between flat float64 vectors.

    Modules are copied to the CPU and to float64, which is exact, and stay in the mode that they
    are in.

    Attributes:
        call: The callable, or the copy of the module.
        shape: The shape of one sample.
        dim: How many numbers a sample has.
        discrete: Whether outputs are whole numbers or booleans.
        output_dim: How many numbers an output has.
        notes: What was noticed that is no reason to stop.
    """

    def __init__(self, f: Any, domain: Domain, seed: int) -> None:
        if is_program(f):
            f = lifted(program_of(f))
        if not callable(f):
            raise InputError(f"a function was expected and a {type(f).__name__} was given.")
        self.domain = domain
        self.shape = (domain.dim,) if isinstance(domain, Box) else domain.shape
        self.call = prepared(shaped(f, self.shape))
        self.dim = max(1, int(torch.Size(self.shape).numel()))
        self.seed = seed
        self.original = f
        self.dtype = torch.float64
        self.discrete = False
        self.output_dim = 0
        self.notes: list[str] = []
        self._coarse = False

    def __call__(self, x: Any) -> Any:
        """The outputs, `(batch, q)`, of inputs `(batch, p)`: tensors, or enclosures."""
        if isinstance(x, Enclosure):
            if not self._encloses:
                raise UnsupportedOperation("the function does not compute with intervals.")
            return self._enclosed(x)
        return self.raw(x).flatten(1)

    def _enclosed(self, x: Enclosure) -> Any:
        y = self.call(x if len(self.shape) == 1 else x.reshape(len(x), *self.shape))
        return y.flatten(1) if isinstance(y, Tensor) and y.ndim > 2 else y

    @cached_property
    def _encloses(self) -> bool:
        """Whether enclosures of points hold what the function gives there.

        A function may tell tensors from their stand-ins, and do something else to each.
        """
        x = self.points(8, salt=13)
        try:
            with partial():
                found = values(self._enclosed, checked(x, x))
        except PreimageError:
            return True
        wanted = self.raw(x)
        slack = self._slack * (1 + wanted.abs())
        held = (found.low - slack <= wanted) & (wanted <= found.high + slack)
        return bool((held | ~wanted.isfinite()).all())

    @property
    def _slack(self) -> float:
        """How far two ways to compute the same may differ, relative to its size."""
        return 1e-6 if self.dtype is torch.float64 and not self._coarse else 1e-2

    def agrees(self, given: Tensor, wanted: Tensor) -> bool:
        """Whether two batches of outputs are the same but for rounding."""
        if given.shape != wanted.shape:
            return False
        size = wanted.abs().nan_to_num(nan=0.0, posinf=0.0).amax(dim=1, keepdim=True)
        close = (given - wanted).abs() <= self._slack * (1 + size)
        return bool((close | ~wanted.isfinite()).all())

    def raw(self, x: Tensor) -> Tensor:
        """The outputs as float64, with at least two dimensions."""
        with torch.no_grad():
            y = self.call(x.reshape(len(x), *self.shape).to(self.dtype, copy=True))
        y = _tensor(y, len(x))
        return y.double().reshape(len(x), -1)

    def points(self, count: int, salt: int = 0) -> Tensor:
        """`count` points of the interior of the domain, the same for the same seed."""
        if isinstance(self.domain, Box):
            return self.domain.sobol(count, self.seed + salt)
        source = generator(self.seed + salt)
        x = torch.randn(count, self.dim, generator=source, dtype=torch.float64)
        spread = torch.tensor(SPREADS, dtype=torch.float64)
        return x * spread[torch.arange(count) % len(SPREADS)][:, None]

    def linearize(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and Jacobians by automatic differentiation, `(batch, q)` and `(batch, q, p)`."""
        x = x.detach().clone().requires_grad_()
        with torch.enable_grad():
            y = _tensor(self.call(x.reshape(len(x), *self.shape).to(self.dtype)), len(x)).flatten(1)
            total = y.sum(dim=0)
            rows = [
                torch.autograd.grad(one, x, retain_graph=True, allow_unused=True)[0]
                for one in total
            ]
        filled = [torch.zeros_like(x) if row is None else row for row in rows]
        return y.detach().double(), torch.stack(filled, dim=1).double()

    def examine(self) -> None:
        """Finds out what the callable returns, and whether it is a function of one sample.

        Raises:
            NotAFunction: If it is none.
            FunctionError: If it fails everywhere.
            InputError: If it returns something of another kind.
        """
        x = self._first_points()
        first = self._called(x)
        self.discrete = not first.dtype.is_floating_point
        self._coarse = first.dtype in (torch.float32, torch.float16, torch.bfloat16)
        self.output_dim = first[0].numel()
        again = self._called(x)
        if first.shape != again.shape or not torch.equal(
            first.nan_to_num(nan=0.5) if not self.discrete else first,
            again.nan_to_num(nan=0.5) if not self.discrete else again,
        ):
            raise NotAFunction(
                "Two calls with the same input gave different outputs: it draws random numbers or "
                "keeps a state.", "two calls",
            )  # fmt: skip
        self._check_rows(x, first)
        if not self.discrete:
            self._check_defined(x, first.reshape(len(x), -1).double())

    def _first_points(self) -> Tensor:
        if isinstance(self.domain, Finite):
            return self.domain.values[:64]
        x = self.points(16)
        if isinstance(self.domain, Reals):
            few = x[: ROWS if self.dim <= 512 else 2]
            return torch.cat([torch.zeros(1, self.dim, dtype=torch.float64), few])
        box = self.domain
        return torch.cat([torch.stack([box.center, box.low, box.high]), x])

    def _called(self, x: Tensor) -> Tensor:
        given = x.reshape(len(x), *self.shape)
        real = given.dtype.is_floating_point
        given = given.to(self.dtype, copy=True) if real else given.clone()
        before = given.clone()
        try:
            with torch.no_grad():
                y = self.call(given)
        except Exception as error:
            if self.dtype is torch.float64 and _about_types(error):
                self.dtype = torch.float32
                if isinstance(self.original, nn.Module):
                    # Modules that choose a type inside keep the one that they were given in.
                    self.call = copied(self.original)
                return self._called(x)
            self._find_failure(x, error)
            raise FunctionError(
                f"the function failed on a batch of shape {tuple(given.shape)} "
                f"({type(error).__name__}: {error}). It must take a batch of samples of shape "
                f"{self.shape}."
            ) from error
        if not torch.equal(before, given) and not self.notes:
            self.notes.append("Note: the function writes into its input; it was given copies.")
        return _tensor(y, len(x))

    def _find_failure(self, x: Tensor, error: Exception) -> None:
        """Tells a function that fails at some points from one that cannot be called at all."""
        failed, good = [], 0
        for row in x:
            try:
                with torch.no_grad():
                    given = row.reshape(1, *self.shape)
                    self.call(given.to(self.dtype) if given.dtype.is_floating_point else given)
                good += 1
            except Exception:  # noqa: BLE001 - whatever a user's function raises
                failed.append(row)
        if good and failed:
            raise NotAFunction(
                f"It raises {type(error).__name__} ({error}) at a point of the domain.",
                "undefined at a point", {"x": failed[0].tolist()},
            )  # fmt: skip

    def _check_rows(self, x: Tensor, y: Tensor) -> None:
        if len(x) < 3:
            return
        # The first rows alone, and all of them the other way round.
        part = torch.cat([self._called(x[:2]), self._called(x.flip(0)).flip(0)])
        y = torch.cat([y[:2], y])
        slack = 1e-7 if self.dtype is torch.float64 else 1e-3
        if y.dtype is torch.float32 or y.dtype is torch.float16:
            slack = 1e-2
        one, other = part.double(), y.double()
        size = other.abs().amax().nan_to_num(nan=1.0).clamp(min=1.0, max=1e300)
        if not torch.allclose(one, other, rtol=slack, atol=float(slack * size), equal_nan=True):
            raise NotAFunction(
                "What it gives for one sample depends on the others in the batch, as with batch "
                "normalisation in training mode.", "rows of a batch",
            )  # fmt: skip

    def _check_defined(self, x: Tensor, y: Tensor) -> None:
        """Undefined points, told from overflow by the rules for intervals."""
        for row in (~y.isfinite()).any(dim=1).nonzero()[:4, 0].tolist():
            point = x[row : row + 1]
            with contextlib.suppress(UnsupportedOperation):
                if bool(nowhere_defined(self, checked(point, point)).any()):
                    raise NotAFunction(
                        "It is not defined at a point of the domain.", "undefined at a point",
                        {"x": point[0].tolist()},
                    )  # fmt: skip
            self.notes.append(f"Note: the function returns NaN or infinity at {point[0].tolist()}.")
            return


def _about_types(error: Exception) -> bool:
    message = str(error).lower()
    return "dtype" in message or "double" in message or "scalar type" in message


def _tensor(y: Any, rows: int) -> Tensor:
    if not isinstance(y, Tensor):
        y = _from_array(y)
    if y.is_complex():
        raise InputError("the function returns complex numbers; return real and imaginary parts.")
    if y.ndim == 0 or len(y) != rows:
        raise InputError(
            f"the function returned shape {tuple(y.shape)} for a batch of {rows}; it must return "
            "one output for each sample, in order."
        )
    return y.unsqueeze(1) if y.ndim == 1 else y


def _from_array(y: Any) -> Tensor:
    import numpy as np

    if isinstance(y, np.ndarray) and y.dtype.kind in "fiub":
        return torch.as_tensor(y)
    raise InputError(f"the function returned a {type(y).__name__}; it must return a tensor.")
