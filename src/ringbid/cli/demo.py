"""`ringbid demo`: a whole exchange in a temporary folder, with simulated publishers that ping and buyers that bid."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.text import Text

from ringbid import bootstrap
from ringbid.cli.console import fail, output
from ringbid.cli.demo_rows import row_of
from ringbid.cli.demo_screen import Screen, print_opening, print_title
from ringbid.cli.running import make_settings, run, stop_on_signals
from ringbid.edge import tasks
from ringbid.edge.emulate.buyers import EmulatedBuyers
from ringbid.edge.emulate.demo import KEYS, demo_catalog
from ringbid.edge.emulate.publishers import PingMaker, Publishers, SentPing
from ringbid.edge.listening import take_next_port
from ringbid.edge.observe import set_up_logs
from ringbid.edge.outbound.client import OutboundClient
from ringbid.edge.serving import Address
from ringbid.reservations.ports import StoreUnavailable
from ringbid.settings import Outbound, Settings
from ringbid.values.clock import SystemClock
from ringbid.values.ids import parse_ping_id

HOST, FIRST_PORT = "127.0.0.1", 8700
PINGS_PER_SECOND = 2.0
SEED = 131  # with it a place is reserved at once and one is refused soon after, so that both can be looked at


def demo(*, pings: int | None, seconds: float | None) -> None:
    """Run until Ctrl-C, SIGTERM, or so many pings or seconds."""
    set_up_logs(pretty=sys.stderr.isatty())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # the rest is in the table
    with tempfile.TemporaryDirectory(prefix="ringbid-") as folder:
        settings = make_settings(
            data=Path(folder),
            database=None,
            host=HOST,
            outbound=Outbound(allow_private=True),
        )
        run(_demo(settings, pings=pings, seconds=seconds), settings)


async def _demo(settings: Settings, *, pings: int | None, seconds: float | None) -> None:
    stop = stop_on_signals()
    console = output()
    print_title(console)
    async with EmulatedBuyers(seed=SEED) as buyers:
        applied = await bootstrap.apply_catalog(
            settings, demo_catalog(buyers.ports), plan_only=False, applied_by="ringbid demo"
        )
        assert not applied.problems, f"the demo's catalog is wrong: {applied.problems}"
        async with _served(settings) as address:
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, stop.set)
            await _show(settings, address, console, pings=pings, stop=stop)


@asynccontextmanager
async def _served(settings: Settings) -> AsyncIterator[Address]:
    """A server for the body's time; it stops after the simulated publishers have."""
    stop = asyncio.Event()
    listening: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    listener = take_next_port(HOST, FIRST_PORT)
    serving = bootstrap.serve(settings, on_ready=listening.set_result, stop=stop, listener=listener)
    server = tasks.start(serving, name="demo server")
    both: set[asyncio.Future[Any]] = {server, listening}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not listening.done():
        await server
        fail("the demo's server ended before it listened.")
    try:
        yield listening.result()
    finally:
        stop.set()
        await server


async def _show(
    settings: Settings, address: Address, console: Console, *, pings: int | None, stop: asyncio.Event
) -> None:
    print_opening(console, url=address.url, curl=_curl(address.url), folder=str(settings.data))
    screen = Screen(console, explain_command=f"{_program()} explain {{uuid}} --data {settings.data}")
    clock = SystemClock()
    outbound = OutboundClient(settings.outbound, clock)

    async def show(sent: SentPing) -> None:
        uuid = parse_ping_id(sent.reply.uuid) if sent.reply is not None and sent.reply.uuid is not None else None
        stored = None
        if uuid is not None:
            with suppress(StoreUnavailable):  # the server may just be stopping
                stored = await bootstrap.find_ping(settings, uuid)
        screen.show(row_of(sent, stored, at=clock.now().astimezone()))

    publishers = Publishers(PingMaker(seed=SEED), url=address.url, outbound=outbound, clock=clock)
    try:
        with screen.opened():
            await publishers.run(pings_per_second=PINGS_PER_SECOND, most_pings=pings, stop=stop, on_sent=show)
    finally:
        await outbound.aclose()
    console.print(Text("The demo is over and its data are deleted. Keep yours with `ringbid serve`.", "dim"))


def _curl(url: str) -> str:
    query = f"key={KEYS['auto-insurance']}&publisher_id=4321ABCD&caller_number=+12125550123&caller_zip=90210"
    return f"curl -X POST '{url}/rtbs.json?{query}'"


def _program() -> str:
    """How this program is called again from the same shell."""
    name = Path(sys.argv[0]).name
    return name if shutil.which(name) else sys.argv[0]
