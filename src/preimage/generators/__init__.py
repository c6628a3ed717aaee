"""Image generators and their inverses."""

from preimage.generators.base import GeneratorInverter
from preimage.generators.bigan import BiGAN
from preimage.generators.codes import Codes
from preimage.generators.combined import CombinedInverter
from preimage.generators.conditional import ConditionalDCGAN
from preimage.generators.conditional_inverter import ConditionalInverter
from preimage.generators.dcgan import DCGAN
from preimage.generators.encoder import EncoderInverter
from preimage.generators.generator import Generator
from preimage.generators.labels import Labelled
from preimage.generators.latent_search import LatentSearch
from preimage.generators.learned import LearnedInverter
from preimage.generators.loading import MODELS, load
from preimage.generators.model import GeneratorModel
from preimage.generators.priors import Normal, Prior, Uniform
from preimage.generators.regression import RegressionInverter

__all__ = [
    "DCGAN",
    "MODELS",
    "BiGAN",
    "Codes",
    "CombinedInverter",
    "ConditionalDCGAN",
    "ConditionalInverter",
    "EncoderInverter",
    "Generator",
    "GeneratorInverter",
    "GeneratorModel",
    "Labelled",
    "LatentSearch",
    "LearnedInverter",
    "Normal",
    "Prior",
    "RegressionInverter",
    "Uniform",
    "load",
]
