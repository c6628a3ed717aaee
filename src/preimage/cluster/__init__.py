"""Work in parts, on the cores of this machine or on a cluster: what is done is not done again."""

from preimage.cluster.job import Finished, Job, Made
from preimage.cluster.kept import Kept
from preimage.cluster.parts import Outcome, Part
from preimage.cluster.place import LOCAL, connected
from preimage.cluster.running import outcomes
from preimage.cluster.sweep import Sweep

__all__ = [
    "LOCAL",
    "Finished",
    "Job",
    "Kept",
    "Made",
    "Outcome",
    "Part",
    "Sweep",
    "connected",
    "outcomes",
]
