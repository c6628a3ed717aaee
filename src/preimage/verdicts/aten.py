"""The operations of ATen that programs are read with, and what people call them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from preimage.errors import InputError
from preimage.verdicts.relayering import LAYERS

UNARY = {
    "relu", "tanh", "sigmoid", "exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt",
    "sin", "cos", "tan", "sinh", "cosh", "asinh", "acosh", "atanh", "asin", "acos", "atan", "erf",
    "abs", "neg", "square", "sign", "floor", "ceil", "round", "trunc", "reciprocal", "selu",
}  # fmt: skip
"""Functions of torch that take one tensor, and are called the same."""

ACTIVATIONS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "leaky_relu": (functional.leaky_relu, ("negative_slope",)),
    "hardtanh": (functional.hardtanh, ("min_val", "max_val")),
    "relu6": (functional.relu6, ()),
    "softplus": (functional.softplus, ("beta", "threshold")),
    "celu": (functional.celu, ("alpha",)),
    "silu": (functional.silu, ()),
    "mish": (functional.mish, ()),
    "hardswish": (functional.hardswish, ()),
    "hardsigmoid": (functional.hardsigmoid, ()),
    "softshrink": (functional.softshrink, ("lambd",)),
    "hardshrink": (functional.hardshrink, ("lambd",)),
    "log_sigmoid": (functional.logsigmoid, ()),
}
"""Activations, with the parameters that are passed on, by name in both."""

ARITHMETIC = {"add": operator.add, "sub": operator.sub, "mul": operator.mul,
              "div": operator.truediv, "matmul": operator.matmul, "mm": operator.matmul,
              "bmm": operator.matmul}  # fmt: skip

MOVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "view": ("reshape", ("size",)),
    "_unsafe_view": ("reshape", ("size",)),
    "reshape": ("reshape", ("shape",)),
    "flatten": ("flatten", ("start_dim", "end_dim")),
    "permute": ("permute", ("dims",)),
    "transpose": ("transpose", ("dim0", "dim1")),
    "unflatten": ("unflatten", ("dim", "sizes")),
    "unsqueeze": ("unsqueeze", ("dim",)),
    "squeeze": ("squeeze", ("dim",)),
    "chunk": ("chunk", ("chunks", "dim")),
    "split": ("split", ("split_size", "dim")),
    "split_with_sizes": ("split", ("split_sizes", "dim")),
    "unbind": ("unbind", ("dim",)),
    "argmax": ("argmax", ("dim", "keepdim")),
    "mean": ("mean", ("dim", "keepdim")),
    "sum": ("sum", ("dim", "keepdim")),
    "amax": ("amax", ("dim", "keepdim")),
    "cumsum": ("cumsum", ("dim",)),
    "flip": ("flip", ("dims",)),
    "expand": ("expand", ("size",)),
    "sym_size": ("size", ("dim",)),
}
"""Methods of tensors, with the parameters that are passed on, in order."""

SAME = {"contiguous", "clone", "alias", "detach", "detach_", "lift_fresh_copy", "_to_copy", "to"}
"""Operations that change no number: conversions between types are none over the reals."""

FREE_OF_WEIGHTS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "softmax": (functional.softmax, ("dim",)),
    "_softmax": (functional.softmax, ("dim",)),
    "log_softmax": (functional.log_softmax, ("dim",)),
    "_log_softmax": (functional.log_softmax, ("dim",)),
    "pixel_shuffle": (functional.pixel_shuffle, ("upscale_factor",)),
    "pixel_unshuffle": (functional.pixel_unshuffle, ("downscale_factor",)),
    "cat": (torch.cat, ("tensors", "dim")),
    "stack": (torch.stack, ("tensors", "dim")),
    "clamp": (torch.clamp, ("min", "max")),
    "clamp_min": (torch.clamp_min, ("min",)),
    "clamp_max": (torch.clamp_max, ("max",)),
    "maximum": (torch.maximum, ("other",)),
    "minimum": (torch.minimum, ("other",)),
    "roll": (torch.roll, ("shifts", "dims")),
}

OTHERS = {"addmm", "where", "gt", "lt", "ge", "le", "eq", "ne", "rsub", "pow", "slice", "select",
          "t", "elu", "gelu", "masked_fill", "logsumexp", "prod", "linalg_vector_norm", "repeat",
          "constant_pad_nd", "pad", "zeros_like", "ones_like", "full_like", "scalar_tensor",
          "upsample_nearest2d", "upsample_bilinear2d", "remainder", "atan2", "numel", "arange",
          "sym_numel", "threshold", "glu", "index_select", "narrow", "native_group_norm",
          "native_dropout", "max_pool2d_with_indices", "scaled_dot_product_attention", "logit",
          "erfc", "exp2"}  # fmt: skip
"""Operations that are called as they are, or have rules of their own below."""


def known_operation(name: str, overload: str) -> torch._ops.OpOverload:
    """An operation of a file, if it is one that only calculates.

    Raises:
        InputError: If it is none.
    """
    bare = name.removesuffix("_") if name not in SAME else name
    tables = (UNARY, ACTIVATIONS, ARITHMETIC, MOVES, SAME, FREE_OF_WEIGHTS, LAYERS, OTHERS)
    if not any(bare in table for table in tables):
        raise InputError(
            f"the program uses the operation aten.{name}, which is not among those that are read "
            "from files; check the network in Python instead, before it is exported."
        )
    return getattr(getattr(torch.ops.aten, name), overload)
