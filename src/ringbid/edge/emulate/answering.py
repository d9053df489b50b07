"""A small HTTP server on loopback for those who take part in a simulation: whatever is asked, a function answers.

Used by the simulated buyers (`buyers`) and by the publisher that waits for postbacks (`publishers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

import httptools

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered, after `delay_seconds`; where that is None, never."""

    body: bytes = b""
    status: str = "200 OK"
    content_type: str = "application/json"
    delay_seconds: float | None = 0.0

    def head_and_body(self) -> bytes:
        """The bytes on the wire."""
        head = (
            f"HTTP/1.1 {self.status}\r\ncontent-type: {self.content_type}\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


Responder: TypeAlias = Callable[[str], Response]  # asked with the path, without its query


class AnsweringServers:
    """Any number of servers, each on a free port of its own, until they are closed."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Transport] = set()

    async def listen(self, responder: Responder) -> int:
        """One more server; its port."""
        connection = partial(_Connection, responder, self._connections)
        server = await asyncio.get_running_loop().create_server(connection, HOST, 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening, and cut what is still open."""
        for server in self._servers:
            server.close()
        for transport in tuple(self._connections):
            transport.abort()
        for server in self._servers:
            await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One connection to one server. Requests come one after the other: nobody pipelines here."""

    def __init__(self, responder: Responder, connections: set[asyncio.Transport]) -> None:
        self._responder = responder
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        if self._transport is not None:
            self._connections.discard(self._transport)
            self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_message_complete(self) -> None:
        path, self._url = self._url.partition(b"?")[0].decode("latin-1"), b""
        response = self._responder(path)
        if response.delay_seconds is not None:
            asyncio.get_running_loop().call_later(response.delay_seconds, self._answer, response)

    def _answer(self, response: Response) -> None:
        if self._transport is not None:
            self._transport.write(response.head_and_body())
