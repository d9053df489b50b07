"""Who is rung, and in which order: the reserved buyer, then the others as at the ping, each checked again now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ringbid.call.instruction import Connect, Over, Refuse, Routing
from ringbid.values.reason import Reason
from support.call_stage import Stage, act, verdicts
from support.call_world import CallWorld, arrival_of, dials
from support.stores import StorePlace

NIGHT = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "open": "00:00", "close": "01:00"}]
ONLY_CA = [{"tag": "caller_state", "operator": "==", "value": "CA"}]
DESK = {"id": "desk", "name": "Desk", "buyers": ["alpha", "bravo"], "ring": "all_at_once"}
BY_BID: dict[str, Any] = {
    "campaigns[cars].routing": {"strategy": "bid", "buyers": [{"buyer": one} for one in ("alpha", "bravo", "delta")]},
    "campaigns[cars].webhooks": [
        {
            "name": f"{buyer} bids",
            "on": "passthrough",
            "buyer": buyer,
            "url": "http://127.0.0.1:9/bid",
            "accept": "ok",
            "outputs": {f"{buyer}_bid": "bid", f"{buyer}_number": "number"},
        }
        for buyer in ("alpha", "bravo", "delta")
    ],
    "campaigns[cars].conversions": [
        {"name": buyer, "buyer": buyer, "seconds": 95, "revenue": f"[{buyer}_bid]", "payout": "50%"}
        for buyer in ("alpha", "bravo", "delta")
    ],
}
ONLY_BRAVO_BIDS: dict[str, Any] = {
    "alpha bids": {"json": {"ok": False}},
    "bravo bids": {"json": {"ok": True, "bid": "9"}},
    "delta bids": {"fails": "ask_unreachable"},
}


def rung(answer: Routing) -> list[str]:
    return [dial.buyer_id for dial in dials(answer)]


async def next_after(world: CallWorld, answer: Routing) -> Routing:
    """What the network is told once all that were rung have failed."""
    for dial in dials(answer):
        await world.tell("failed", attempt=dial, cause="no_answer")
    return await world.desk.go_on("sip", "call-1")


async def rung_to_the_end(world: CallWorld, answer: Routing) -> list[str]:
    """Whom all of it rings, where nobody answers."""
    found = []
    while isinstance(answer, Connect):
        found += rung(answer)
        answer = await next_after(world, answer)
    assert answer == Refuse(call_id=(await world.stored()).call_id, reason=Reason.NOBODY_ANSWERED, code=480)
    return found


def test_the_reserved_buyer_is_first_and_the_others_follow_as_they_were_ranked_at_the_ping(
    sqlite_place: StorePlace,
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {
            f"{buyer} bids": {"json": {"ok": True, "bid": bid}}
            for buyer, bid in (("alpha", "3"), ("bravo", "9"), ("delta", "6"))
        }
        await world.ping()
        assert await rung_to_the_end(world, await world.arrive()) == ["bravo", "delta", "alpha"]
        assert len(world.outbound.asks) == 3, "nobody was asked again for the call"

    act(sqlite_place, story, **BY_BID)


def test_a_buyer_that_declined_the_ping_is_not_rung(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = ONLY_BRAVO_BIDS
        await world.ping()
        assert await rung_to_the_end(world, await world.arrive()) == ["bravo"]
        assert verdicts(await world.stored()) == {
            "alpha": "buyer_declined",
            "bravo": "buyer_no_answer",
            "delta": "ask_unreachable",
        }

    act(sqlite_place, story, **BY_BID)


def test_why_a_buyer_was_out_at_the_ping_is_told_in_full_in_each_routing_of_its_call(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = ONLY_BRAVO_BIDS
        await world.ping()
        await rung_to_the_end(world, await world.arrive())
        call = await world.stored()
        assert len(call.trace.routings) == 2
        for routing in call.trace.routings:
            out = {verdict.buyer: (verdict.expected, verdict.setting) for verdict in routing.verdicts}
            assert out["alpha"] == ("true", "campaigns[cars].webhooks[alpha bids].accept")
            assert out["delta"][1] == "campaigns[cars].webhooks[delta bids].url"

    act(sqlite_place, story, **BY_BID)


def test_several_steps_at_once_are_in_the_same_order(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.ping()
        assert rung(await stage.world.arrive(most_steps=3)) == ["alpha", "bravo", "delta"]

    act(sqlite_place, story, **{"campaigns[cars].webhooks": []})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"buyers[bravo].paused": True}, "buyer_paused"),
        ({"buyers[bravo].hours": NIGHT}, "buyer_closed"),
        ({"buyers[bravo].filters": ONLY_CA}, "filter_not_matched"),
        ({"buyers[bravo].forward_filters": ONLY_CA}, "filter_not_matched"),
        ({"buyers[bravo].caps": {"concurrency": 0}}, "buyer_concurrency_cap_full"),
        ({"buyers[bravo].number": "[nowhere]"}, "number_unresolved"),
    ],
    ids=["paused", "closed", "filters", "forward filters", "capped", "number"],
)
@pytest.mark.parametrize("when", ["before the call", "while another rings"])
def test_a_buyer_is_checked_again_before_it_is_rung(
    sqlite_place: StorePlace, change: dict[str, Any], reason: str, when: str
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        declared = {"tags": [{"key": "nowhere"}]}
        await world.ping()
        if when == "before the call":
            await stage.change(**declared, **change)
        answer = await world.arrive()
        if when == "while another rings":
            await stage.change(**declared, **change)
        assert await rung_to_the_end(world, answer) == ["alpha", "delta"]
        assert verdicts(await world.stored())["bravo"] == reason

    act(sqlite_place, story)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"buyers[alpha].paused": True}, "buyer_paused"),
        ({"buyers[alpha].hours": NIGHT}, "buyer_closed"),
        ({"buyers[alpha].filters": ONLY_CA}, "filter_not_matched"),
        ({"buyers[alpha].forward_filters": ONLY_CA}, "filter_not_matched"),
        ({"buyers[alpha].caps": {"daily": 0}}, "buyer_daily_cap_full"),
        ({"campaigns[cars].routing.buyers[alpha]": "~remove"}, "buyer_removed"),
    ],
    ids=["paused", "closed", "filters", "forward filters", "capped", "removed"],
)
def test_the_reserved_buyer_is_checked_too_and_its_reservation_is_used_all_the_same(
    sqlite_place: StorePlace, change: dict[str, Any], reason: str
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        await stage.change(**change)
        assert rung(await world.arrive()) == ["bravo"]
        assert verdicts(await world.stored())["alpha"] == reason
        assert stage.outcomes_of("call-1").reservation == "rejected"
        assert (await world.ping())["uuid"] != reply["uuid"], "the caller does not wait any more"

    act(sqlite_place, story)


def test_a_reservation_that_counts_keeps_its_place_however_full_the_buyer_is(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        assert rung(await world.arrive("other", caller="+12125550199")) == ["bravo"], "alpha's one place is taken"
        assert rung(await world.arrive()) == ["alpha"]

    own = {"campaigns[cars].rtb_keys[Default].count_on_reserve": True}
    act(sqlite_place, story, **own, **{"buyers[alpha].caps": {"concurrency": 1}})


def test_the_number_that_a_buyer_gave_with_its_bid_is_dialled(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {
            "alpha bids": {"json": {"ok": True, "bid": "9", "number": "(202) 555-0177"}},
            "bravo bids": {"json": {"ok": True, "bid": "8", "number": "sip:desk@127.0.0.1:5071"}},
            "delta bids": {"json": {"ok": True, "bid": "7"}},
        }
        await world.ping()
        [dial] = dials(answer := await world.arrive())
        assert dial.to == "+12025550177"
        [dial] = dials(await next_after(world, answer))
        assert dial.to == "sip:desk@127.0.0.1:5071"

    numbers = {f"buyers[{buyer}].number": f"[{buyer}_number]" for buyer in ("alpha", "bravo")}
    act(sqlite_place, story, **BY_BID, **numbers, **{"company.destinations": ["US", "sip:127.0.0.1"]})


def test_buyers_of_a_group_ring_at_once_and_the_first_to_answer_wins(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        answer = await world.arrive()
        assert isinstance(answer, Connect)
        [[alpha, bravo]] = answer.steps
        assert {alpha.buyer_id, bravo.buyer_id} == {"alpha", "bravo"}
        await world.tell("answered", attempt=bravo)
        first, second = (await world.stored()).state.attempts
        assert (first.reason, second.state) == (Reason.OTHER_BUYER_ANSWERED.code, "connected")
        assert await world.desk.go_on("sip", "call-1") == Over(call_id=answer.call_id)

    act(sqlite_place, story, **{"buyer_groups[+]": DESK})


def test_of_a_group_that_rings_at_once_those_without_a_place_are_left_out(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.ping()
        assert rung(await stage.world.arrive()) == ["alpha"]
        assert verdicts(await stage.world.stored())["bravo"] == "group_concurrency_cap_full"

    act(sqlite_place, story, **{"buyer_groups[+]": DESK | {"caps": {"concurrency": 1}}})


def test_a_call_that_its_buyer_lets_go_early_gets_the_next_one_only_so_often(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        [dial] = dials(await world.arrive())
        for seconds in (9.9, 0.0):
            await world.tell("answered", attempt=dial)
            await world.tell("record", attempt=dial, seconds=seconds, ended_by="buyer")
            [dial] = dials(await world.desk.go_on("sip", "call-1"))
        await world.tell("record", attempt=dial, seconds=1.0, ended_by="buyer")
        call = await world.stored()
        assert await world.desk.go_on("sip", "call-1") == Over(call_id=call.call_id)
        assert [one.reason for one in call.state.attempts] == ["buyer_hung_up_early", "buyer_hung_up_early", None]
        assert call.state.attempts[0].actual == "after 9.9 s"

    recovers = {f"buyers[{buyer}].recover_below_seconds": 10 for buyer in ("alpha", "bravo", "delta")}
    act(sqlite_place, story, **recovers, **{"campaigns[cars].routing.recovery_attempts": 2})


@pytest.mark.parametrize(("seconds", "by"), [(9.9, "caller"), (9.9, "engine"), (10.0, "buyer")])
def test_only_a_buyer_that_lets_go_early_loses_the_call(sqlite_place: StorePlace, seconds: float, by: Any) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("record", attempt=dial, seconds=seconds, ended_by=by)
        assert (await world.stored()).state.phase == "ended"
        assert isinstance(await world.desk.go_on("sip", "call-1"), Over)

    act(sqlite_place, story, **{"buyers[alpha].recover_below_seconds": 10})


def test_the_longest_call_is_the_shorter_of_the_buyers_and_the_campaigns(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        answer = await stage.world.arrive(most_steps=3)
        assert {dial.buyer_id: dial.max_duration_seconds for dial in dials(answer)} == {
            "alpha": 60,
            "bravo": 600,
            "delta": 600,
        }
        assert dials(answer)[0].ring_seconds == 20

    longest = {"buyers[alpha].max_duration_seconds": 60, "campaigns[cars].max_duration_seconds": 600}
    act(sqlite_place, story, **longest, **{"campaigns[cars].webhooks": []})


def test_a_record_of_more_than_the_longest_call_is_cut(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        [dial] = dials(await stage.world.arrive())
        await stage.world.talk(dial, 95.0)
        [attempt] = (await stage.world.stored()).state.attempts
        assert attempt.duration_ms == 60_000
        assert attempt.revenue.actual == "60.0 s"

    act(sqlite_place, story, **{"buyers[alpha].max_duration_seconds": 60})


def test_a_call_that_its_caller_has_given_up_while_it_was_routed_rings_nobody(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        await world.tell("abandoned")
        answer = await world.arrive(uuid=reply["uuid"])
        assert isinstance(answer, Refuse)
        assert answer.reason is Reason.CALLER_HUNG_UP
        outcome = stage.outcomes_of("call-1")
        assert (outcome.places, outcome.reservation, outcome.phase) == (0, "done", "ended")

    act(sqlite_place, story)


def test_a_campaign_that_was_removed_meanwhile_rings_nobody_more(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("failed", attempt=dial, cause="declined")
        await stage.change(campaigns=[])
        assert isinstance(await world.desk.go_on("sip", "call-1"), Over)

    act(sqlite_place, story)


@pytest.mark.parametrize("webhooks", [True, False], ids=["told of each turn", "told of nothing"])
def test_a_buyer_whose_turn_has_not_come_is_in_reserve(sqlite_place: StorePlace, webhooks: bool) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.arrive()
        expected = {"alpha": "rings", "bravo": "in_reserve", "delta": "in_reserve"}
        assert verdicts(await stage.world.stored()) == expected

    act(sqlite_place, story, **({} if webhooks else {"campaigns[cars].webhooks": []}))


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        ("busy", "buyer_busy"),
        ("no_answer", "buyer_no_answer"),
        ("declined", "buyer_refused_call"),
        ("unreachable", "buyer_unreachable"),
        ("failed", "buyer_call_failed"),
        ("cancelled", "caller_hung_up"),
    ],
)
def test_why_a_buyer_did_not_take_the_call_is_its_verdict(sqlite_place: StorePlace, cause: Any, code: str) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("failed", attempt=dial, cause=cause)
        await world.desk.go_on("sip", "call-1")
        assert verdicts(await world.stored())["alpha"] == code

    act(sqlite_place, story)


def test_a_buyer_that_has_talked_is_not_rung_again_whatever_was_told_of_it_before(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [alpha] = dials(await world.arrive())
        await world.tell("failed", attempt=alpha, cause="no_answer")
        [bravo] = dials(await world.desk.go_on("sip", "call-1"))
        await world.tell("answered", attempt=alpha)
        await world.tell("failed", attempt=bravo, cause="busy")
        assert rung(await world.desk.go_on("sip", "call-1")) == ["delta"]
        assert verdicts(await world.stored())["alpha"] == Reason.TOOK_CALL.code

    act(sqlite_place, story)


def test_a_call_of_which_nothing_more_is_heard_is_given_up(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.arrive()
        world.clock.advance(79)
        await stage.check()
        assert (await world.stored()).state.phase == "ringing"
        world.clock.advance(1.001)
        await stage.check()
        call = await world.stored()
        assert (call.state.phase, call.state.reason) == ("ended", Reason.CALL_UNHEARD.code)
        assert call.state.attempts[0].reason == Reason.CALL_UNHEARD.code
        assert stage.outcomes_of("call-1").places == 0

    act(sqlite_place, story)


def test_a_call_is_not_given_up_because_the_clock_of_its_network_is_behind(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        arrival = arrival_of(world, "call-1")
        [alpha] = dials(await world.desk.arrive(replace(arrival, at=arrival.at - timedelta(seconds=90))))
        world.clock.advance(alpha.ring_seconds + 30)
        await stage.check()
        assert (await world.stored()).state.phase == "ringing"
        world.clock.advance(31)
        await stage.check()
        assert (await world.stored()).state.phase == "ended"

    act(sqlite_place, story)
