"""Numbers as they are given: scalars, lists, arrays and tensors."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def forwards(array: np.ndarray) -> np.ndarray:
    """The array, copied where it is a mirrored view, which PyTorch does not read."""
    return array.copy() if min(array.strides, default=0) < 0 else array


def float64(given: Any) -> Tensor:
    """The numbers as a float64 tensor without gradients.

    Args:
        given: A number, a nested list, an array, also a mirrored view, or a tensor.

    Raises:
        TypeError: It is something else.
        ValueError: Its rows have different lengths.

    Example:
        >>> import numpy as np
        >>> float64(np.arange(3)[::-1])
        tensor([2., 1., 0.], dtype=torch.float64)
    """
    if isinstance(given, Tensor):
        return given.detach().to(torch.float64)
    return torch.as_tensor(forwards(np.asarray(given, dtype=np.float64)))
