"""The HTTP application: which address leads where.

Made by `bootstrap`, run by uvicorn. Everything but the ping API answers unknown addresses with a problem document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from ringbid.edge.api.calls import CallApi
from ringbid.edge.api.http import Disconnected, Receive, Scope, Send
from ringbid.edge.api.rtbs import RtbApi
from ringbid.edge.observe import Metrics

_log = structlog.get_logger(__name__)
_RTBS, _JSON_SUFFIX, _CARRIERS = "/rtbs/", ".json", "/carriers/"

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Application:
    """An ASGI application over the ping API, requests about calls, carriers' webhooks, `/healthz`, `/metrics`; `pages`
    answer everything else."""

    def __init__(
        self,
        *,
        rtbs: RtbApi,
        metrics: Metrics,
        carriers: App | None = None,
        calls: CallApi | None = None,
        pages: App | None = None,
        end_streams: Callable[[], None] = lambda: None,
    ) -> None:
        self.end_streams = end_streams  # called when the server stops, for answers of `pages` that have no end
        self._rtbs = rtbs
        self._carriers = carriers
        self._calls = calls
        self._metrics = metrics
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._route(scope, receive, send)
        except Disconnected:
            _log.info("client_left", path="/".join(scope["path"].split("/", 2)[:2])[:40])  # what follows may be a key

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/rtbs.json":
            await self._rtbs.ping(scope, receive, send)
        elif path.startswith(_RTBS) and path.endswith(_JSON_SUFFIX):
            await self._rtbs.one(scope, receive, send, uuid=path[len(_RTBS) : -len(_JSON_SUFFIX)])
        elif self._carriers is not None and path.startswith(_CARRIERS):
            await self._carriers(scope, receive, send)
        elif self._calls is not None and self._calls.takes(path):
            await self._calls(scope, receive, send)
        elif path == "/healthz":
            await _send(send, 200, b'{"status":"ok"}', b"application/json")
        elif path == "/metrics":
            await _send(send, 200, self._metrics.render(), b"text/plain; version=0.0.4; charset=utf-8")
        elif self._pages is not None:
            await self._pages(scope, receive, send)
        else:
            problem = {"title": "There is nothing at this address", "status": 404, "detail": "Pings go to /rtbs.json."}
            await _send(send, 404, msgspec.json.encode(problem), b"application/problem+json")


async def _send(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
