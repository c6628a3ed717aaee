"""On which scale an output is modelled, and whether its noise grows with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

from jaxtyping import Float64
from torch import Tensor

from preimage.surrogates.base import centre_and_scale
from preimage.surrogates.marginal_likelihood import Hypothesis, Measurements, minimise, starts
from preimage.surrogates.posterior import condition
from preimage.surrogates.warps import SCALES, Warp

EVIDENCE = 3.0  # nats by which a richer model must raise the log likelihood to be kept


@final
@dataclass(frozen=True, kw_only=True)
class Scaled:
    """An output on one scale, with the best hyperparameters found there.

    Args:
        warp: The change of scale.
        centre: The mean of the warped output.
        scale: The standard deviation of the warped output.
        data: The standardised measurements, all rows.
        hypothesis: The best hyperparameters on the rows that screen.
        loss: Their loss, as a density of the unwarped output.
    """

    warp: Warp
    centre: float
    scale: float
    data: Measurements
    hypothesis: Hypothesis
    loss: float


def candidates(y: Float64[Tensor, " rows"]) -> list[str]:
    """The scales worth trying.

    A warp needs positive values, and bends little over less than a factor of two.
    """
    bends = float(y.min()) > 0 and float(y.max()) >= 2 * float(y.min())
    return list(SCALES) if bends else ["identity"]


def on_scale(
    name: str,
    x: Float64[Tensor, "rows p"],
    y: Float64[Tensor, " rows"],
    noise: Float64[Tensor, " rows"],
    screen: Tensor,
) -> Scaled:
    """Standardise the warped output and let the starts compete on the rows that screen."""
    warp = Warp(name=name, knee=float(y.min()))
    u = warp.forward(y)
    centre, scale = (float(moment) for moment in centre_and_scale(u[:, None]))
    known = (noise / (warp.slope(u) * scale)).square()
    data = Measurements(x=x, u=(u - centre) / scale, known=known)
    few = data.rows(screen)
    begun = sorted((minimise(h, few, steps=10) for h in starts(x.shape[1])), key=_loss)
    hypothesis = min((minimise(h, few, steps=20) for h in begun[:3]), key=_loss)
    # dy = slope * scale * du
    volume = warp.slope(u[screen]).log().sum() + len(screen) * math.log(scale)
    return Scaled(
        warp=warp,
        centre=centre,
        scale=scale,
        data=data,
        hypothesis=hypothesis,
        loss=_loss(hypothesis) + float(volume),
    )


def grow_noise(
    hypothesis: Hypothesis, data: Measurements, learn: Tensor, offset: float
) -> tuple[Hypothesis, Measurements]:
    """Let the noise grow with the output, if that makes the measurements likelier.

    Args:
        hypothesis: The hyperparameters under even noise.
        data: The measurements, all rows.
        learn: The rows to learn from.
        offset: What to add to a standardised output to count it from the output's own zero.
    """
    best, level = hypothesis, data
    for _ in range(2):
        posterior = condition(best, level.rows(learn))
        square = (posterior.mean(data.x) + offset).square() + posterior.variance(data.x)
        grown = replace(data, level=square)
        if best is hypothesis:
            theta = hypothesis.theta.copy()
            theta[-1] = max(theta[-2] - math.log(float(square.mean())) / 2, -12)
            theta[-2] -= 1
            begin = replace(hypothesis, theta=theta)
        else:
            begin = best
        found = minimise(begin, grown.rows(learn), steps=40)
        if best is hypothesis and found.loss > hypothesis.loss - EVIDENCE:
            break
        best, level = found, grown
    return best, level


def _loss(hypothesis: Hypothesis) -> float:
    return hypothesis.loss + EVIDENCE * (hypothesis.scales - 1)


def cost(scaled: Scaled) -> float:
    """The loss, and what a scale other than the output's own must be better by."""
    return scaled.loss + (0 if scaled.warp.name == "identity" else EVIDENCE)
