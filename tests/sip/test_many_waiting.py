"""After a while without a server there is much to ask and to tell: all of it reaches the next one, and calls go on."""

from __future__ import annotations

from pathlib import Path

from support.sip_desk import FakeDesk
from support.sip_scenarios import caller
from support.sip_stage import Stage, perform

MANY = 250  # Kamailio's loops end after 100 rounds unless they are told otherwise
BROKEN_OFF = "runaway while"  # and then the table stays locked: all that need it wait
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

    perform(play, tmp_path, desk, router=False)


def test_hundreds_of_events_that_wait_are_all_told_when_a_server_comes(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        (await stage.call(caller(final=503), *AT_ONCE, calls=MANY)).check()
        await stage.connect_router()
        await desk.wait_for("unanswered", MANY)
        assert len({event.event_id for event in desk.told("unanswered")}) == MANY
        assert BROKEN_OFF not in stage.log()

    perform(play, tmp_path, desk, router=False, lookup_seconds=0.5)
