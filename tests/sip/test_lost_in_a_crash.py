"""What becomes of a call that was being set up when Kamailio was killed: nothing but Kamailio's memory had it."""

from __future__ import annotations

from pathlib import Path

from support.sip_desk import FakeDesk, connect, dial
from support.sip_scenarios import buyer, caller
from support.sip_stage import Stage, perform


def test_a_buyer_that_does_not_take_it_lets_the_caller_know_that_it_may_try_again(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),), (dial(stage.buyer_uri(2)),))
        await stage.buyer(1, buyer(code=486, ring_ms=3000))
        calling = await stage.start_call(caller(final=503))
        await desk.wait_for("ringing")
        await stage.engine.kill()
        await stage.engine.start()
        told = (await calling).check().received()
        assert "Retry-After: 5" in told[-1]

    perform(play, tmp_path, desk)
