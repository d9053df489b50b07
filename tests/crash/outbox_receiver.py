"""A receiver of postbacks that fails half the time, and remembers every request. It shares no code with the product.

It runs in a thread of the test, so that it outlives the senders that are killed.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import cast

import uvloop
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"
_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class Visits:
    """The requests of one message, told apart by what its body says."""

    ids: set[str] = field(default_factory=set)
    timestamps: set[str] = field(default_factory=set)
    requests: int = 0
    taken: int = 0  # answered with 204
    open: int = 0  # now
    most_open: int = 0


class Receiver:
    """Listens on `port` of loopback from `start` to `stop`. `secret` is what it verifies requests with;
    `answer_seconds` is how long it thinks, so that requests of one message can meet."""

    def __init__(self, *, secret: str, seed: int, answer_seconds: float) -> None:
        self.answer_seconds = answer_seconds
        self.visits: dict[bytes, Visits] = defaultdict(Visits)
        self.requests = 0
        self.forged = 0  # requests whose signature is wrong
        self.port = 0
        self.heard_at = time.monotonic()
        self._webhook = Webhook(secret)
        self._chance = random.Random(seed)
        self._reached = threading.Condition()
        self.transports: set[asyncio.Transport] = set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._listening.wait(10), "it listens"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def wait_for(self, requests: int, *, within_seconds: float) -> bool:
        """Has it had so many requests in all?"""
        with self._reached:
            return self._reached.wait_for(lambda: self.requests >= requests, within_seconds)

    def take(self, head: bytes, body: bytes) -> tuple[bytes | None, Visits]:
        """What is answered (None: the connection is closed instead), and the message's visits."""
        headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        visits = self.visits[body]
        visits.ids.add(headers.get("webhook-id", ""))
        visits.timestamps.add(headers.get("webhook-timestamp", ""))
        visits.requests += 1
        visits.open += 1
        visits.most_open = max(visits.most_open, visits.open)
        try:
            original = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
            self._webhook.verify(body, original, json_parse=False)
        except WebhookVerificationError:
            self.forged += 1
        draw = self._chance.random()
        answer = _TAKEN if draw < 0.5 else _BROKEN if draw < 0.8 else _BUSY if draw < 0.95 else None
        visits.taken += answer is _TAKEN
        with self._reached:
            self.requests += 1
            self.heard_at = time.monotonic()
            self._reached.notify_all()
        return answer, visits

    def _run(self) -> None:
        uvloop.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()
        for transport in tuple(self.transports):
            transport.abort()
        await asyncio.sleep(0.01)  # what was aborted says so to itself


class _Connection(asyncio.Protocol):
    """One connection: a request at a time, as our client sends them."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""
        self._visits: Visits | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._receiver.transports.add(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        answer, self._visits = self._receiver.take(head, rest[:length])
        asyncio.get_running_loop().call_later(self._receiver.answer_seconds, self._answer, answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()
        self._receiver.transports.discard(self._transport)

    def _answer(self, answer: bytes | None) -> None:
        self._leave()
        if answer is None:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write(answer)

    def _leave(self) -> None:
        if self._visits is not None:
            self._visits.open -= 1
            self._visits = None
