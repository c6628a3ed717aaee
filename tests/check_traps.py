"""Functions that mislead: what looks like a known pattern and is not, poles, jumps, shapes."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from check_cases import NO, NONE, OPEN, YES, Case, Classifier, matrix, plain, seeded
from torch import Tensor, nn

from preimage import Box, Finite, Reals


class NegatedScale(nn.Module):
    """A coupling whose scale e^a − 2 vanishes."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return torch.cat([a, b * torch.add(a.exp(), 1.0, alpha=-2.0)], dim=1)


class EarlyThreshold(nn.Module):
    """A coupling whose scale is softplus, which PyTorch replaces by x from −50 on."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Softplus(threshold=-50.0)

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return torch.cat([a, b * self.scale(a)], dim=1)


def softplus(x: Tensor) -> Tensor:
    """Not what its name says."""
    return x.abs()


torch.fx.wrap("softplus")


class MisleadingName(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return softplus(x)


class Tied(nn.Module):
    """One matrix, there and back."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.leaky_relu(self.linear(x)), self.linear.weight.t())


class Shared(nn.Module):
    """One layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.activation = nn.Linear(2, 2), nn.LeakyReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.activation(self.linear(self.activation(x))))


class Restless(nn.Module):
    """Halves its own scale whenever it is called."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        self.scale.mul_(0.5)
        return x * self.scale


class Cancels(nn.Module):
    """x + relu(−x) is the rectifier of x."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.linear = matrix([[-share, 0.0], [0.0, -share]])

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.linear(x))


def clamped(y: Any) -> Tensor:
    return y.clamp(-500, 500)


def hooked_outside() -> nn.Module:
    net = Shared()
    net.register_forward_hook(lambda module, given, y: clamped(y))
    return net


def hooked_before() -> nn.Module:
    net = nn.Sequential(nn.Linear(2, 2))
    net.register_forward_pre_hook(lambda module, given: (clamped(given[0]),))
    return net


def tells_tensors_apart(x: Tensor) -> Tensor:
    return x.abs() if type(x) is Tensor else x


def circular(weights: list[float]) -> nn.Module:
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular")
    layer.weight.data = torch.tensor([[weights]])
    return layer.eval()


def depthwise() -> nn.Module:
    layer = nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular", groups=8)
    layer.weight.data[3] = 0
    return layer


def parallel_rows() -> nn.Module:
    first = matrix([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [1.0, 1.0, 1.0])
    return nn.Sequential(first, nn.ReLU(), matrix([[1.0, 2.0, 3.0], [-1.0, 0.5, 1.0]])).eval()


def steep(size: float) -> nn.Module:
    return nn.BatchNorm1d(2, affine=False).eval() if size == 0 else nn.LeakyReLU(size)


def infinite_variance() -> nn.Module:
    norm = nn.BatchNorm1d(2).eval()
    norm.load_state_dict({**norm.state_dict(), "running_var": torch.tensor([1.0, math.inf])})
    return norm


def turned(angle: float, sign: float) -> Case:
    return Case(
        f"x + {angle:g} tanh y, y {'−' if sign < 0 else '+'} {angle:g} tanh x",
        plain(lambda x: torch.stack([x[:, 0] + angle * torch.tanh(x[:, 1]),
                                     x[:, 1] + sign * angle * torch.tanh(x[:, 0])], 1)),
        Reals(2), YES if sign < 0 else NO, YES if sign < 0 else OPEN,
        "determinant 1 + ab ≥ 1, and the inverse of J is bounded" if sign < 0
        else "determinant 1 − ab < 0 at 0",
    )  # fmt: skip


def spiral() -> Any:
    """Slopes from 1 to 101 beside an antisymmetric matrix, which no one inverse approximates."""
    generator = torch.Generator().manual_seed(0)
    skew = torch.randn(8, 8, generator=generator, dtype=torch.float64)
    return lambda x: x + 100 * torch.relu(x) + x @ (skew - skew.T)


LINE, PLANE, UNIT = Reals(1), Reals(2), Box(0, 1)

TRAPS = [
    Case("softplus with threshold .1", lambda: nn.Softplus(threshold=0.1), LINE, NO, NO,
         "jumps down at .1"),
    Case("softplus with threshold .1, function", plain(lambda x: F.softplus(x, 1, 0.1)),
         Box(-2, 2), NO, NO, "jumps down at .1"),
    Case("coupling with scale e^a − 2", NegatedScale, PLANE, NO, OPEN, "scale 0 at log 2"),
    Case("coupling with an early threshold", EarlyThreshold, PLANE, NO, OPEN, "scale a"),
    Case("a wrapped function called softplus", MisleadingName, LINE, NO, NO, "it is |x|"),
    Case("clamped by a hook on the whole", hooked_outside, PLANE, NO, NO, "clamps"),
    Case("clamped by a hook before the whole", hooked_before, PLANE, NO, NO, "clamps"),
    Case("tied weights", seeded(Tied), Reals(3), YES, YES, "regular matrices"),
    Case("shared layer", seeded(Shared), PLANE, YES, YES, "regular matrix"),
    Case("changes its buffer", Restless, PLANE, NONE, NONE, "every call is another function"),
    Case("x + relu(−x)", lambda: Cancels(1.0), PLANE, NO, NO, "the rectifier"),
    Case("x + relu(−.999 x)", lambda: Cancels(0.999), PLANE, YES, YES, "Lip .999"),
    Case("ReLU in place on a box", lambda: nn.Sequential(
        matrix([[1.0, 2.0], [3.0, 4.0]]), nn.ReLU(inplace=True), nn.LeakyReLU(inplace=True)),
        Box([-1, -1], [1, 1]), NO, NO, "the corner below 0 is sent to 0"),
    Case("adds the first of the batch", plain(lambda x: x + x[:1]), PLANE, NONE, NONE,
         "mixes the batch"),
    Case("batch norm without weights", lambda: steep(0), PLANE, YES, YES, "affine"),
    Case("dropout .0000001, function", plain(lambda x: F.dropout(x, 1e-7)), Reals(3), NONE, NONE,
         "random, although rarely"),
    Case("(x + 10²⁰) − 10²⁰", plain(lambda x: (x + 1e20) - 1e20), LINE, YES, YES,
         "the identity over the reals"),
    Case("10⁻²⁰⁰ · 10⁻²⁰⁰ x", plain(lambda x: x * 1e-200 * 1e-200), LINE, YES, YES,
         "0 in floats only"),
    Case("x − .99999999 x", plain(lambda x: x - 0.99999999 * x), LINE, YES, YES, "10⁻⁸ x"),
    Case("tan on [0, 3]", plain(torch.tan), Box(0, 3), NONE, NONE, "pole at π/2"),
    Case("tan on [0, 1]", plain(torch.tan), UNIT, YES, NO, "monotone"),
    Case("tan", plain(torch.tan), LINE, NONE, NONE, "poles"),
    Case("1/(x − .3)", plain(lambda x: 1 / (x - 0.3)), UNIT, NONE, NONE, "pole at .3"),
    Case("1/(x − .3)²", plain(lambda x: 1 / (x - 0.3) ** 2), UNIT, NONE, NONE, "pole at .3"),
    Case("1/(x² − ½)", plain(lambda x: 1 / (x * x - 0.5)), UNIT, NONE, NONE, "pole at √½"),
    Case("1/(xy − ½)", plain(lambda x: 1 / (x[:, 0] * x[:, 1] - 0.5)), Box([0, 0], [1, 1]), NONE,
         NONE, "poles on a curve"),
    Case("x log(x − ½)", plain(lambda x: x * torch.log(x - 0.5)), UNIT, NONE, NONE,
         "no logarithm below 0"),
    Case("10 x + √((x − .37)² − 10⁻⁵)",
         plain(lambda x: 10 * x + torch.sqrt((x - 0.37) ** 2 - 1e-5)), UNIT, NONE, NONE,
         "no root near .37"),
    Case("log(10⁻²⁰⁰ · 10⁻²⁰⁰ x)", plain(lambda x: torch.log(x * 1e-200 * 1e-200)), Box(1, 2),
         OPEN, NO, "defined, although it underflows"),
    Case("1/x where x > ½, else 9x", plain(lambda x: torch.where(x > 0.5, 1 / x, 9 * x)), UNIT,
         NO, NO, "both sides take 1"),
    Case("x + ⌊x⌋", plain(lambda x: x + torch.floor(x)), LINE, OPEN, NO, "jumps up"),
    Case("x − 2 sign x", plain(lambda x: x - 2 * torch.sign(x)), Box(-3, 3.5), NO, NO,
         "jumps down"),
    Case("x mod 1", plain(lambda x: x % 1), Box(-1.1, 2.3), NO, NO, "periodic"),
    Case("2 detach x − x", plain(lambda x: 2 * x.detach() - x), Box(-2, 2), YES, NO,
         "x, although autograd says −1"),
    Case("e^z on more than a turn", plain(lambda x: torch.stack(
        [x[:, 0].exp() * x[:, 1].cos(), x[:, 0].exp() * x[:, 1].sin()], 1)),
        Box([-1, -3.2], [1, 3.2]), NO, NO, "period 2πi, with a positive determinant throughout"),
    Case("e^z", plain(lambda x: torch.stack(
        [x[:, 0].exp() * x[:, 1].cos(), x[:, 0].exp() * x[:, 1].sin()], 1)), PLANE, NO, OPEN,
        "determinant > 0 and no inverse bound: Hadamard must not fire"),
    Case("narrow fold", plain(lambda x: x - 0.02 * torch.tanh(100 * (x - 0.123456))), Box(-1, 1),
         NO, NO, "f' = −1 at .123456"),
    Case("x + 100 ReLU(x) + Kx, K antisymmetric", spiral, Reals(8), YES, YES, "vᵀJv ≥ |v|²"),
    Case("tanh x + 3y, tanh y − 3x", plain(lambda x: torch.tanh(x) + 3 * torch.stack(
        [x[:, 1], -x[:, 0]], 1)), PLANE, YES, YES,
        "vᵀJv > 0 without a positive bound, and determinant > 9"),
    turned(2.0, -1.0), turned(3.0, -1.0), turned(2.0, 1.0),
    Case("circular difference, 1000", lambda: circular([-1.0, 1.0, 0.0]), Reals((1, 1000)), NO, NO,
         "constants are lost"),
    Case("circular sum of two, 1000", lambda: circular([0.0, 1.0, 1.0]), Reals((1, 1000)), NO, NO,
         "(−1)^i is lost"),
    Case("circular sum of two, 1001", lambda: circular([0.0, 1.0, 1.0]), Reals((1, 1001)), YES,
         YES, "no wave of this length is lost"),
    Case("circular sum of three, 1000", lambda: circular([1.0, 1.0, 1.0]), Reals((1, 1000)), YES,
         YES, "3 does not divide 1000"),
    Case("circular convolution 3×3", seeded(lambda: nn.Conv2d(
        3, 3, 3, padding=1, padding_mode="circular")), Reals((3, 16, 16)), YES, YES, "the symbol"),
    Case("circular convolution 8→4", seeded(lambda: nn.Conv2d(
        8, 4, 3, padding=1, padding_mode="circular")), Reals((8, 12, 12)), NO, YES,
        "full row rank at every frequency"),
    Case("circular, a channel is 0", depthwise, Reals((8, 12, 12)), NO, NO, "a zero symbol"),
    Case("ReLU net with parallel rows", parallel_rows, Box([-0.1, -0.1], [1, 1]), NO, NO,
         "rank 1 where all are active"),
    Case("classifier of three into {0, 1}", seeded(Classifier), Reals(4), NO, NONE,
         "label 2 occurs", Finite([0, 1])),
    Case("identity of {0, 1, 2} into {0, 1}", plain(lambda x: x), Finite([0, 1, 2]), YES, NONE,
         "2 is not in the codomain", Finite([0, 1])),
    Case("⌊i/49 · 49⌋", plain(lambda i: (i * (1 / 49) * 49).floor().long()), Finite(range(100)),
         OPEN, OPEN, "rounding decides in floats: no verdict over the reals may stand on it"),
    Case("NaN in float16", plain(lambda x: x * math.nan), Box(-1, 1), OPEN, OPEN,
         "no output is a number", semantics="float16"),
    Case("x / (1 + |x|)", plain(lambda x: x / (1 + x.abs())), LINE, YES, NO, "softsign"),
    Case("x − tanh x", plain(lambda x: x - torch.tanh(x)), LINE, YES, YES, "monotone, unbounded"),
]  # fmt: skip
"""Further cases, most of which a careless rule gets wrong."""
