"""Codes made better: descent on the difference between what a generator makes and what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from preimage.errors import InputError
from preimage.generators.degradations import Degradation
from preimage.generators.descents import Descent, QuasiNewton

if TYPE_CHECKING:
    from preimage.generators.generator import Generator


@final
@dataclass(frozen=True)
class Descended:
    """Where the codes ended, and how they came there.

    Attributes:
        z: The best codes found, `(n, *latent_shape)`.
        residual: The root mean square difference of an observed value there.
        calls: Calls of the generator, each forward and backward, that each row had.
        trace: The lowest residual after each call, `(most calls, n)`; rows that ended early stay.
    """

    z: Float[Tensor, "n ..."]
    residual: Float[Tensor, " n"]
    calls: Int64[Tensor, " n"]
    trace: Float[Tensor, "calls n"]


def refine(
    generator: Generator,
    z: Float[Tensor, "n ..."],
    target: Float[Tensor, "observations ..."],
    *,
    steps: int,
    degradation: Degradation | None = None,
    descent: Descent | None = None,
) -> Float[Tensor, "n ..."]:
    """Codes whose images are closer to the target than those of `z`, never farther.

    Args:
        generator: Makes the images.
        z: Where each starts, for instance at the code that an encoder gave.
        target: What was observed, one row each.
        steps: Calls of the generator, each forward and backward.
        degradation: What lies between image and observation; None where images were observed.
        descent: How the codes are moved; `QuasiNewton()` by default.

    Returns:
        Codes within the bounds of the prior.

    Raises:
        InputError: If the shapes do not fit, or there are no steps.

    Example:
        >>> from preimage.generators.generator import Generator
        >>> from preimage.generators.priors import Uniform
        >>> net = torch.nn.Sequential(
        ...     torch.nn.Linear(3, 64), torch.nn.Sigmoid(), torch.nn.Unflatten(1, (1, 8, 8))
        ... )
        >>> g = Generator(net, prior=Uniform(3))
        >>> z, images = g.sample(2, seed=1)
        >>> found = refine(g, torch.zeros(2, 3), images, steps=30)
        >>> bool((found - z).abs().max() < 1e-3)
        True
    """
    return descend(
        generator, z, target, calls=steps, degradation=degradation, descent=descent
    ).z  # fmt: skip


def descend(
    generator: Generator,
    z: Float[Tensor, "n ..."],
    target: Float[Tensor, "observations ..."],
    *,
    calls: int,
    degradation: Degradation | None = None,
    descent: Descent | None = None,
    enough: float = 0.0,
) -> Descended:
    r"""Lowers $\|A(G(z)) - y\|$ in each row, and says what it took.

    Where codes have a normal prior and the observation has noise of standard deviation s,
    $s^2 \|z\|^2$ is added to the square, as the most likely code wants it. A uniform prior asks for
    nothing but its bounds.

    Args:
        generator: Makes the images.
        z: Where each starts.
        target: What was observed, one row each.
        calls: The most calls of the generator a row, each forward and backward.
        degradation: What lies between image and observation; None where images were observed.
        descent: How the codes are moved; `QuasiNewton()` by default.
        enough: The residual at which a row may stop.

    Raises:
        InputError: If the shapes do not fit, or there are no calls.
    """
    if calls < 1:
        raise InputError(f"{calls} calls of the generator; give 1 or more.")
    misfit = Misfit(generator, target, degradation)
    misfit.check(z)
    n, shape = len(z), tuple(z.shape[1:])
    course = (descent or QuasiNewton()).begin(generator.prior, z.detach().flatten(1), shape)
    best, residual = course.z.clone(), torch.full((n,), torch.inf, device=z.device)
    used, trace = torch.zeros(n, dtype=torch.int64), []
    row = torch.arange(n, device=z.device)
    for _ in range(calls if n else 0):
        trial = course.propose()
        value, slope = misfit.linearize(trial.unflatten(1, shape), row)
        course.learn(value, slope.flatten(1))
        used[row.cpu()] += 1
        best[row] = course.z
        residual[row] = misfit.residual(course.value, course.z)
        trace.append(residual.clone())
        over = residual[row] <= enough
        if bool(over.any()):
            row = row[~over]
            course.keep(~over)
        if not len(row):
            break
    return Descended(
        best.unflatten(1, shape),
        residual,
        used,
        torch.stack(trace) if trace else residual[None],
    )


@final
class Misfit:
    r"""Half of the squared difference of each row, $\frac12 \|A(G(z)) - y\|^2$, with its gradient.

    Args:
        generator: Makes the images.
        target: What was observed, one row each.
        degradation: What lies between; None for nothing.
    """

    def __init__(
        self, generator: Generator, target: Tensor, degradation: Degradation | None = None
    ) -> None:
        self._generator = generator
        self._target = target.to(generator.device)
        self._forward: Callable[[Tensor], Tensor] = degradation or (lambda images: images)
        noise = 0.0 if degradation is None else degradation.noise
        bounded = _bounded(generator)
        self._weight = 0.0 if bounded else noise**2

    def check(self, z: Tensor) -> None:
        """Complains about codes and observations that do not fit.

        Raises:
            InputError: The message says what does not.
        """
        generator = self._generator
        if tuple(z.shape[1:]) != generator.latent_shape or len(z) != len(self._target):
            raise InputError(
                f"there are codes of shape {tuple(z.shape)} and {len(self._target)} observations; "
                f"the generator takes (n, {', '.join(map(str, generator.latent_shape))}), one code "
                "for each observation."
            )
        if not bool(self._target.isfinite().all()):
            raise InputError("what was observed holds values that are not finite; leave them out.")
        if len(z):
            with torch.no_grad():
                made = self._forward(generator(z[:1]))
            if made.shape[1:] != self._target.shape[1:]:
                raise InputError(
                    f"what was observed has shape {tuple(self._target.shape[1:])}, and the "
                    f"generator's images lead to {tuple(made.shape[1:])}; give observations of "
                    "that shape."
                )

    def linearize(
        self, z: Float[Tensor, "rows ..."], row: Int64[Tensor, " rows"]
    ) -> tuple[Float[Tensor, " rows"], Float[Tensor, "rows ..."]]:
        """Values and gradients: one call of the generator, forward and backward."""
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            apart = self._forward(self._generator(z)) - self._target[row]
            value = 0.5 * apart.flatten(1).square().sum(dim=1)
            value = value + 0.5 * self._weight * z.flatten(1).square().sum(dim=1)
            (gradient,) = torch.autograd.grad(value.sum(), z)
        # What is not finite is worse than anything, and moves nothing.
        return value.detach().nan_to_num(nan=torch.inf), gradient.nan_to_num(0.0, 0.0, 0.0)

    def residual(
        self, value: Float[Tensor, " rows"], z: Float[Tensor, "rows p"]
    ) -> Float[Tensor, " rows"]:
        """The root mean square difference of an observed value, from the value of the misfit."""
        square = 2 * value - self._weight * z.square().sum(dim=1)
        return (square.clamp(min=0) / self._target[0].numel()).sqrt()


def _bounded(generator: Generator) -> bool:
    """Whether codes have bounds."""
    far = torch.full((1, *generator.latent_shape), 1e6)
    return bool((generator.prior.clamp(far) < far).any())
