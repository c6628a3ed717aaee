"""The rules for the modules of torch.nn: what each is known to do to whole spaces."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from preimage.intervals.bounds import Bounds
from preimage.verdicts.activations import Activation, activation, elementwise, merged
from preimage.verdicts.convolution import convolution
from preimage.verdicts.facts import Facts, bijection, isometry, smooth, unknown
from preimage.verdicts.linear import affine
from preimage.verdicts.relayering import BatchNorm
from preimage.verdicts.subject import NotAFunction, touched

Shape = tuple[int, ...]

IN_ORDER = {"Flatten", "Unflatten", "Identity", "flatten", "unflatten", "view", "reshape",
            "unsqueeze", "squeeze", "contiguous", "clone", "detach", "double"}  # fmt: skip
"""What only changes the shape in which numbers are written."""


def module_facts(module: nn.Module, before: Shape, after: Shape, reach: Bounds | None) -> Facts:
    """The facts of a module that maps samples of one shape to another.

    Raises:
        NotAFunction: If it draws random numbers or looks at other samples.
    """
    kind: Any = parametrize.type_before_parametrizations(module)
    if touched(module) or (kind not in RULES and kind not in ACTIVATIONS):
        return unknown(kind.__name__)
    if not all(bool(one.isfinite().all()) for one in module.state_dict().values()):
        return unknown(f"{kind.__name__} with a weight that is NaN or infinite")
    if parametrize.is_parametrized(module) and module.training:
        return unknown(f"{kind.__name__} whose parameters are computed in training mode")
    if kind in ACTIVATIONS:
        name, settings = ACTIVATIONS[kind]
        rule = activation(name, *[getattr(module, setting) for setting in settings])
        return unknown(kind.__name__) if rule is None else elementwise(kind.__name__, rule, reach)
    return RULES[kind](module, before, after)


def resized(what: str, before: Shape, after: Shape) -> Facts:
    """A map between spaces whose dimensions alone decide what they can."""
    n, m = math.prod(before), math.prod(after)
    return isometry(what, in_order=what in IN_ORDER) if n == m else smooth(what)


def shift_invariant(what: str) -> Facts:
    """Normalisation by the mean and the spread of the sample itself."""
    return Facts(
        what=what, injective=False, surjective=False, continuous=True, locally_lipschitz=True,
        why_injective=f"{what} gives the same for x and for x plus a constant",
        why_surjective=f"the outputs of {what} are bounded, as they have a fixed spread",
        bounded=True,
    )  # fmt: skip


def _linear(module: Any, before: Shape, after: Shape) -> Facts:
    what = f"Linear({module.in_features}, {module.out_features})"
    if len(before) == 1:
        bias = None if module.bias is None else module.bias.detach().double()
        return affine(what, module.weight.detach().double(), bias)
    facts = affine(what, module.weight.detach().double(), None)
    return replace(facts, weight=None, bias=None)


def _batch_norm(module: Any, before: Shape, after: Shape) -> Facts:
    what = type(module).__name__
    if module.training or module.running_mean is None:
        raise NotAFunction(
            f"{what} in training mode mixes the samples of a batch, so that an output is no "
            "function of one input. Call .eval() first.", "batch normalisation in training mode",
        )  # fmt: skip
    variance = module.running_var.double() + module.eps
    if not bool((variance > 0).all()):
        return unknown(what)
    if module.weight is None:
        weight = torch.ones_like(variance)
    else:
        weight = module.weight.detach().double().abs()
    slope = weight / variance.sqrt()
    if bool((weight == 0).any()):
        why = f"{what} has a weight γ = 0, which makes a channel constant"
        return Facts(
            what=what, injective=False, surjective=False, why_injective=why, why_surjective=why,
            lipschitz=float(slope.max()) * (1 + 1e-14), continuous=True, locally_lipschitz=True,
        )  # fmt: skip
    return bijection(
        what, f"{what} in evaluation mode multiplies every channel by a number that is not 0",
        lipschitz=float(slope.max()) * (1 + 1e-14), inverse=float(1 / slope.min()) * (1 + 1e-14),
    )  # fmt: skip


def _instance_norm(module: Any, before: Shape, after: Shape) -> Facts:
    if module.track_running_stats and not module.training:
        return _batch_norm(module, before, after)
    what = type(module).__name__
    return smooth(what) if module.eps <= 0 else shift_invariant(what)


def _layer_norm(module: Any, before: Shape, after: Shape) -> Facts:
    what = type(module).__name__
    return unknown(what) if module.eps <= 0 else shift_invariant(what)


def _rms_norm(module: Any, before: Shape, after: Shape) -> Facts:
    what = type(module).__name__
    if module.eps is not None and module.eps <= 0:
        return unknown(what)
    weights = None if module.weight is None else module.weight.detach()
    sound = weights is None or bool((weights != 0).all())
    return Facts(
        what=what, injective=sound, surjective=False, continuous=True, locally_lipschitz=True,
        bounded=True, why_surjective=f"the outputs of {what} are bounded",
        why_injective=f"{what} keeps directions and grows along each"
        if sound else f"{what} has a weight 0, which makes an element constant",
    )  # fmt: skip


def _softmax(module: Any, before: Shape, after: Shape) -> Facts:
    return softmax(type(module).__name__, module.dim, before)


def softmax(what: str, dim: Any, shape: Shape) -> Facts:
    """Softmax and its logarithm over a dimension of the batch."""
    if not isinstance(dim, int) or (dim if dim >= 0 else dim + len(shape) + 1) < 1:
        return unknown(what)
    return Facts(
        what=what, injective=False, surjective=False, continuous=True, locally_lipschitz=True,
        bounded="log" not in what.lower(),
        why_injective=f"{what} gives the same for x and for x plus a constant",
        why_surjective=f"the exponentials of its outputs sum to one in {what}"
        if "log" in what.lower() else f"the outputs of {what} sum to one",
        lipschitz=1 if "log" not in what.lower() else math.inf,
    )  # fmt: skip


def _dropout(module: Any, before: Shape, after: Shape) -> Facts:
    what = type(module).__name__
    if module.training and module.p > 0:
        raise NotAFunction(
            f"{what} in training mode draws random numbers, so that one input has many outputs. "
            "Call .eval() first.", "dropout in training mode",
        )  # fmt: skip
    return isometry(what)


def _max_pool(module: Any, before: Shape, after: Shape) -> Facts:
    what = type(module).__name__
    kernel, stride = _sizes(module.kernel_size), _sizes(module.stride)
    plain = (
        kernel == stride and not any(_sizes(module.padding)) and not module.ceil_mode
        and all(size == 1 for size in _sizes(module.dilation)) and not module.return_indices
    )  # fmt: skip
    return _pooled(what, kernel, "the largest") if plain else smooth(what)


def _average_pool(module: Any, before: Shape, after: Shape) -> Facts:
    what = type(module).__name__
    kernel, stride = _sizes(module.kernel_size), _sizes(module.stride)
    plain = (
        kernel == stride and not any(_sizes(module.padding)) and not module.ceil_mode
        and getattr(module, "divisor_override", None) is None
    )  # fmt: skip
    return _pooled(what, kernel, "the mean") if plain else smooth(what)


def _pooled(what: str, kernel: list[int], kept: str) -> Facts:
    """Windows that do not overlap, of which something between their numbers is kept."""
    if all(size == 1 for size in kernel):
        return isometry(what)
    return Facts(
        what=what, injective=False, surjective=True, lipschitz=1,
        continuous=True, locally_lipschitz=True,
        why_injective=f"{what} keeps only {kept} of several numbers",
        why_surjective=f"a window filled with a number gives that number in {what}",
    )  # fmt: skip


def _sizes(value: Any) -> list[int]:
    found = [value] if isinstance(value, int) else list(value)
    return found * 2 if len(found) == 1 else found


def _padding(module: Any, before: Shape, after: Shape) -> Facts:
    what = type(module).__name__
    sizes = _sizes(module.padding)
    if any(size < 0 for size in sizes):
        return smooth(what)
    if not any(sizes):
        return isometry(what)
    return Facts(
        what=what, injective=True, surjective=False, inverse=1,
        continuous=True, locally_lipschitz=True,
        why_injective=f"{what} keeps every number",
        why_surjective=f"the border that {what} adds is determined",
    )  # fmt: skip


def _prelu(module: Any, before: Shape, after: Shape) -> Facts:
    rules = [activation("leaky_relu", slope) for slope in module.weight.detach().double().tolist()]
    found: list[Activation] = [rule for rule in rules if rule is not None]
    return elementwise("PReLU", merged(found), None)


def _rrelu(module: Any, before: Shape, after: Shape) -> Facts:
    if module.training:
        raise NotAFunction("RReLU in training mode draws random numbers. Call .eval() first.",
                           "random slopes in training mode")  # fmt: skip
    slope = activation("leaky_relu", (module.lower + module.upper) / 2)
    return unknown("RReLU") if slope is None else elementwise("RReLU", slope, None)


def _resized(module: Any, before: Shape, after: Shape) -> Facts:
    return resized(type(module).__name__, before, after)


def _smooth(module: Any, before: Shape, after: Shape) -> Facts:
    return smooth(type(module).__name__)


DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
            nn.FeatureAlphaDropout)  # fmt: skip

RULES: dict[type, Callable[[Any, Shape, Shape], Facts]] = {
    nn.Linear: _linear,
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), convolution),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), convolution),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, BatchNorm),
                    _batch_norm),
    **dict.fromkeys((nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d), _instance_norm),
    **dict.fromkeys((nn.LayerNorm, nn.GroupNorm), _layer_norm),
    nn.RMSNorm: _rms_norm,
    **dict.fromkeys((nn.Softmax, nn.LogSoftmax), _softmax),
    **dict.fromkeys(DROPOUTS, _dropout),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), _max_pool),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), _average_pool),
    **dict.fromkeys(
        (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.Upsample, nn.GLU,
         nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.Bilinear), _smooth,
    ),
    **dict.fromkeys(
        (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.ConstantPad1d, nn.ConstantPad2d,
         nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d,
         nn.CircularPad1d, nn.CircularPad2d), _padding,
    ),
    **dict.fromkeys(
        (nn.Flatten, nn.Unflatten, nn.Identity, nn.PixelShuffle, nn.PixelUnshuffle,
         nn.ChannelShuffle), _resized,
    ),
    nn.PReLU: _prelu,
    nn.RReLU: _rrelu,
}  # fmt: skip
"""What is known of each kind of module."""

ACTIVATIONS: dict[type, tuple[str, tuple[str, ...]]] = {
    nn.ReLU: ("relu", ()),
    nn.ReLU6: ("relu6", ()),
    nn.Hardtanh: ("hardtanh", ("min_val", "max_val")),
    nn.LeakyReLU: ("leaky_relu", ("negative_slope",)),
    nn.ELU: ("elu", ("alpha",)),
    nn.CELU: ("celu", ("alpha",)),
    nn.SELU: ("selu", ()),
    nn.Softplus: ("softplus", ("beta", "threshold")),
    nn.Tanh: ("tanh", ()),
    nn.Sigmoid: ("sigmoid", ()),
    nn.Softsign: ("softsign", ()),
    nn.LogSigmoid: ("logsigmoid", ()),
    nn.Tanhshrink: ("tanhshrink", ()),
    nn.Hardsigmoid: ("hardsigmoid", ()),
    nn.Hardswish: ("hardswish", ()),
    nn.SiLU: ("silu", ()),
    nn.GELU: ("gelu", ()),
    nn.Mish: ("mish", ()),
    nn.Softshrink: ("softshrink", ("lambd",)),
    nn.Hardshrink: ("hardshrink", ("lambd",)),
}
"""The activations, with the attributes that hold their parameters."""
