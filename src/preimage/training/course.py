"""How a training goes: means to log, the best weights, and when to stop."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

from torch import Tensor, nn

Record: TypeAlias = dict[str, int | float]


@final
@dataclass(kw_only=True)
class History:
    """How a training went.

    Attributes:
        records: One for each logged step: "step"; the mean, since the last record, of each value
            that the step function returned; "validation" when it was measured; "lr/NAME" of each
            optimiser; "seconds".
        steps: Steps taken.
        seconds: Time taken; interruptions do not count.
        best: The lowest validation value; infinite without validation.
        best_step: The step after which it was measured, whose weights the networks have in the end.
        flat: Validations since then.
        finished: Whether all steps were taken or patience ran out.
    """

    records: list[Record] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    best: float = math.inf
    best_step: int = 0
    flat: int = 0
    finished: bool = False


@final
@dataclass(kw_only=True)
class Course:
    """The history so far, and what is needed to go on with it."""

    history: History = field(default_factory=History)
    sums: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    best_weights: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def count(self, values: Mapping[str, Tensor]) -> None:
        """Add the values of one step to the means of the next record."""
        for name, value in values.items():
            # Sums of values on a GPU stay there, so that nobody waits for them before the record.
            one = value.detach() if value.device.type != "cpu" else value.item()
            self.sums[name] = self.sums.get(name, 0.0) + one
            self.counts[name] = self.counts.get(name, 0) + 1

    def record(self, extra: Mapping[str, float]) -> Record:
        """Close the means and add a record to the history.

        Args:
            extra: Values to put beside the means.
        """
        means = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        entry = {"step": self.history.steps, **means, **extra, "seconds": self.history.seconds}
        self.history.records.append(entry)
        return entry

    def judge(self, value: float, networks: Mapping[str, nn.Module]) -> None:
        """Keep a copy of the weights if this validation value is the lowest so far."""
        history = self.history
        history.flat += 1
        if value < history.best:
            history.best, history.best_step, history.flat = value, history.steps, 0
            self.best_weights = {
                name: {key: one.detach().clone() for key, one in network.state_dict().items()}
                for name, network in networks.items()
            }

    def over(self, steps: int, patience: int | None) -> bool:
        """Whether all steps are taken, or patience has run out."""
        flat = patience is not None and self.history.flat >= patience
        return flat or self.history.steps >= steps

    def finish(self, networks: Mapping[str, nn.Module]) -> None:
        """Put the best weights back."""
        for name, weights in self.best_weights.items():
            networks[name].load_state_dict(weights)
        self.best_weights = {}
        self.history.finished = True
