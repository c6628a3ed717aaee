"""The forward map of a robot: from the values of its joints to what its tool does."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.robots.chain import Chain
from preimage.robots.goals import Goal

ROWS = 2048
"""Postures that are worked on at a time, so that they stay in the processor's cache."""


@final
class ForwardKinematics:
    r"""What the tool at the end of a chain does, for a batch of inputs.

    Args:
        chain: The joints.
        goal: Which outputs are wanted.
        factors: How far each joint moves with each input, `(joints, inputs)`; the identity unless
            joints mimic others.
        offsets: The value of each joint where all inputs are zero.
    """

    def __init__(
        self,
        chain: Chain,
        goal: Goal,
        factors: Float64[Tensor, "joints inputs"],
        offsets: Float64[Tensor, " joints"],
    ) -> None:
        self.chain = chain
        self.goal = goal
        self.factors = factors
        self.offsets = offsets
        self._plain = torch.equal(factors, torch.eye(len(factors), dtype=torch.float64))

    def __call__(self, x: Float64[Tensor, "rows inputs"]) -> Float64[Tensor, "rows outputs"]:
        """The outputs."""
        split = x.split(ROWS)
        parts = [self.goal.values(self.chain.frames(self._joints(part))).T for part in split]
        return torch.cat(parts).contiguous()

    def lifted(
        self, x: Float64[Tensor, "rows inputs"]
    ) -> tuple[Float64[Tensor, "rows l"], Float64[Tensor, "rows m inputs"]]:
        """The outputs, lifted, and the derivative of their difference by the inputs."""
        if len(x) > ROWS:
            parts = [self.lifted(part) for part in x.split(ROWS)]
            return torch.cat([y for y, _ in parts]), torch.cat([slope for _, slope in parts])
        # Nothing here is differentiated, and many small operations cost a fifth less so.
        with torch.inference_mode():
            frames = self.chain.frames(self._joints(x))
            outputs = self.goal.lifted(frames).T
            slope = self.goal.slope(frames, *self.chain.velocities(frames)).permute(2, 0, 1)
        # Copies, which are ordinary tensors again.
        jacobian = slope.clone(memory_format=torch.contiguous_format)
        return outputs.clone(), jacobian if self._plain else jacobian @ self.factors

    def skeleton(self, x: Float64[Tensor, "rows inputs"]) -> Float64[Tensor, "rows points 3"]:
        """Where the base, each joint and the tool are, in metres: an arm as a line of points."""
        frames = self.chain.frames(self._joints(x))
        points = [torch.zeros_like(frames.position), *frames.anchors, frames.position]
        return torch.stack(points).permute(2, 0, 1).contiguous()

    def _joints(self, x: Float64[Tensor, "rows inputs"]) -> Float64[Tensor, "joints rows"]:
        if self._plain:
            return x.T.contiguous()
        return torch.addmm(self.offsets[:, None], self.factors, x.T)
