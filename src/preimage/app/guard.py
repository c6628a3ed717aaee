"""Who may talk to the page: this machine alone, from the page itself, and in small parcels."""

from __future__ import annotations

from typing import final
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 10 * 2**20
"""Bytes of a request; an image or a network that is larger is not taken."""

HOSTS = ("127.0.0.1", "localhost")

POLICY = (
    b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    b"frame-ancestors 'none'; form-action 'self'"
)
"""The page library compiles its templates in the browser, which wants `unsafe-eval`."""

TOO_LARGE = f"The file is larger than {MOST // 2**20} MB, which is the most that is taken."


@final
class Guard:
    """Refuses requests for other hosts, those that other pages make, and large ones.

    A page elsewhere can have a browser send requests here. Its own name stands in `Origin`, or,
    where it points its own name at this machine, in `Host`.

    Args:
        app: What is guarded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what may pass."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        if not _ours(headers):
            await self._refuse(scope, receive, send, 403, "This page is for this machine alone.")
            return
        if scope["type"] == "http" and scope["method"] == "POST":
            length = headers.get("content-length", "")
            if not length.isdigit():
                await self._refuse(scope, receive, send, 411, "A request must say how long it is.")
                return
            if int(length) > MOST:
                await self._refuse(scope, receive, send, 413, TOO_LARGE)
                return
        await self._app(scope, receive, _bounded(send))

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, words: str
    ) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await PlainTextResponse(words, status)(scope, receive, send)


def _bounded(send: Send) -> Send:
    """Has the browser refuse everything that the page would ask of another machine."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            named = [*message.get("headers", []), (b"content-security-policy", POLICY)]
            message = {**message, "headers": named}
        await send(message)

    return sent


def _ours(headers: dict[str, str]) -> bool:
    host = headers.get("host", "")
    origin = headers.get("origin")
    if urlsplit(f"//{host}").hostname not in HOSTS:
        return False
    return origin is None or urlsplit(origin).netloc == host
