"""A receiver of events on loopback: keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from standardwebhooks.webhooks import Webhook

from ringbid.buyers.protocol import Answer, Ask
from ringbid.edge import tasks
from ringbid.edge.outbound.client import OutboundClient
from ringbid.outbox.message import event_endpoint
from ringbid.settings import Outbound, Outbox
from ringbid.store.opening import Store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId
from ringbid.values.verdict import Refused
from ringbid.worker.outbox import Sender

SECONDS = 120.0  # the longest that anything may take, on a slow machine
ACME = CompanyId("acme")


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


@dataclass
class EventReceiver:
    port: int = 0
    statuses: Iterator[int] = field(default_factory=lambda: iter(()))  # then 204
    requests: list[Received] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    async def wait_for(self, count: int) -> list[Received]:
        """The first `count` requests, once they are here."""
        await self.until(lambda: len(self.requests) >= count)
        return self.requests

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait for requests."""
        async with asyncio.timeout(SECONDS), self._came:
            await self._came.wait_for(enough)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError):  # its sender was killed
            writer.close()
            return
        status = next(self.statuses, 204)
        async with self._came:
            self.requests.append(Received(head[0].split(" ")[1], headers, body))
            self._came.notify_all()
        writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def event_receiver() -> AsyncIterator[EventReceiver]:
    receiver = EventReceiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver


class Sending:
    """The client, and whether it has tried anything yet."""

    def __init__(self, client: OutboundClient) -> None:
        self._client = client
        self.tried = asyncio.Event()

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        answer = await self._client.send(ask, ends_at=ends_at)
        self.tried.set()
        return answer


@asynccontextmanager
async def sending(store: Store, *, allow_private: bool = True) -> AsyncIterator[Sending]:
    """The real sender, with the real client, over the store."""
    clock = SystemClock()
    client = OutboundClient(Outbound(allow_private=allow_private, breaker_failures=1000), clock)
    settings = Outbox(timeout_seconds=60, retry_seconds=(0.0001,) * 5, spread_percent=0)
    watched = Sending(client)
    sender = Sender(store.outbox, watched, settings=settings, clock=clock, start_task=tasks.start_awaited)
    task = tasks.start(sender.run(), name="outbox")
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()


async def verified(store: Store, received: Received, *, webhook: str = "crm") -> dict[str, Any]:
    """The event, verified with each secret of its webhook by the library that receivers use."""
    for secret in await store.outbox.secrets(ACME, endpoint=event_endpoint(webhook)):
        Webhook(secret).verify(received.body, received.headers)
    return received.event
