"""After a while without a server there is much to ask and to tell: all of it reaches the next one, and calls go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ringbid.call.event import Arrival
from ringbid.call.instruction import Routing
from ringbid.edge import tasks
from ringbid.edge.telephony.sip.noting import NotingDesk
from ringbid.edge.telephony.sip.router import SipRouter
from support.sip_desk import NOBODY, WAIT_SECONDS, FakeDesk
from support.sip_scenarios import caller
from support.sip_stage import Stage, perform

MANY = 250  # Kamailio's loops end after 100 rounds unless they are told otherwise
BROKEN_OFF = "runaway while"  # and then the table stays locked: all that need it wait
LONG = WAIT_SECONDS * 2  # how long a call waits for a server: none is given up before all wait
AT_ONCE = ("-r", "500", "-l", str(MANY))


def test_hundreds_of_calls_that_wait_are_all_asked_about_when_a_server_comes(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        calling = await stage.start_call(caller(final=480), *AT_ONCE, calls=MANY)
        await stage.wait_for_questions(MANY)
        await stage.connect_router()
        (await calling).check()
        assert len({arrival.provider_call_id for arrival in desk.arrivals}) == MANY
        assert BROKEN_OFF not in stage.log()

    perform(play, tmp_path, desk, router=False, lookup_seconds=LONG)


def test_a_server_has_caught_up_when_the_calls_that_waited_for_it_are_routed(tmp_path: Path) -> None:
    desk = FakeDesk()
    routed = asyncio.Event()

    async def slowly(_: Arrival) -> Routing:
        await routed.wait()
        return NOBODY

    desk.decide = slowly

    async def play(stage: Stage) -> None:
        calling = await stage.start_call(caller(final=480), calls=3)
        await stage.wait_for_questions(3)
        router = SipRouter(NotingDesk(desk), stage.settings.sip)
        connecting = tasks.start(router.run(), name="router")
        catching_up = tasks.start(router.wait_until_caught_up(), name="catching up")
        await desk.wait_for_arrivals(3)
        assert not (await asyncio.wait([catching_up], timeout=1.5))[0]
        routed.set()
        await asyncio.wait_for(catching_up, WAIT_SECONDS)
        (await calling).check()
        connecting.cancel()

    perform(play, tmp_path, desk, router=False, lookup_seconds=LONG)


def test_hundreds_of_events_that_wait_are_all_told_when_a_server_comes(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        (await stage.call(caller(final=503), *AT_ONCE, calls=MANY)).check()
        await stage.connect_router()
        await desk.wait_for("unanswered", MANY)
        assert len({event.event_id for event in desk.told("unanswered")}) == MANY
        assert BROKEN_OFF not in stage.log()

    perform(play, tmp_path, desk, router=False, lookup_seconds=0.5)
