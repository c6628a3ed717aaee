"""What every function learned from measurements can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.domain import Box
from preimage.errors import DataError, InputError
from preimage.function import Function


class Surrogate(ABC):
    r"""A forward function $\hat f: \mathbb R^p \to \mathbb R^q$ learned from noisy measurements.

    Everything is float64 on the CPU. The caller has checked the numbers (finite, no constant
    columns) and bounds the memory by the size of the batches it asks for.
    """

    @abstractmethod
    def fit(
        self,
        x: Float64[Tensor, "rows p"],
        y: Float64[Tensor, "rows q"],
        noise: Float64[Tensor, "rows q"] | None = None,
    ) -> Surrogate:
        """Learn the function from measured inputs and outputs.

        Args:
            x: Measured inputs, in their own units.
            y: Measured outputs, in their own units.
            noise: The standard deviation of each measurement as far as it is known, in the units
                of y; what is left is learned.

        Returns:
            The surrogate itself.

        Raises:
            DataError: If the shapes do not belong together; pass one row of y for each row of x.
        """

    @abstractmethod
    def mean(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """Predict the noise-free output; differentiable by autograd."""

    @abstractmethod
    def linearize(
        self, x: Float64[Tensor, "batch p"]
    ) -> tuple[Float64[Tensor, "batch q"], Float64[Tensor, "batch q p"]]:
        """Predict the output, and differentiate it by the inputs, row by row."""

    @final
    def jacobian(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q p"]:
        """Differentiate the predicted output by the inputs, row by row."""
        return self.linearize(x)[1]

    @final
    def function(self, domain: Box) -> Function:
        """The prediction as a function to invert."""
        return Function(self.mean, domain, linearized=self.linearize)

    @abstractmethod
    def sd(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """Predict the standard deviation of the noise-free output around `mean`, in units of y.

        The noise of a further measurement is not included.
        """

    @abstractmethod
    def noise_sd(self, y: Float64[Tensor, "*batch q"]) -> Float64[Tensor, "*batch q"]:
        """Tell the standard deviation of a measurement whose noise-free output is y.

        It is what was learned: noise that was given to `fit` comes on top.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What `from_state` needs beside the tensors, as values that JSON can hold."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """The learned tensors, for a safetensors file."""

    @classmethod
    @abstractmethod
    def from_state(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Surrogate:
        """Rebuild a fitted surrogate from `settings()` and `state()`."""


def check_measurements(x: Tensor, y: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Detach the measurements as float64 on the CPU, or say why they cannot be used.

    Returns:
        Inputs, outputs, and the known standard deviations of these, zero where none were given.

    Raises:
        DataError: If x and y are not two tables with the same number of rows, at least two, or
            the noise is not shaped like y.
    """
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) < 2:
        raise DataError(
            f"A surrogate was given x of shape {tuple(x.shape)} and y of shape {tuple(y.shape)}; "
            "it wants (rows, p) and (rows, q) with the same number of rows, two or more. "
            "Pass one row of y for each row of x."
        )
    noise = torch.zeros_like(y) if noise is None else noise
    if noise.shape != y.shape:
        raise DataError(
            f"A surrogate was given noise of shape {tuple(noise.shape)} for y of shape "
            f"{tuple(y.shape)}; give one standard deviation for each value of y."
        )
    x, y, noise = (part.detach().to("cpu", torch.float64) for part in (x, y, noise))
    if not (x.isfinite().all() and y.isfinite().all() and noise.isfinite().all()):
        raise DataError(
            "A surrogate was given NaN or infinite measurements; it wants finite numbers. "
            "Remove those rows."
        )
    return x, y, noise


def check_inputs(x: Tensor, inputs: int) -> Tensor:
    """Take x as float64 on the CPU, or say which shape the fitted surrogate wants.

    Raises:
        InputError: If x is not a table of `inputs` columns.
    """
    if x.ndim != 2 or x.shape[1] != inputs:
        raise InputError(
            f"The surrogate was given x of shape {tuple(x.shape)}; it was fitted on {inputs} "
            f"input column(s) and wants (batch, {inputs}). Pass one row for each point."
        )
    return x.to("cpu", torch.float64)


def centre_and_scale(values: Float64[Tensor, "rows columns"]) -> tuple[Tensor, Tensor]:
    """The mean and standard deviation of every column; a constant column has scale 1."""
    centre = values.mean(0)
    scale = (values - centre).square().mean(0).sqrt()
    return centre, torch.where(scale > 1e-12 * centre.abs(), scale, torch.ones_like(scale))
