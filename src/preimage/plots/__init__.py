"""Pictures of answers: where they are, how well they fit, how many there are."""

from preimage.inverters import Inverter
from preimage.plots.checks import counts, residuals
from preimage.plots.curve import curve
from preimage.plots.drawing import Drawing
from preimage.plots.panels import panels
from preimage.plots.parallel import parallel
from preimage.plots.plane import plane
from preimage.preimages import Preimages

__all__ = ["Drawing", "draw"]

FEW = 6
"""Up to so many targets, each is told apart by its colour."""


def draw(found: Preimages, inverter: Inverter | None = None) -> list[Drawing]:
    """Draws every picture that suits the answers.

    The figures are Matplotlib's and belong to no window: `drawing.figure.savefig("branches.pdf")`.

    Args:
        found: The answers.
        inverter: What gave them; with it, the function or the measurements are drawn behind.

    Example:
        >>> import torch
        >>> from preimage.domain import Box
        >>> from preimage.inverters import GradientInverter
        >>> inverter = GradientInverter().fit_function(lambda x: x**3 - x, Box(-2, 2))
        >>> [drawing.name for drawing in draw(inverter.invert([0.0, 0.3]), inverter)]
        ['answers', 'residuals', 'counts']
    """
    found = found.numpy()
    problem = None if inverter is None else inverter.fitted
    inputs, outputs, targets = len(found.inputs), len(found.outputs), len(found)
    drawings = []
    if inputs == outputs == 1:
        drawings.append(curve(found, problem))
    elif targets > 1:
        drawings.append(panels(found, problem))
    if inputs == 2:
        drawings.append(plane(found, problem))
    if inputs > 2 and targets <= FEW and problem is not None:
        drawings.append(parallel(found, problem.box))
    drawings.append(residuals(found))
    if targets > 1:
        drawings.append(counts(found))
    return drawings
