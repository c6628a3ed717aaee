"""The one optimiser loop: progress, log, checkpoints, exact resume, early stop, best weights."""

from preimage.training.course import History
from preimage.training.loop import Loop
from preimage.training.recorded import Recorded
from preimage.training.trainer import Step, Trainer

__all__ = ["History", "Loop", "Recorded", "Step", "Trainer"]
