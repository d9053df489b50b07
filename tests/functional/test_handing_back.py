"""Live calls that buyers hand back by HTTP (`/call_control/reject`), over the whole flow."""

from __future__ import annotations

import asyncio

import pytest

from ringbid.call.ports import TakeBack
from ringbid.call.state import AttemptState, Phase
from support.call_world import CALLER, dials
from support.calls_api import Front, check_refused, happen
from support.stores import StorePlace


def test_a_buyer_hands_a_call_back_and_the_next_one_gets_it(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        front.world.clock.advance(90)
        answer = await front.ask("/call_control/reject", key="Bravo", caller_number="212-555-0123")
        assert answer.json == {"call_uuid": dial.call_uuid, "status": "call handed back"}
        assert front.networks.orders == [("sip", "call-1", dial.attempt_id)]
        await front.world.tell("record", attempt=dial, seconds=90, ended_by="engine")
        assert [one.buyer_id for one in dials(await front.world.desk.go_on("sip", "call-1"))] == ["delta"]
        lost = (await front.world.stored()).state.attempts[0]
        assert (lost.state, lost.reason) == (AttemptState.DONE, "buyer_handed_back")
        again = await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid)
        assert again.body == answer.body
        assert len(front.networks.orders) == 1

    happen(place, story)


def test_after_ninety_seconds_a_call_is_the_buyers(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        front.world.clock.advance(90.001)
        answer = await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid)
        check_refused(answer, 409, "hand_back_late")
        assert front.networks.orders == []

    happen(sqlite_place, story)


def test_a_call_is_handed_back_only_while_it_is_connected(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        check_refused(await front.ask("/call_control/reject", key="All", caller_number=CALLER), 404, "call_unknown")
        [dial] = dials(await front.world.arrive())
        check_refused(await front.ask("/call_control/reject", key="All", caller_number=CALLER), 409, "call_not_live")
        await front.world.tell("answered", attempt=dial)
        await front.hang_up(dial, 1)
        check_refused(await front.ask("/call_control/reject", key="All", caller_number=CALLER), 409, "call_not_live")

    happen(sqlite_place, story)


def test_a_group_of_buyers_hands_back_only_what_its_members_have(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        name = {"call_uuid": dial.call_uuid}
        for group in ("overflow", "no-such-group"):
            other = await front.ask(f"/buyer_groups/{group}/call_control/reject", key="All", **name)
            check_refused(other, 409, "call_not_live")
        own = await front.ask("/buyer_groups/health/call_control/reject", key="All", **name)
        assert own.json["status"] == "call handed back"

    groups = [
        {"id": "overflow", "name": "Overflow", "buyers": ["alpha", "delta"]},
        {"id": "health", "name": "Health", "buyers": ["bravo"]},
    ]
    happen(sqlite_place, story, buyer_groups=groups)


@pytest.mark.parametrize(
    ("network", "status", "code"),
    [
        (TakeBack.NOT_SUPPORTED, 501, "hand_back_unsupported"),
        (TakeBack.NOT_LIVE, 409, "call_not_live"),
        (TakeBack.UNREACHABLE, 503, "network_unreachable"),
    ],
)
def test_a_network_that_does_not_take_a_call_back_leaves_it_as_it_was(
    place: StorePlace, network: TakeBack, status: int, code: str
) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        front.networks.answer = network
        check_refused(await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid), status, code)
        await front.hang_up(dial, 40)
        call = await front.world.stored()
        assert (call.state.phase, call.state.recoveries) == (Phase.ENDED, 0)
        assert not call.state.attempts[0].handed_back

    happen(place, story)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ZeroDivisionError()], ids=["stopped", "a bug"])
def test_an_order_that_breaks_off_leaves_the_call_as_it_was(place: StorePlace, error: BaseException) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        front.networks.fails_with = error
        with pytest.raises(type(error)):
            await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid)
        assert not (await front.world.stored()).state.attempts[0].handed_back

    happen(place, story)


def test_the_order_may_be_given_again_where_its_answer_was_lost(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        for _ in range(2):
            answer = await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid)
            assert answer.json["status"] == "call handed back"
            front.world.clock.advance(60)
        assert len(front.networks.orders) == 2

    happen(sqlite_place, story)


def test_a_buyer_that_handed_a_call_back_reports_no_conversion_of_it(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid)
        answer = await front.ask("/conversions", call_uuid=dial.call_uuid, call_key=dial.call_key)
        check_refused(answer, 409, "conversion_not_awaited")

    happen(sqlite_place, story)
