"""Functions of which it is known whether they are injective and onto, and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from preimage import Box, Finite, Reals

YES, NO, OPEN, NONE = "proved", "refuted", "unknown", "not a function"
"""What is true; OPEN where the table makes no claim."""


@dataclass(frozen=True)
class Case:
    """One function with its truth."""

    name: str
    make: Callable[[], Any]
    domain: Any
    injective: str
    surjective: str
    reason: str
    codomain: Any = None
    semantics: str = "real"


def seeded(make: Callable[[], Any], seed: int = 0) -> Callable[[], Any]:
    def made() -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return make().eval()

    return made


def gaussian(*widths: int, activation: type[nn.Module] = nn.Tanh, last: bool = False) -> nn.Module:
    """A network with Gaussian weights of variance 1 / inputs."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        linear = nn.Linear(before, after)
        nn.init.normal_(linear.weight, std=before**-0.5)
        nn.init.normal_(linear.bias, std=0.3)
        layers += [linear, activation()]
    return nn.Sequential(*(layers if last else layers[:-1]))


def orthogonal(width: int, depth: int, activation: Callable[[], nn.Module]) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth):
        linear = nn.Linear(width, width)
        nn.init.orthogonal_(linear.weight)
        layers += [linear, activation()]
    return nn.Sequential(*layers)


def matrix(rows: list[list[float]], bias: list[float] | None = None) -> nn.Linear:
    weight = torch.tensor(rows)
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer.eval()


def relu_of(rows: list[list[float]], bias: list[float] | None = None) -> nn.Module:
    return nn.Sequential(matrix(rows, bias), nn.ReLU()).eval()


class Residual(nn.Module):
    """x + g(x) with the norms of the matrices scaled so that Lip g is at most `lipschitz`."""

    def __init__(self, width: int, lipschitz: float, convolutions: bool = False) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, width))
        for layer in self.inner:
            if isinstance(layer, nn.Linear):
                norm = torch.linalg.matrix_norm(layer.weight.data, 2)
                layer.weight.data *= math.sqrt(lipschitz) * 0.999 / norm

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Coupling(nn.Module):
    """Half of x is scaled and shifted as the other half says."""

    def __init__(self, width: int, *, affine: bool, swap: bool = False) -> None:
        super().__init__()
        half = width // 2
        self.shift = gaussian(half, 8, half)
        self.scale = gaussian(half, 8, half)
        self.affine, self.swap = affine, swap

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        if self.swap:
            a, b = b, a
        b = b * torch.exp(self.scale(a)) + self.shift(a) if self.affine else b + self.shift(a)
        return torch.cat([b, a] if self.swap else [a, b], dim=1)


class Tangled(nn.Module):
    """Looks like a coupling and is none: each half is shifted by the other at once."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return torch.cat([a + b, b + a], dim=1)


class Classifier(nn.Module):
    """The label of the largest logit."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = gaussian(4, 16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x).argmax(dim=1)


class PixelwiseFlow(nn.Module):
    """Glow's steps on small images: squeeze, activation norm, 1×1 convolution, coupling."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.PixelUnshuffle(2)
        self.norm = nn.BatchNorm2d(4)
        self.mix = nn.Conv2d(4, 4, 1)
        nn.init.orthogonal_(self.mix.weight)
        self.net = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(self.norm(self.squeeze(x)))
        a, b = x.chunk(2, dim=1)
        scale, shift = self.net(a).chunk(2, dim=1)
        return torch.cat([a, b * torch.sigmoid(scale + 2) + shift], dim=1)


class BasicBlock(nn.Module):
    """A block of a ResNet."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), BasicBlock(16),
        BasicBlock(16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip


def generator() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (100, 1, 1)), nn.ConvTranspose2d(100, 32, 4), nn.BatchNorm2d(32),
        nn.ReLU(True), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def arm(angles: Tensor) -> Tensor:
    both = angles[:, 0] + angles[:, 1]
    return torch.stack([angles[:, 0].cos() + both.cos(), angles[:, 0].sin() + both.sin()], dim=1)


def normalised(gamma: list[float]) -> nn.Module:
    norm = nn.BatchNorm1d(len(gamma)).eval()
    norm.weight.data = torch.tensor(gamma)
    norm.load_state_dict({**norm.state_dict(), "running_var": 2.0 * torch.ones(len(gamma))})
    return norm


def difference() -> nn.Module:
    """x_i − x_{i−1} on a circle."""
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    layer.weight.data = torch.tensor([[[-1.0, 1.0, 0.0]]])
    return nn.Sequential(layer).eval()


def plain(f: Callable[[Tensor], Any]) -> Callable[[], Any]:
    return lambda: f


def training(module: Callable[[], nn.Module]) -> Callable[[], Any]:
    return lambda: module().train()


HALF = math.pi / 2
DISTINCT = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]

FACTS = [
    Case("x³−x on [−2, 2]", plain(lambda x: x**3 - x), Box(-2, 2), NO, YES, "two extrema", "range"),
    Case("x³−x on [.6, 2]", plain(lambda x: x**3 - x), Box(0.6, 2), YES, YES, "f' > 0", "range"),
    Case("x³", plain(lambda x: x**3), Reals(1), YES, YES, "odd power, although f'(0) = 0"),
    Case("x³ + .1x", plain(lambda x: x**3 + 0.1 * x), Reals(1), YES, YES, "f' ≥ .1"),
    Case("x⁴−4x on [−2, 2]", plain(lambda x: x**4 - 4 * x), Box(-2, 2), NO, OPEN, "minimum at 1"),
    Case("sin 5x on [−1, 1]", plain(lambda x: torch.sin(5 * x)), Box(-1, 1), NO, OPEN, "periods"),
    Case("sin 5x on [−.3, .3]", plain(lambda x: torch.sin(5 * x)), Box(-0.3, 0.3), YES, OPEN,
         "1.5 < π/2"),
    Case("√(1−x²−y²)", plain(lambda x: (1 - x[:, 0] ** 2 - x[:, 1] ** 2).sqrt()),
         Box([-0.7, -0.7], [0.7, 0.7]), NO, OPEN, "circles"),
    Case("2-link arm", plain(arm), Box([-HALF, -HALF], [HALF, HALF]), NO, OPEN, "elbow up, down"),
    Case("2-link arm, elbow up", plain(arm), Box([-1, 0.5], [1, 2.5]), YES, OPEN, "one elbow"),
    Case("linear 2→2, regular", lambda: matrix([[1.0, 2.0], [3.0, 4.0]]), Reals(2), YES, YES,
         "determinant −2"),
    Case("linear 2→2, equal rows", lambda: matrix([[1.0, 2.0], [1.0, 2.0]]), Reals(2), NO, NO,
         "rank 1"),
    Case("linear 3→2", seeded(lambda: nn.Linear(3, 2)), Reals(3), NO, YES, "rank 2"),
    Case("linear 2→3", lambda: matrix(DISTINCT), Reals(2), YES, NO, "rank 2"),
    Case("leaky ReLU, orthogonal, 10 layers", seeded(lambda: orthogonal(8, 10, nn.LeakyReLU)),
         Reals(8), YES, YES, "bijective layers"),
    Case("ReLU, square", seeded(lambda: orthogonal(3, 1, nn.ReLU)), Reals(3), NO, NO, "octants"),
    Case("ReLU of [B; −B]", lambda: relu_of([[1.0, 2], [3, 4], [-1, -2], [-3, -4]]), Reals(2),
         YES, NO, "f gives Bx back"),
    Case("ReLU of Gaussian 4→8", seeded(lambda: gaussian(4, 8, activation=nn.ReLU, last=True)),
         Reals(4), NO, NO, "some cone has fewer than 4 active rows"),
    Case("(ReLU(1−x), ReLU(x−.5))", lambda: relu_of([[-1.0], [1.0]], [1.0, -0.5]), Reals(1),
         YES, NO, "one row is always active"),
    Case("(ReLU(−x−.5), ReLU(x−.5))", lambda: relu_of([[-1.0], [1.0]], [-0.5, -0.5]), Reals(1),
         NO, NO, "0 on [−.5, .5]"),
    Case("tanh 2-8-2", seeded(lambda: gaussian(2, 8, 2)), Reals(2), NO, NO, "folds; bounded"),
    Case("residual block, Lip .9", seeded(lambda: Residual(6, 0.9)), Reals(6), YES, YES, "Banach"),
    Case("additive coupling", seeded(lambda: Coupling(6, affine=False)), Reals(6), YES, YES,
         "subtract the shift"),
    Case("affine couplings", seeded(lambda: nn.Sequential(
        Coupling(6, affine=True), Coupling(6, affine=True, swap=True))), Reals(6), YES, YES,
        "divide by a positive number"),
    Case("tanh", nn.Tanh, Reals(1), YES, NO, "monotone, bounded"),
    Case("tanh in float32", nn.Tanh, Box(-20, 20), NO, OPEN, "it is 1 from 9.01 on",
         semantics="float32"),
    Case("generator 100→3072", seeded(generator), Reals(100), OPEN, NO, "measure zero"),
    Case("argmax classifier", seeded(Classifier), Reals(4), NO, YES, "pigeonhole; all hit",
         Finite(range(3))),
    Case("logits 3072→10", seeded(lambda: nn.Sequential(nn.Flatten(), gaussian(3072, 32, 10))),
         Reals((3, 32, 32)), NO, OPEN, "dimension"),
    Case("softmax", lambda: nn.Softmax(dim=1), Reals(5), NO, NO, "shift; sum one"),
    Case("batch norm, γ ≠ 0", lambda: normalised([1.0, -0.5]), Reals(2), YES, YES, "affine"),
    Case("batch norm, a γ = 0", lambda: normalised([1.0, 0.0]), Reals(2), NO, NO, "constant"),
    Case("batch norm, training", training(lambda: nn.BatchNorm1d(2)), Reals(2), NONE, NONE,
         "mixes the batch"),
    Case("dropout, training", training(nn.Dropout), Reals(5), NONE, NONE, "random"),
    Case("embedding, distinct rows", seeded(lambda: nn.Embedding(20, 3)), Finite(range(20)), YES,
         NO, "rows differ"),
    Case("embedding, equal rows", lambda: nn.Embedding.from_pretrained(torch.ones(4, 2)),
         Finite(range(4)), NO, NO, "rows agree"),
    Case("max pooling", lambda: nn.MaxPool2d(2), Reals((1, 4, 4)), NO, YES, "3 of 4 are dropped"),
    Case("pixel shuffle", lambda: nn.PixelShuffle(2), Reals((4, 3, 3)), YES, YES, "moves"),
    Case("flatten", nn.Flatten, Reals((2, 3, 3)), YES, YES, "moves"),
    Case("permute", plain(lambda x: x.permute(0, 2, 1)), Reals((2, 3)), YES, YES, "moves"),
    Case("autoencoder 784-32-784", seeded(lambda: gaussian(784, 32, 784, activation=nn.ReLU)),
         Reals(784), NO, NO, "bottleneck"),
    Case("1−x", plain(lambda x: 1 - x), Reals(1), YES, YES, "its own inverse"),
]  # fmt: skip
"""The table of known truths."""

ALL_ROUND = [[math.cos(2 * math.pi * k / 16), math.sin(2 * math.pi * k / 16)] for k in range(16)]

MORE = [
    Case("GELU", nn.GELU, Reals(2), NO, NO, "minimum at −.75"),
    Case("SiLU on [−1, 2]", nn.SiLU, Box(-1, 2), YES, OPEN, "right of the minimum at −1.278"),
    Case("SiLU on [−2, 2]", nn.SiLU, Box(-2, 2), NO, OPEN, "around the minimum"),
    Case("softplus", nn.Softplus, Reals(2), YES, NO, "monotone, positive"),
    Case("ELU", nn.ELU, Reals(2), YES, NO, "monotone, above −1"),
    Case("tanhshrink", nn.Tanhshrink, Reals(2), YES, YES, "monotone, unbounded"),
    Case("softshrink", nn.Softshrink, Reals(2), NO, YES, "0 on an interval, unbounded"),
    Case("hardtanh", nn.Hardtanh, Reals(2), NO, NO, "clamps"),
    Case("PReLU, slope .25", nn.PReLU, Reals(2), YES, YES, "positive slope"),
    Case("leaky ReLU, slope −.2", lambda: nn.LeakyReLU(-0.2), Reals(1), NO, NO, "a fold at 0"),
    Case("sine", plain(torch.sin), Reals(1), NO, NO, "periodic"),
    Case("sinh", plain(torch.sinh), Reals(1), YES, YES, "monotone, unbounded"),
    Case("exp", plain(torch.exp), Reals(1), YES, NO, "positive"),
    Case("|x|", plain(torch.abs), Reals(1), NO, NO, "even"),
    Case("x²", plain(lambda x: x**2), Reals(1), NO, NO, "even"),
    Case("x² on [1, 2]", plain(lambda x: x**2), Box(1, 2), YES, YES, "monotone", Box(1, 4)),
    Case("x² on [0, 2] onto [0, 4]", plain(lambda x: x * x), Box(0, 2), OPEN, YES,
         "intermediate values", Box(0.0, 4.0)),
    Case("x + .5 sin x", plain(lambda x: x + 0.5 * torch.sin(x)), Reals(1), YES, YES, "f' ≥ .5"),
    Case("x + 2 sin x", plain(lambda x: x + 2 * torch.sin(x)), Reals(1), NO, OPEN, "f' < 0"),
    Case("rotation and growth", plain(lambda x: torch.stack(
        [x[:, 0] + 0.3 * torch.sin(x[:, 1]), x[:, 1] - 0.3 * torch.sin(x[:, 0])], 1)), Reals(2),
        YES, YES, "the identity and a contraction"),
    Case("complex square, half plane", plain(lambda x: torch.stack(
        [x[:, 0] ** 2 - x[:, 1] ** 2, 2 * x[:, 0] * x[:, 1]], 1)), Box([0.2, -1], [1, 1]), YES,
        OPEN, "z² on Re z > 0"),
    Case("complex square", plain(lambda x: torch.stack(
        [x[:, 0] ** 2 - x[:, 1] ** 2, 2 * x[:, 0] * x[:, 1]], 1)), Box([-1, -1], [1, 1]), NO,
        OPEN, "(−z)² = z²"),
    Case("polar coordinates", plain(lambda x: torch.stack(
        [x[:, 0] * torch.cos(x[:, 1]), x[:, 0] * torch.sin(x[:, 1])], 1)),
        Box([0.5, -1.5], [2, 1.5]), YES, OPEN, "less than one turn"),
    Case("helix", plain(lambda x: torch.cat([torch.cos(x), torch.sin(x), 0.3 * x], 1)),
         Box(-5, 5), YES, NO, "the third coordinate grows"),
    Case("sum and product", plain(lambda x: torch.stack(
        [x[:, 0] + x[:, 1], x[:, 0] * x[:, 1]], 1)), Box([-1, -1], [1, 1]), NO, OPEN, "symmetric"),
    Case("constant", plain(lambda x: 0 * x), Reals(2), NO, NO, "constant"),
    Case("layer norm", lambda: nn.LayerNorm(4), Reals(4), NO, NO, "shift; fixed spread"),
    Case("RMS norm", lambda: nn.RMSNorm(4), Reals(4), YES, NO, "keeps directions; bounded"),
    Case("group norm", lambda: nn.GroupNorm(2, 4), Reals((4, 3)), NO, NO, "shift"),
    Case("log-softmax", lambda: nn.LogSoftmax(dim=1), Reals(3), NO, NO, "shift"),
    Case("dropout, evaluation", lambda: nn.Dropout().eval(), Reals(5), YES, YES, "identity"),
    Case("average pooling", lambda: nn.AvgPool2d(2), Reals((1, 4, 4)), NO, YES, "dimension"),
    Case("zero padding", lambda: nn.ZeroPad2d(1), Reals((1, 3, 3)), YES, NO, "zeros outside"),
    Case("convolution 1×1, regular", seeded(lambda: nn.Conv2d(3, 3, 1)), Reals((3, 8, 8)), YES,
         YES, "regular matrix at each pixel"),
    Case("convolution 3×3, same", seeded(lambda: nn.Conv2d(2, 2, 3, padding=1)), Reals((2, 5, 5)),
         YES, YES, "the matrix is regular"),
    Case("convolution with stride", seeded(lambda: nn.Conv2d(2, 2, 3, stride=2)),
         Reals((2, 7, 7)), NO, YES, "dimension; full row rank"),
    Case("difference filter, circular", difference, Reals((1, 8)), NO, NO,
         "constants are lost"),
    Case("ReLU of 16 directions", lambda: relu_of(ALL_ROUND), Reals(2), YES, NO,
         "each half plane holds 7 of them"),
    Case("ReLU net, 16 directions, then linear", lambda: nn.Sequential(
        relu_of(ALL_ROUND), matrix([[float(i == j) for j in range(16)] for i in range(16)])),
        Reals(2), YES, NO, "injective pieces; measure"),
    Case("ReLU on the positive side", lambda: relu_of([[2.0, 1.0], [1.0, 2.0]], [4.0, 4.0]),
         Box([-1, -1], [1, 1]), YES, OPEN, "all rows stay active"),
    Case("ReLU 2-8-2", seeded(lambda: gaussian(2, 8, 2, activation=nn.ReLU)), Reals(2), NO, OPEN,
         "folds"),
    Case("ReLU 8-32-8", seeded(lambda: gaussian(8, 32, 8, activation=nn.ReLU)), Reals(8), NO,
         OPEN, "folds"),
    Case("tanh 32-128-32", seeded(lambda: gaussian(32, 128, 32)), Reals(32), NO, NO, "folds"),
    Case("tanh 3-16-3 on a box", seeded(lambda: gaussian(3, 16, 3)), Box([-2] * 3, [2] * 3), NO,
         OPEN, "folds"),
    Case("leaky ReLU, bottleneck", seeded(lambda: gaussian(4, 3, 4, activation=nn.LeakyReLU)),
         Reals(4), NO, NO, "3 < 4"),
    Case("residual block with ReLU behind", seeded(lambda: nn.Sequential(
        Residual(4, 0.5), nn.ReLU())), Reals(4), NO, NO, "ReLU of all reals"),
    Case("three residual blocks", seeded(lambda: nn.Sequential(
        Residual(4, 0.5), Residual(4, 0.8), Residual(4, 0.3))), Reals(4), YES, YES, "Banach"),
    Case("not a coupling", Tangled, Reals(4), NO, OPEN, "both halves are a + b"),
    Case("Glow-like step", seeded(PixelwiseFlow), Reals((1, 8, 8)), YES, YES, "bijective pieces"),
    Case("ResNet classifier", seeded(resnet), Reals((3, 16, 16)), NO, OPEN, "dimension"),
    Case("sum of the batch", plain(lambda x: x + x.sum(0, keepdim=True)), Reals(2), NONE, NONE,
         "mixes the batch"),
    Case("noise", plain(lambda x: x + torch.rand_like(x)), Reals(2), NONE, NONE, "random"),
    Case("1/x on [−1, 1]", plain(lambda x: 1 / x), Box(-1, 1), NONE, NONE, "pole at 0"),
    Case("log on [−1, 1]", plain(torch.log), Box(-1, 1), NONE, NONE, "no value below 0"),
    Case("sign", plain(torch.sign), Reals(1), NO, NO, "three values"),
    Case("round to int", plain(lambda x: x.round().to(torch.int8)), Box(-5, 5), NO, NO,
         "pigeonhole", Reals(1)),
    Case("square of four numbers", plain(lambda x: x**2), Finite([-1.0, 0.0, 1.0, 2.0]), NO, NO,
         "(−1)² = 1²"),
    Case("exp of four numbers", plain(torch.exp), Finite([-1.0, 0.0, 1.0, 2.0]), YES, NO,
         "different values"),
    Case("x/3 in float16", plain(lambda x: x / 3), Box(-1, 1), NO, OPEN, "rounding",
         semantics="float16"),
    Case("−x in float16", plain(lambda x: -x), Box(-1, 1), YES, OPEN, "exact",
         semantics="float16"),
]  # fmt: skip
"""Further cases."""
