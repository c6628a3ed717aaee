"""From many candidates for a target to its distinct answers."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.domain import Box


def distinct(
    x: Float64[Tensor, "targets candidates p"],
    quality: Float64[Tensor, "targets candidates"],
    confirmed: Bool[Tensor, "targets candidates"],
    *,
    box: Box,
    n: int,
    separation: float,
    near: Float64[Tensor, "targets p"] | None = None,
) -> Int64[Tensor, "targets most"]:
    """Chooses at most n candidates of each target, none within `separation` of another.

    Confirmed candidates come first. Among them, one is taken, then always the one farthest from
    those taken, so that n answers out of a continuum cover it; with `near` the nearest are taken
    instead. Of candidates that are the same answer, the one of best quality stands for all.
    Unconfirmed candidates follow in order of quality.

    Args:
        x: Candidates, in the units of x.
        quality: What each is worth, lower is better; infinite for none.
        confirmed: Which candidates the function has confirmed.
        box: The domain, whose widths measure distance and whose periodic inputs wrap.
        n: How many to choose.
        separation: Candidates closer than this, in box widths, are one answer.
        near: A state for each target, to which answers should be close.

    Returns:
        Indices into the candidates, -1 where there are no more; as many columns as the target
        with the most answers needs, one at least.
    """
    targets, candidates, _ = x.shape
    none = torch.full((targets,), -1, dtype=torch.int64)
    if candidates == 0:
        return none[:, None]
    chosen: list[Tensor] = []
    remaining = quality.isfinite()
    rows = torch.arange(targets)
    clearance = torch.full_like(quality, torch.inf)
    closeness = box.difference(x, near[:, None]).norm(dim=2) if near is not None else None
    for k in range(min(n, candidates)):
        # Differences between confirmed answers are rounding: the first one is as good as any.
        # Of a symmetric set many are equally far; rounding must not choose among them.
        wish = torch.zeros_like(quality) if k == 0 else -clearance.round(decimals=9)
        if closeness is not None:
            wish = closeness
        first = remaining & confirmed
        wish = torch.where(first, wish, torch.inf)
        fallback = torch.where(remaining & ~first, quality, torch.inf)
        pick = torch.where(first.any(dim=1), wish.argmin(dim=1), fallback.argmin(dim=1))
        found = remaining.any(dim=1)
        if not bool(found.any()):
            break
        # The best of those that are the same answer stands for all of them.
        away = _distance(x, x[rows, pick], box)
        same = away <= separation
        alike = same & remaining & (confirmed == confirmed[rows, pick][:, None])
        best = torch.where(alike, quality, torch.inf).argmin(dim=1)
        other = (best != pick).nonzero()[:, 0]
        pick[other] = best[other]
        away[other] = _distance(x[other], x[other, pick[other]], box)
        chosen.append(torch.where(found, pick, none))
        clearance = torch.minimum(clearance, away)
        remaining &= ~same & (away > separation)
    return torch.stack(chosen or [none], dim=1)


def _distance(x: Tensor, center: Tensor, box: Box) -> Tensor:
    return box.difference(x, center[:, None]).norm(dim=2)
