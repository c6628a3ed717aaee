"""Linear algebra with proof: inverses, injectivity, signs of determinants, definiteness."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from preimage.intervals import bounds as b
from preimage.intervals import products
from preimage.intervals.bounds import Bounds, constant, up
from preimage.intervals.enclosure import Interval
from preimage.intervals.rounding import above, below

COLLATZ_STEPS = 6
"""Power steps towards the vector with which the spectral radius is bounded."""


@final
@dataclass(frozen=True)
class LeftInverse:
    r"""An approximate left inverse C of all matrices in [J], with what it misses.

    Where `norm < 1` or `spectral_radius < 1`, every matrix in [J] has full column rank, and so has
    every matrix whose rows are taken from different ones. For a function f on a box X with
    Jacobian enclosure [J], f is then injective on X, and with `norm` below 1,

    $$\|x - x'\|_\infty \le \frac{\|C\|_\infty}{1 - \|I - C[J]\|_\infty} \|f(x) - f(x')\|_\infty.$$

    Attributes:
        matrix: C.
        product: An enclosure of C[J].
        defect: Upper bounds of the sizes of the entries of $I - C[J]$.

    References:
        Neumaier, Interval Methods for Systems of Equations, 1990, theorem 4.1.1; the bound of the
        spectral radius is Collatz's, $\rho(R) \le \max_i (Rv)_i / v_i$ for $R \ge 0$, $v > 0$.
    """

    matrix: Float64[Tensor, "... p q"]
    product: Bounds
    defect: Float64[Tensor, "... p p"]

    @cached_property
    def norm(self) -> Float64[Tensor, "..."]:
        """An upper bound of the ∞-norm of the defect."""
        p = self.defect.shape[-1]
        return up(self.defect.sum(dim=-1), p).amax(dim=-1)

    @cached_property
    def spectral_radius(self) -> Float64[Tensor, "..."]:
        """An upper bound of the spectral radius of the defect; below 1 proves full rank."""
        p = self.defect.shape[-1]
        v = torch.ones_like(self.defect[..., :1])
        for _ in range(COLLATZ_STEPS):
            v = self.defect @ v
            v = v / v.amax(dim=-2, keepdim=True).clamp(min=1e-300) + 1e-3
        bound = above(up(self.defect @ v, p) / v).amax(dim=(-2, -1))
        return bound.nan_to_num(nan=torch.inf)

    @cached_property
    def lipschitz(self) -> Float64[Tensor, "..."]:
        """An upper bound of the ∞-norm Lipschitz constant of the inverse; infinite if unproved."""
        q = self.matrix.shape[-1]
        size = up(self.matrix.abs().sum(dim=-1), q).amax(dim=-1)
        return torch.where(self.norm < 1, above(size / (1 - above(self.norm))), torch.inf)


def left_inverse(jacobian: Interval | Bounds) -> LeftInverse:
    """Inverts the middle of interval matrices, and bounds what that leaves.

    Args:
        jacobian: Intervals of shape `(..., q, p)`, with q >= p. Where they are not finite, the
            defect is infinite and nothing is proved.

    Example:
        >>> J = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
        >>> bool(left_inverse(Interval(J - 0.1, J + 0.1)).norm < 1)
        True
    """
    bounds = jacobian.bounds if isinstance(jacobian, Interval) else jacobian
    middle = bounds.mid
    q, p = middle.shape[-2:]
    middle = middle.nan_to_num(posinf=0.0, neginf=0.0)
    matrix = torch.linalg.inv_ex(middle).inverse if p == q else torch.linalg.pinv(middle)
    matrix = matrix.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    product = products.matmul(constant(matrix), bounds)
    defect = b.subtract(constant(torch.eye(p, dtype=torch.float64)), product).magnitude
    return LeftInverse(matrix, product, defect)


def determinant_sign(matrix: Interval | Bounds) -> Int64[Tensor, "..."]:
    r"""The sign of the determinant of every matrix in an interval matrix; 0 where unproved.

    With a factorization $PA \approx LU$ of the middle and approximate inverses $X_L$, $X_U$ of
    exactly triangular shape, $\|I - X_L P A X_U\| < 1$ makes the determinant of the product
    positive for every A, and the signs of the other factors are known exactly. The value of the
    determinant is never looked at: it may be $10^{-8}$ and still have a sign.

    Args:
        matrix: Intervals of shape `(..., n, n)`.

    References:
        Rump, Verification methods: rigorous results using floating-point arithmetic, Acta Numerica
        19, 2010, section 10.

    Example:
        >>> turn = torch.tensor([[0.0, 1.0], [1e-8, 0.0]])
        >>> determinant_sign(Interval(turn, turn)).item()
        -1
    """
    bounds = matrix.bounds if isinstance(matrix, Interval) else matrix
    n = bounds.low.shape[-1]
    middle = bounds.mid.nan_to_num(posinf=0.0, neginf=0.0)
    eye = torch.eye(n, dtype=torch.float64).expand(middle.shape)
    permutation, lower, upper = torch.linalg.lu(middle)
    right = torch.linalg.solve_triangular(upper, eye, upper=True).triu()
    right = right.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    left = torch.linalg.solve_triangular(lower, eye, upper=False, unitriangular=True).tril(-1)
    left = left.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0) + eye
    permuted = Bounds(permutation.mT @ bounds.low, permutation.mT @ bounds.high)
    finite = bounds.finite.all(dim=(-2, -1))
    product = products.matmul(products.matmul(constant(left), permuted), constant(right))
    defect = b.subtract(constant(eye), product).magnitude
    proved = LeftInverse(left, product, defect).spectral_radius < 1
    swaps = torch.linalg.det(permutation).round()
    sign = swaps * right.diagonal(dim1=-2, dim2=-1).sign().prod(dim=-1)
    return torch.where(proved & finite, sign, 0.0).to(torch.int64)


def full_rank(jacobian: Interval | Bounds) -> Bool[Tensor, "..."]:
    """Whether every matrix in an interval matrix surely has full column rank."""
    return left_inverse(jacobian).spectral_radius < 1


def least_eigenvalue(matrix: Interval | Bounds) -> Float64[Tensor, " rows"]:
    r"""A positive lower bound of $v^\top A v / |v|^2$ for all A in each interval matrix, or -inf.

    With approximate eigenvectors V of the middle's symmetric part, Gershgorin's circles bound
    $w^\top V^\top A V w$ below by $g |w|^2$, and $|Vw|^2 \le (1 + \|V^\top V - I\|_\infty) |w|^2$.

    Args:
        matrix: Intervals of shape `(rows, n, n)`.

    Example:
        >>> turn = torch.tensor([[[2.0, 9.0], [-9.0, 3.0]]]).double()
        >>> least_eigenvalue(Interval(turn, turn)).numpy().round(12)
        array([2.])
    """
    bounds = matrix.bounds if isinstance(matrix, Interval) else matrix
    n = bounds.low.shape[1]
    symmetric = b.scale(b.add(bounds, Bounds(bounds.low.mT, bounds.high.mT)), 0.5)
    finite = symmetric.finite.all(dim=2).all(dim=1)
    middle = symmetric.mid.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    vectors = torch.linalg.eigh(middle).eigenvectors
    transposed = constant(vectors.mT.contiguous())
    turned = products.matmul(products.matmul(transposed, symmetric), constant(vectors))
    eye = torch.eye(n, dtype=torch.float64)
    skew = b.subtract(products.matmul(transposed, constant(vectors)), constant(eye))
    skewness = up(skew.magnitude.sum(dim=2), n).amax(dim=1)
    around = up(turned.magnitude.masked_fill(eye.bool(), 0.0).sum(dim=2), n)
    least = below(turned.low.diagonal(dim1=1, dim2=2) - around).amin(dim=1)
    # Skewness below one makes V regular, so that every vector v is some V w.
    proved = finite & (skewness < 0.5) & (least > 0)
    return torch.where(proved, below(least / above(1 + skewness)), -torch.inf)
