"""The answers: distinct, verified, ranked, each with how it was checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from preimage.certificates import Certificates, Enumeration, Source, prove
from preimage.errors import InputError
from preimage.tables import Kind, to_frame


class Status(StrEnum):
    """What became of one target; the value reads as a sentence.

    `ALL_FOUND` and `NONE_EXISTS` are proved, by an exhaustive search.
    """

    SOLVED = "solved"
    WITHIN_SURROGATE = "solved within the surrogate's error"
    NO_CONTINUOUS_BRANCH = "solved, but not on the branch of the previous target"
    ALL_FOUND = "all preimages found"
    SOME_UNSETTLED = "solved, but some cells are not settled"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not found"
    NONE_EXISTS = "no preimage exists"
    UNSETTLED = "none found, but some cells are not settled"

    @property
    def answered(self) -> bool:
        """Whether the target has at least one confirmed answer."""
        return self not in _UNANSWERED


_UNANSWERED = {
    Status.UNREACHABLE: "unreachable",
    Status.NOT_FOUND: "not found",
    Status.NONE_EXISTS: "proved to have no preimage",
    Status.UNSETTLED: "not settled",
}
"""What is said of several targets that have no answer."""


@final
@dataclass(frozen=True, eq=False)
class Preimages:
    r"""For each target, up to n inputs that produce it, best first.

    An answer is `ok` when the function confirmed it: $\|f(x) - y\| \le tol$; `certify` goes
    further, and proves that a true preimage is next to it. An answer that was checked by a
    surrogate is `ok` within the larger of `tol` and twice the surrogate's own predictive standard
    deviation. Places without a proposal hold NaN. For a target without any confirmed answer the
    first place holds the nearest output that was reached, with `ok=False`.

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
        certificates: What is proved about each answer; `None` before `certify`, unless the search
            was exhaustive.
        enumeration: How many preimages there are, with proof; `None` unless the search was
            exhaustive.
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
    certificates: Certificates | None = None
    enumeration: Enumeration | None = None
    _source: Source | None = field(default=None, repr=False)

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
        missing = [f"{there[s]} {words}" for s, words in _UNANSWERED.items() if there[s]]
        unanswered = f"; {' and '.join(missing)}" if missing else ""
        by = "confirmed by the function"
        if self.checker == "surrogate":
            by = "within the surrogate's error"
        return (
            f"{answered} of {len(self)} target{'s' * (len(self) != 1)} answered, with {answers} "
            f"distinct answer{'s' * (answers != 1)} {by}{self._proof(answered)}{unanswered}."
        )

    def _proof(self, answered: int) -> str:
        """What is proved of all answers, as part of a sentence."""
        words = ""
        if self.certificates is not None:
            words += f", {int(self.certificates.proved.sum())} of them certified"
        if self.enumeration is not None and answered:
            whole = sum(status is Status.ALL_FOUND for status in self.status)
            more = int(self.enumeration.total.sum()) - int(self._certified.sum())
            words += f", out of {int(self.enumeration.total.sum())} preimages" if more else ""
            words += ", none missing" if whole else ""
            words += f" for {whole} of the targets" if 0 < whole < answered else ""
        return words

    @property
    def _certified(self) -> np.ndarray:
        """Which answers are certified, `(targets, n)`."""
        if self.certificates is None:
            return np.zeros(np.shape(self.ok), dtype=bool)
        return np.asarray(self.certificates.proved)

    def certify(self) -> Preimages:
        r"""Proves for each confirmed answer that a true preimage is near, how near, and alone.

        The answers are not changed. Each gets a box in which exactly one x with f(x) = y lies,
        where Krawczyk's test shows it; where it does not, as at a fold, nothing is said. With fewer
        outputs than inputs the proof is about the plane through the answer that is orthogonal to
        the fibre. Answers that a surrogate checked are certified as preimages of the surrogate's
        mean.

        Returns:
            The same answers with `certificates`.

        Raises:
            UnsupportedOperation: If the function uses anything else than torch operations that
                have interval rules; the message names it. Write it in torch operations.
            InputError: If there are more outputs than inputs, or if the answers have lost their
                function by being pickled; invert again.

        References:
            Krawczyk, Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken,
            Computing 4, 1969; `preimage.intervals.krawczyk` has the details.

        Example:
            >>> import preimage
            >>> found = preimage.invert(lambda x: x**3 - x, [0.3], preimage.Box(-2, 2), n=3)
            >>> proof = found.certify().certificates
            >>> proof.proved.tolist(), bool((proof.radius < 1e-9).all())
            ([[True, True, True]], True)
        """
        if self._source is None:
            raise InputError(
                "these answers do not hold their function any more (functions are not pickled); "
                "invert again, and certify what comes back."
            )
        x = torch.from_numpy(_array(self.x))
        targets, ok = torch.as_tensor(_array(self.targets)), torch.as_tensor(np.asarray(self.ok))
        found = prove(self._source, x, targets, ok)
        return replace(self, certificates=found if self.kind == "torch" else found.numpy())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_source": None}

    def numpy(self) -> Preimages:
        """The same answers, as NumPy arrays."""
        arrays = ("x", "y", "residual", "ok", "targets", "sd", "outside")
        given = {name: getattr(self, name) for name in arrays}
        proofs = None if self.certificates is None else self.certificates.numpy()
        plain = {k: None if v is None else _array(v) for k, v in given.items()}
        return replace(self, certificates=proofs, **plain)

    def explain(self, target: int) -> str:
        """What became of one target, as a sentence with its numbers."""
        status = self.status[target]
        count, tried = int(self.count[target]), self.checked_by[target, 0] != ""
        wanted = _numbers(self.targets[target])
        if status.answered:
            answers = self._answers(target, count)
            return f"{wanted}: {status} ({answers}, residual {float(self.residual[target, 0]):.2g})"
        if not tried:
            return f"{wanted}: {status} (no point could be evaluated)"
        reached, gap = _numbers(self.y[target, 0]), float(self.residual[target, 0])
        near = {
            Status.UNREACHABLE: "nearest reachable output",
            Status.NONE_EXISTS: "nearest output found",
        }
        nearest = near.get(status, "closest tried")
        return f"{wanted}: {status} ({nearest} {reached}, {gap:.3g} away)"

    def _answers(self, target: int, count: int) -> str:
        """How many answers a target has, and where it is known how many preimages."""
        answers = f"{count} answer{'s' if count != 1 else ''}"
        if self.enumeration is None:
            return answers
        total, cells = int(self.enumeration.total[target]), len(self.enumeration.unsettled[target])
        if total > count:
            answers = f"{count} of {total} preimages"
        return f"{answers}, {cells} cell{'s' * (cells != 1)} not settled" if cells else answers

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
        if self.certificates is not None:
            for name, label in _CERTIFIED.items():
                columns[label] = np.asarray(getattr(self.certificates, name))[target, answer]
        if self.enumeration is not None:
            columns["preimages"] = np.asarray(self.enumeration.total)[target]
            cells = np.array([len(boxes) for boxes in self.enumeration.unsettled], dtype=np.int64)
            columns["unsettled"] = cells[target]
        columns["status"] = np.array([str(status) for status in self.status])[target]
        return columns

    def _labels(self) -> tuple[list[str], list[str]]:
        """The names of inputs and outputs, told apart from each other and from our columns."""
        ours = {"target", "answer", "residual", "ok", "checked_by", "outside", "status"}
        ours |= {"preimages", "unsettled", *_CERTIFIED.values()}
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
                mark += self.certainty(target, k)
                lines.append("  " + ", ".join(f"{name} = {v:.6g}" for name, v in values) + mark)
        if len(self) > len(shown):
            lines.append(f"... and {len(self) - len(shown)} more targets")
        return lines

    def certainty(self, target: int, answer: int) -> str:
        """What is proved of one answer, as a few words after it; nothing before `certify`."""
        if self.certificates is None or not bool(self.ok[target, answer]):
            return ""
        if not bool(self.certificates.proved[target, answer]):
            return "  not certified"
        return f"  ± {float(self.certificates.radius[target, answer]):.1e}"

    def _is_outside(self, target: int, answer: int) -> bool:
        return self.outside is not None and bool(self.outside[target, answer])


_CERTIFIED = {
    "proved": "certified",
    "radius": "radius",
    "isolation": "isolation",
    "within": "within",
}
"""The certificates that have columns in a table."""


def _array(values: Any) -> np.ndarray:
    """NumPy values; of tensors through which gradients flow, the values alone."""
    return np.asarray(values.detach() if isinstance(values, Tensor) else values)


def _numbers(values: Any) -> str:
    row = ", ".join(f"{v:.6g}" for v in np.asarray(values).tolist())
    return f"({row})" if len(values) > 1 else row
