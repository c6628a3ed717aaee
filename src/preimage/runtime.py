"""Where and with which chance something runs; process-wide state is always left as it was found."""

import hashlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor

from preimage.errors import InputError

if TYPE_CHECKING:
    from accelerate import Accelerator

Precision: TypeAlias = Literal["no", "bf16", "fp16"]
"""What matrix products are computed in, which is the networks' own type or a 16-bit one."""

COMPILED: Mapping[str, Any] = {"backend": "inductor", "dynamic": False}
"""How networks are compiled: for each size of batch by itself."""

VARIANTS = 128
"""So many compiled variants of networks are kept in a process: by shapes, strides and gradients."""


def package_version() -> str:
    """Return the version of the installed package, or "0" from a checkout that is not installed."""
    try:
        return version("preimage")
    except PackageNotFoundError:
        return "0"


def generator(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a random generator of one's own; the global one is not touched.

    Args:
        seed: Any integer; the same seed gives the same numbers on the same kind of device.
        device: Where the numbers will be drawn.

    Example:
        >>> torch.randint(100, (3,), generator=generator(0))
        tensor([44, 39, 33])
    """
    return torch.Generator(device).manual_seed(seed)


def digest(*tensors: Tensor) -> str:
    """Return a short text that differs when the shape, the type or any value of the tensors does.

    Args:
        tensors: For instance the inputs and the outputs that a network is trained on.

    Example:
        >>> digest(torch.zeros(2)) == digest(torch.zeros(2)), digest(torch.ones(2)) == digest()
        (True, False)
    """
    total = hashlib.sha256()
    for tensor in tensors:
        values = tensor.detach().cpu().contiguous()
        total.update(f"{values.dtype}{tuple(values.shape)}".encode())
        total.update(values.flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()[:16]


def best_device() -> str:
    """The kind of device that networks are fastest on here: "cuda", or else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def single_threaded() -> Iterator[None]:
    """Run the block with one torch thread: on tiny networks, more threads only wait for each other.

    Example:
        >>> with single_threaded():
        ...     torch.get_num_threads()
        1
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Run the block with torch's global generators seeded, and put their states back afterwards.

    For code that can only draw from the global generators, such as `nn.Dropout`.
    """
    cards = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(cards):
        torch.manual_seed(seed)
        yield


def random_states(*generators: torch.Generator, device: torch.device) -> list[Tensor]:
    """Return the states of these generators and of torch's global ones, for `set_random_states`."""
    states = [one.get_state() for one in generators] + [torch.get_rng_state()]
    return states + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def set_random_states(
    states: list[Tensor], *generators: torch.Generator, device: torch.device
) -> None:
    """Put back what `random_states` returned for the same generators."""
    for one, state in zip(generators, states, strict=False):
        one.set_state(state)
    torch.set_rng_state(states[len(generators)])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[-1], device)


@contextmanager
def accelerated(
    device: str | None, precision: Precision, *, compiled: bool = False
) -> Iterator["Accelerator"]:
    """Yield an accelerate `Accelerator` that other ones in this process do not constrain.

    accelerate keeps device and precision in state shared by the whole process, and refuses a second
    `Accelerator` that differs. Here the shared state is put aside and then put back, so that a
    training on the CPU and one in bf16 on a GPU can follow each other, and a user's own
    `Accelerator` stays as it was.

    Args:
        device: "cpu"; another kind, such as "cuda", that must be there; None takes the best there.
        precision: What matrix products are computed in.
        compiled: Compile the networks that it prepares, by torch's own compiler.

    Raises:
        InputError: There is no such device, or it cannot compute in this precision.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState, PartialState
    from accelerate.utils import TorchDynamoPlugin

    # Without a plugin, accelerate takes what `accelerate launch --dynamo_backend` says.
    dynamo = TorchDynamoPlugin(**COMPILED) if compiled else None
    # All prepared networks are compiled through one function of accelerate's, and count together.
    roomy = torch._dynamo.config.patch(recompile_limit=VARIANTS) if compiled else nullcontext()

    states = (AcceleratorState, PartialState, GradientState)
    found = [(state, state._shared_state) for state in states]
    for state, _ in found:
        state._shared_state = {}
    try:
        accelerator = Accelerator(
            cpu=device == "cpu", mixed_precision=precision, dynamo_plugin=dynamo
        )
        if device is not None and device != accelerator.device.type:
            raise InputError(
                f"device={device!r} was asked for, and the one at hand is "
                f"{accelerator.device.type!r}; name the kind of a device that is there, or None."
            )
        if precision != "no" and not accelerator.native_amp:
            raise InputError(
                f"mixed_precision={precision!r} does not run on device "
                f'{accelerator.device.type!r}; use "bf16" or "no", or another device.'
            )
        with roomy:
            yield accelerator
    finally:
        for state, shared in found:
            state._shared_state = shared


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Hold back the first Ctrl-C, so that the block can stop where nothing is half done.

    The second Ctrl-C raises `KeyboardInterrupt` at once. Outside the main thread, which is the only
    one that receives signals, nothing is held back.

    Yields:
        A function that says whether Ctrl-C was pressed. The end of the block raises
        `KeyboardInterrupt` then, if the block did not.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def press(number: int, frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
        if pressed.is_set():
            raise KeyboardInterrupt
    finally:
        # None stands for a handler that was not set from Python and cannot be put back from here.
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
