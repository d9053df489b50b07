"""One connection to a buyer's endpoint: it carries one ask at a time and never outlives an oddity.

Opened and kept by `edge.outbound.client`; `edge.outbound.answer_reader` reads what arrives.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from ringbid.buyers.protocol import Answer
from ringbid.edge.outbound.answer_reader import AnswerReader
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


class Connection(asyncio.Protocol):
    """`idle_since` is the owner's note, in monotonic seconds."""

    __slots__ = ("_lost", "_on_lost", "_reader", "_transport", "_waiter", "dropped", "idle_since")

    def __init__(self, *, limit_bytes: int, on_lost: Callable[[Connection], None]) -> None:
        """`on_lost` is called once, when the connection is gone, whoever ended it."""
        self._reader = AnswerReader(limit_bytes=limit_bytes)
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer | Refused] | None = None
        self._lost = False
        self.dropped = False  # closed by the other side while it owed an answer, before the answer's first byte
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Can it carry another ask?"""
        return not self._lost and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, seconds: float) -> Answer | Refused:
        """Send `request` and read its answer within `seconds`. Afterwards the connection is `usable`, or closed.

        Refused: ASK_TIMED_OUT, ASK_UNREACHABLE, ASK_TLS_FAILED, BID_UNREADABLE. Cancelled freely: that closes it.
        """
        assert self._transport is not None, "connected first"
        assert self._waiter is None, "one ask at a time"
        self._reader.start()
        if self._lost:  # between its making and now
            return self._reader.end()
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Answer | Refused] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_later(seconds, self._time_out)
        self._transport.write(request)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None
            if not self._reader.keep:
                self.close()

    def close(self) -> None:
        """End it at once, without a farewell that could wait for the other side."""
        if self._transport is not None:
            self._transport.abort()

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class, but by its methods

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            self._reader.keep = False  # nobody asked
            self.close()
            return
        result = self._reader.feed(data)
        if result is not None:
            self._waiter.set_result(result)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._waiter is not None and not self._waiter.done():
            self.dropped = self._reader.received == 0
            if isinstance(exc, ssl.SSLError):
                self._waiter.set_result(tls_failed(exc))
            else:
                self._waiter.set_result(self._reader.end())
        self._on_lost(self)

    def _time_out(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            received = self._reader.received
            found = f"{received} bytes of an unfinished answer" if received else "no answer"
            self._waiter.set_result(timed_out(found))


def timed_out(found: str) -> Refused:
    """`found`: what there was when the time was up."""
    return Refused(Reason.ASK_TIMED_OUT, actual=found, expected="an answer in time", setting="timeout_seconds")


def tls_failed(error: OSError) -> Refused:
    """`error`: out of the handshake, or out of the encrypted stream."""
    if isinstance(error, ssl.SSLCertVerificationError):
        found = f"certificate: {error.verify_message}"
    else:
        found = (error.reason if isinstance(error, ssl.SSLError) else None) or "the handshake broke off"
    return Refused(Reason.ASK_TLS_FAILED, actual=found, expected="a verified TLS connection")
