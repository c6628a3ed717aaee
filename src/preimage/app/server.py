"""Starts the page on this machine, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import socket
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from preimage.app.resources import Resources
from preimage.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn import Server

HOST = "127.0.0.1"

WRONG = "Something went wrong here, and not because of you; the terminal says more."


def bound(port: int) -> socket.socket:
    """A socket on the loopback address, which no other machine can reach.

    Args:
        port: The port; 0 takes one that is free.

    Raises:
        InputError: The port is in use, or may not be used.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        # A port that was given up a moment ago can be had again.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen()
    except (OSError, OverflowError) as error:
        made.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"port {port} cannot be had ({reason}). Perhaps the page is open already: see "
            f"http://{HOST}:{port}. Or choose another: --port 0 takes one that is free."
        ) from error
    return made


def serve(port: int, resources: Resources, ready: Callable[[str], None]) -> None:
    """Serves the page until Ctrl-C.

    Args:
        port: The port on the loopback address; 0 takes one that is free.
        resources: What the tabs work on.
        ready: Called with the address as soon as it answers.

    Raises:
        InputError: The port cannot be had.
        MissingExtraError: The page library is not installed.
    """
    try:
        import nicegui  # noqa: F401
        import uvicorn
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the page needs {error.name}, which is not installed; install it with "
            "pip install 'preimage[app]'."
        ) from error
    prepare(resources)
    open_socket = bound(port)
    address = f"http://{HOST}:{open_socket.getsockname()[1]}"
    settings = uvicorn.Config(
        _application(resources), log_level="warning", access_log=False, lifespan="on",
        server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(settings)
    with warnings.catch_warnings():
        # The page library asks every object for its type, and one of torch's warns when asked.
        warnings.filterwarnings("ignore", message=".*reduce_op", category=FutureWarning)
        asyncio.run(_run(server, open_socket, lambda: ready(address)))


def prepare(resources: Resources) -> None:
    """Reads what was named, so that what is wrong with it is said at once.

    Args:
        resources: What the tabs work on.

    Raises:
        PreimageError: A folder is no model, a file no robot, or there are no images.
    """
    from preimage.app.arm import from_urdf
    from preimage.app.faces import studio
    from preimage.app.translating import bureau
    from preimage.robots import link_names

    if resources.robot is not None:
        from_urdf(resources.robot, link_names(resources.robot)[-1])
    if resources.model is not None or resources.images is not None:
        studio(resources.model, resources.images)
    if resources.translator is not None:
        bureau(resources.translator)


async def _run(server: Server, open_socket: socket.socket, ready: Callable[[], None]) -> None:
    task = asyncio.create_task(server.serve(sockets=[open_socket]))
    while not server.started and not task.done():
        await asyncio.sleep(0.02)
    if server.started:
        ready()
    await task


def _application(resources: Resources) -> FastAPI:
    from fastapi import FastAPI
    from nicegui import app as pages
    from nicegui import run, ui

    from preimage.app.faces import studio
    from preimage.app.guard import Guard
    from preimage.app.pages.frame import build
    from preimage.app.translating import bureau

    @ui.page("/", title="preimage")
    def page() -> None:
        request = ui.context.client.request
        build({} if request is None else dict(request.query_params), resources)

    @pages.on_startup
    async def warm() -> None:
        # The first visitor need not wait for what takes a second or two.
        await run.io_bound(studio, resources.model, resources.images)
        await run.io_bound(bureau, resources.translator)

    pages.on_exception(lambda: ui.notify(WRONG, type="negative"))
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(outer, title="preimage", dark=None, tailwind=False, show_welcome_message=False)
    outer.add_middleware(Guard)
    return outer
