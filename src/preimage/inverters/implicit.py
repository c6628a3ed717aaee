"""Gradients of answers by the targets: the implicit function theorem."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.inverters.problem import Problem
from preimage.preimages import Preimages

SINGULAR = 1e-9
"""Singular values below this share of the largest count as zero."""

ROWS = 65536
"""Answers that are differentiated at a time, which bounds memory."""


def differentiable(found: Preimages, problem: Problem, targets: Tensor) -> Preimages:
    r"""The same answers, through which gradients flow back to the targets.

    $f(x(y)) = y$ gives $\partial x / \partial y = J^+$ with the Jacobian J of f at the answer. One
    Newton step with J held, $x - J^+ (f(x) - y)$, leaves a confirmed answer where it is, and has
    just this derivative. With more inputs than outputs $J^+$ is the least movement, in box widths,
    that follows the target; at a fold, directions in which f does not change have gradient zero.

    Args:
        found: Answers to these targets, as tensors.
        problem: What was inverted.
        targets: What was asked for, requiring gradients.

    Returns:
        The answers with a differentiable `x` where `ok`; other places carry no gradient.
    """
    wanted = targets.to("cpu", torch.float64).reshape(found.targets.shape)
    place, answer = found.ok.nonzero(as_tuple=True)
    x = found.x.clone()
    for part in torch.arange(len(place)).split(ROWS):
        rows = place[part], answer[part]
        x = x.index_put(rows, _followed(problem, found.x[rows], found.y[rows], wanted[rows[0]]))
    return replace(found, x=x)


def _followed(
    problem: Problem,
    x: Float64[Tensor, "rows p"],
    y: Float64[Tensor, "rows q"],
    target: Float64[Tensor, "rows q"],
) -> Float64[Tensor, "rows p"]:
    """The answers x, moving with their targets; their values stay what they are."""
    width, scale = problem.box.width, problem.scale
    slope = problem.function.linearize(x)[1] * width / scale[:, None]
    inverse = torch.linalg.pinv(slope.nan_to_num(), rtol=SINGULAR)
    gap = problem.space.difference(y, target) / scale
    step = torch.einsum("rpm,rm->rp", inverse, gap) * width
    return x - (step - step.detach())
