"""The forward map: a callable on a batch, its domain, and the best derivative at hand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.arraylike import float64
from preimage.calling import (
    Derivatives,
    Takes,
    argument,
    as_rows,
    ask_array,
    ask_for_gradient,
    ask_tensor,
    check_jacobian,
    check_outputs,
    nan_unless_finite,
    outputs_and_jacobian,
    succeeds,
)
from preimage.domain import Box, as_box
from preimage.errors import FunctionError, InputError
from preimage.space import EUCLIDEAN, OutputSpace

PROBES = 16
"""How many points of the domain are tried to find out what a callable takes and returns."""


@final
@dataclass(frozen=True, kw_only=True)
class _Probed:
    """What a callable takes, where derivatives come from, and how many numbers there are."""

    takes: Takes
    derivatives: Derivatives
    outputs: int
    differences: int
    lifted: int
    precision: float


@final
class Function:
    r"""A forward map $f: \text{domain} \subset \mathbb{R}^p \to \mathbb{R}^q$, row by row.

    How to call `fn`, and how to differentiate it, is found by calling it: a tensor that carries
    a gradient means automatic differentiation; a tensor without one, or a NumPy array, means
    central differences. Rows are independent: row i of the output depends on row i of the input.

    Points where `fn` raises, returns NaN or infinity, or returns the wrong number of rows are
    left out and counted in `excluded`; they are never answers.

    Args:
        fn: A callable on a batch `(batch, p)` of float64 (a tensor, or a NumPy array) that returns
            `(batch, q)`, or `(batch,)` for one output.
        domain: Where inputs live.
        jacobian: A callable `(batch, p) -> (batch, m, p)` with the derivatives
            $\partial f_i / \partial x_j$, if you have it; the fastest and most exact choice.
        outputs: A name for each output.
        space: How outputs differ. With a space of its own, the Jacobian of a function is the
            derivative of the m numbers $\operatorname{difference}(f(x'), f(x))$ by $x'$ at
            $x' = x$; for rotations, the geometric Jacobian.
        linearized: A callable `(batch, p) -> ((batch, q), (batch, m, p))` with outputs and
            Jacobian in one pass, instead of `jacobian` where both share work.
        lifted: The same with the outputs as their space lifts them (`OutputSpace.lift`), instead
            of `linearized` where that form is the cheaper one.

    Raises:
        InputError: If `fn` cannot be called, or if more than one of `jacobian`, `linearized` and
            `lifted` is given; leave the slower ones out.

    Example:
        >>> f = Function(lambda x: x**3 - x, Box(-2, 2))
        >>> f(torch.tensor([[2.0]], dtype=torch.float64))
        tensor([[6.]], dtype=torch.float64)
        >>> f.derivatives
        <Derivatives.AUTODIFF: 'autodiff'>
        >>> Function(np.sin, Box(0, 1)).derivatives.value
        'finite differences'
    """

    def __init__(
        self,
        fn: Callable[[Any], Any],
        domain: Box | tuple[Any, Any],
        jacobian: Callable[[Any], Any] | None = None,
        *,
        outputs: Sequence[str] | None = None,
        space: OutputSpace = EUCLIDEAN,
        linearized: Callable[[Any], tuple[Any, Any]] | None = None,
        lifted: Callable[[Any], tuple[Any, Any]] | None = None,
    ) -> None:
        if not callable(fn):
            raise InputError(f"a function was expected and {fn!r} was given.")
        given = {"jacobian=": jacobian, "linearized=": linearized, "lifted=": lifted}
        names = [name for name, one in given.items() if one is not None]
        if len(names) > 1:
            raise InputError(
                f"{' and '.join(names)} were both given; {names[-1]} gives the Jacobian too, so "
                f"leave {' and '.join(names[:-1])} out."
            )
        self.fn = fn
        self.domain = as_box(domain)
        self.jacobian = jacobian
        self.linearized = linearized
        self.lifted = lifted
        self.space = space
        self.outputs = tuple(outputs) if outputs is not None else None
        self.evaluations = 0
        self.excluded = 0

    @property
    def derivatives(self) -> Derivatives:
        """Where derivatives come from; the first use calls the function on a few points."""
        return self._probed.derivatives

    @property
    def output_dim(self) -> int:
        """The number of outputs, q; the first use calls the function on a few points."""
        return self._probed.outputs

    @property
    def difference_dim(self) -> int:
        """How many numbers the difference of two outputs has, m; the outputs, save in a space."""
        return self._probed.differences

    @property
    def precision(self) -> float:
        """The spacing of the floating-point numbers that the function returns."""
        return self._probed.precision

    def on(self, domain: Box) -> Function:
        """The same function on another domain, with counts of its own."""
        return Function(
            self.fn, domain, self.jacobian,
            outputs=self.outputs, space=self.space,
            linearized=self.linearized, lifted=self.lifted,
        )  # fmt: skip

    def __call__(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """f(x), with NaN in the rows where the function gave nothing usable."""
        with torch.no_grad():
            y = self._rows(x)
        self.evaluations += len(x)
        return y

    def linearize(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, "batch q"], Float64[Tensor, "batch m p"]]:
        """f(x) and its Jacobian, with NaN in the rows where the function gave nothing usable."""
        if self.lifted is not None:
            lifted, jacobian = self.linearize_lifted(x)
            return self.space.lower(lifted), jacobian
        if self.linearized is not None:
            return self._one_pass(self.linearized, x, self.output_dim)
        if self.derivatives is Derivatives.ANALYTIC:
            return self(x), self._supplied_jacobian(x)
        if self.derivatives is Derivatives.AUTODIFF:
            with contextlib.suppress(Exception):
                return self._autodiff(x)
        # A batch that raises as a whole is differentiated from the rows that can be evaluated.
        return self._central_differences(x)

    def linearize_lifted(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, "batch l"], Float64[Tensor, "batch m p"]]:
        """As `linearize`, with f(x) as its space lifts it."""
        if self.lifted is not None:
            return self._one_pass(self.lifted, x, self._probed.lifted)
        y, jacobian = self.linearize(x)
        return self.space.lift(y), jacobian

    def _autodiff(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, "batch q"], Float64[Tensor, "batch m p"]]:
        """One backward pass per output serves the whole batch, since rows are independent."""
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            y = as_rows(self.fn(leaf), len(x))
            change = self.space.difference(y, y.detach())
            gradients = [
                torch.autograd.grad(column.sum(), leaf, retain_graph=True, allow_unused=True)[0]
                for column in change.unbind(dim=1)
            ]
        zeros = torch.zeros_like(x)
        slope = torch.stack([zeros if g is None else g for g in gradients], dim=1)
        return self._counted(y.detach()), slope

    def _central_differences(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, "batch q"], Float64[Tensor, "batch m p"]]:
        """Steps of the cube root of the precision, shortened at the edge of the domain."""
        y = self(x)
        box = self.domain
        columns = []
        for j, step in enumerate((self.precision ** (1 / 3) * box.width).tolist()):
            above, below = x.clone(), x.clone()
            above[:, j] += step
            below[:, j] -= step
            if not bool(box.periodic[j]):
                above[:, j].clamp_(max=float(box.high[j]))
                below[:, j].clamp_(min=float(box.low[j]))
            y_above, y_below = self(above), self(below)
            # A neighbour outside the function's own domain leaves a one-sided difference.
            lost_above, lost_below = y_above.isnan(), y_below.isnan()
            y_above, y_below = y_above.where(~lost_above, y), y_below.where(~lost_below, y)
            span = (
                above[:, j].where(~lost_above[:, 0], x[:, j])
                - below[:, j].where(~lost_below[:, 0], x[:, j])
            )  # fmt: skip
            # Both differences are from y, where the Jacobian of a space is defined.
            change = self.space.difference(y_above, y) - self.space.difference(y_below, y)
            columns.append(change / span[:, None])
        return y, torch.stack(columns, dim=2)

    def _supplied_jacobian(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch m p"]:
        """The user's Jacobian, halving a batch that fails until the failing rows stand alone."""
        takes, m = self._probed.takes, self.difference_dim
        try:
            jacobian = self._call_jacobian(x, takes)
        except Exception:  # noqa: BLE001 - it is the user's code, and may raise anything
            if len(x) <= 1:
                return x.new_full((len(x), m, x.shape[1]), torch.nan)
            half = len(x) // 2
            parts = (self._supplied_jacobian(part) for part in (x[:half], x[half:]))
            return torch.cat(list(parts))
        check_jacobian(jacobian, x, m)
        return jacobian

    def _one_pass(
        self, call: Callable[[Any], tuple[Any, Any]], x: Float64[Tensor, "batch p"], width: int
    ) -> tuple[Float64[Tensor, "batch _"], Float64[Tensor, "batch m p"]]:
        """The user's outputs and Jacobian, halving a batch that fails likewise."""
        takes, m = self._probed.takes, self.difference_dim
        try:
            y, jacobian = outputs_and_jacobian(call, x, takes)
        except Exception:  # noqa: BLE001 - likewise
            if len(x) <= 1:
                self.evaluations += len(x)
                self.excluded += len(x)
                nothing = x.new_full((len(x), width), torch.nan)
                return nothing, x.new_full((len(x), m, x.shape[1]), torch.nan)
            half = len(x) // 2
            parts = [self._one_pass(call, part, width) for part in (x[:half], x[half:])]
            return torch.cat([y for y, _ in parts]), torch.cat([slope for _, slope in parts])
        check_outputs(y, width)
        check_jacobian(jacobian, x, m)
        return self._counted(y), jacobian

    def _call_jacobian(self, x: Tensor, takes: Takes) -> Tensor:
        with np.errstate(all="ignore"):
            return float64(self.jacobian(argument(x, takes)))  # pyright: ignore[reportOptionalCall]

    def _try_derivatives(self, x: Tensor, takes: Takes, y: Tensor, m: int) -> None:
        """A first call of the user's derivatives, whose failure is an error rather than a gap."""
        if len(x) == 0:
            return
        one_pass, wanted, difference = self.linearized, y, self.space.difference
        name, shapes = "linearized", f"{(len(x), m, x.shape[1])}"
        if self.lifted is not None:
            one_pass, wanted, difference = self.lifted, self.space.lift(y), self.space.gap
            name = "lifted"
        if one_pass is None:
            name = "jacobian"
        else:
            shapes = f"a pair of shapes {tuple(wanted.shape)} and {shapes}"
        try:
            if one_pass is None:
                again, jacobian = wanted, self._call_jacobian(x, takes)
            else:
                again, jacobian = outputs_and_jacobian(one_pass, x, takes)
        except Exception as error:
            raise FunctionError(
                f"the {name} failed where the function is defined ({type(error).__name__}: "
                f"{error}). It is called with a batch {tuple(x.shape)} of the same kind as the "
                f"function, and must return {shapes}; or leave it out."
            ) from error
        check_outputs(again, wanted.shape[1])
        check_jacobian(jacobian, x, m)
        if bool((difference(again, wanted).norm(dim=1) > 1e-3 * (1 + y.norm(dim=1))).any()):
            raise FunctionError(
                f"{name} gives other outputs than the function: {again[0].tolist()} where the "
                f"function gives {wanted[0].tolist()}, at x = {x[0].tolist()}. Both must be the "
                "same."
            )

    def _counted(self, y: Float64[Tensor, "batch q"]) -> Float64[Tensor, "batch q"]:
        """Outputs that have been called for, with NaN throughout rows that are not usable."""
        self.evaluations += len(y)
        y, lost = nan_unless_finite(y)
        self.excluded += lost
        return y

    def _rows(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """f(x), halving a batch that fails until the failing rows stand alone."""
        takes, q = self._probed.takes, self.output_dim
        try:
            with np.errstate(all="ignore"):
                y = as_rows(self.fn(argument(x, takes)), len(x))
        except Exception:  # noqa: BLE001 - likewise
            if len(x) <= 1:
                self.excluded += len(x)
                return x.new_full((len(x), q), torch.nan)
            half = len(x) // 2
            return torch.cat([self._rows(x[:half]), self._rows(x[half:])])
        check_outputs(y, q)
        y, lost = nan_unless_finite(y)
        self.excluded += lost
        return y

    def _takes_batches(self, takes: Takes, points: Float64[Tensor, "batch p"]) -> bool:
        """Whether points that work one by one also work together."""
        alone = [one for one in points.split(1) if succeeds(self.fn, argument(one, takes), 1)]
        together = torch.cat(alone)
        return succeeds(self.fn, argument(together, takes), len(together))

    @cached_property
    def _probed(self) -> _Probed:
        """What the callable takes and returns, found by calling it on a few points."""
        points = torch.cat([self.domain.center[None], self.domain.sobol(PROBES - 1)])
        failures: list[str] = []
        for batch in (points, *points.split(1)):
            for ask in (ask_for_gradient, ask_array, ask_tensor):
                try:
                    answer = ask(self.fn, batch)
                except Exception as error:  # noqa: BLE001 - likewise
                    failures.append(f"{type(error).__name__}: {error}")
                    continue
                takes, derivatives, y = answer.takes, answer.derivatives, answer.y
                if len(batch) == 1 and not self._takes_batches(takes, points):
                    continue
                m = self.space.difference(y, y).shape[1]
                if any(one is not None for one in (self.jacobian, self.linearized, self.lifted)):
                    usable = y.isfinite().all(dim=1)
                    self._try_derivatives(batch[usable], takes, y[usable], m)
                    derivatives = Derivatives.ANALYTIC
                return _Probed(
                    takes=takes,
                    derivatives=derivatives,
                    outputs=y.shape[1],
                    differences=m,
                    lifted=self.space.lift(y).shape[1],
                    precision=answer.precision,
                )
        raise FunctionError(
            f"the function failed on every one of {PROBES} points of {self.domain}. It must take "
            f"a batch of shape (batch, {self.domain.dim}) and return (batch, outputs) or (batch,). "
            f"With a tensor: {failures[0]}. With a NumPy array: {failures[1]}. "
            "Check the bounds, and that it computes on whole batches; a float32 network "
            "needs .double()."
        )


def as_function(function: Any, domain: Any = None) -> Function:
    """A `Function` from a `Function`, or from a callable and its domain."""
    if isinstance(function, Function):
        if domain is not None:
            raise InputError(
                "a domain was given beside a Function that has its own; leave it out, and use "
                "within= to search a part of it."
            )
        return function
    if domain is None:
        raise InputError(
            "a plain callable needs a domain to search: write "
            "preimage.invert(f, y, preimage.Box(low, high))."
        )
    return Function(function, domain)
