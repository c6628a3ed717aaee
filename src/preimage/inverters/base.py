"""What every inverter can do: fit, invert, score, save. A method adds two hooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from copy import copy
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from preimage.cluster.job import Finished
from preimage.domain import Box, as_box
from preimage.errors import InputError, NotFittedError
from preimage.function import Function, as_function
from preimage.inverters.arguments import (
    known_function,
    numbered,
    rows_of,
    searched_box,
    states_of,
    tolerance,
    whole_number,
)
from preimage.inverters.flow import Proposals, Request, answer
from preimage.inverters.gather import Tally, gather
from preimage.inverters.implicit import differentiable
from preimage.inverters.path import follow
from preimage.inverters.problem import Problem, spread
from preimage.inverters.ranking import Answers
from preimage.inverters.replicates import averaged, check_repeats
from preimage.inverters.saving import card, describe
from preimage.preimages import Preimages
from preimage.runtime import single_threaded
from preimage.store import save_model
from preimage.surrogates import Support, Surrogate, default_surrogate
from preimage.tables import Table, as_table, paired, to_frame

CHUNK = 8192
"""Targets that are worked on at a time, which bounds memory."""


@dataclass(kw_only=True)
class Inverter(ABC):
    """A method that finds the inputs which produce a wanted output.

    `fit` learns from measurements, `fit_function` prepares for a function; `invert` answers. A
    method adds `_train` and `_propose`; what happens to proposals is the same for all.

    Args:
        seed: Fixes everything that is drawn; the same seed gives the same answers.
        polish: Whether proposals are refined by Levenberg-Marquardt on the function, exact or
            learned, before they are checked.
        anchors: How many known pairs are sampled from a function; measurements are all used.

    Attributes:
        problem_: What it was fitted to.
        dropped_: Rows of measurements left out because of missing values.
        spent_: Calls of the function during the fit.
    """

    kind: ClassVar[str]
    semi_supervised: ClassVar[bool] = False

    seed: int = 0
    polish: bool = True
    anchors: int = 4096

    @abstractmethod
    def _train(self, problem: Problem) -> None:
        """Learns what the method needs from the problem, into attributes that end in `_`."""

    @abstractmethod
    def _propose(self, request: Request) -> Proposals:
        """Proposes inputs for some targets."""

    def _state(self) -> dict[str, Tensor]:
        """What `_train` learned, as tensors to save."""
        return {}

    def _restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `_state` gave; what is not saved is learned again."""
        self._train(self.problem_)

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        data: Any = None,
        noise: Any = None,
        function: Function | Callable[[Any], Any] | None = None,
        surrogate: Surrogate | None = None,
        domain: Box | tuple[Any, Any] | None = None,
        unlabelled: Any = None,
        missing: str = "error",
        repeats: str = "error",
    ) -> Self:
        """Learns from measured pairs.

        Args:
            x: Inputs, `(rows, p)`: arrays, tensors, frames, a path to a CSV or Parquet file, or
                column names of `data`.
            y: Outputs, `(rows, q)`, likewise.
            data: A frame or file whose columns `x` and `y` name.
            noise: The standard deviation of each measurement, in the units of y, where it is
                known: one number, or a row for each row of y with one value for all outputs or
                one for each, or columns of `data`. Rows with less noise count for more; noise
                beyond it is learned. Zero is exact.
            function: The exact function, where it is known; it then checks the answers, and no
                surrogate is learned.
            surrogate: What learns the function otherwise (a copy of it is fitted); by default
                what `default_surrogate` chooses, a Gaussian process or, for many rows, an
                ensemble of networks.
            domain: Where answers are searched; by default the function's own domain where there
                is one, and else the box of the measured inputs.
            unlabelled: Outputs whose inputs are not known, `(targets, q)`, such as the targets to
                be inverted later. A method that is `semi_supervised` learns to be consistent with
                the surrogate there.
            missing: "error", or "drop" to leave out rows with missing values.
            repeats: "error", or "keep" where rows with equal x and different y are repeated
                measurements of one thing: the surrogate learns their noise from all of them, and
                their mean is one known pair.

        Returns:
            The inverter itself.

        Raises:
            DataError: If the measurements cannot be used; the message names columns and rows.
        """
        if function is not None and surrogate is not None:
            raise InputError(
                "function= and surrogate= were both given; the function itself needs no surrogate."
            )
        if unlabelled is not None and (function is not None or not self.semi_supervised):
            raise InputError(
                "unlabelled= was given to a method or with a function= that has no use for it; "
                "leave it out, or use TwinInverter().fit(x, y, unlabelled=targets)."
            )
        pairs = paired(x, y, noise=noise, data=data, missing=missing)
        self.dropped_ = pairs.dropped
        # Copies start at round addresses, on which the last bit of matrix products depends.
        inputs = torch.from_numpy(pairs.x.values).clone()
        outputs = torch.from_numpy(pairs.y.values).clone()
        known_noise = None if pairs.noise is None else torch.from_numpy(pairs.noise)
        check_repeats(inputs, outputs, repeats)
        if domain is None and isinstance(function, Function):
            domain = function.domain
        box = searched_box(domain, pairs.x)
        names = pairs.y.names or numbered("y", outputs.shape[1])
        free = None if unlabelled is None else rows_of(unlabelled, names, "unlabelled").values
        if function is None:
            learner = surrogate or default_surrogate(
                len(inputs), inputs=inputs.shape[1], seed=self.seed
            )
            surrogate = copy(learner).fit(inputs, outputs, known_noise)
            forward = surrogate.function(box)
        else:
            forward = known_function(function, box, outputs.shape[1])
        inputs, outputs, known_noise = averaged(inputs, outputs, known_noise)
        return self._fit_problem(
            Tally.start(forward),
            Problem(
                function=forward,
                checker="surrogate" if function is None else "function",
                box=box,
                x=inputs,
                y=outputs,
                scale=spread(outputs, forward.space),
                outputs=names,
                surrogate=surrogate,
                support=Support().fit(inputs),
                noise=known_noise,
                unlabelled=None if free is None else torch.from_numpy(free),
            ),
        )

    def fit_function(
        self,
        function: Function | Callable[[Any], Any],
        domain: Box | tuple[Any, Any] | None = None,
    ) -> Self:
        """Prepares for a function that can be evaluated anywhere in its domain.

        Args:
            function: A `Function`, or a callable together with its `domain`.
            domain: Where inputs live.

        Returns:
            The inverter itself.

        Raises:
            FunctionError: If the function gives nothing usable anywhere in the domain.
        """
        forward = as_function(function, domain)
        before = Tally.start(forward)
        self.dropped_ = 0
        return self._fit_problem(before, Problem.of(forward, anchors=self.anchors, seed=self.seed))

    def _fit_problem(self, before: Tally, problem: Problem) -> Self:
        self.problem_ = problem
        self._train(problem)
        self.spent_ = before.since(problem.function)
        return self

    def invert(
        self,
        y: Any,
        *,
        n: int = 16,
        near: Any = None,
        within: Box | tuple[Any, Any] | None = None,
        tol: float | None = None,
    ) -> Preimages:
        r"""Finds up to n distinct inputs for each target, verified, best first.

        Args:
            y: Targets, `(targets, q)`, in any kind of table; frames are read by column name.
                Answers to a tensor that requires gradients are differentiable by it
                (`preimage.inverters.implicit`).
            n: The most answers for a target. Out of a continuum, n that cover it are chosen.
            near: A state `(p,)`, or one for each target `(targets, p)`, in the units of x:
                answers are those closest to it in box widths, nearest first, and out of a
                continuum the closest point is found. "previous" takes the targets as a path and
                follows one branch along it, with one answer a target.
            within: A box inside the domain in which all answers must lie.
            tol: The residual up to which an answer is confirmed, in the units of y; 1e-9 of the
                spread of y by default.

        Returns:
            The answers, in the kind of array or frame that the targets came in.

        Raises:
            NotFittedError: Before `fit` or `fit_function`.
            InputError: If targets, near or within do not fit the function.
        """
        problem = self.fitted
        n = whole_number(n)
        table = self._targets(y)
        targets = torch.from_numpy(table.values)
        if within is not None:
            problem = problem.within(problem.box.intersection(as_box(within)))
        limit = problem.tol if tol is None else tolerance(tol)
        tally = Tally.start(problem.function).without(self.spent_)

        def solve(some: Tensor, close: Tensor | None, most: int) -> Answers:
            return answer(
                self._propose, problem, some, n=most, near=close, tol=limit, polish=self.polish
            )

        def batches() -> Iterator[Answers]:
            if isinstance(near, str):
                yield follow(solve, problem, targets, tol=limit)
                return
            for rows in torch.arange(len(targets)).split(CHUNK):
                yield solve(targets[rows], None if states is None else states[rows], n)

        if isinstance(near, str) and near != "previous":
            raise InputError(f'near={near!r} is not known; give a state, or "previous".')
        following = isinstance(near, str)
        states = (
            None if near is None or following else states_of(near, problem.box.names, len(targets))
        )
        # In the many small steps of a formula or a surrogate, threads mostly wait for each other,
        # and on a busy machine they do nothing else. A network is another matter.
        network = isinstance(problem.function.fn, torch.nn.Module)
        with nullcontext() if network else single_threaded():
            found = gather(
                batches(), problem, table, n=1 if following else n, tol=limit, tally=tally
            )
            if isinstance(y, Tensor) and y.requires_grad:
                return differentiable(found, problem, y)
            return found

    def invert_many(
        self,
        dataset: str | PathLike[str],
        folder: str | PathLike[str],
        *,
        on: str = "local",
        n: int = 16,
        near: Any = None,
        within: Box | tuple[Any, Any] | None = None,
        tol: float | None = None,
        certify: bool = False,
        rows: int | None = None,
        force: bool = False,
    ) -> Finished:
        """Answers any number of targets, from Parquet to Parquet, on several cores or machines.

        Each part is read, answered and written by a worker, so that memory does not grow with the
        number of targets. The rows are those that `invert` gives for each file. A part that
        fails does not stop the others. After an interruption, the same call does what is left.

        Workers are processes of their own: a script that calls this on "local" must have its calls
        below `if __name__ == "__main__":`.

        Args:
            dataset: A Parquet file, or a folder of them.
            folder: Where to: Parquet files with the columns of `Preimages.to_frame`, "target" being
                the row in its file; of a folder there is a column "file" too.
            on: "local" for the cores of this machine, or the address of a Dask scheduler, whose
                workers see dataset and folder under the same paths.
            n: As for `invert`.
            near: A state `(p,)`, as for `invert`.
            within: As for `invert`.
            tol: As for `invert`.
            certify: Prove that a true preimage is next to each answer, as `Preimages.certify`.
            rows: Targets in a part; None takes thousands. Fewer are better where a target takes
                milliseconds.
            force: Replace the answers of another call that are in the folder.

        Returns:
            What was done, and which parts failed and why.

        Raises:
            NotFittedError: Before `fit` or `fit_function`.
            InputError: The targets are not there, or something does not fit the function.
            OutputExistsError: The folder holds the answers of another call.
            ClusterError: There is no cluster at the address, or it cannot be used.
            MissingExtraError: Dask is not installed.
        """
        from preimage.inverters.many import Question, job_of

        asked = Question.of(
            self.fitted.box, n=n, near=near, within=within, tol=tol, certify=certify
        )
        return job_of(self, dataset, folder, asked, rows, CHUNK).run(on, force=force)

    def score(self, x: Any, y: Any, *, data: Any = None) -> float:
        r"""The error in y of the best answers, re-simulated (lower is better).

        $\sqrt{\operatorname{mean} (f(\hat x) - y)^2}$ over targets and outputs, where f is what
        the inverter was fitted to: the exact function, or else the surrogate.

        Args:
            x: Ignored; an inverse has no single right x. It is there so that measured pairs can
                be passed as they are.
            y: The targets, `(targets, q)`, or a column name of `data`.
            data: A frame or file with the targets.

        Raises:
            NotFittedError: Before `fit` or `fit_function`.
        """
        if data is not None:
            wanted = as_table(data, role="data", names=y)
            y = to_frame(dict(zip(wanted.names or (), wanted.values.T, strict=True)), "pyarrow")
        return self.invert(self._targets(y).values, n=1).rmse

    @property
    def fitted(self) -> Problem:
        """What the inverter was fitted to.

        Raises:
            NotFittedError: Before `fit` or `fit_function`.
        """
        if "problem_" not in self.__dict__:
            raise NotFittedError(
                f"this {type(self).__name__} has nothing to invert yet; call fit(x, y) with "
                "measurements, or fit_function(f, domain) with a function."
            )
        return self.problem_

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Writes the fitted inverter as a folder that `preimage.load` reads.

        A Python function is code and is not saved: `load` takes it again.

        Args:
            path: The folder.
            force: Replace a model that is already there.

        Raises:
            NotFittedError: Before `fit` or `fit_function`.
            OutputExistsError: If the folder is there already; choose another, or `force=True`.
        """
        described = describe(self.fitted)
        save_model(
            path,
            config={
                "kind": "inverter",
                "method": self.kind,
                "settings": asdict(self),
                "dropped": self.dropped_,
                **described.config,
            },
            tensors=described.tensors
            | {f"method.{name}": tensor for name, tensor in self._state().items()},
            card=card(self.kind, self.fitted),
            force=force,
        )

    def _targets(self, y: Any) -> Table:
        """The targets as a table of the right columns, or an error that says what was wanted."""
        return rows_of(y, self.fitted.outputs, "targets")
