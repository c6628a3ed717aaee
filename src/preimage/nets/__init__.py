"""Networks: plain torch modules without training code."""

from preimage.nets.mlp import MLP, Activation, Standardize

__all__ = ["MLP", "Activation", "Standardize"]
