"""What one ask costs: CPU microseconds of the asking process, ours beside aiohttp, interleaved in one run.

    python -m bench.asks [--rounds N]

Buyers are one process of their own on loopback that answers at once. Each round asks 1, 5 or 20 of them together;
`send` is the client alone, `ask` is also building the ask and reading the bid; each figure includes a task per ask.
The least of several interleaved repetitions counts: on a shared machine all noise is upwards.
See docs/adr/0004-own-outbound-client.md.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import platform
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import cast

import aiohttp
import uvloop

from ringbid.buyers.protocol import Answer, Ask, Bid
from ringbid.buyers.webhook import CompiledWebhook, compile_webhook
from ringbid.catalog.model import Webhook
from ringbid.edge.outbound.client import OutboundClient
from ringbid.settings import Outbound
from ringbid.values.clock import SystemClock

ANSWER = b'{"accepted": true, "bid": {"amount": 12.34, "min_seconds": 90, "phone": "+12025550199"}}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\nserver: b\r\n"
VALUES = {"caller_zip": "90210", "caller_state": "CA", "caller_number": "+12125550123", "age": "35", "call_uuid": "u-1"}
AT_ONCE = (1, 5, 20)

Way = Callable[[], Awaitable[None]]


class Buyer(asyncio.Protocol):
    """Answers whatever ends a request's body, without reading it properly."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.answer = HEAD + b"content-length: %d\r\n\r\n" % len(ANSWER) + ANSWER

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"}"):
            self.transport.write(self.answer)


def serve(told: Connection) -> None:
    """The buyers' process: tells its port, then answers until it is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Buyer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


def webhook_to(port: int) -> CompiledWebhook:
    """The webhook of the example catalog."""
    webhook = Webhook(
        name="charlie bid",
        on="passthrough",
        url=f"http://127.0.0.1:{port}/bid?zip=[caller_zip]&state=[caller_state]",
        headers=(("X-Api-Key", "demo"),),
        body={"caller": "[caller_number]", "age": "[age]", "call": "[call_uuid]"},
        accept="accepted == `true`",
        outputs=(("bid", "bid.amount"), ("seconds", "bid.min_seconds"), ("number", "bid.phone")),
    )
    return compile_webhook(
        webhook, setting="webhooks[charlie bid]", money_tags=frozenset({"bid"}), seconds_tags=frozenset({"seconds"})
    )


async def measure(port: int, rounds: int) -> dict[tuple[str, int], list[float]]:
    """CPU microseconds per ask, by way and number at once, of interleaved runs."""
    clock = SystemClock()
    client = OutboundClient(Outbound(allow_private=True), clock)
    webhook = webhook_to(port)
    ask = webhook.build_ask(VALUES)
    assert isinstance(ask, Ask)
    timeout = aiohttp.ClientTimeout(total=5)
    connector = aiohttp.TCPConnector(limit=256)
    session = aiohttp.ClientSession(connector=connector, auto_decompress=False, trust_env=False, timeout=timeout)

    async def send() -> None:
        assert isinstance(await client.send(ask, ends_at=clock.monotonic() + 5), Answer)

    async def whole_ask() -> None:
        built = webhook.build_ask(VALUES)
        assert isinstance(built, Ask)
        answer = await client.send(built, ends_at=clock.monotonic() + 5)
        assert isinstance(answer, Answer)
        assert isinstance(webhook.read_bid(answer), Bid)

    async def send_with_aiohttp() -> None:
        request = session.request(ask.method, ask.url, data=ask.body, headers=ask.headers, allow_redirects=False)
        async with request as response:
            assert await response.read() == ANSWER

    ways: dict[str, Way] = {"send": send, "ask": whole_ask, "aiohttp": send_with_aiohttp}
    found: dict[tuple[str, int], list[float]] = {(name, n): [] for name in ways for n in AT_ONCE}
    for repeat in range(9):
        for n in AT_ONCE:
            for name, way in ways.items():
                cost = await _cost(way, n, max(1, rounds // n))
                if repeat:  # the first is to warm up
                    found[name, n].append(cost)
    await client.aclose()
    await session.close()
    return found


async def _cost(way: Way, n: int, rounds: int) -> float:
    started = time.process_time()
    for _ in range(rounds):
        await asyncio.gather(*(way() for _ in range(n)))
    return (time.process_time() - started) / (rounds * n) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3000, help="asks per figure and repetition")
    arguments = parser.parse_args()
    told, tell = multiprocessing.Pipe(duplex=False)
    buyers = multiprocessing.get_context("spawn").Process(target=serve, args=(tell,), daemon=True)
    buyers.start()
    try:
        found = uvloop.run(measure(told.recv(), arguments.rounds))
    finally:
        buyers.terminate()
    print(f"Python {platform.python_version()}, uvloop {version('uvloop')}, aiohttp {version('aiohttp')}")
    print("µs CPU per ask " + "".join(f"{n:>9}" for n in AT_ONCE))
    for name in ("send", "ask", "aiohttp"):
        print(f"{name:15}" + "".join(f"{min(found[name, n]):9.1f}" for n in AT_ONCE))


if __name__ == "__main__":
    main()
