"""Other libraries on the same task: samples of p(x | y), unchecked, in the order drawn."""

from __future__ import annotations

import contextlib
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from preimage.papers.deep_inverse.candidates import Candidates
from preimage.papers.deep_inverse.metric import CANDIDATES
from preimage.papers.deep_inverse.tasks import Pairs, Task
from preimage.runtime import seeded

Peer: TypeAlias = Callable[[Task, Pairs, Tensor, int, bool], Candidates]

EPOCHS, QUICK_EPOCHS = 100, 3
"""The most passes of sbi over the pairs; it stops by itself after 20 without progress."""

STEPS, QUICK_STEPS = 6000, 100
BLOCKS, WIDTH, BATCH, RATE = 6, 128, 512, 1e-3
"""The network of FrEIA's conditional flow, about that of the benchmark's cINN, and its training."""


def sbi(
    task: Task, known: Pairs, y: Float64[Tensor, "targets q"], seed: int, quick: bool
) -> Candidates:
    """Neural posterior estimation by sbi, a neural spline flow, with the true prior."""
    from sbi.inference import NPE  # pyright: ignore[reportMissingImports]
    from sbi.utils import BoxUniform  # pyright: ignore[reportMissingImports]

    spread = torch.tensor(task.spread)
    prior = (
        BoxUniform(-spread, spread)
        if task.uniform
        else torch.distributions.MultivariateNormal(
            torch.zeros_like(spread), spread.square().diag()
        )
    )
    with _foreign(seed):
        begin = time.process_time()
        inference = NPE(prior=prior, density_estimator="nsf", show_progress_bars=False)
        inference.append_simulations(known.x.float(), known.y.float())
        inference.train(max_num_epochs=QUICK_EPOCHS if quick else EPOCHS)
        posterior = inference.build_posterior()
        fitted = time.process_time()
        drawn = posterior.sample_batched(
            (CANDIDATES,), x=y.float(), show_progress_bars=False
        ).transpose(0, 1)
        end = time.process_time()
    return Candidates(
        x=drawn.double(),
        fit_seconds=fitted - begin,
        answer_seconds=end - fitted,
        note=f"NPE, neural spline flow, {len(inference.summary['training_loss'])} epochs",
    )


def freia(
    task: Task, known: Pairs, y: Float64[Tensor, "targets q"], seed: int, quick: bool
) -> Candidates:
    """A conditional invertible network by FrEIA, trained by maximum likelihood."""
    import FrEIA.framework as Ff  # pyright: ignore[reportMissingImports]
    import FrEIA.modules as Fm  # pyright: ignore[reportMissingImports]

    steps = QUICK_STEPS if quick else STEPS
    scale_x, scale_y = known.x.std(dim=0), known.y.std(dim=0)
    x, condition = (known.x / scale_x).float(), (known.y / scale_y).float()
    p, q = x.shape[1], condition.shape[1]

    def subnet(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(),
            nn.Linear(WIDTH, outputs),
        )  # fmt: skip

    with _foreign(seed):
        begin = time.process_time()
        flow = Ff.SequenceINN(p)
        for block in range(BLOCKS):
            flow.append(Fm.PermuteRandom, seed=seed + block)
            flow.append(Fm.GLOWCouplingBlock, cond=0, cond_shape=(q,), subnet_constructor=subnet)
        adam = torch.optim.Adam(flow.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for _ in range(steps):
            rows = torch.randint(len(x), (BATCH,))
            z, volume = flow(x[rows], c=[condition[rows]])
            loss = (z.square().sum(dim=1) / 2 - volume).mean()
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 10.0)
            adam.step()
            schedule.step()
        fitted = time.process_time()
        each = (y / scale_y).float().repeat_interleave(CANDIDATES, dim=0)
        with torch.no_grad():
            drawn, _ = flow(torch.randn(len(each), p), c=[each], rev=True)
        end = time.process_time()
    return Candidates(
        x=drawn.reshape(len(y), CANDIDATES, p).double() * scale_x,
        fit_seconds=fitted - begin,
        answer_seconds=end - fitted,
        note=f"cINN, {BLOCKS} blocks of {WIDTH}, {steps} steps of {BATCH}",
    )


PEERS: dict[str, tuple[str, Peer]] = {"sbi": ("sbi", sbi), "freia": ("FrEIA", freia)}
"""Each peer by its name here, with the package that it needs."""


def installed() -> list[str]:
    """The peers whose package is there."""
    return [name for name, (package, _) in PEERS.items() if find_spec(package) is not None]


@contextmanager
def _foreign(seed: int) -> Iterator[None]:
    """Runs code that draws from global generators, warns, and writes logs where it stands."""
    state = np.random.get_state()  # noqa: NPY002 - it is theirs to draw from
    try:
        with (
            seeded(seed, torch.device("cpu")),
            warnings.catch_warnings(action="ignore"),
            tempfile.TemporaryDirectory() as folder,
            contextlib.chdir(folder),
        ):
            np.random.seed(seed)  # noqa: NPY002 - likewise
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002 - likewise
