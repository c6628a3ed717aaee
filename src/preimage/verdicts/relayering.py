"""Layers made from the operations that they turn into: a module for each, with its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor, nn

Arguments = Mapping[str, Any]


@final
@dataclass(frozen=True)
class Layer:
    """How an operation becomes a module.

    Attributes:
        make: The module for its arguments; None where there is none like it.
        weights: The arguments that must be weights, or absent.
        source: The argument that is the input.
        several: Whether the operation returns more than its result.
    """

    make: Callable[[Arguments], nn.Module | None]
    weights: tuple[str, ...]
    source: str = "input"
    several: bool = False


def _filled(module: nn.Module, **tensors: Tensor | None) -> nn.Module:
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if name in module._buffers:
            module._buffers[name] = tensor.clone()
        else:
            setattr(module, name, nn.Parameter(tensor.clone(), requires_grad=False))
    return module.eval()


def _linear(a: Arguments) -> nn.Module:
    weight, bias = a["weight"], a["bias"]
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    return _filled(layer, weight=weight, bias=bias)


def _convolution(
    transposed: bool,
) -> Callable[[Arguments], nn.Module | None]:
    def made(a: Arguments) -> nn.Module | None:
        weight: Tensor = a["weight"]
        dims = weight.ndim - 2
        if not 1 <= dims <= 3:
            return None
        flipped = a.get("transposed", transposed)
        groups = a["groups"]
        inputs, outputs = weight.shape[:2] if flipped else weight.shape[1::-1]
        if flipped:
            outputs *= groups
        else:
            inputs *= groups
        plain = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
        turned = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
        kind: Any = (turned if flipped else plain)[dims - 1]
        padding = a["padding"] if isinstance(a["padding"], str) else _each(a["padding"], dims)
        extra = {"output_padding": _each(a["output_padding"], dims)} if flipped else {}
        layer = kind(
            int(inputs), int(outputs), tuple(weight.shape[2:]), stride=_each(a["stride"], dims),
            padding=padding, dilation=_each(a["dilation"], dims), groups=groups,
            bias=a["bias"] is not None, device="meta",
            padding_mode=a.get("padding_mode", "zeros"), **extra,
        )  # fmt: skip
        return _filled(layer, weight=weight, bias=a["bias"])

    return made


def _each(value: Any, dims: int) -> tuple[int, ...]:
    found = [value] if isinstance(value, int) else list(value)
    return tuple(found * dims if len(found) == 1 else found)


@final
class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation of samples of any shape."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        """Any number of dimensions is right."""


def _batch_norm(a: Arguments) -> nn.Module | None:
    mean, variance = a["running_mean"], a["running_var"]
    if mean is None or variance is None:
        return None
    layer = BatchNorm(len(mean), eps=a["eps"], affine=a["weight"] is not None)
    _filled(layer, weight=a["weight"], bias=a["bias"], running_mean=mean, running_var=variance)
    return layer.train(bool(a.get("training", False)))


def _layer_norm(a: Arguments) -> nn.Module:
    layer = nn.LayerNorm(
        list(a["normalized_shape"]), eps=a["eps"], elementwise_affine=a["weight"] is not None,
        bias=a["bias"] is not None,
    )  # fmt: skip
    return _filled(layer, weight=a["weight"], bias=a["bias"])


def _rms_norm(a: Arguments) -> nn.Module:
    shape, weight = list(a["normalized_shape"]), a["weight"]
    layer = nn.RMSNorm(shape, eps=a["eps"], elementwise_affine=weight is not None)
    return _filled(layer, weight=weight)


def _group_norm(a: Arguments) -> nn.Module | None:
    weight = a["weight"]
    if weight is None:
        return None
    layer = nn.GroupNorm(a["num_groups"], len(weight), eps=a["eps"])
    return _filled(layer, weight=weight, bias=a["bias"])


def _prelu(a: Arguments) -> nn.Module:
    return _filled(nn.PReLU(len(a["weight"])), weight=a["weight"])


def _embedding(a: Arguments) -> nn.Module:
    return nn.Embedding.from_pretrained(a["weight"].clone())


def _dropout(a: Arguments) -> nn.Module:
    return nn.Dropout(a["p"]).train(bool(a["train"]))


def _max_pool(a: Arguments) -> nn.Module:
    pool: Any = nn.MaxPool2d
    return pool(
        _each(a["kernel_size"], 2), _each(a["stride"] or a["kernel_size"], 2),
        _each(a["padding"], 2), _each(a["dilation"], 2), ceil_mode=a["ceil_mode"],
    ).eval()  # fmt: skip


def _average_pool(a: Arguments) -> nn.Module:
    pool: Any = nn.AvgPool2d
    return pool(
        _each(a["kernel_size"], 2), _each(a["stride"] or a["kernel_size"], 2),
        _each(a["padding"], 2), ceil_mode=a["ceil_mode"], count_include_pad=a["count_include_pad"],
        divisor_override=a["divisor_override"],
    ).eval()  # fmt: skip


def _adaptive_pool(a: Arguments) -> nn.Module:
    return nn.AdaptiveAvgPool2d(_each(a["output_size"], 2)).eval()


BOTH = ("weight", "bias")
NORM = ("weight", "bias", "running_mean", "running_var")

LAYERS: dict[str, Layer] = {
    "linear": Layer(_linear, BOTH),
    **{f"conv{dims}d": Layer(_convolution(False), BOTH) for dims in (1, 2, 3)},
    "conv_transpose1d": Layer(_convolution(True), BOTH),
    "conv_transpose2d": Layer(_convolution(True), BOTH),
    "conv_transpose3d": Layer(_convolution(True), BOTH),
    "convolution": Layer(_convolution(False), BOTH),
    "batch_norm": Layer(_batch_norm, NORM),
    "_native_batch_norm_legit_no_training": Layer(_batch_norm, NORM, several=True),
    "layer_norm": Layer(_layer_norm, BOTH),
    "native_layer_norm": Layer(_layer_norm, BOTH, several=True),
    "rms_norm": Layer(_rms_norm, ("weight",)),
    "group_norm": Layer(_group_norm, BOTH),
    "prelu": Layer(_prelu, ("weight",), source="self"),
    "embedding": Layer(_embedding, ("weight",), source="indices"),
    "dropout": Layer(_dropout, ()),
    "max_pool2d": Layer(_max_pool, (), source="self"),
    "avg_pool2d": Layer(_average_pool, (), source="self"),
    "adaptive_avg_pool2d": Layer(_adaptive_pool, (), source="self"),
}
"""The operations that have modules, by PyTorch's name."""
