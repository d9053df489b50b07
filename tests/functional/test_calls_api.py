"""What outsiders ask about calls: tags, conversions and calls handed back, by HTTP over the whole flow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from ringbid.call.ports import CallerOf, TakeBack
from ringbid.call.state import AttemptState, Phase
from ringbid.edge.api.app import Application
from ringbid.values.ids import CallId
from support.asgi import Response
from support.asgi import call as http_call
from support.call_world import CALLER, dials
from support.calls_api import SECRETS, Front, calls_front
from support.store_clients import rows_of
from support.stores import StorePlace

OTHER_CALLER = "+13105550142"
NO_CALL = "01959f3a-0000-7000-8000-000000000000"


def happen(place: StorePlace, story: Callable[[Front], Awaitable[None]], **change: Any) -> None:
    """Let `story` happen over a fresh store."""

    async def run() -> None:
        async with calls_front(place, **change) as front:
            await story(front)

    asyncio.run(run())


def refused(response: Response, status: int, code: str) -> dict[str, Any]:
    assert (response.status, response.json["code"]) == (status, code), response
    return response.json


# Data writing


def test_tags_written_before_a_call_are_kept_for_it(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask(
            "/data_writing", key="CRM", caller_number="(212) 555-0123", age="44", caller_zip="90210"
        )
        assert answer.json == {
            "tag_values": {"crm_age": "44", "caller_zip": "90210"},
            "caller_number": CALLER,
            "status": "call not found, tags stored",
        }
        await front.world.arrive()
        tags = await front.tags()
        assert (tags["crm_age"], tags["caller_zip"], tags["caller_state"]) == ("44", "90210", "CA")
        assert tags["geo"] == ["us", "us-ca", "us-90210"]

    happen(place, story)


def test_a_tag_decides_who_is_rung(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        await front.ask("/data_writing", key="Lead", caller_number=CALLER, age="44")
        assert [one.buyer_id for one in dials(await front.world.arrive(most_steps=2))] == ["bravo", "delta"]
        stranger = await front.world.arrive("call-2", caller=OTHER_CALLER, most_steps=2)
        assert [one.buyer_id for one in dials(stranger)] == ["delta"]

    filters = [{"tag": "age", "operator": ">=", "value": 18}]
    happen(sqlite_place, story, **{"buyers[bravo].filters": filters})


def test_tags_wait_no_longer_than_their_key_says(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        await front.ask("/data_writing", key="CRM", caller_number=CALLER, age="44")
        front.world.clock.advance(86_400)
        await front.world.arrive()
        assert "crm_age" not in await front.tags()

    happen(sqlite_place, story)


def test_tags_whose_time_is_over_are_flushed(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        await front.ask("/data_writing", key="CRM", caller_number=CALLER, age="44")
        assert rows_of(place, "select name from written_tag") == [("crm_age",)]
        front.world.clock.advance(86_400)
        await front.world.store.flush(older_than=timedelta(hours=24))
        assert rows_of(place, "select name from written_tag") == []

    happen(place, story)


def test_a_publishers_key_reaches_only_calls_of_that_publisher(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        for key in ("Lead", "Other"):
            await front.ask("/data_writing", key=key, caller_number=CALLER, **{f"from_{key.lower()}": "yes"})
        await front.world.arrive()
        tags = await front.tags()
        assert tags["from_lead"] == "yes"
        assert "from_other" not in tags

    happen(place, story)


def test_the_later_of_two_writers_wins(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        for key, value in (("Plain", "first"), ("Lead", "second"), ("Plain", "third")):
            await front.ask("/data_writing", key=key, caller_number=CALLER, stage=value)
            front.world.clock.advance(1)
        await front.world.arrive()
        assert (await front.tags())["stage"] == "third"

    happen(place, story)


def test_tags_written_during_a_call_count_when_it_is_routed_again(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        answer = await front.ask("/data_writing", key="Lead", caller_number=CALLER, interest="home")
        assert answer.json["status"] == "call in progress, tags stored"
        await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid)
        await front.world.tell("record", attempt=dial, seconds=5, ended_by="engine")
        assert [one.buyer_id for one in dials(await front.world.desk.go_on("sip", "call-1"))] == ["delta"]

    happen(place, story, **{"buyers[delta].filters": [{"tag": "interest", "operator": "==", "value": "home"}]})


def test_tags_that_come_while_the_call_is_routed_first_count_at_the_next_routing(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        calls = front.world.store.calls
        dial = await front.connect()
        call = await front.world.stored()
        caller = CallerOf(
            company_id=call.company_id,
            campaign_id=call.campaign_id,
            publisher_id=call.publisher_id,
            caller_number=CALLER,
        )
        # As if the call had not been there yet: this is where the request puts them then.
        await calls.keep_tags(caller, {"interest": "home"}, written_by="Lead", keep_seconds=60)
        await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid)
        await front.world.tell("record", attempt=dial, seconds=5, ended_by="engine")
        assert [one.buyer_id for one in dials(await front.world.desk.go_on("sip", "call-1"))] == ["delta"]

    happen(sqlite_place, story, **{"buyers[delta].filters": [{"tag": "interest", "operator": "==", "value": "home"}]})


def test_tags_written_after_a_call_are_applied_to_it(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        answer = await front.ask("/data_writing", key="Plain", call_uuid=dial.call_uuid, disposition="sold")
        assert answer.json == {
            "tag_values": {"disposition": "sold"},
            "call_uuid": dial.call_uuid,
            "status": "completed call found, tags applied",
        }
        assert (await front.tags())["disposition"] == "sold"
        assert (await front.world.stored()).state.phase is Phase.ENDED

    happen(place, story)


def test_a_call_that_ended_too_long_ago_takes_no_tags(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        front.world.clock.advance(61)
        late = await front.ask("/data_writing", key="Plain", call_uuid=dial.call_uuid, disposition="sold")
        assert refused(late, 409, "access_late")["expected"] == "within 60 s"
        by_caller = await front.ask("/data_writing", key="Plain", caller_number=CALLER, disposition="sold")
        assert by_caller.json["status"] == "call not found, tags stored"

    happen(sqlite_place, story)


def test_a_reservations_uuid_names_its_call(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        reserved = await front.world.ping()
        dial = await front.connect()
        answer = await front.ask("/data_writing", key="Lead", call_uuid=reserved["uuid"], age="44")
        assert answer.json["status"] == "call in progress, tags stored"
        assert dial.call_uuid != reserved["uuid"]
        assert (await front.tags())["age"] == "44"

    timed = [{"name": "by the clock", "seconds": 95, "revenue": 1.5, "payout": 1.173}]
    happen(sqlite_place, story, **{"campaigns[0].conversions": timed})


def test_a_buyers_key_writes_only_to_calls_that_it_had(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        before = await front.ask("/data_writing", key="Bravo", caller_number=CALLER, sold="yes")
        refused(before, 404, "call_unknown")
        dial = await front.connect()
        assert (await front.ask("/data_writing", key="Bravo", caller_number=CALLER, sold="yes")).status == 200
        assert dial.buyer_id == "bravo"
        assert (await front.tags())["sold"] == "yes"

    happen(sqlite_place, story)


@pytest.mark.parametrize("name", ["publisher_id", "campaign_id", "call_key", "buyer_id", "inbound_number", "source_id"])
def test_whose_call_it_is_cannot_be_written(sqlite_place: StorePlace, name: str) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask("/data_writing", key="Plain", caller_number=CALLER, **{name: "forged", "age": "44"})
        assert refused(answer, 422, "tag_reserved")["found"] == name
        await front.world.arrive()
        assert "age" not in await front.tags(), "nothing of such a request is written"

    happen(sqlite_place, story)


def test_no_caller_collects_more_than_two_hundred_tags(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        for part in range(2):
            tags = {f"tag_{part}_{number}": "x" for number in range(100)}
            assert (await front.ask("/data_writing", key="Plain", caller_number=CALLER, **tags)).status == 200
        refused(await front.ask("/data_writing", key="Plain", caller_number=CALLER, more="x"), 422, "too_many_tags")
        again = await front.ask("/data_writing", key="Plain", caller_number=CALLER, tag_0_0="y")
        assert again.status == 200, "an old name takes a new value"

    happen(place, story)


def test_no_call_collects_more_than_two_hundred_tags(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        for part in range(2):
            tags = {f"tag_{part}_{number}": "x" for number in range(100)}
            assert (await front.ask("/data_writing", key="Plain", call_uuid=dial.call_uuid, **tags)).status == 200
        late = await front.ask("/data_writing", key="Plain", call_uuid=dial.call_uuid, more="x")
        refused(late, 422, "too_many_tags")

    happen(sqlite_place, story)


def test_the_key_may_stand_in_the_address_and_in_a_header(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        in_address = await front.ask(f"/data_writing/{SECRETS['Plain']}", caller_number=CALLER, age="44")
        bearer = {"authorization": f"Bearer {SECRETS['Plain']}"}
        in_header = await front.ask("/data_writing", method="POST", headers=bearer, caller_number=CALLER, age="45")
        assert (in_address.status, in_header.status) == (200, 200)

    happen(sqlite_place, story)


# Postbacks


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
        refused(await front.ask("/conversions", call_key=dial.call_key, **name), 403, "access_not_allowed")
        refused(await front.ask("/conversions", key="Bravo", **name), 403, "access_not_allowed")
        assert await front.world.balances() == {}

    happen(sqlite_place, story)


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
            assert refused(answer, 409, "postback_missed")["expected"] == "within 600 s of the end"
            await front.world.desk.check(CallId(dial.call_uuid))
            again = await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid)
            assert again.body == answer.body

    happen(place, story)


def test_a_report_without_any_key_says_which_two_would_do(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        name = {"call_uuid": (await front.connect()).call_uuid}
        expected = refused(await front.ask("/conversions", **name), 401, "access_key_unknown")["expected"]
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
        refused(missing, 404, "call_unknown")
        assert {one.body for one in (*wrong, no_uuid)} == {missing.body}

    happen(sqlite_place, story)


def test_another_buyers_key_knows_nothing_of_the_call(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        refused(await front.ask("/conversions", key="Delta", call_uuid=dial.call_uuid), 404, "call_unknown")
        refused(await front.ask("/call_control/reject", key="Delta", call_uuid=dial.call_uuid), 404, "call_unknown")

    happen(sqlite_place, story)


def test_a_call_that_pays_by_the_clock_awaits_no_report(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial, 95)
        answer = await front.ask("/conversions", call_uuid=dial.call_uuid, call_key=dial.call_key)
        refused(answer, 409, "conversion_not_awaited")
        assert (await front.world.balances())["buyer/delta"] == "-1.5 USD"

    happen(sqlite_place, story, **{"buyers[bravo].paused": True})


def test_nothing_converts_that_nobody_answered(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        [dial] = dials(await front.world.arrive())
        answer = await front.ask("/conversions", call_uuid=dial.call_uuid, call_key=dial.call_key)
        refused(answer, 409, "conversion_not_awaited")

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


# Handing back


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
        refused(answer, 409, "hand_back_late")
        assert front.networks.orders == []

    happen(sqlite_place, story)


def test_a_call_is_handed_back_only_while_it_is_connected(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        refused(await front.ask("/call_control/reject", key="All", caller_number=CALLER), 404, "call_unknown")
        [dial] = dials(await front.world.arrive())
        refused(await front.ask("/call_control/reject", key="All", caller_number=CALLER), 409, "call_not_live")
        await front.world.tell("answered", attempt=dial)
        await front.hang_up(dial, 1)
        refused(await front.ask("/call_control/reject", key="All", caller_number=CALLER), 409, "call_not_live")

    happen(sqlite_place, story)


def test_a_group_of_buyers_hands_back_only_what_its_members_have(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        name = {"call_uuid": dial.call_uuid}
        for group in ("overflow", "no-such-group"):
            other = await front.ask(f"/buyer_groups/{group}/call_control/reject", key="All", **name)
            refused(other, 409, "call_not_live")
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
        refused(await front.ask("/call_control/reject", key="Bravo", call_uuid=dial.call_uuid), status, code)
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
        refused(answer, 409, "conversion_not_awaited")

    happen(sqlite_place, story)


# What is wrong with a request, whatever it is about

ADDRESSES = ["/data_writing", "/conversions", "/call_control/reject"]


@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_happens_without_a_key_that_allows_it(sqlite_place: StorePlace, path: str) -> None:
    async def story(front: Front) -> None:
        name = {"call_uuid": (await front.connect()).call_uuid}
        refused(await front.ask(path, **name), 401, "access_key_unknown")
        refused(await front.ask(path, **name, call_key=""), 401, "access_key_unknown")
        unknown = await http_call(front.api, "GET", path, query={"key": "nobody's key", **name})
        paused = await front.ask(path, key="Off", **name)
        assert refused(unknown, 401, "access_key_unknown") == refused(paused, 401, "access_key_unknown")
        lacks = {"/data_writing": "Sales", "/conversions": "CRM", "/call_control/reject": "CRM"}[path]
        refused(await front.ask(path, key=lacks, **name), 403, "access_not_allowed")
        assert front.networks.orders == []

    happen(sqlite_place, story)


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({}, 422, "call_request_invalid"),
        ({"caller_number": "  "}, 422, "call_request_invalid"),
        ({"caller_number": "anonymous"}, 422, "caller_number_invalid"),
        ({"caller_number": "+1' or '1'='1"}, 422, "caller_number_invalid"),
        ({"call_uuid": "../../etc/passwd"}, 404, "call_unknown"),
        ({"call_uuid": NO_CALL}, 404, "call_unknown"),
        ({"caller_number": CALLER, "a b": "x"}, 422, "tag_key_invalid"),
        ({"caller_number": CALLER, "[call_key]": "x"}, 422, "tag_key_invalid"),
        ({"caller_number": CALLER, "note": "x" * 1025}, 422, "tag_value_invalid"),
        ({"caller_number": CALLER, "note": "line\nbreak"}, 422, "tag_value_invalid"),
        ({"caller_number": CALLER, **{f"t{number}": "x" for number in range(201)}}, 422, "too_many_tags"),
    ],
)
def test_a_request_that_is_wrong_says_what_is_wrong(
    sqlite_place: StorePlace, parameters: dict[str, str], status: int, code: str
) -> None:
    async def story(front: Front) -> None:
        refused(await front.ask("/data_writing", key="Plain", **parameters), status, code)

    happen(sqlite_place, story)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"key": {"$ne": null}}', 422, "tag_value_invalid"),
        (b"\xff\xfe", 400, "encoding_invalid"),
        (b"{" * 5000, 400, "body_unreadable"),
        (b'{"caller_number": ["+12125550123", "+13105550142"], "key": "key-without-a-prefix", "geo": []}', 200, None),
    ],
)
def test_a_hostile_body_is_read_or_refused(
    sqlite_place: StorePlace, body: bytes, status: int, code: str | None
) -> None:
    async def story(front: Front) -> None:
        json = {"content-type": "application/json"}
        answer = await http_call(front.api, "POST", "/data_writing", headers=json, body=body)
        assert (answer.status, answer.json.get("code")) == (status, code)

    happen(sqlite_place, story)


def test_several_values_of_a_tag_are_one_text_within_its_limit(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        headers = {"content-type": "application/json", "authorization": f"Bearer {SECRETS['Plain']}"}
        long = b'{"caller_number": "%s", "list": ["%s", "%s"]}' % (CALLER.encode(), b"x" * 600, b"y" * 600)
        refused(
            await http_call(front.api, "POST", "/data_writing", headers=headers, body=long), 422, "tag_value_invalid"
        )
        short = b'{"caller_number": "%s", "list": ["x", "y"], "geo": ["us-ca", "310"]}' % CALLER.encode()
        answer = await http_call(front.api, "POST", "/data_writing", headers=headers, body=short)
        assert answer.json["tag_values"] == {"list": "x,y", "geo": "us-ca,310"}
        await front.world.arrive()
        assert {"us-ca", "310"} <= set((await front.tags())["geo"])

    happen(sqlite_place, story)


def test_a_side_that_is_none_is_refused(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask("/conversions", key="Sales", call_uuid=NO_CALL, side="all")
        assert refused(answer, 422, "side_invalid")["found"] == "all"

    happen(sqlite_place, story)


@pytest.mark.parametrize("path", ADDRESSES)
def test_other_methods_are_refused_with_those_that_are_taken(sqlite_place: StorePlace, path: str) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask(path, method="DELETE", key="All")
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, POST"

    happen(sqlite_place, story)


def test_the_application_leads_these_addresses_here(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        app = Application(rtbs=front.world.app._rtbs, metrics=front.api._metrics, calls=front.api)
        for path in (*ADDRESSES, "/data_writing/some-key", "/buyer_groups/overflow/call_control/reject"):
            refused(await http_call(app, "GET", path), 401, "access_key_unknown")
        for path in ("/data_writing/a/b", "/conversions/x", "/buyer_groups//call_control/reject"):
            assert (await http_call(app, "GET", path)).status == 404

    happen(sqlite_place, story)
