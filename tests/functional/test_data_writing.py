"""Tags that outsiders write to calls by HTTP (`/data_writing`), over the whole flow."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ringbid.call.ports import CallerOf
from ringbid.call.state import Phase
from support.call_world import CALLER, dials
from support.calls_api import OTHER_CALLER, SECRETS, Front, check_refused, happen
from support.store_clients import rows_of
from support.stores import StorePlace


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
        assert check_refused(late, 409, "access_late")["expected"] == "within 60 s"
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
        check_refused(before, 404, "call_unknown")
        dial = await front.connect()
        assert (await front.ask("/data_writing", key="Bravo", caller_number=CALLER, sold="yes")).status == 200
        assert dial.buyer_id == "bravo"
        assert (await front.tags())["sold"] == "yes"

    happen(sqlite_place, story)


@pytest.mark.parametrize("name", ["publisher_id", "campaign_id", "call_key", "buyer_id", "inbound_number", "source_id"])
def test_whose_call_it_is_cannot_be_written(sqlite_place: StorePlace, name: str) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask("/data_writing", key="Plain", caller_number=CALLER, **{name: "forged", "age": "44"})
        assert check_refused(answer, 422, "tag_reserved")["found"] == name
        await front.world.arrive()
        assert "age" not in await front.tags(), "nothing of such a request is written"

    happen(sqlite_place, story)


def test_a_price_that_a_buyers_answer_is_to_fill_cannot_be_written(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask("/data_writing", key="Plain", caller_number=CALLER, price="99")
        assert check_refused(answer, 422, "tag_reserved")["found"] == "price"

    filled = {"price": "amount", "charlie_number": "phone"}
    asked = {"name": "bid", "on": "passthrough", "url": "https://buyer.example/bid", "outputs": filled}
    priced = {"name": "bids", "revenue": "[price]", "payout": "80%"}
    happen(sqlite_place, story, **{"campaigns[0].webhooks": [asked], "campaigns[0].conversions": [priced]})


def test_no_caller_collects_more_than_two_hundred_tags(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        for part in range(2):
            tags = {f"tag_{part}_{number}": "x" for number in range(100)}
            assert (await front.ask("/data_writing", key="Plain", caller_number=CALLER, **tags)).status == 200
        answer = await front.ask("/data_writing", key="Plain", caller_number=CALLER, more="x")
        check_refused(answer, 422, "too_many_tags")
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
        check_refused(late, 422, "too_many_tags")

    happen(sqlite_place, story)


def test_the_key_may_stand_in_the_address_and_in_a_header(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        in_address = await front.ask(f"/data_writing/{SECRETS['Plain']}", caller_number=CALLER, age="44")
        bearer = {"authorization": f"Bearer {SECRETS['Plain']}"}
        in_header = await front.ask("/data_writing", method="POST", headers=bearer, caller_number=CALLER, age="45")
        assert (in_address.status, in_header.status) == (200, 200)

    happen(sqlite_place, story)
