"""The web application's place while it is not there yet: a server that was killed is back for calls and pings first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ringbid.edge.api.http import Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_PATIENCE_SECONDS = 10.0
_BODY = b"Ringbid has just started, and its pages are not ready yet. Try again in a moment.\n"


class LateApp:
    """Hands requests to the application. One that comes before there is one waits, and is told to come again where that
    takes too long."""

    def __init__(self) -> None:
        self._app: App | None = None
        self._opened = asyncio.Event()
        self._end_streams: Callable[[], None] = lambda: None

    def open(self, app: App, *, end_streams: Callable[[], None] = lambda: None) -> None:
        self._app = app
        self._end_streams = end_streams
        self._opened.set()

    def end_streams(self) -> None:
        """The server stops: end what it answers that has no end of its own."""
        self._end_streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._opened.wait()
        if self._app is not None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(_BODY)), (b"retry-after", b"1")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": _BODY})
