"""The simulated carrier over real sockets, as `ringbid emulate carrier` runs it."""

from __future__ import annotations

import asyncio

from ringbid.edge import tasks
from ringbid.edge.emulate.carrier import run_carrier
from ringbid.edge.emulate.carrier_calls import CallReport, PlacedCall
from ringbid.edge.emulate.carrier_lines import Behaviour, SimulatedLines
from ringbid.edge.emulate.carrier_wire import Identity
from ringbid.edge.listening import take_port
from ringbid.edge.serving import Address, Server, http_config
from ringbid.values.clock import SystemClock
from support.twiml import (
    ACCOUNT,
    ANNA,
    BOB,
    CALLER,
    NUMBER,
    PUBLIC_URL,
    ScriptedDesk,
    attempt_id,
    connect,
    dial,
    make_api,
    signing_key,
)


async def place(desk: ScriptedDesk, lines: SimulatedLines, *, key: str) -> tuple[CallReport, ...]:
    """One call to a server that listens behind its public address."""
    clock, listening = SystemClock(), asyncio.get_running_loop().create_future()
    api = make_api(desk, "twilio", clock)

    def ready(address: Address) -> None:
        listening.set_result(address.url)

    server = Server(http_config(api), ready)
    serving = tasks.start_awaited(server.serve(sockets=[take_port("127.0.0.1", 0)]))
    try:
        return await run_carrier(
            [PlacedCall(caller=CALLER, dialled=NUMBER, talk_seconds=0.05)],
            identity=Identity(kind="twilio", signing_key=key, account=ACCOUNT),
            name="main",
            public_url=PUBLIC_URL,
            server_url=await listening,
            lines=lines,
            clock=clock,
        )
    finally:
        server.should_exit = True
        await serving


def test_a_call_goes_through_a_real_server() -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA), dial(2, BOB)))
    lines = SimulatedLines({ANNA: Behaviour(refuses="busy", after_seconds=0.0), BOB: Behaviour(after_seconds=0.0)})
    (report,) = asyncio.run(place(desk, lines, key=signing_key("twilio")))
    assert (report.status, report.errors) == ("completed", ())
    assert desk.only("record").attempt_id == attempt_id(2)


def test_a_carrier_with_the_wrong_secret_is_turned_away_by_a_real_server() -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)))
    (report,) = asyncio.run(place(desk, SimulatedLines({}), key="wrong"))
    assert (report.status, report.legs, desk.arrivals, desk.events) == ("failed", (), [], [])
