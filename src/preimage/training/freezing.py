"""A network that others are trained through, and that is not trained itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Run the block without gradients for the parameters of a network, which saves their cost."""
    asked = [one for one in network.parameters() if one.requires_grad]
    for one in asked:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in asked:
            one.requires_grad_(True)
