"""The multilayer perceptron, and the scaling of what goes into it."""

import math
from itertools import pairwise
from typing import Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

Activation: TypeAlias = Literal["relu", "silu", "gelu", "tanh"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
}


@final
class MLP(nn.Module):
    r"""A multilayer perceptron $W_d\,\sigma(\dots\sigma(W_0 x + b_0)\dots) + b_d$.

    Weights and biases start as U(-1/√fan_in, 1/√fan_in), torch's own default for linear layers,
    drawn from the given generator instead of the global one.

    Args:
        inputs: Number of inputs.
        outputs: Number of outputs.
        width: Units in each hidden layer.
        depth: Number of hidden layers; 0 is a linear map.
        activation: σ, "relu", "silu", "gelu" or "tanh".
        generator: Where the first weights are drawn from.

    Example:
        >>> net = MLP(2, 3, width=16, generator=torch.Generator().manual_seed(0))
        >>> net(torch.zeros(5, 2)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 128,
        depth: int = 2,
        activation: Activation = "silu",
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        sizes = [inputs, *[width] * depth, outputs]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [_linear(before, after, generator), ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Apply the network to each row."""
        return self.layers(x)


@final
class Standardize(nn.Module):
    r"""The affine map $(x - \text{mean}) / \text{scale}$ of each column, and its inverse.

    Mean and scale are buffers: they are saved and moved with the network and are not trained.

    Args:
        mean: In the units of x, one for each column.
        scale: In the units of x, one for each column, positive.

    Example:
        >>> x = torch.tensor([[0.0], [2.0], [4.0]])
        >>> Standardize.of(x)(x).flatten()
        tensor([-1.,  0.,  1.])
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Float[Tensor, " columns"], scale: Float[Tensor, " columns"]) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    @classmethod
    def of(cls, x: Float[Tensor, "rows columns"]) -> "Standardize":
        """Return the map that gives these columns mean 0 and standard deviation 1.

        Args:
            x: At least two rows; a constant column keeps its unit.
        """
        scale, mean = torch.std_mean(x, dim=0)
        return cls(mean, torch.where(scale > 0, scale, 1.0))

    @classmethod
    def identity(cls, columns: int) -> "Standardize":
        """Return the map that changes nothing, in double precision."""
        return cls(torch.zeros(columns).double(), torch.ones(columns).double())

    def forward(self, x: Float[Tensor, "*batch columns"]) -> Float[Tensor, "*batch columns"]:
        """Return x without units."""
        return (x - self.mean) / self.scale

    def inverse(self, z: Float[Tensor, "*batch columns"]) -> Float[Tensor, "*batch columns"]:
        """Return z in the units of x."""
        return self.mean + self.scale * z


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    # Built without values first: the constructor would draw them from the global generator.
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    bound = 1 / math.sqrt(inputs)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer
