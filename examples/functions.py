"""Functions to invert, as a user would write them; the documentation and the tests use this file.

preimage invert --function examples/functions.py:cubic --box -2,2 0.3
"""

import math

import numpy as np
import torch

import preimage


def cubic(x: torch.Tensor) -> torch.Tensor:
    """Return x³ − x; between −0.385 and 0.385, each output has three preimages."""
    return x**3 - x


def two_link_arm(angles: torch.Tensor) -> torch.Tensor:
    """Return where the hand of a planar arm is; both links are 1 m long.

    Args:
        angles: Shoulder and elbow in radians, `(batch, 2)`.

    Returns:
        The hand's x and y in metres, `(batch, 2)`; inside the reach of 2 m, two postures lead
        to each place: elbow up and elbow down.
    """
    shoulder, both = angles[:, 0], angles.sum(dim=1)
    return torch.stack(
        [torch.cos(shoulder) + torch.cos(both), torch.sin(shoulder) + torch.sin(both)], dim=1
    )


def half_ball(x: torch.Tensor) -> torch.Tensor:
    """Return the height of a unit half ball over (x₁, x₂): not a number outside its edge."""
    return torch.sqrt(1 - x.square().sum(dim=1))


def damped_wave(t: np.ndarray) -> np.ndarray:
    """Return a decaying oscillation, computed with NumPy: no gradients, found by differences."""
    return np.exp(-0.3 * t) * np.cos(4 * t)


planar_arm = preimage.Function(
    two_link_arm,
    preimage.Box(
        [-math.pi, -math.pi],
        [math.pi, math.pi],
        ["shoulder", "elbow"],
        units=["rad", "rad"],
        periodic=True,
    ),
    outputs=["hand_x", "hand_y"],
)
"""The same arm with its domain, so that the command line needs no `--box`."""
