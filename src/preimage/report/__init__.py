"""One page that shows what was found, and how: self-contained, to open offline and to send on."""

from preimage.report.page import write_report
from preimage.report.verdict import write_verdict

__all__ = ["write_report", "write_verdict"]
