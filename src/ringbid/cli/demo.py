"""`ringbid demo`: a whole exchange in a temporary folder, with simulated publishers that ping and call, and buyers that
bid and answer the phone."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from rich.text import Text

from ringbid import bootstrap
from ringbid.cli.console import fail, output
from ringbid.cli.demo_rows import row_of
from ringbid.cli.demo_screen import Screen, print_opening, print_title
from ringbid.cli.demo_watch import Watch
from ringbid.cli.running import make_settings, run, stop_on_signals
from ringbid.edge import tasks
from ringbid.edge.emulate.buyers import EmulatedBuyers
from ringbid.edge.emulate.demo import KEYS, demo_catalog
from ringbid.edge.emulate.phones import PhonesKind
from ringbid.edge.emulate.phones_opening import open_phones
from ringbid.edge.emulate.phones_sip import PhonesFailed
from ringbid.edge.emulate.publishers import PingMaker, PostbackReceiver, Publishers, SentPing
from ringbid.edge.listening import Listener, take_next_port
from ringbid.edge.observe import set_up_logs
from ringbid.edge.outbound.client import OutboundClient
from ringbid.edge.serving import Address
from ringbid.settings import Outbound, Settings, Sip
from ringbid.values.clock import Clock, SystemClock
from ringbid.values.ids import parse_ping_id

HOST, FIRST_PORT = "127.0.0.1", 8700
PINGS_PER_SECOND = 1.5
SEED = 2175  # with it the first call fails over and converts, and all that can happen happens soon
_LOOK_SECONDS = 0.2
_LAST_LOOKS = 10  # after the last call: its record and its postback may take a moment


def demo(*, pings: int | None, seconds: float | None, phones: PhonesKind | None) -> None:
    """Run until Ctrl-C, SIGTERM, or so many pings or seconds. `phones` None: SIP where it is installed."""
    set_up_logs(pretty=sys.stderr.isatty())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # the rest is in the table
    with tempfile.TemporaryDirectory(prefix="ringbid-") as folder:
        settings = make_settings(data=Path(folder), database=None, host=HOST, outbound=Outbound(allow_private=True))
        # Nothing of a real exchange's phone side, wherever it is set.
        settings = settings.model_copy(update={"sip": Sip(), "carriers": {}, "public_url": None})
        run(_demo(settings, pings=pings, seconds=seconds, phones=phones), settings)


async def _demo(settings: Settings, *, pings: int | None, seconds: float | None, phones: PhonesKind | None) -> None:
    stop = stop_on_signals()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop.set)  # the terminal was closed
    console = output()
    print_title(console)
    clock = SystemClock()
    listener = take_next_port(HOST, FIRST_PORT)
    url = Address(*listener.getsockname()[:2]).url
    async with AsyncExitStack() as stack:
        outbound = OutboundClient(settings.outbound, clock)
        stack.push_async_callback(outbound.aclose)
        receiver = await stack.enter_async_context(PostbackReceiver())
        opening = open_phones(phones, settings, seed=SEED, public_url=url, outbound=outbound, clock=clock)
        try:
            opened = await stack.enter_async_context(opening)
        except PhonesFailed as error:
            fail(
                f"calls cannot go over SIP here: {error}.", "Without --phones sip they go through a simulated carrier."
            )
        buyers = await stack.enter_async_context(EmulatedBuyers(seed=SEED, address_of=opened.address_of))
        catalog = demo_catalog(buyers.ports, receiver_port=receiver.port, address_of=opened.address_of)
        applied = await bootstrap.apply_catalog(opened.settings, catalog, plan_only=False, applied_by="ringbid demo")
        assert not applied.problems, f"the demo's catalog is wrong: {applied.problems}"
        path = await stack.enter_async_context(_served(opened.settings, listener))
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, stop.set)
        watch = await stack.enter_async_context(Watch(opened.settings))
        folder = str(settings.data)
        print_opening(console, url=url, curl=_curl(url), folder=folder, calls=opened.description, link=f"{url}{path}")
        screen = Screen(console, clock=clock, explain_command=f"{_program()} explain {{uuid}} --data {folder}")
        publishers = Publishers(PingMaker(seed=SEED), url=url, outbound=outbound, clock=clock, phones=opened.phones)
        with screen.opened():
            looking = tasks.start(_look(screen, watch, receiver, clock), name="demo's picture")
            try:
                show = partial(_show, screen, watch, clock)
                await publishers.run(pings_per_second=PINGS_PER_SECOND, most_pings=pings, stop=stop, on_sent=show)
                await _settle(screen, stop)
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
            await _look_once(screen, watch, receiver, clock)
    console.print(Text("The demo is over and its data are deleted. Keep yours with `ringbid serve`.", "dim"))


@asynccontextmanager
async def _served(settings: Settings, listener: Listener) -> AsyncIterator[str]:
    """A server for the body's time; it stops after the simulated publishers have. Gives the path of the link that
    claims it."""
    stop = asyncio.Event()
    claimable: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = bootstrap.serve(settings, on_unclaimed=claimable.set_result, stop=stop, listener=listener)
    server = tasks.start(serving, name="demo server")
    both: set[asyncio.Future[Any]] = {server, claimable}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not claimable.done():
        await server
        fail("the demo's server ended before it listened.")
    try:
        yield claimable.result()
    finally:
        stop.set()
        await server


async def _show(screen: Screen, watch: Watch, clock: Clock, sent: SentPing) -> None:
    uuid = parse_ping_id(sent.reply.uuid) if sent.reply is not None and sent.reply.uuid is not None else None
    stored = await watch.ping(uuid) if uuid is not None else None
    screen.show(row_of(sent, stored, at=clock.now().astimezone()))


async def _look(screen: Screen, watch: Watch, receiver: PostbackReceiver, clock: Clock) -> None:
    """Keep the picture fresh."""
    while True:
        await _look_once(screen, watch, receiver, clock)
        await asyncio.sleep(_LOOK_SECONDS)


async def _look_once(screen: Screen, watch: Watch, receiver: PostbackReceiver, clock: Clock) -> None:
    for entry in screen.board.moving(clock.now()):
        uuid = parse_ping_id(entry.row.uuid or "")
        call = await watch.call_of(uuid) if uuid is not None else None
        if call is not None:
            screen.show_call(entry, call)
    screen.show_books(await watch.balances(), postbacks=receiver.taken)
    screen.refresh()


async def _settle(screen: Screen, stop: asyncio.Event) -> None:
    """The last call is over: its record and its postback come a moment later."""
    for _ in range(_LAST_LOOKS):
        if stop.is_set() or not screen.board.unfinished():
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _curl(url: str) -> str:
    query = f"key={KEYS['auto-insurance']}&publisher_id=4321ABCD&caller_number=+12125550123&caller_zip=90210"
    return f"curl -X POST '{url}/rtbs.json?{query}'"


def _program() -> str:
    """How this program is called again from the same shell."""
    name = Path(sys.argv[0]).name
    return name if shutil.which(name) else sys.argv[0]
