"""What is proved about a matrix: its rank, and bounds of its singular values."""

from __future__ import annotations

import math
from fractions import Fraction

import torch
from torch import Tensor

from preimage.intervals import bounds as b
from preimage.intervals import products
from preimage.intervals.bounds import constant
from preimage.intervals.matrices import full_rank, left_inverse
from preimage.verdicts.facts import Facts

EXACT_SIZE = 24
"""Up to which size the rank is computed in exact rational numbers."""

GRAM_SIZE = 256
"""Up to which size singular values are bounded one by one."""

RANK_SIZE = 2048
"""Up to how many columns a full rank is proved by an approximate inverse."""


def norm_bound(weight: Tensor) -> float:
    r"""An upper bound of the largest singular value, $\sqrt{\|W\|_1 \|W\|_\infty}$ or better."""
    size = weight.abs()
    slack = 1 + 4 * weight.numel() * 2.0**-52
    plain = math.sqrt(float(size.sum(0).amax() * size.sum(1).amax()))
    frobenius = float(weight.square().sum().sqrt())
    best = min(plain, frobenius) * slack
    if min(weight.shape) > GRAM_SIZE:
        return best
    return min(best, _extremes(weight)[1])


def inverse_bound(weight: Tensor) -> float:
    """An upper bound of one over the smallest singular value; infinite where none is proved."""
    if min(weight.shape) > GRAM_SIZE:
        return math.inf
    least = _extremes(weight)[0]
    if least > 0:
        return math.nextafter(1 / least, math.inf)
    found = left_inverse(constant(weight))
    norm = float(found.norm)
    if not norm < 1:
        return math.inf
    # In the ∞-norm, |x| <= |C| / (1 - r) |Wx|; the Euclidean norm differs by at most sqrt(q).
    return float(found.lipschitz) * math.sqrt(weight.shape[1]) * (1 + 1e-15)


def _extremes(weight: Tensor) -> tuple[float, float]:
    r"""A lower bound of the smallest and an upper bound of the largest singular value.

    With approximate eigenvectors V of $G = W^T W$, every eigenvalue of $V^T G V$ lies in a
    Gershgorin disc, and $\|V^T V - I\| \le d$ bounds how far those of G are from them.
    """
    q, p = weight.shape
    tall = weight if q >= p else weight.T
    gram = products.matmul(constant(tall.T.contiguous()), constant(tall))
    vectors = torch.linalg.eigh(gram.mid).eigenvectors
    turned = products.matmul(
        products.matmul(constant(vectors.T.contiguous()), gram), constant(vectors)
    )
    eye = constant(torch.eye(len(vectors), dtype=torch.float64))
    skew = b.subtract(products.matmul(constant(vectors.T.contiguous()), constant(vectors)), eye)
    off = float(b.up(skew.magnitude.sum(1), len(vectors)).amax())
    if not off < 0.5:
        return 0.0, math.inf
    size = turned.magnitude
    size.fill_diagonal_(0)
    radius = b.up(size.sum(1), len(vectors))
    largest = float((turned.high.diagonal() + radius).amax()) / (1 - off)
    least = float((turned.low.diagonal() - radius).amin()) / (1 + off) if q >= p else 0.0
    return (
        math.sqrt(max(least, 0.0)) * (1 - 1e-15),
        math.sqrt(max(largest, 0.0)) * (1 + 1e-15),
    )


def null_vector(weight: Tensor) -> list[Fraction] | None:
    """A rational vector v with W v = 0 exactly; None if there is none, or the matrix is large."""
    q, p = weight.shape
    if max(q, p) > EXACT_SIZE or not bool(weight.isfinite().all()):
        return None
    return rational_null_vector([[Fraction(value) for value in row] for row in weight.tolist()], p)


def rational_null_vector(rows: list[list[Fraction]], p: int) -> list[Fraction] | None:
    """A vector v of p rational numbers that all rows, which are changed, send to zero."""
    q = len(rows)
    pivots: list[int] = []
    for column in range(p):
        place = len(pivots)
        pivot = next((i for i in range(place, q) if rows[i][column]), None)
        if pivot is None:
            vector = [Fraction(0)] * p
            vector[column] = Fraction(1)
            for i, lead in enumerate(pivots):
                vector[lead] = -rows[i][column]
            return vector
        rows[place], rows[pivot] = rows[pivot], rows[place]
        scale = rows[place][column]
        rows[place] = [value / scale for value in rows[place]]
        for i in range(q):
            factor = rows[i][column]
            if i != place and factor:
                rows[i] = [a - factor * c for a, c in zip(rows[i], rows[place], strict=True)]
        pivots.append(column)
    return None


def dependent_columns(weight: Tensor) -> bool:
    """Whether columns are surely linearly dependent: more of them than rows, zero, or equal."""
    q, p = weight.shape
    if p > q or bool((weight == 0).all(dim=0).any()) or len(weight.T.unique(dim=0)) < p:
        return True
    return null_vector(weight) is not None


def has_full_column_rank(weight: Tensor) -> bool | None:
    """Whether the columns are linearly independent; None where neither is proved."""
    q, p = weight.shape
    if p > q:
        return False
    if p <= RANK_SIZE and bool(full_rank(constant(weight))):
        return True
    return False if dependent_columns(weight) else None


def affine(what: str, weight: Tensor, bias: Tensor | None) -> Facts:
    """The facts of x -> Wx + b."""
    q, p = weight.shape
    columns = has_full_column_rank(weight)
    rows = columns if p == q else has_full_column_rank(weight.T.contiguous())
    words = {True: "independent", False: "dependent", None: "of unknown rank"}
    shape = f"the {q}×{p} matrix of {what}"
    small = q * p <= 1 << 16
    return Facts(
        what=what,
        injective=columns,
        surjective=rows,
        why_injective=f"the columns of {shape} are {words[columns]}",
        why_surjective=f"the rows of {shape} are {words[rows]}",
        lipschitz=norm_bound(weight),
        inverse=inverse_bound(weight) if columns else math.inf,
        continuous=True,
        locally_lipschitz=True,
        weight=weight if small else None,
        bias=bias if small else None,
    )
