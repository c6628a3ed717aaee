"""The methods, and how to find one by name, from a folder, or for a single call."""

from preimage.inverters.base import Inverter
from preimage.inverters.direct import DirectInverter
from preimage.inverters.gradient import GradientInverter
from preimage.inverters.mixture import MixtureInverter
from preimage.inverters.nearest import NearestInverter
from preimage.inverters.spline_flow import FlowInverter
from preimage.inverters.tandem import TandemInverter
from preimage.inverters.twin import TwinInverter

METHODS: dict[str, type[Inverter]] = {
    method.kind: method
    for method in (
        GradientInverter,
        TwinInverter,
        NearestInverter,
        MixtureInverter,
        FlowInverter,
        TandemInverter,
        DirectInverter,
    )
}
"""Every method by its name; the command line, the shared checks and the docs read this list."""

__all__ = [
    "METHODS",
    "DirectInverter",
    "FlowInverter",
    "GradientInverter",
    "Inverter",
    "MixtureInverter",
    "NearestInverter",
    "TandemInverter",
    "TwinInverter",
]
