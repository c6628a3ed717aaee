"""Is it invertible? Verdicts with certificates and counterexamples."""

from preimage.verdicts.archive import read_exported
from preimage.verdicts.claim import Claim, Level, Status
from preimage.verdicts.deciding import check
from preimage.verdicts.domains import Finite, Reals
from preimage.verdicts.local import Local, check_at
from preimage.verdicts.numerical import Numerical, check_numerically
from preimage.verdicts.report import Report

__all__ = ["Claim", "Finite", "Level", "Local", "Numerical", "Reals", "Report", "Status", "check",
           "check_at", "check_numerically", "read_exported"]  # fmt: skip
