"""The networks of a translation."""

from preimage.translation.networks.fine import FineUNet
from preimage.translation.networks.involution import InvolutionNet
from preimage.translation.networks.layers import Norm
from preimage.translation.networks.patchgan import PatchGAN
from preimage.translation.networks.unet import UNet

__all__ = ["FineUNet", "InvolutionNet", "Norm", "PatchGAN", "UNet"]
