"""Image generators and their inverses."""

from preimage.generators.base import GeneratorInverter
from preimage.generators.codes import Codes
from preimage.generators.combined import CombinedInverter
from preimage.generators.dcgan import DCGAN
from preimage.generators.encoder import EncoderInverter
from preimage.generators.generator import Generator
from preimage.generators.learned import LearnedInverter
from preimage.generators.priors import Normal, Prior, Uniform
from preimage.generators.regression import RegressionInverter

__all__ = [
    "DCGAN",
    "Codes",
    "CombinedInverter",
    "EncoderInverter",
    "Generator",
    "GeneratorInverter",
    "LearnedInverter",
    "Normal",
    "Prior",
    "RegressionInverter",
    "Uniform",
]
