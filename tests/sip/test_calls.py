"""Real calls between SIPp and SIPp through Kamailio: who is rung, what the caller is told, what the desk is told."""

from __future__ import annotations

from pathlib import Path

from support.sip_desk import FakeDesk, connect, dial
from support.sip_scenarios import buyer, caller
from support.sip_stage import Stage, perform


def test_an_answered_call_is_told_with_its_buyer_and_its_end(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1))
        desk.first = connect((attempt,))
        answering = await stage.buyer(1, buyer())
        (await stage.call(caller(talk_ms=500))).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        [answered] = desk.told("answered")
        assert answered.attempt_id == ended.attempt_id == attempt.attempt_id
        assert ended.ended_by == "caller"
        [arrival] = desk.arrivals
        assert (arrival.caller_number, arrival.dialled) == ("+12025550123", "+18005550100")

    perform(play, tmp_path, desk)
