"""The answers: distinct, verified, ranked, each with how it was checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, final

import numpy as np
from torch import Tensor

from preimage.tables import Kind, to_frame


class Status(StrEnum):
    """What became of one target; the value reads as a sentence."""

    SOLVED = "solved"
    WITHIN_SURROGATE = "solved within the surrogate's error"
    NO_CONTINUOUS_BRANCH = "solved, but not on the branch of the previous target"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not found"

    @property
    def answered(self) -> bool:
        """Whether the target has at least one confirmed answer."""
        return self not in (Status.UNREACHABLE, Status.NOT_FOUND)


@final
@dataclass(frozen=True, eq=False)
class Preimages:
    r"""For each target, up to n inputs that produce it, best first.

    An answer is `ok` when the function confirmed it: $\|f(x) - y\| \le tol$. An answer that was
    checked by a surrogate is `ok` within the larger of `tol` and twice the surrogate's own
    predictive standard deviation. Places without a proposal hold NaN. For a target without any
    confirmed answer the first place holds the nearest output that was reached, with `ok=False`.

    Attributes:
        x: Answers, `(targets, n, p)`, in the units of the inputs. For targets that are tensors
            which require gradients, confirmed answers carry them back to the targets.
        y: What the function, or the surrogate, gives there, `(targets, n, q)`.
        residual: Distance of `y` from the target, `(targets, n)`, in the units of y: Euclidean,
            save where the outputs of the function are no plain numbers.
        ok: Which answers are confirmed, `(targets, n)`.
        targets: What was asked for, `(targets, q)`.
        status: A `Status` for each target.
        sd: The surrogate's predictive standard deviation of `y`, `(targets, n, q)`; `None` where
            the exact function checked.
        outside: Which answers lie outside the measured region, `(targets, n)`; `None` where
            nothing was measured.
        checker: "function" or "surrogate".
        derivatives: "analytic", "autodiff" or "finite differences"; how the checker was
            differentiated.
        tol: The residual up to which an answer is confirmed, in the units of y.
        evaluations: Calls of the checker, in rows, those made by the fit included.
        excluded: How many of them gave nothing usable and were left out.
        inputs: The names of the inputs.
        outputs: The names of the outputs.
        kind: What the targets came in: "numpy", "torch", "pandas", "polars" or "pyarrow".
    """

    x: Any
    y: Any
    residual: Any
    ok: Any
    targets: Any
    status: np.ndarray
    sd: Any
    outside: Any
    checker: str
    derivatives: str
    tol: float
    evaluations: int
    excluded: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kind: Kind

    def __len__(self) -> int:
        return len(self.status)

    @property
    def count(self) -> Any:
        """How many confirmed answers each target has, `(targets,)`."""
        return self.ok.sum(1)

    @property
    def best(self) -> Any:
        """The first answer of each target, `(targets, p)`; read it together with `ok`."""
        return self.x[:, 0]

    @property
    def checked_by(self) -> np.ndarray:
        """How each answer was checked, as "function", "surrogate", or nothing, `(targets, n)`."""
        return np.where(np.isnan(np.asarray(self.residual)), "", self.checker)

    @property
    def answered(self) -> bool:
        """Whether every target has at least one confirmed answer."""
        return all(status.answered for status in self.status)

    @property
    def listed(self) -> np.ndarray:
        """Which places are rows of a table (all proposals and each first place), `(targets, n)`."""
        rows = ~np.isnan(np.asarray(self.residual))
        rows[:, 0] = True
        return rows

    @property
    def rmse(self) -> float:
        r"""$\sqrt{\operatorname{mean} (f(\hat x) - y)^2}$ of the best answers, in units of y."""
        return float(np.sqrt(np.mean(np.asarray(self.residual)[:, 0] ** 2) / len(self.outputs)))

    @property
    def headline(self) -> str:
        """What became of all targets, in one sentence."""
        there = Counter(self.status)
        answered = sum(count for status, count in there.items() if status.answered)
        answers = int(self.count.sum())
        missing = [f"{there[s]} {s}" for s in Status if there[s] and not s.answered]
        unanswered = f"; {' and '.join(missing)}" if missing else ""
        by = "confirmed by the function"
        if self.checker == "surrogate":
            by = "within the surrogate's error"
        return (
            f"{answered} of {len(self)} target{'s' * (len(self) != 1)} answered, with {answers} "
            f"distinct answer{'s' * (answers != 1)} {by}{unanswered}."
        )

    def numpy(self) -> Preimages:
        """The same answers, as NumPy arrays."""
        arrays = ("x", "y", "residual", "ok", "targets", "sd", "outside")
        given = {name: getattr(self, name) for name in arrays}
        return replace(self, **{k: None if v is None else _array(v) for k, v in given.items()})

    def explain(self, target: int) -> str:
        """What became of one target, as a sentence with its numbers."""
        status = self.status[target]
        count, tried = int(self.count[target]), self.checked_by[target, 0] != ""
        wanted = _numbers(self.targets[target])
        if status.answered:
            answers = f"{count} answer{'s' if count != 1 else ''}"
            return f"{wanted}: {status} ({answers}, residual {float(self.residual[target, 0]):.2g})"
        if not tried:
            return f"{wanted}: {status} (no point could be evaluated)"
        reached, gap = _numbers(self.y[target, 0]), float(self.residual[target, 0])
        nearest = "nearest reachable output" if status is Status.UNREACHABLE else "closest tried"
        return f"{wanted}: {status} ({nearest} {reached}, {gap:.3g} away)"

    def to_columns(self) -> dict[str, np.ndarray]:
        """One row an answer, as NumPy columns; a target without any keeps one row."""
        residual = np.asarray(self.residual)
        target, answer = np.nonzero(self.listed)
        inputs, outputs = self._labels()
        wanted, x, y = np.asarray(self.targets), _array(self.x), np.asarray(self.y)
        columns: dict[str, np.ndarray] = {"target": target}
        for j, name in enumerate(outputs):
            columns[f"wanted_{name}"] = wanted[target, j]
        columns["answer"] = answer
        for j, name in enumerate(inputs):
            columns[name] = x[target, answer, j]
        for j, name in enumerate(outputs):
            columns[name] = y[target, answer, j]
        columns["residual"] = residual[target, answer]
        columns["ok"] = np.asarray(self.ok)[target, answer]
        columns["checked_by"] = self.checked_by[target, answer].astype(str)
        if self.sd is not None:
            for j, name in enumerate(outputs):
                columns[f"sd_{name}"] = np.asarray(self.sd)[target, answer, j]
        if self.outside is not None:
            columns["outside"] = np.asarray(self.outside)[target, answer]
        columns["status"] = np.array([str(status) for status in self.status])[target]
        return columns

    def _labels(self) -> tuple[list[str], list[str]]:
        """The names of inputs and outputs, told apart from each other and from our columns."""
        ours = {"target", "answer", "residual", "ok", "checked_by", "outside", "status"}
        ours |= {f"{prefix}_{name}" for name in self.outputs for prefix in ("wanted", "sd")}
        both = set(self.inputs) & set(self.outputs)
        inputs = [f"input_{name}" if name in ours | both else name for name in self.inputs]
        outputs = [f"output_{name}" if name in ours | both else name for name in self.outputs]
        return inputs, outputs

    def to_frame(self, kind: Kind | None = None) -> Any:
        """One row an answer, as a frame of the kind that the targets came in.

        Args:
            kind: "pandas", "polars" or "pyarrow" to choose; targets that were arrays give a
                pyarrow table otherwise.
        """
        return to_frame(self.to_columns(), kind or self.kind)

    def __str__(self) -> str:
        return "\n".join(self._lines(range(min(len(self), 10))))

    def _lines(self, shown: Sequence[int]) -> list[str]:
        answered = sum(status.answered for status in self.status)
        checks = f"checked by the {self.checker}, derivatives by {self.derivatives}"
        lines = [f"{answered} of {len(self)} targets answered; {checks}"]
        if self.excluded:
            lines.append(f"{self.excluded} of {self.evaluations} points gave nothing usable")
        for target in shown:
            lines.append(self.explain(target))
            ok = np.asarray(self.ok[target])
            for k in np.nonzero(ok)[0].tolist():
                values = zip(self.inputs, self.x[target, k].tolist(), strict=True)
                mark = "  outside the measured region" if self._is_outside(target, k) else ""
                lines.append("  " + ", ".join(f"{name} = {v:.6g}" for name, v in values) + mark)
        if len(self) > len(shown):
            lines.append(f"... and {len(self) - len(shown)} more targets")
        return lines

    def _is_outside(self, target: int, answer: int) -> bool:
        return self.outside is not None and bool(self.outside[target, answer])


def _array(values: Any) -> np.ndarray:
    """NumPy values; of tensors through which gradients flow, the values alone."""
    return np.asarray(values.detach() if isinstance(values, Tensor) else values)


def _numbers(values: Any) -> str:
    row = ", ".join(f"{v:.6g}" for v in np.asarray(values).tolist())
    return f"({row})" if len(values) > 1 else row
