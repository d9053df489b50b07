"""Buyers that misbehave on purpose: a raw TCP server with one behaviour, on loopback, that remembers what it received.

Used by the functional tests of the outbound client. Nothing here knows HTTP better than it must.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import uvloop

from ringbid.buyers.protocol import Ask
from ringbid.edge.outbound.client import Dialler, OutboundClient, dial
from ringbid.edge.outbound.names import Resolver
from ringbid.settings import Outbound
from ringbid.values.clock import EPOCH, Clock, SystemClock

OK = b"HTTP/1.1 200 OK\r\n"
BID = b'{"accepted": true, "bid": {"amount": 12.34, "min_seconds": 90}}'
PUBLIC_ADDRESS = "93.184.215.14"  # never dialled: see `to_loopback`

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


def answer(body: bytes = BID, head: bytes = b"") -> bytes:
    """A plain answer, with more headers where `head` has some."""
    return OK + head + b"content-length: %d\r\n\r\n" % len(body) + body


class Visit:
    """One connection to the server, after a request has come; behaviours write their answer through it."""

    def __init__(self, server: HostileServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.request = b""
        self.number = 0  # of the request on this connection, from 1

    async def write(self, data: bytes) -> None:
        """Send, and wait until the other side takes it."""
        self.writer.write(data)
        await self.writer.drain()
        self.server.sent_bytes += len(data)

    async def read_request(self) -> bool:
        """Wait for a whole request; False where the other side has gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            self.request = head + (await self.reader.readexactly(int(length[1])) if length else b"")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        self.number += 1
        self.server.requests.append(self.request)
        return True

    async def until_closed(self) -> None:
        """Wait until the other side closes."""
        with contextlib.suppress(ConnectionError):
            await self.reader.read()


Behaviour = Callable[[Visit], Awaitable[None]]


class HostileServer:
    """`async with HostileServer(behaviour) as server`. The behaviour runs for every request of every connection."""

    def __init__(self, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> None:
        self._behaviour = behaviour
        self._tls = tls
        self._visits: set[asyncio.Task[None]] = set()
        self.requests: list[bytes] = []
        self.connections = 0
        self.most_at_once = 0
        self.sent_bytes = 0
        self.finished = 0  # behaviours that came to their own end
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.close()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bid"

    async def all_gone(self) -> None:
        """Wait until no connection is left."""
        while self._visits:
            await asyncio.wait(self._visits)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        self.connections += 1
        self.most_at_once = max(self.most_at_once, len(self._visits))
        visit = Visit(self, reader, writer)
        try:
            while not writer.is_closing() and await visit.read_request():
                await self._behaviour(visit)
                self.finished += 1
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._visits.discard(task)
            writer.close()


async def normal(visit: Visit) -> None:
    await visit.write(answer())


async def echo(visit: Visit) -> None:
    """Answers with the body of the request."""
    await visit.write(answer(visit.request.partition(b"\r\n\r\n")[2]))


async def gzip_bomb(visit: Visit) -> None:
    await visit.write(answer(_bomb(1), b"content-encoding: gzip\r\n"))


async def double_gzip_bomb(visit: Visit) -> None:
    await visit.write(answer(_bomb(2), b"content-encoding: gzip, gzip\r\n"))


async def transfer_gzip_bomb(visit: Visit) -> None:
    await visit.write(OK + b"transfer-encoding: gzip, chunked\r\n\r\n")
    await _chunks(visit, _bomb(1))


async def huge_body(visit: Visit) -> None:
    await visit.write(OK + b"content-length: 104857600\r\n\r\n")
    await _flood(visit, b"x" * 65_536, times=1600)


async def huge_body_without_a_length(visit: Visit) -> None:
    await visit.write(OK + b"connection: close\r\n\r\n")
    await _flood(visit, b"x" * 65_536, times=1600)


async def endless_chunks(visit: Visit) -> None:
    await visit.write(OK + b"transfer-encoding: chunked\r\n\r\n")
    await _flood(visit, (b"400\r\n" + b"x" * 1024 + b"\r\n") * 100, times=1000)


async def dripping_body(visit: Visit) -> None:
    await visit.write(OK + b"content-length: 1000\r\n\r\n")
    await _drip(visit, b"x" * 1000)


async def dripping_header(visit: Visit) -> None:
    await _drip(visit, OK + b"x-slow: yes\r\n" * 100 + b"\r\n")


async def hundred_thousand_headers(visit: Visit) -> None:
    await visit.write(OK)
    await _flood(visit, b"x: 1\r\n" * 1000, times=100)
    await visit.write(b"content-length: 0\r\n\r\n")


async def huge_header(visit: Visit) -> None:
    await visit.write(OK + b"x: ")
    await _flood(visit, b"y" * 65_536, times=80)
    await visit.write(b"\r\ncontent-length: 0\r\n\r\n")


async def silence(visit: Visit) -> None:
    await visit.until_closed()


async def half_a_body(visit: Visit) -> None:
    await visit.write(OK + b"content-length: 100\r\n\r\n" + BID[:20])
    visit.writer.close()


async def reset(visit: Visit) -> None:
    linger = struct.pack("ii", 1, 0)
    visit.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    visit.writer.transport.abort()


async def closing_at_once(visit: Visit) -> None:
    visit.writer.close()


async def endless_interim_answers(visit: Visit) -> None:
    await _flood(visit, b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, times=2000)


async def redirect_loop(visit: Visit) -> None:
    await visit.write(b"HTTP/1.1 302 Found\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % visit.server.url.encode())


async def random_bytes(visit: Visit) -> None:
    await visit.write(bytes(range(255, -1, -1)) * 16)


async def length_and_chunks(visit: Visit) -> None:
    await visit.write(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n")
    await _chunks(visit, BID)


async def negative_length(visit: Visit) -> None:
    await visit.write(OK + b"content-length: -5\r\n\r\n" + BID)


def saying(body: bytes) -> Behaviour:
    """A plain answer with this body."""

    async def say(visit: Visit) -> None:
        await visit.write(answer(body))

    return say


def raw(data: bytes, *, then_close: bool = False) -> Behaviour:
    """Exactly these bytes."""

    async def send(visit: Visit) -> None:
        await visit.write(data)
        if then_close:
            visit.writer.close()

    return send


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first for a connection's first request, and so on; the last goes on."""

    async def take_turns(visit: Visit) -> None:
        await behaviours[min(visit.number, len(behaviours)) - 1](visit)

    return take_turns


class StandingClock:
    """Moves only when told; what is sent has a second by it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return EPOCH

    def monotonic(self) -> float:
        return self.seconds


def ask_to(url: str, *, body: bytes = b"{}", headers: Sequence[tuple[str, str]] = (), method: str = "POST") -> Ask:
    return Ask(webhook_name="test", method=method, url=url, headers=tuple(headers), body=body)


@contextlib.asynccontextmanager
async def open_client(
    *,
    clock: Clock | None = None,
    resolver: Resolver | None = None,
    dialler: Dialler = dial,
    **changes: Any,
) -> AsyncIterator[OutboundClient]:
    """A client that may dial loopback, with the settings given by name."""
    settings = Outbound(**{"allow_private": True, **changes})
    client = OutboundClient(settings, clock or SystemClock(), resolver=resolver, dialler=dialler)
    try:
        yield client
    finally:
        await client.aclose()


def in_seconds(seconds: float) -> float:
    """A deadline on the system's clock."""
    return SystemClock().monotonic() + seconds


def in_good_time() -> float:
    """A deadline that no ask misses, on a slow machine neither."""
    return in_seconds(60)


def run(story: Coroutine[Any, Any, None], *, loop: str = "uvloop") -> None:
    """Run a test's story to its end, in debug mode, on `uvloop` or `asyncio`."""
    (uvloop.run if loop == "uvloop" else asyncio.run)(story, debug=True)


@functools.cache
def _bomb(times: int) -> bytes:
    """200 MB of nothing, packed `times` over."""
    data = b"".join(gzip.compress(b"\0" * 10_000_000, 1) for _ in range(20))
    for _ in range(times - 1):
        data = gzip.compress(data)
    return data


async def _flood(visit: Visit, data: bytes, *, times: int) -> None:
    for _ in range(times):
        await visit.write(data)


async def _drip(visit: Visit, data: bytes) -> None:
    for byte in data:
        await visit.write(bytes([byte]))
        await asyncio.sleep(0.02)


async def _chunks(visit: Visit, data: bytes) -> None:
    for start in range(0, len(data), 1024):
        piece = data[start : start + 1024]
        await visit.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    await visit.write(b"0\r\n\r\n")
