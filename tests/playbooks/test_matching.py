"""Whose call it is: its reservation's, one that comes too late, a direct one, or nobody's."""

from __future__ import annotations

from typing import Any

import pytest

from ringbid.call.instruction import Connect, Refuse, Routing
from ringbid.catalog.snapshot import key_id_of
from ringbid.values.ids import PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.call_stage import Stage, act, verdicts
from support.call_world import NUMBER, CallWorld, dials
from support.scenario import KEY
from support.stores import StorePlace

OTHER = "+12125550199"
RADIO = "+18885551234"
UNPINGED = "0197e5b0-5f7a-7c00-8000-000000000001"
KEY_IS = "campaigns[cars].rtb_keys[Default]"
BID = {
    "name": "alpha bids",
    "on": "passthrough",
    "buyer": "alpha",
    "url": "http://127.0.0.1:9/bid?source=[source]&call=[call_uuid]",
    "accept": "ok",
    "outputs": {"alpha_bid": "bid"},
}
BIDS: dict[str, Any] = {"campaigns[cars].webhooks[+]": BID}


async def state_of(world: CallWorld, uuid: str) -> str:
    ping = await world.store.reservations.find(PingId(uuid))
    assert ping is not None
    assert ping.reservation is not None
    return ping.reservation.state.value


def refusal(answer: Routing) -> Reason:
    assert isinstance(answer, Refuse), answer
    return answer.reason


def test_a_call_of_the_caller_on_the_number_claims_the_reservation(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        [dial] = dials(await world.arrive())
        assert dial.attempt_id == reply["uuid"]
        assert await state_of(world, reply["uuid"]) == "live"
        call = await world.stored()
        assert call.trace.match == Reason.CALL_CLAIMED.code
        assert call.reservation_id == reply["uuid"]

    act(sqlite_place, story)


def test_the_sip_address_claims_it_without_a_caller_number(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        [dial] = dials(await world.arrive(uuid=reply["uuid"], caller=None))
        assert dial.attempt_id == reply["uuid"]
        assert (await world.stored()).trace.match == Reason.CALL_CLAIMED.code

    act(sqlite_place, story)


def test_a_call_from_another_number_is_a_direct_one_and_the_reservation_goes_on_waiting(
    sqlite_place: StorePlace,
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        [dial] = dials(await world.arrive(caller=OTHER))
        assert dial.attempt_id != reply["uuid"]
        assert (await world.stored()).trace.match == Reason.CALL_DIRECT.code
        assert await state_of(world, reply["uuid"]) == "held"

    act(sqlite_place, story)


def test_the_sip_address_serves_no_other_caller(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        assert refusal(await world.arrive(uuid=reply["uuid"], caller=OTHER)) is Reason.CALLER_DIFFERS
        assert await state_of(world, reply["uuid"]) == "held"

    act(sqlite_place, story)


def test_a_sip_address_that_was_never_given_out_is_refused(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert refusal(await stage.world.arrive(uuid=UNPINGED)) is Reason.RESERVATION_UNKNOWN

    act(sqlite_place, story)


def test_a_number_of_no_campaign_is_refused(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        answer = await stage.world.arrive(dialled="+18005550199")
        assert answer == Refuse(call_id=None, reason=Reason.INBOUND_UNKNOWN, code=404)
        assert await stage.world.desk.go_on("sip", "call-1") == Refuse(
            call_id=None, reason=Reason.CALL_UNKNOWN, code=404
        )

    act(sqlite_place, story)


def test_a_call_that_arrives_again_gets_the_same_answer_and_takes_nothing_more(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        assert await world.arrive() == await world.arrive()
        assert len((await world.stored()).state.attempts) == 1

    act(sqlite_place, story, **{"buyers[alpha].caps": {"concurrency": 1}})


def test_a_second_call_to_the_same_address_claims_nothing(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        await world.arrive("call-1", uuid=reply["uuid"])
        [dial] = dials(await world.arrive("call-2", uuid=reply["uuid"]))
        assert dial.attempt_id != reply["uuid"]
        second = await world.stored("call-2")
        assert second.trace.match == Reason.CALL_LATE.code
        assert second.trace.actual == "the reservation is live; after_expiry is route_as_direct"

    act(sqlite_place, story)


def test_a_direct_call_has_the_tags_and_the_publisher_of_its_number_and_its_buyers_are_asked(
    sqlite_place: StorePlace,
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"alpha bids": {"json": {"ok": True, "bid": "7.50"}}}
        [dial] = dials(await world.arrive(dialled=RADIO))
        call = await world.stored()
        [ask] = world.outbound.asks
        assert ask.url == f"http://127.0.0.1:9/bid?source=radio&call={call.call_id}"
        assert call.publisher_id == "PUB-TWO"
        await world.talk(dial, 95.0)
        assert await world.balances() == {
            "buyer/alpha": "-7.5 USD",
            "company/payout": "-1.173 USD",
            "company/revenue": "7.5 USD",
            "publisher/PUB-TWO": "1.173 USD",
        }

    bids = {**BIDS, "campaigns[cars].conversions[any].revenue": "[alpha_bid]"}
    own = {"campaigns[cars].numbers[+18885551234].publisher": "PUB-TWO", "buyers[bravo].paused": True}
    act(sqlite_place, story, **bids, **own, **{"campaigns[cars].conversions[any].buyer": "alpha"})


def test_a_direct_call_says_where_its_tags_are_from_and_that_is_no_ping(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.arrive(dialled=RADIO)
        sources = {name: tag.source for name, tag in (await stage.world.stored()).trace.tags.items()}
        assert sources == {
            "source": "inbound number",
            "caller_number": "call",
            "publisher_id": "call",
            "campaign_id": "call",
            "call_uuid": "call",
            "area_code": "number",
            "caller_state": "number",
            "caller_country": "number",
            "geo": "number",
        }

    act(sqlite_place, story)


def test_a_buyer_that_declines_a_direct_call_is_not_rung(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"alpha bids": {"json": {"ok": False}}}
        assert [dial.buyer_id for dial in dials(await world.arrive())] == ["bravo"]
        assert verdicts(await world.stored())["alpha"] == "buyer_declined"

    act(sqlite_place, story, **BIDS)


def test_buyers_that_cannot_take_a_direct_call_are_not_asked(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert [dial.buyer_id for dial in dials(await stage.world.arrive())] == ["bravo"]
        assert stage.world.outbound.asks == []

    act(sqlite_place, story, **BIDS, **{"buyers[alpha].paused": True})


def test_nobody_is_paid_for_a_call_on_a_number_of_no_publisher(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive(dialled=RADIO))
        await world.talk(dial, 95.0)
        assert await world.balances() == {"buyer/alpha": "-1.5 USD", "company/revenue": "1.5 USD"}
        [attempt] = (await world.stored()).state.attempts
        assert attempt.payout.reason == Reason.NO_CONVERSION_RULE.code

    act(sqlite_place, story)


def test_only_the_reserved_buyer_gets_the_call_where_the_key_says_so(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        [dial] = dials(await world.arrive(most_steps=3))
        assert verdicts(await world.stored()) == {
            "alpha": "rings",
            "bravo": "only_reserved_buyer",
            "delta": "only_reserved_buyer",
        }
        await world.tell("failed", attempt=dial, cause="busy")
        assert refusal(await world.desk.go_on("sip", "call-1")) is Reason.NOBODY_ANSWERED

    act(sqlite_place, story, **{f"{KEY_IS}.route_only_to_reserved_buyer": True})


def test_nobody_gets_the_call_where_only_the_reserved_buyer_may_and_it_cannot(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world, only = stage.world, {f"{KEY_IS}.route_only_to_reserved_buyer": True}
        reply = await world.ping()
        await stage.change(**only, **{"buyers[alpha].paused": True})
        assert refusal(await world.arrive()) is Reason.CALL_NOT_TAKEN
        assert verdicts(await world.stored())["alpha"] == "buyer_paused"
        assert await state_of(world, reply["uuid"]) == "rejected"

    act(sqlite_place, story, **{f"{KEY_IS}.route_only_to_reserved_buyer": True})


@pytest.mark.parametrize("policy", ["route_as_direct", "route_unpaid"])
def test_a_late_call_is_routed_and_paid_as_the_key_says(sqlite_place: StorePlace, policy: str) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping(color="red")
        world.clock.advance(15)
        [dial] = dials(await world.arrive(uuid=reply["uuid"]))
        assert dial.attempt_id != reply["uuid"]
        await world.talk(dial, 95.0)
        call = await world.stored()
        assert call.trace.match == Reason.CALL_LATE.code
        assert call.trace.actual == f"the reservation is expired; after_expiry is {policy}"
        assert call.trace.tags["color"].value == "red"
        [attempt] = call.state.attempts
        assert attempt.revenue.reason == "converted"
        paid = policy == "route_as_direct"
        assert attempt.payout.reason == ("converted" if paid else Reason.PAYOUT_WITHHELD.code)
        assert ("publisher/4321ABCD" in await world.balances()) is paid
        assert await state_of(world, reply["uuid"]) == "expired"

    act(sqlite_place, story, **{f"{KEY_IS}.after_expiry": policy})


def test_a_late_call_is_refused_where_the_key_says_so(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        world.clock.advance(15)
        answer = await world.arrive()
        assert refusal(answer) is Reason.CALL_REJECTED_LATE
        assert answer == await world.arrive()
        call = await world.stored()
        assert call.trace.setting == "campaigns[cars].rtb_keys[Default].after_expiry"
        assert stage.outcomes_of("call-1").told == ("call_ended", "call_received")

    act(sqlite_place, story, **{f"{KEY_IS}.after_expiry": "reject"})


def test_a_call_on_the_number_claims_a_reservation_that_waits_for_more_than_an_hour(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        extended = await world.store.reservations.extend(PingId(reply["uuid"]), key_id=key_id_of(KEY), ttl_seconds=7200)
        assert not isinstance(extended, Refused)
        world.clock.advance(7199)
        [dial] = dials(await world.arrive())
        assert dial.attempt_id == reply["uuid"]

    act(place, story, **{f"{KEY_IS}.ttl_seconds": 3600})


def test_a_call_on_the_number_is_late_as_long_as_its_reservation_has_just_expired(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        world.clock.advance(3600)
        assert refusal(await world.arrive()) is Reason.CALL_REJECTED_LATE

    act(place, story, **{f"{KEY_IS}.after_expiry": "reject", f"{KEY_IS}.ttl_seconds": 3600})


def test_a_call_on_the_number_an_hour_after_its_reservation_is_like_any_other(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        world.clock.advance(15 + 3600)
        assert isinstance(await world.arrive(), Connect)
        assert (await world.stored()).trace.match == Reason.CALL_DIRECT.code

    act(sqlite_place, story, **{f"{KEY_IS}.after_expiry": "reject"})


def test_of_two_reservations_of_a_caller_the_open_one_is_claimed(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        world.clock.advance(20)
        reply = await world.ping()
        [dial] = dials(await world.arrive())
        assert dial.attempt_id == reply["uuid"]

    act(sqlite_place, story)


def test_a_paused_campaign_takes_no_call_and_the_reservation_is_not_used(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        await stage.change(**{"campaigns[cars].paused": True})
        assert refusal(await world.arrive()) is Reason.CALL_CAMPAIGN_PAUSED
        assert await state_of(world, reply["uuid"]) == "held"
        assert (await world.stored()).trace.setting == "campaigns[cars].paused"

    act(sqlite_place, story)


def test_a_paused_publisher_sends_no_calls(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert refusal(await stage.world.arrive()) is Reason.CALL_PUBLISHER_PAUSED

    act(sqlite_place, story, **{"publishers[4321ABCD].paused": True})


def test_what_the_network_says_of_the_caller_can_be_filtered(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        assert [dial.buyer_id for dial in dials(await world.arrive(tags={"stir_attestation": "C"}))] == ["bravo"]
        assert verdicts(await world.stored())["alpha"] == "filter_not_matched"
        signed = {"stir_attestation": "A"}
        assert [dial.buyer_id for dial in dials(await world.arrive("call-2", tags=signed))] == ["alpha"]

    only_signed = [{"tag": "stir_attestation", "operator": "in", "value": ["A", "B"]}]
    act(sqlite_place, story, **{"buyers[alpha].forward_filters": only_signed})


def test_a_reservation_is_only_for_the_number_that_was_told(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        assert reply["inbound_number"] == NUMBER
        assert isinstance(await world.arrive(dialled=RADIO), Connect)
        assert (await world.stored()).trace.match == Reason.CALL_DIRECT.code

    act(sqlite_place, story)
