"""Emulated buyers for measuring: one process, a port for each buyer, an answer after `/bid/<milliseconds>`; 0: at once.

Started by `bench.run` beside the load generator, away from the server's core. `GET /seen` says how many asks came and
how late the delayed answers were sent, which is part of what is measured as the server's overhead.

    python -m bench.buyers --number 20          prints their ports, as JSON, once they listen
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import time
from array import array
from decimal import Decimal
from functools import partial
from typing import cast

import httptools
import msgspec
import uvloop

from bench.alarm import Alarm
from bench.percentiles import percentile


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyers saw since the last time this was asked."""

    asks: int
    late_p50_ms: float
    late_p99_ms: float


class _Memory:
    """What all connections share."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.alarm = Alarm(loop)
        self._asks = 0
        self._late_seconds = array("d")

    def note_ask(self) -> None:
        self._asks += 1

    def note_late(self, seconds: float) -> None:
        self._late_seconds.append(seconds)

    def take(self) -> Seen:
        """What was seen, and forget it."""
        late = sorted(self._late_seconds)
        seen = Seen(asks=self._asks, late_p50_ms=percentile(late, 50) * 1000, late_p99_ms=percentile(late, 99) * 1000)
        self._asks, self._late_seconds = 0, array("d")
        return seen


def bid_of(buyer: int) -> Decimal:
    """What buyer `buyer` (from 0) bids: a cent more than the one before."""
    return Decimal("1.50") + buyer * Decimal("0.01")


def answer_of(buyer: int) -> bytes:
    """What buyer `buyer` answers, head and body: it accepts."""
    bid = f'{{"amount":{bid_of(buyer)},"min_seconds":90,"phone":"+1202555{100 + buyer:04d}"}}'
    return _response(f'{{"accepted":true,"bid":{bid}}}'.encode())


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


class _Buyer(asyncio.Protocol):
    """One connection to one buyer; requests on it come one after the other."""

    def __init__(self, answer: bytes, memory: _Memory) -> None:
        self._answer = answer
        self._memory = memory
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_message_complete(self) -> None:
        url, self._url = self._url, b""
        if url == b"/seen":
            self._write(_response(msgspec.json.encode(self._memory.take())))
            return
        self._memory.note_ask()
        delay_ms = int(url.partition(b"?")[0].rpartition(b"/")[2])
        if not delay_ms:
            self._write(self._answer)
            return
        due_at = time.perf_counter() + delay_ms / 1000

        def answer_late() -> None:
            self._write(self._answer)
            self._memory.note_late(time.perf_counter() - due_at)

        self._memory.alarm.at(due_at, answer_late)

    def _write(self, response: bytes) -> None:
        if self._transport is not None:
            self._transport.write(response)


async def serve(number: int) -> None:
    """Be so many buyers until SIGTERM."""
    loop = asyncio.get_running_loop()
    memory, stopped = _Memory(loop), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for buyer in range(number):
            server = await loop.create_server(partial(_Buyer, answer_of(buyer), memory), "127.0.0.1", 0)
            stack.callback(server.close)
            ports.append(server.sockets[0].getsockname()[1])
        print(ports, flush=True)
        await stopped.wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Emulated buyers that accept every ask.")
    parser.add_argument("--number", type=int, default=20)
    number = parser.parse_args().number
    gc.disable()  # a collection here would be measured as the server's latency
    uvloop.run(serve(number))


if __name__ == "__main__":
    main()
