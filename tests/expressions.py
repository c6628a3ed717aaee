"""Random expressions in torch, and the same with derivatives in forty digits: the truth."""

import mpmath
import torch
from mpmath import mpf
from torch.nn import functional as F

DIGITS = 40


class Undefined(Exception):
    pass


class Number:
    """A value and its gradient in mpmath."""

    def __init__(self, value, slopes):
        self.value, self.slopes = value, slopes

    def through(self, value, slope):
        return Number(value, [slope * s for s in self.slopes])


def _logistic(x):
    return 1 / (1 + mpmath.exp(-x))


def _softplus(x):
    return mpmath.log1p(mpmath.exp(x)) if x < 60 else x + mpmath.exp(-x)


def _smooth(f, slope):
    return lambda a: a.through(f(a.value), slope(a.value))


def _mish_slope(x):
    t = mpmath.tanh(_softplus(x))
    return t + x * _logistic(x) * (1 - t**2)


def _pieces(*parts):
    """Formulas and slopes, each up to the given end."""

    def rule(a):
        for end, value, slope in parts:
            if a.value < end:
                return a.through(value(a.value), mpf(slope))
        raise AssertionError

    return rule


def _elu(alpha, scale, inner):
    def rule(a):
        x = a.value
        if x > 0:
            return a.through(scale * x, scale)
        return a.through(
            scale * alpha * mpmath.expm1(inner * x), scale * alpha * inner * mpmath.exp(inner * x)
        )

    return rule


def _guarded(allowed, f, slope):
    def rule(a):
        if not allowed(a.value):
            raise Undefined
        return a.through(f(a.value), slope(a.value))

    return rule


SELU_ALPHA, SELU_SCALE = (
    mpf(1.6732632423543772848170429916717),
    mpf(1.0507009873554804934193349852946),
)
INF = mpmath.inf
mpmath.mp.dps = DIGITS

UNARY = {
    "neg": (torch.neg, _smooth(lambda x: -x, lambda x: mpf(-1))),
    "abs": (torch.abs, _pieces((0, lambda x: -x, -1), (INF, lambda x: x, 1))),
    "exp": (torch.exp, _smooth(mpmath.exp, mpmath.exp)),
    "expm1": (torch.expm1, _smooth(mpmath.expm1, mpmath.exp)),
    "exp2": (torch.exp2, _smooth(lambda x: mpf(2) ** x, lambda x: mpf(2) ** x * mpmath.log(2))),
    "log": (torch.log, _guarded(lambda x: x > 0, mpmath.log, lambda x: 1 / x)),
    "log2": (torch.log2, _guarded(lambda x: x > 0, lambda x: mpmath.log(x, 2),
                                  lambda x: 1 / x / mpmath.log(2))),
    "log10": (torch.log10, _guarded(lambda x: x > 0, mpmath.log10,
                                    lambda x: 1 / x / mpmath.log(10))),
    "log1p": (torch.log1p, _guarded(lambda x: x > -1, mpmath.log1p, lambda x: 1 / (1 + x))),
    "sqrt": (torch.sqrt, _guarded(lambda x: x > 0, mpmath.sqrt,
                                  lambda x: 1 / (2 * mpmath.sqrt(x)))),
    "rsqrt": (torch.rsqrt, _guarded(lambda x: x > 0, lambda x: 1 / mpmath.sqrt(x),
                                    lambda x: -1 / (2 * x * mpmath.sqrt(x)))),
    "reciprocal": (torch.reciprocal, _guarded(lambda x: x != 0, lambda x: 1 / x,
                                              lambda x: -1 / x**2)),
    "square": (torch.square, _smooth(lambda x: x**2, lambda x: 2 * x)),
    "cube": (lambda x: x**3, _smooth(lambda x: x**3, lambda x: 3 * x**2)),
    "fourth": (lambda x: x**4, _smooth(lambda x: x**4, lambda x: 4 * x**3)),
    "fifth": (lambda x: x**5, _smooth(lambda x: x**5, lambda x: 5 * x**4)),
    "inverse cube": (lambda x: x**-3, _guarded(lambda x: x != 0, lambda x: x**-3,
                                               lambda x: -3 * x**-4)),
    "power 2.5": (lambda x: x**2.5, _guarded(lambda x: x > 0, lambda x: x ** mpf(2.5),
                                             lambda x: mpf(2.5) * x ** mpf(1.5))),
    "power .3": (lambda x: x**0.3, _guarded(lambda x: x > 0, lambda x: x ** mpf(0.3),
                                            lambda x: mpf(0.3) * x ** (mpf(0.3) - 1))),
    "three to x": (lambda x: 3**x, _smooth(lambda x: mpf(3) ** x,
                                           lambda x: mpf(3) ** x * mpmath.log(3))),
    "sin": (torch.sin, _smooth(mpmath.sin, mpmath.cos)),
    "cos": (torch.cos, _smooth(mpmath.cos, lambda x: -mpmath.sin(x))),
    "tan": (torch.tan, _smooth(mpmath.tan, lambda x: 1 + mpmath.tan(x) ** 2)),
    "asin": (torch.asin, _guarded(lambda x: abs(x) < 1, mpmath.asin,
                                  lambda x: 1 / mpmath.sqrt(1 - x**2))),
    "acos": (torch.acos, _guarded(lambda x: abs(x) < 1, mpmath.acos,
                                  lambda x: -1 / mpmath.sqrt(1 - x**2))),
    "atan": (torch.atan, _smooth(mpmath.atan, lambda x: 1 / (1 + x**2))),
    "sinh": (torch.sinh, _smooth(mpmath.sinh, mpmath.cosh)),
    "cosh": (torch.cosh, _smooth(mpmath.cosh, mpmath.sinh)),
    "tanh": (torch.tanh, _smooth(mpmath.tanh, lambda x: 1 / mpmath.cosh(x) ** 2)),
    "asinh": (torch.asinh, _smooth(mpmath.asinh, lambda x: 1 / mpmath.sqrt(1 + x**2))),
    "acosh": (torch.acosh, _guarded(lambda x: x > 1, mpmath.acosh,
                                    lambda x: 1 / mpmath.sqrt(x**2 - 1))),
    "atanh": (torch.atanh, _guarded(lambda x: abs(x) < 1, mpmath.atanh, lambda x: 1 / (1 - x**2))),
    "sigmoid": (torch.sigmoid, _smooth(_logistic, lambda x: _logistic(x) * _logistic(-x))),
    "erf": (torch.erf, _smooth(mpmath.erf,
                               lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(x**2)))),
    "erfc": (torch.erfc, _smooth(mpmath.erfc,
                                 lambda x: -2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(x**2)))),
    "softplus": (F.softplus, _smooth(_softplus, _logistic)),
    "softplus 3": (lambda x: F.softplus(x, 3.0),
                   _smooth(lambda x: _softplus(3 * x) / 3, lambda x: _logistic(3 * x))),
    "logsigmoid": (F.logsigmoid, _smooth(lambda x: -_softplus(-x), lambda x: _logistic(-x))),
    "relu": (torch.relu, _pieces((0, lambda x: mpf(0), 0), (INF, lambda x: x, 1))),
    "relu6": (F.relu6, _pieces((0, lambda x: mpf(0), 0), (6, lambda x: x, 1),
                               (INF, lambda x: mpf(6), 0))),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.125),
                   _pieces((0, lambda x: x / 8, 0.125), (INF, lambda x: x, 1))),
    "hardtanh": (F.hardtanh, _pieces((-1, lambda x: mpf(-1), 0), (1, lambda x: x, 1),
                                     (INF, lambda x: mpf(1), 0))),
    "softshrink": (F.softshrink, _pieces((-0.5, lambda x: x + mpf(0.5), 1),
                                         (0.5, lambda x: mpf(0), 0),
                                         (INF, lambda x: x - mpf(0.5), 1))),
    "hardsigmoid": (F.hardsigmoid, _pieces((-3, lambda x: mpf(0), 0),
                                           (3, lambda x: x / 6 + mpf(1) / 2, mpf(1) / 6),
                                           (INF, lambda x: mpf(1), 0))),
    "hardswish": (F.hardswish, lambda a: a.through(
        a.value * min(max(a.value + 3, 0), 6) / 6,
        mpf(0) if a.value < -3 else mpf(1) if a.value > 3 else (2 * a.value + 3) / 6)),
    "elu": (lambda x: F.elu(x, 0.75), _elu(mpf(0.75), mpf(1), mpf(1))),
    "selu": (F.selu, _elu(SELU_ALPHA, SELU_SCALE, mpf(1))),
    "celu": (lambda x: F.celu(x, 2.0), _elu(mpf(2), mpf(1), mpf(0.5))),
    "gelu": (F.gelu, _smooth(lambda x: x * mpmath.ncdf(x),
                             lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x))),
    "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), lambda a: _tanh_gelu(a)),
    "silu": (F.silu, _smooth(lambda x: x * _logistic(x),
                             lambda x: _logistic(x) * (1 + x * _logistic(-x)))),
    "mish": (F.mish, _smooth(lambda x: x * mpmath.tanh(_softplus(x)), _mish_slope)),
    "softsign": (F.softsign, _smooth(lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2)),
    "tanhshrink": (F.tanhshrink, _smooth(lambda x: x - mpmath.tanh(x),
                                         lambda x: mpmath.tanh(x) ** 2)),
    "half angle": (torch.deg2rad, _smooth(mpmath.radians, lambda x: mpmath.pi / 180)),
    "clamp": (lambda x: x.clamp(-0.25, 1.5),
              _pieces((-0.25, lambda x: mpf(-0.25), 0), (1.5, lambda x: x, 1),
                      (INF, lambda x: mpf(1.5), 0))),
}  # fmt: skip


def _tanh_gelu(a):
    x, k = a.value, mpmath.sqrt(2 / mpmath.pi)
    inner, change = k * (x + mpf(0.044715) * x**3), k * (1 + 3 * mpf(0.044715) * x**2)
    t = mpmath.tanh(inner)
    return a.through(x / 2 * (1 + t), (1 + t) / 2 + x / 2 * (1 - t**2) * change)


def _sum(a, b, value, by_a, by_b):
    slopes = [by_a * s + by_b * t for s, t in zip(a.slopes, b.slopes, strict=True)]
    return Number(value, slopes)


def _quotient(a, b):
    if b.value == 0:
        raise Undefined
    q = a.value / b.value
    return _sum(a, b, q, 1 / b.value, -q / b.value)


def _angle(a, b):
    square = a.value**2 + b.value**2
    if square == 0:
        raise Undefined
    return _sum(a, b, mpmath.atan2(a.value, b.value), b.value / square, -a.value / square)


def _length(a, b):
    r = mpmath.sqrt(a.value**2 + b.value**2)
    if r == 0:
        raise Undefined
    return _sum(a, b, r, a.value / r, b.value / r)


BINARY = {
    "add": (torch.add, lambda a, b: _sum(a, b, a.value + b.value, 1, 1)),
    "sub": (torch.sub, lambda a, b: _sum(a, b, a.value - b.value, 1, -1)),
    "mul": (torch.mul, lambda a, b: _sum(a, b, a.value * b.value, b.value, a.value)),
    "div": (torch.div, _quotient),
    "max": (torch.maximum, lambda a, b: a if a.value > b.value else b),
    "min": (torch.minimum, lambda a, b: a if a.value < b.value else b),
    "atan2": (torch.atan2, _angle),
    "hypot": (torch.hypot, _length),
    "where": (lambda a, b: torch.where(a > b, a - b, 0.0 * a),
              lambda a, b: _sum(a, b, a.value - b.value, 1, -1) if a.value > b.value
              else Number(mpf(0), [mpf(0) for _ in a.slopes])),
}  # fmt: skip


class Expression:
    """A random tree over p inputs, computed by torch and by mpmath."""

    def __init__(self, source, inputs, depth):
        self.parts = []
        if depth == 0 or source.random() < 0.15:
            self.index = source.randrange(inputs)
            self.constant = source.choice([None, None, None, source.uniform(-3, 3)])
            self.name = "leaf"
        elif source.random() < 0.6:
            self.name = source.choice(list(UNARY))
            self.parts = [Expression(source, inputs, depth - 1)]
        else:
            self.name = source.choice(list(BINARY))
            self.parts = [Expression(source, inputs, depth - 1) for _ in range(2)]

    def torch(self, x):
        if self.name == "leaf":
            column = x[:, self.index]
            return column if self.constant is None else column * self.constant + 0.5
        rule = UNARY.get(self.name) or BINARY[self.name]
        return rule[0](*[part.torch(x) for part in self.parts])

    def exact(self, x):
        if self.name == "leaf":
            slopes = [mpf(i == self.index) for i in range(len(x))]
            leaf = Number(x[self.index], slopes)
            if self.constant is None:
                return leaf
            return leaf.through(leaf.value * mpf(self.constant) + mpf(0.5), mpf(self.constant))
        rule = UNARY.get(self.name) or BINARY[self.name]
        return rule[1](*[part.exact(x) for part in self.parts])

    def __repr__(self):
        return f"{self.name}({', '.join(map(repr, self.parts)) or self.index})"


WIDTHS = (0.0, 1e-15, 1e-9, 1e-3, 0.1, 1.0, 4.0)


def random_boxes(source, inputs, count):
    center = [[source.uniform(-3, 3) for _ in range(inputs)] for _ in range(count)]
    low = torch.tensor(center, dtype=torch.float64)
    width = torch.tensor([[source.choice(WIDTHS)] * inputs for _ in range(count)]).double()
    return low, low + width
