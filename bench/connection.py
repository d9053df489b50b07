"""One keep-alive connection of the load generator: asyncio's protocol and the parser, nothing between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import httptools


class Connection(asyncio.Protocol):
    """At most one request under way. `answered` gets status and body of each answer; `lost` is told the end."""

    def __init__(self, answered: Callable[[Connection, int, bytes], None], lost: Callable[[Connection], None]) -> None:
        self._answered = answered
        self._lost = lost
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._transport: asyncio.Transport | None = None
        self.intended_at: float | None = None  # of the request under way, in seconds of time.perf_counter; None: none

    def send(self, request: bytes, *, intended_at: float) -> None:
        assert self._transport is not None, "a lost connection is taken out of use"
        assert self.intended_at is None, "one request at a time"
        self.intended_at = intended_at
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self._transport = None
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = bytes(self._body), bytearray()
        self._answered(self, self._parser.get_status_code(), body)
