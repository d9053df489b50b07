"""Conversions that buyers report by HTTP (`/conversions`), over the whole flow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ringbid.values.ids import CallId
from support.call_world import dials
from support.calls_api import NO_CALL, Front, check_refused, happen
from support.stores import StorePlace


def test_a_buyer_reports_a_conversion_with_the_calls_own_key(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        assert await front.world.balances() == {}
        name = {"call_uuid": dial.call_uuid, "call_key": dial.call_key}
        answer = await front.ask("/conversions", **name)
        assert answer.json == {
            "call_uuid": dial.call_uuid,
            "status": "converted",
            "code": "reported_converted",
            "info": "The call converted: it was reported as a conversion.",
        }
        balances = await front.world.balances()
        assert (balances["buyer/bravo"], balances["publisher/4321ABCD"]) == ("-20 USD", "15 USD")

    happen(place, story)


def test_a_conversion_that_is_reported_again_is_answered_the_same_and_booked_once(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        name = {"call_uuid": dial.call_uuid, "call_key": dial.call_key}
        first = await front.ask("/conversions", **name)
        at_once = await asyncio.gather(*(front.ask("/conversions", **name) for _ in range(5)))
        front.world.clock.advance(100_000)  # later than a first report might come
        last = await front.ask("/conversions", method="POST", **name)
        by_key = await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid)
        assert {one.body for one in (*at_once, last, by_key)} == {first.body}
        assert (await front.world.balances())["buyer/bravo"] == "-20 USD"

    happen(place, story)


def test_a_conversion_may_be_reported_while_they_talk(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        assert (await front.ask("/conversions", key="Bravo", call_uuid=dial.call_uuid)).json["status"] == "converted"
        await front.hang_up(dial, 300)
        assert (await front.world.balances())["buyer/bravo"] == "-20 USD"

    happen(sqlite_place, story)


def test_one_side_can_be_reported_by_itself(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid, side="revenue")
        assert (await front.world.balances()).keys() == {"buyer/bravo", "company/revenue"}
        await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid, side="payout")
        assert (await front.world.balances())["publisher/4321ABCD"] == "15 USD"

    happen(sqlite_place, story)


def test_a_buyer_reports_no_payout_without_its_revenue(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        name = {"call_uuid": dial.call_uuid, "side": "payout"}
        check_refused(await front.ask("/conversions", call_key=dial.call_key, **name), 403, "access_not_allowed")
        check_refused(await front.ask("/conversions", key="Bravo", **name), 403, "access_not_allowed")
        assert await front.world.balances() == {}

    happen(sqlite_place, story)


OWED_BY_THE_CLOCK = {"name": "owed", "side": "revenue", "seconds": 95, "revenue": 20}
OWED_AT_ONCE = {"name": "owed", "side": "revenue", "on": "postback", "postback_seconds": 60, "revenue": 20}
PAID = {"name": "paid", "side": "payout", "on": "postback", "postback_seconds": 600, "payout": 15}


@pytest.mark.parametrize(
    ("owed", "seconds", "code"),
    [
        (OWED_BY_THE_CLOCK, 94.9, "conversion_decided"),
        (OWED_BY_THE_CLOCK, 95.0, None),
        (OWED_AT_ONCE, 5.0, "postback_missed"),
    ],
    ids=["too short", "long enough", "too late"],
)
def test_a_report_of_both_sides_pays_nothing_where_its_buyer_will_owe_nothing(
    sqlite_place: StorePlace, owed: dict[str, Any], seconds: float, code: str | None
) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial, seconds)
        front.world.clock.advance(60.001)
        for who in ({"call_key": dial.call_key}, {"key": "Bravo"}):
            answer = await front.ask("/conversions", call_uuid=dial.call_uuid, **who)
            assert answer.json["code"] == (code or "reported_converted")
        assert (await front.world.balances()).get("publisher/4321ABCD") == (None if code else "15 USD")
        await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid)
        assert (await front.world.balances())["publisher/4321ABCD"] == "15 USD", "the company's own word pays"

    happen(sqlite_place, story, **{"campaigns[0].conversions": [owed, PAID]})


@pytest.mark.parametrize(("seconds", "status"), [(600, 200), (600.001, 409)])
def test_a_report_must_come_in_time(place: StorePlace, seconds: float, status: int) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        front.world.clock.advance(seconds)
        answer = await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid)
        assert answer.status == status
        assert len(await front.world.balances()) == (4 if status == 200 else 0)
        if status != 200:
            assert check_refused(answer, 409, "postback_missed")["expected"] == "within 600 s of the end"
            await front.world.desk.check(CallId(dial.call_uuid))
            again = await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid)
            assert again.body == answer.body

    happen(place, story)


def test_a_report_without_any_key_says_which_two_would_do(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        name = {"call_uuid": (await front.connect()).call_uuid}
        expected = check_refused(await front.ask("/conversions", **name), 401, "access_key_unknown")["expected"]
        assert "key=…" in expected
        assert "call_key=…" in expected

    happen(sqlite_place, story)


def test_a_wrong_call_key_and_a_call_that_is_not_there_look_the_same(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        wrong = [
            await front.ask("/conversions", call_uuid=dial.call_uuid, call_key=key)
            for key in ("0" * 32, dial.call_key[:-1], dial.call_key.upper() + "x", "é" * 32, "x")
        ]
        missing = await front.ask("/conversions", call_uuid=NO_CALL, call_key=dial.call_key)
        no_uuid = await front.ask("/conversions", call_uuid="drop table", call_key=dial.call_key)
        check_refused(missing, 404, "call_unknown")
        assert {one.body for one in (*wrong, no_uuid)} == {missing.body}

    happen(sqlite_place, story)


def test_another_buyers_key_knows_nothing_of_the_call(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        for path in ("/conversions", "/call_control/reject"):
            check_refused(await front.ask(path, key="Delta", call_uuid=dial.call_uuid), 404, "call_unknown")

    happen(sqlite_place, story)


def test_a_call_that_pays_by_the_clock_awaits_no_report(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial, 95)
        answer = await front.ask("/conversions", call_uuid=dial.call_uuid, call_key=dial.call_key)
        check_refused(answer, 409, "conversion_not_awaited")
        assert (await front.world.balances())["buyer/delta"] == "-1.5 USD"

    happen(sqlite_place, story, **{"buyers[bravo].paused": True})


def test_nothing_converts_that_nobody_answered(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        [dial] = dials(await front.world.arrive())
        answer = await front.ask("/conversions", call_uuid=dial.call_uuid, call_key=dial.call_key)
        check_refused(answer, 409, "conversion_not_awaited")

    happen(sqlite_place, story)


def test_a_caller_that_has_converted_before_does_not_convert_by_a_report(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        answers = []
        for call in ("call-1", "call-2"):
            dial = await front.connect(call)
            await front.hang_up(dial, call=call)
            name = {"call_uuid": dial.call_uuid, "call_key": dial.call_key}
            answers.append([await front.ask("/conversions", **name) for _ in range(2)])
        assert [one.json["status"] for one in answers[0]] == ["converted", "converted"]
        assert [one.json["status"] for one in answers[1]] == ["not converted", "not converted"]
        assert answers[1][0].json["code"] == "converted_before"
        assert (await front.world.balances())["buyer/bravo"] == "-20 USD"

    happen(sqlite_place, story, **{"campaigns[0].conversions[0].dedupe_seconds": 86_400})
