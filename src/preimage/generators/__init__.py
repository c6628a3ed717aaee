"""Image generators and their inverses."""

from preimage.generators.adaptation import Adapted, adapt
from preimage.generators.base import GeneratorInverter
from preimage.generators.bigan import BiGAN
from preimage.generators.codes import Codes
from preimage.generators.combined import CombinedInverter
from preimage.generators.conditional import ConditionalDCGAN
from preimage.generators.conditional_inverter import ConditionalInverter
from preimage.generators.dcgan import DCGAN
from preimage.generators.degradations import (
    Blur,
    Custom,
    Degradation,
    Downsample,
    Mask,
    Noise,
    Sequence,
)
from preimage.generators.descents import Adam, QuasiNewton
from preimage.generators.encoder import EncoderInverter
from preimage.generators.generator import Generator
from preimage.generators.labels import Labelled
from preimage.generators.latent_search import LatentSearch
from preimage.generators.learned import LearnedInverter
from preimage.generators.loading import MODELS, load
from preimage.generators.model import GeneratorModel
from preimage.generators.paired import PairedEncoder, Translated
from preimage.generators.priors import Normal, Prior, Uniform
from preimage.generators.refinement import descend, refine
from preimage.generators.regression import RegressionInverter
from preimage.generators.restoration import Restoration, restore

__all__ = [
    "DCGAN",
    "MODELS",
    "Adam",
    "Adapted",
    "BiGAN",
    "Blur",
    "Codes",
    "CombinedInverter",
    "ConditionalDCGAN",
    "ConditionalInverter",
    "Custom",
    "Degradation",
    "Downsample",
    "EncoderInverter",
    "Generator",
    "GeneratorInverter",
    "GeneratorModel",
    "Labelled",
    "LatentSearch",
    "LearnedInverter",
    "Mask",
    "Noise",
    "Normal",
    "PairedEncoder",
    "Prior",
    "QuasiNewton",
    "RegressionInverter",
    "Restoration",
    "Sequence",
    "Translated",
    "Uniform",
    "adapt",
    "descend",
    "load",
    "refine",
    "restore",
]
