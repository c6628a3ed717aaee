"""The published figures, read off a plot to about 20 %.

Source: S. Ren, W. Padilla, J. Malof, Benchmarking deep inverse models over time, and the
neural-adjoint method, NeurIPS 2020, figure 3.
"""

from __future__ import annotations

PLACES = (1, 10, 50)
"""The numbers of candidates, T, at which the curves were read."""

PUBLISHED: dict[str, dict[str, tuple[float, float, float]]] = {
    "sine": {
        "NA": (1.0e-3, 3.1e-5, 1.7e-6),
        "cINN": (0.63, 1.0e-2, 3.6e-4),
        "MDN": (0.46, 1.7e-2, 7.3e-4),
        "cVAE": (0.5, 1.3e-2, 7e-4),
        "INN": (0.7, 3.4e-2, 1.6e-3),
        "tandem": (2.4e-2, 2.4e-2, 2.4e-2),
    },
    "arm": {
        "NA": (2.3e-4, 1.0e-5, 2.6e-6),
        "cINN": (1.8e-3, 1.0e-5, 4.5e-6),
        "MDN": (4.8e-3, 3.4e-4, 7.3e-5),
        "cVAE": (2.5e-2, 1.5e-2, 1.4e-2),
        "INN": (2.5e-2, 2.2e-3, 6e-4),
        "tandem": (5.4e-4, 5.4e-4, 5.4e-4),
    },
}
"""r_T of each method for T in `PLACES`. NA, the neural adjoint, sorts its 2,048 starts by the error
of its learned function, so that its first candidate is the best of 2,048 by that."""
