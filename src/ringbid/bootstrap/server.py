"""A server: everything it is made of, started in order and stopped in the reverse.

The one place that knows which concrete parts fill the flows' ports.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ringbid.accounts.ports import Accounts
from ringbid.bootstrap.accounts import account_handlers, welcome
from ringbid.bootstrap.orders import apply_handler, ledger_handlers
from ringbid.buyers.protocol import Outbound
from ringbid.call.desk import CallDesk
from ringbid.call.flow import Desk
from ringbid.call.ports import CallTools, Networks, StoredCall
from ringbid.edge import tasks
from ringbid.edge.api.app import Application
from ringbid.edge.api.calls import CallApi
from ringbid.edge.api.rtbs import RtbApi
from ringbid.edge.control import ControlServer
from ringbid.edge.listening import Listener, take_port
from ringbid.edge.observe import Metrics
from ringbid.edge.outbound.client import OutboundClient
from ringbid.edge.serving import Address, Server, http_config, stop_when, tune_interpreter
from ringbid.edge.telephony.counting import CountingDesk
from ringbid.edge.telephony.networks import PhoneNetworks
from ringbid.edge.telephony.sip.commands import EngineCommands
from ringbid.edge.telephony.sip.config import engine_database, sip_folder
from ringbid.edge.telephony.sip.messages import PROVIDER
from ringbid.edge.telephony.sip.noting import NotingDesk
from ringbid.edge.telephony.sip.records import OpenCall, Reconciler
from ringbid.edge.telephony.sip.router import SipRouter
from ringbid.edge.telephony.twiml.endpoint import TwimlApi
from ringbid.edge.web.late import App, LateApp
from ringbid.ping.ports import PingTools
from ringbid.ping.trying import Trials
from ringbid.ping.turns import Turns
from ringbid.reservations.ports import Reservations
from ringbid.routing import geo
from ringbid.settings import Settings
from ringbid.store.engine_tables import EngineTables, create_engine_tables
from ringbid.store.opening import Store, open_store
from ringbid.values.clock import Clock, SystemClock, from_ms
from ringbid.values.ids import RandomBytes, RandomPool
from ringbid.worker import call_orders, outbox_orders
from ringbid.worker.calls import CallChecks
from ringbid.worker.journeys import Journeys
from ringbid.worker.outbox import Sender
from ringbid.worker.retention import Retention
from ringbid.worker.snapshot import Catalogs
from ringbid.worker.sweep import Sweep

if TYPE_CHECKING:
    from ringbid.edge.web.office import Identities  # it imports Litestar, and that takes too long before it listens

SLACK_SECONDS = 4.0  # in which an answer reaches Kamailio, or a record is read


async def serve(
    settings: Settings,
    *,
    on_ready: Callable[[Address], None] | None = None,
    stop: asyncio.Event | None = None,
    listener: Listener | None = None,
    identities: Identities | None = None,
    on_unclaimed: Callable[[str], None] | None = None,
) -> None:
    """Run the exchange until SIGTERM, SIGINT or `stop`; what was accepted is finished first.

    It listens on `listener`, or where the settings say. Where nobody has claimed it, `on_unclaimed` is told the path of
    a link that does, once it listens. `identities` says who uses its pages, in place of its accounts. Raises
    `store.opening.WriterBusy` where another process owns the SQLite store, OSError where the port is taken.
    """
    clock = SystemClock()
    listener = listener or take_port(settings.host, settings.port)
    here: list[Address] = []
    ready = asyncio.Event()

    def note_ready(address: Address) -> None:
        here.append(address)
        ready.set()
        if on_ready is not None:
            on_ready(address)

    async with _parts(settings, clock, here, identities) as (app, control, warm_up, accounts):
        server = Server(http_config(app), note_ready, on_stop=app.end_streams)
        await control.start()
        warming = tasks.start(warm_up(), name="warm up")
        welcoming = tasks.start(_welcome(ready, accounts, on_unclaimed), name="welcome")
        watcher = tasks.start(stop_when(stop, server), name="stop") if stop is not None else None
        try:
            await server.serve(sockets=[listener])
        finally:
            await control.close()
            warming.cancel()
            welcoming.cancel()
            if watcher is not None:
                watcher.cancel()


async def _welcome(ready: asyncio.Event, accounts: Accounts, on_unclaimed: Callable[[str], None] | None) -> None:
    """Once the server listens: say how it is claimed, where nobody has claimed it yet."""
    await ready.wait()
    path = await welcome(accounts)
    if path is not None and on_unclaimed is not None:
        on_unclaimed(path)


async def _warm_up(router: SipRouter | None, open_pages: Callable[[], Awaitable[None]]) -> None:
    """Read what only pings with a zip code and people need.

    It takes the interpreter for itself, for parts of a second. Where a server has died, the calls that waited for the
    next one are routed before; a ping that needs a zip code sooner reads them then, and pages wait.
    """
    if router is not None:
        await router.wait_until_caught_up()
    await asyncio.to_thread(geo.load)
    await open_pages()
    tune_interpreter()


@asynccontextmanager
async def _parts(
    settings: Settings, clock: Clock, here: Sequence[Address] = (), identities: Identities | None = None
) -> AsyncIterator[tuple[Application, ControlServer, Callable[[], Coroutine[Any, Any, None]], Accounts]]:
    """Everything a server is made of, started in order and stopped in the reverse. `here` gets the address, once there
    is one."""
    store = await open_store(settings, clock)
    background: list[asyncio.Task[None]] = []
    outbound = OutboundClient(settings.outbound, clock)
    # Messages have a schedule of their own: a receiver that fails must not be left alone when it is asked for a bid,
    # nor use up a message's tries while it is left alone.
    # Nobody reads what a receiver answers, so that its length says nothing against it.
    posting = OutboundClient(
        settings.outbound.model_copy(update={"breaker_failures": sys.maxsize, "answer_limit_bytes": 1 << 20}), clock
    )
    try:
        catalogs = Catalogs(store)
        await catalogs.refresh()
        background.append(tasks.start(catalogs.follow(), name="follow the catalog"))
        background.append(tasks.start(Sweep(store).run(), name="sweep"))
        background.append(
            tasks.start(Retention(store, settings.retention, settings.outbox, clock).run(), name="retention")
        )
        sender = Sender(store.outbox, posting, settings=settings.outbox, clock=clock, start_task=tasks.start_awaited)
        background.append(tasks.start(sender.run(), name="outbox"))
        tools = build_call_tools(store, catalogs, outbound, clock=clock, on_message=sender.nudge)
        journeys = Journeys(
            store.journeys, catalogs, older_than=timedelta(days=settings.retention.call_days), clock=clock
        )
        background.append(tasks.start(journeys.run(), name="journeys"))
        metrics = Metrics()
        metrics.watch_messages(lambda: {state.value: count for state, count in sender.tries.items()})
        desk = Desk(tools)
        counted = CountingDesk(desk, metrics=metrics, clock=clock)
        background.append(tasks.start(CallChecks(store.calls, desk).run(), name="check calls"))
        sip_desk = NotingDesk(counted)
        router = SipRouter(sip_desk, settings.sip) if settings.sip.domain is not None else None
        if router is not None:
            await prepare_engine(settings)
            background.append(tasks.start(router.run(), name="SIP router"))
            background.append(tasks.start(_reconciler(settings, store, sip_desk, clock).run(), name="SIP records"))
        pages = LateApp()
        app = build_application(
            store.reservations,
            catalogs,
            outbound,
            settings=settings,
            clock=clock,
            carriers=_carriers(settings, counted, clock),
            metrics=metrics,
            call_tools=tools,
            pages=pages,
            networks=_networks(settings, outbound, clock, router),
        )
        handlers = {
            "apply": apply_handler(store),
            **ledger_handlers(store.ledger),
            **outbox_orders.orders(store.outbox, store.audit, nudge=sender.nudge),
            **call_orders.orders(store.calls, catalogs, tools.random_bytes, nudge=sender.nudge),
            **account_handlers(store.accounts, lambda: here[0].url if here else None),
        }
        open_pages = partial(_open_pages, pages, settings, clock, catalogs, store, outbound, identities, sender.nudge)
        yield app, ControlServer(settings.data, handlers), partial(_warm_up, router, open_pages), store.accounts
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await outbound.aclose()
        await posting.aclose()
        await store.close()


async def _open_pages(
    pages: LateApp,
    settings: Settings,
    clock: Clock,
    catalogs: Catalogs,
    store: Store,
    outbound: Outbound,
    identities: Identities | None,
    on_message: Callable[[], None],
) -> None:
    """Import and build the web application, in a thread: it takes about a second."""

    trying = build_ping_tools(store.reservations, catalogs, outbound, settings=settings, clock=clock)

    def build() -> tuple[App, Callable[[], None]]:
        from ringbid.bootstrap.web import open_web  # noqa: PLC0415 -- slow, and not for calls and pings

        web = open_web(
            settings,
            clock=clock,
            catalogs=catalogs,
            store=store,
            trials=Trials(trying, store.reservations),
            identities=identities,
            on_message=on_message,
        )
        return cast("App", web), web.state.office.live.close

    app, end_streams = await asyncio.to_thread(build)
    pages.open(app, end_streams=end_streams)
    await asyncio.to_thread(_describe_api)


def _describe_api() -> None:
    """Takes a second, and is kept: nobody who asks for it waits that long."""
    from ringbid.edge.api.v1.reference import schema  # noqa: PLC0415 -- as above

    schema()


def _reconciler(settings: Settings, store: Store, desk: CallDesk, clock: Clock) -> Reconciler:
    """What reads Kamailio's records."""
    database = engine_database(settings)
    return Reconciler(
        desk=desk,
        calls=_OpenCalls(store),
        commands=EngineCommands(settings.sip),
        folder=sip_folder(settings),
        clock=clock,
        table=EngineTables(database) if database is not None else None,
        # No call waits longer to be routed, and one that rings or talks is known to Kamailio.
        patience_seconds=settings.sip.lookup_seconds + SLACK_SECONDS,
    )


def _networks(settings: Settings, outbound: Outbound, clock: Clock, router: SipRouter | None) -> PhoneNetworks:
    """Who can be asked to take a call back: every carrier, and Kamailio where there is one."""
    return PhoneNetworks(
        carriers=settings.carriers,
        public_url=settings.public_url,
        outbound=outbound,
        clock=clock,
        others={PROVIDER: router} if router is not None else {},
    )


async def prepare_engine(settings: Settings) -> None:
    """Make the tables in which Kamailio keeps live calls and records, where it has a database. Before it starts."""
    database = engine_database(settings)
    if database is not None:
        await asyncio.to_thread(create_engine_tables, database)


class _OpenCalls:
    """The calls that have not ended or lack a record, as the reconciler wants them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open_calls(self, provider: str) -> list[OpenCall]:
        return [_open_call(call) for call in await self._store.calls.open_calls(provider)]


def _open_call(call: StoredCall) -> OpenCall:
    """A buyer that let the call go may have answered before, and have its record."""
    answered, ended_ms = call.state.unrecorded, call.state.ended_ms
    return OpenCall(
        provider_call_id=call.provider_call_id,
        since=call.received_at,
        attempt_id=answered.attempt_id if answered is not None else None,
        answered_at=from_ms(answered.answered_ms or 0) if answered is not None else None,
        ended_at=from_ms(ended_ms) if ended_ms is not None else None,
    )


def build_application(
    reservations: Reservations,
    catalogs: Catalogs,
    outbound: Outbound,
    *,
    settings: Settings,
    clock: Clock,
    random_bytes: RandomBytes | None = None,
    carriers: Callable[..., Awaitable[None]] | None = None,
    call_tools: CallTools | None = None,
    networks: Networks | None = None,
    metrics: Metrics | None = None,
    pages: LateApp | None = None,
) -> Application:
    """The HTTP application over given parts: the server's own, or those of a test. Requests about calls are answered
    where there are `call_tools` and `networks`."""
    tools = build_ping_tools(
        reservations, catalogs, outbound, settings=settings, clock=clock, random_bytes=random_bytes
    )
    metrics = metrics or Metrics()
    rtbs = RtbApi(tools=tools, limits=settings.limits, retention=settings.retention, metrics=metrics)
    calls = None
    if call_tools is not None and networks is not None:
        calls = CallApi(tools=call_tools, networks=networks, limits=settings.limits, metrics=metrics)
    end_streams = pages.end_streams if pages is not None else lambda: None
    return Application(rtbs=rtbs, metrics=metrics, carriers=carriers, calls=calls, pages=pages, end_streams=end_streams)


def build_ping_tools(
    reservations: Reservations,
    catalogs: Catalogs,
    outbound: Outbound,
    *,
    settings: Settings,
    clock: Clock,
    random_bytes: RandomBytes | None = None,
) -> PingTools:
    """What the ping flow works with: the server's own parts, or those of a test."""
    return PingTools(
        reservations=reservations,
        outbound=outbound,
        plans=catalogs,
        clock=clock,
        random_bytes=random_bytes or RandomPool(),
        sip_domain=settings.sip.domain,
        start_task=tasks.start_awaited,
        turns=Turns(),
    )


def build_call_tools(
    store: Store,
    catalogs: Catalogs,
    outbound: Outbound,
    *,
    clock: Clock,
    random_bytes: RandomBytes | None = None,
    on_message: Callable[[], None] = lambda: None,
) -> CallTools:
    """What the call flow works with: the server's own parts, or those of a test."""
    return CallTools(
        calls=store.calls,
        reservations=store.reservations,
        outbound=outbound,
        plans=catalogs,
        clock=clock,
        random_bytes=random_bytes or RandomPool(),
        start_task=tasks.start_awaited,
        on_message=on_message,
    )


def _carriers(settings: Settings, desk: CallDesk, clock: Clock) -> TwimlApi | None:
    """What carriers that speak TwiML call; None where the settings name none."""
    if not settings.carriers:
        return None
    assert settings.public_url is not None, "the settings ask for it where there are carriers"
    return TwimlApi(
        desk=desk,
        carriers=settings.carriers,
        public_url=settings.public_url,
        clock=clock,
        body_seconds=settings.limits.body_seconds,
    )
