"""With topology hiding a buyer learns nothing of the network that the caller comes from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.sip_desk import FakeDesk, connect, dial
from support.sip_scenarios import buyer, caller
from support.sip_stage import Stage, perform


@pytest.mark.parametrize("ended_by", ["caller", "buyer", "engine"])
def test_a_buyer_sees_only_us_and_the_call_goes_its_way(tmp_path: Path, ended_by: str) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect(
            (dial(stage.buyer_uri(1)),), (dial(stage.buyer_uri(2), longest_seconds=3 if ended_by == "engine" else 60),)
        )
        busy = await stage.buyer(1, buyer(code=486))
        answering = await stage.buyer(2, buyer(hangs_up_after_ms=200 if ended_by == "buyer" else None))
        calling = caller(
            talk_ms=200,
            waits_for_bye=ended_by != "caller",
            headers=f"Identity: a.b.c\nP-Asserted-Identity: <sip:+12025550123@{stage.carrier}>\nX-Secret: 1",
        )
        told = (await stage.call(calling)).check()
        (await busy).check()
        invite, *later = (await answering).check().received()
        call_id = desk.arrivals[0].provider_call_id
        for message in (invite, *later):
            headers = message.partition("\n\n")[0]
            assert not re.search(rf"{re.escape(stage.carrier)}(?!\d)", headers), headers
            assert call_id not in headers
        assert "Identity" not in invite
        assert "X-Secret" not in invite
        assert "X-Ringbid-Key" in invite
        assert re.search(r'From: "Caller" ?<sip:\+12025550123@sip.ringbid.test>', invite)
        for message in told.received():
            assert stage.buyer_address(2) not in message.partition("\n\n")[0]
        [ended] = await desk.wait_for("ended")
        assert (ended.ended_by, ended.provider_call_id) == (ended_by, call_id)

    perform(play, tmp_path, desk, hiding_key="a-key-of-ours")
