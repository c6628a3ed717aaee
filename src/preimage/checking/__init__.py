"""The shared suite: properties that every inverter must have, run over one of them."""

from preimage.checking.suite import check_inverter

__all__ = ["check_inverter"]
