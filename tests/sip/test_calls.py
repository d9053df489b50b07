"""Real calls between SIPp and SIPp through Kamailio: who is rung, what the caller is told, what the desk is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbid.call.instruction import Refuse
from ringbid.values.ids import CallId
from ringbid.values.reason import Reason
from support.sip_desk import WAIT_SECONDS, FakeDesk, connect, dial
from support.sip_scenarios import buyer, caller, cancelling_caller, silent_buyer, vanishing_buyer
from support.sip_stage import Stage, perform

SOON = 20.0  # on a slow machine, too
TOO_LONG = (
    90  # to ring: a call that has to wait for the end of it, or for `no_sign_seconds` of WAIT_SECONDS, is not soon
)


def test_an_answered_call_is_told_with_its_buyer_and_its_end(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1))
        desk.first = connect((attempt,))
        answering = await stage.buyer(1, buyer())
        (await stage.call(caller(talk_ms=500))).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        [answered] = await desk.wait_for("answered")
        assert answered.attempt_id == ended.attempt_id == attempt.attempt_id
        assert ended.ended_by == "caller"
        [arrival] = desk.arrivals
        assert (arrival.caller_number, arrival.dialled) == ("+12025550123", "+18005550100")

    perform(play, tmp_path, desk)


def test_a_buyer_that_hangs_up_ended_the_call(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        answering = await stage.buyer(1, buyer(hangs_up_after_ms=300))
        (await stage.call(caller(waits_for_bye=True))).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "buyer"

    perform(play, tmp_path, desk)


@pytest.mark.parametrize(("code", "cause"), [(486, "busy"), (603, "declined"), (404, "unreachable"), (500, "failed")])
def test_a_buyer_that_refuses_is_followed_by_the_next_at_once(tmp_path: Path, code: int, cause: str) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        refusing, taking = dial(stage.buyer_uri(1), ring_seconds=TOO_LONG), dial(stage.buyer_uri(2))
        desk.first = connect((refusing,), (taking,))
        await stage.buyer(1, buyer(code=code, ring_ms=0))
        await stage.buyer(2, buyer(ring_ms=0))
        (await stage.call(caller(), seconds=SOON)).check()
        [failed] = await desk.wait_for("failed")
        [answered] = await desk.wait_for("answered")
        assert (failed.attempt_id, failed.code, failed.cause) == (refusing.attempt_id, code, cause)
        assert answered.attempt_id == taking.attempt_id

    perform(play, tmp_path, desk, no_sign_seconds=WAIT_SECONDS)


def test_a_buyer_that_only_rings_is_cancelled_after_its_ring_time(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        ringing, taking = dial(stage.buyer_uri(1), ring_seconds=1), dial(stage.buyer_uri(2))
        desk.first = connect((ringing,), (taking,))
        cancelled = await stage.buyer(1, silent_buyer())
        await stage.buyer(2, buyer())
        (await stage.call(caller())).check()
        (await cancelled).check()
        [failed] = await desk.wait_for("failed")
        assert (failed.attempt_id, failed.cause) == (ringing.attempt_id, "no_answer")
        assert (failed.at - desk.arrivals[0].at).total_seconds() > 0.9

    perform(play, tmp_path, desk)


def test_a_host_without_a_sign_of_life_is_given_up_early(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        dead, taking = dial(stage.buyer_uri(1), ring_seconds=TOO_LONG), dial(stage.buyer_uri(2))
        desk.first = connect((dead,), (taking,))
        await stage.buyer(2, buyer())
        (await stage.call(caller(), seconds=SOON)).check()
        [failed] = await desk.wait_for("failed")
        assert (failed.attempt_id, failed.cause, failed.code) == (dead.attempt_id, "unreachable", 408)

    perform(play, tmp_path, desk)


def test_a_destination_that_cannot_even_be_sent_to_has_failed(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        nowhere, taking = dial("sip:buyer@does-not-exist.invalid"), dial(stage.buyer_uri(2))
        no_trunk = dial("+12025550177")
        desk.first = connect((nowhere,), (no_trunk,), (taking,))
        await stage.buyer(2, buyer())
        (await stage.call(caller())).check()
        failed = {event.attempt_id: event.cause for event in await desk.wait_for("failed", 2)}
        assert failed == {nowhere.attempt_id: "unreachable", no_trunk.attempt_id: "unreachable"}

    perform(play, tmp_path, desk)


def test_when_all_buyers_failed_the_desk_is_asked_for_more(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        busy, more = dial(stage.buyer_uri(1)), dial(stage.buyer_uri(2))
        desk.first = connect((busy,))
        desk.later = [connect((more,))]
        await stage.buyer(1, buyer(code=486))
        await stage.buyer(2, buyer())
        (await stage.call(caller())).check()
        [answered] = await desk.wait_for("answered")
        assert answered.attempt_id == more.attempt_id
        [known] = desk.known_when_asked_again
        assert {event.event_id for event in desk.told("failed")} <= known

    perform(play, tmp_path, desk)


def test_a_caller_for_whom_nobody_is_left_reads_why(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),), (dial(stage.buyer_uri(2)),))
        await stage.buyer(1, buyer(code=486))
        await stage.buyer(2, buyer(code=603))
        told = (await stage.call(caller(final=480))).check().received()
        assert 'Reason: Ringbid;cause=480;text="no_buyer_available"' in told[-1]
        [unanswered] = await desk.wait_for("unanswered")
        assert unanswered.code == 480
        assert len(desk.asked_again) == 1

    perform(play, tmp_path, desk)


@pytest.mark.parametrize("code", [404, 480, 603])
def test_a_refused_call_ends_with_the_code_of_the_desk(tmp_path: Path, code: int) -> None:
    desk = FakeDesk(first=Refuse(call_id=CallId("c"), reason=Reason.NO_BUYER_AVAILABLE, code=code))

    async def play(stage: Stage) -> None:
        told = (await stage.call(caller(final=code))).check().received()
        assert f"Reason: Ringbid;cause={code};" in told[-1]

    perform(play, tmp_path, desk)


def test_of_buyers_that_ring_at_once_the_first_to_answer_wins(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        slow, quick, busy = (dial(stage.buyer_uri(number)) for number in (1, 2, 3))
        desk.first = connect((slow, quick, busy))
        cancelled = await stage.buyer(1, silent_buyer())
        await stage.buyer(2, buyer(ring_ms=300))
        await stage.buyer(3, buyer(code=486, ring_ms=0))
        (await stage.call(caller())).check()
        (await cancelled).check()
        [answered] = await desk.wait_for("answered")
        assert answered.attempt_id == quick.attempt_id
        failed = {event.attempt_id: event.cause for event in await desk.wait_for("failed", 2)}
        assert failed == {busy.attempt_id: "busy", slow.attempt_id: "cancelled"}

    perform(play, tmp_path, desk)


def test_a_call_is_ended_at_its_longest_duration_whatever_is_sent_within_it(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1), longest_seconds=4),))
        answering = await stage.buyer(1, buyer())
        (await stage.call(caller(reinvite_after_ms=800, waits_for_bye=True))).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        [answered] = await desk.wait_for("answered")
        assert ended.ended_by == "engine"
        assert (ended.at - answered.at).total_seconds() >= 4

    perform(play, tmp_path, desk)


def test_a_caller_who_hangs_up_while_it_rings_abandons_the_call(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        cancelled = await stage.buyer(1, silent_buyer())
        (await stage.call(cancelling_caller(after_ms=200, ringing=True))).check()
        (await cancelled).check()
        await desk.wait_for("abandoned")
        assert desk.asked_again == []

    perform(play, tmp_path, desk)


def test_a_call_whose_buyer_has_vanished_is_ended_for_the_caller(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1), longest_seconds=600),))
        await stage.buyer(1, vanishing_buyer())
        (await stage.call(caller(waits_for_bye=True), "-aa", seconds=120)).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "engine"

    perform(play, tmp_path, desk, keep_alive_failures=1)


def test_a_call_is_hung_up_by_command_on_both_sides(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        answering = await stage.buyer(1, buyer())
        calling = await stage.start_call(caller(waits_for_bye=True))
        [answered] = await desk.wait_for("answered")
        await stage.wait_until_talking()  # a buyer that heard of the end before the caller's ACK would be surprised
        assert [live.call_id for live in await stage.commands.dialogs()] == [answered.provider_call_id]
        assert await stage.commands.hang_up(answered.provider_call_id)
        (await calling).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "engine"
        assert not await stage.commands.hang_up("no such call")

    perform(play, tmp_path, desk)
