"""preimage finds the inputs that produce a wanted output, and says how each was checked."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preimage.checking import check_inverter as check_inverter
    from preimage.domain import Box as Box
    from preimage.function import Function as Function
    from preimage.inverters import METHODS as METHODS
    from preimage.inverters import DirectInverter as DirectInverter
    from preimage.inverters import FlowInverter as FlowInverter
    from preimage.inverters import GradientInverter as GradientInverter
    from preimage.inverters import Inverter as Inverter
    from preimage.inverters import MixtureInverter as MixtureInverter
    from preimage.inverters import NearestInverter as NearestInverter
    from preimage.inverters import TandemInverter as TandemInverter
    from preimage.inverters import TwinInverter as TwinInverter
    from preimage.inverters.formula import invert as invert
    from preimage.inverters.loading import load as load
    from preimage.preimages import Preimages as Preimages
    from preimage.preimages import Status as Status
    from preimage.regressor import InverseRegressor as InverseRegressor
    from preimage.training.recipe import RECIPES as RECIPES
    from preimage.training.recipe import Recipe as Recipe
    from preimage.verdicts import Claim as Claim
    from preimage.verdicts import Finite as Finite
    from preimage.verdicts import Reals as Reals
    from preimage.verdicts import Report as Report
    from preimage.verdicts import check as check
    from preimage.verdicts import check_at as check_at
    from preimage.verdicts import check_numerically as check_numerically
    from preimage.verdicts import read_exported as read_exported

_HOMES = {
    "METHODS": "inverters",
    "RECIPES": "training.recipe",
    "Box": "domain",
    "Claim": "verdicts",
    "DirectInverter": "inverters",
    "FlowInverter": "inverters",
    "Finite": "verdicts",
    "Function": "function",
    "GradientInverter": "inverters",
    "InverseRegressor": "regressor",
    "Inverter": "inverters",
    "MixtureInverter": "inverters",
    "NearestInverter": "inverters",
    "Preimages": "preimages",
    "Reals": "verdicts",
    "Recipe": "training.recipe",
    "Report": "verdicts",
    "Status": "preimages",
    "TandemInverter": "inverters",
    "TwinInverter": "inverters",
    "check": "verdicts",
    "check_at": "verdicts",
    "check_inverter": "checking",
    "check_numerically": "verdicts",
    "invert": "inverters.formula",
    "load": "inverters.loading",
    "read_exported": "verdicts",
}

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, so that `import preimage` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'preimage' has no attribute {name!r}")
    value = getattr(import_module(f"preimage.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
