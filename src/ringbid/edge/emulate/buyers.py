"""Simulated buyers: nine real HTTP servers on loopback, each with a port and a way to behave of its own.

Started by the demo, which writes their ports into its catalog; asked like any buyer. A buyer answers at
`/buyers/<behaviour>/bid`, whatever was asked. What varies comes from a seed: the same one brings the same bids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from types import MappingProxyType, TracebackType
from typing import Self, cast

import httptools

HOST = "127.0.0.1"
_SECONDS = 90  # how long a call must last for every one of them


@dataclass(frozen=True, slots=True)
class _Response:
    body: bytes
    status: str = "200 OK"
    content_type: str = "application/json"

    def head_and_body(self) -> bytes:
        head = (
            f"HTTP/1.1 {self.status}\r\ncontent-type: {self.content_type}\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a buyer answers, and after how long. `delay_seconds` None: it never answers."""

    answer: Callable[[Random], _Response]
    delay_seconds: float | None = 0.0


def _bid(random: Random, *, low_cents: int, high_cents: int, phone: str) -> _Response:
    cents = random.randrange(low_cents, high_cents + 1)
    amount = f"{cents // 100}.{cents % 100:02d}"
    body = f'{{"accepted":true,"bid":{{"amount":{amount},"min_seconds":{_SECONDS},"phone":"{phone}"}}}}'
    return _Response(body.encode())


def _malformed(random: Random) -> _Response:
    """One of the ways in which answers really are broken."""
    return random.choice(
        (
            _Response(b'{"accepted":true,"bid":{"amount":7.5,"min_seco'),
            _Response(b'{"accepted":true,"bid":{"amount":NaN,"min_seconds":90,"phone":"+12025550115"}}'),
            _Response(b'{"accepted":true,"bid":{"amount":-7.5,"min_seconds":90,"phone":"+12025550115"}}'),
            _Response(b"<html><body>Service is starting</body></html>", content_type="text/html"),
        )
    )


BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "fast": Behaviour(partial(_bid, low_cents=300, high_cents=1250, phone="+12025550111"), 0.008),
        "slow": Behaviour(partial(_bid, low_cents=1800, high_cents=2600, phone="+12025550112"), 0.6),
        "silent": Behaviour(partial(_bid, low_cents=100, high_cents=100, phone="+12025550113"), None),
        "declining": Behaviour(lambda _: _Response(b'{"accepted":false,"reason":"no agent free"}'), 0.02),
        "malformed": Behaviour(_malformed, 0.015),
        "capped": Behaviour(partial(_bid, low_cents=2800, high_cents=3200, phone="+12025550116"), 0.025),
        "closed": Behaviour(partial(_bid, low_cents=500, high_cents=500, phone="+12025550117"), 0.01),
        "pricey": Behaviour(partial(_bid, low_cents=900, high_cents=4200, phone="+12025550118"), 0.045),
        "error": Behaviour(lambda _: _Response(b'{"error":"out of order"}', "500 Internal Server Error"), 0.012),
    }
)


class EmulatedBuyers:
    """All nine, as long as the body of `async with` runs."""

    def __init__(self, *, seed: int) -> None:
        self.ports: dict[str, int] = {}  # by behaviour
        self._chance = {
            behaviour: Random(f"{seed}/{behaviour}")  # noqa: S311 -- bids to play with, no secrets
            for behaviour in BEHAVIOURS
        }
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Transport] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        connection = partial(_Connection, self._chance, self._connections)
        for behaviour in BEHAVIOURS:
            server = await loop.create_server(connection, HOST, 0)
            self._servers.append(server)
            self.ports[behaviour] = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for transport in tuple(self._connections):
            transport.abort()
        for server in self._servers:
            await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One connection to one buyer. Requests come one after the other: nobody pipelines here."""

    def __init__(self, chance: Mapping[str, Random], connections: set[asyncio.Transport]) -> None:
        self._chance = chance
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
        name = path.removeprefix("/buyers/").removesuffix("/bid")
        behaviour = BEHAVIOURS.get(name)
        if behaviour is None:
            self._answer(_Response(b'{"error":"no such buyer"}', "404 Not Found"))
        elif behaviour.delay_seconds is not None:
            response = behaviour.answer(self._chance[name])
            asyncio.get_running_loop().call_later(behaviour.delay_seconds, self._answer, response)

    def _answer(self, response: _Response) -> None:
        if self._transport is not None:
            self._transport.write(response.head_and_body())
