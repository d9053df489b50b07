"""What a call is worth: on which second, to whom, once or again, and by which version of the rule."""

from __future__ import annotations

from typing import Any

import pytest

from ringbid.values.reason import Reason
from support.call_stage import Run, Stage, act
from support.call_world import CALLER, CallWorld, dials
from support.stores import StorePlace

ANY = "campaigns[cars].conversions"


def rules(*rules: dict[str, Any]) -> dict[str, Any]:
    return {ANY: list(rules)}


BUYERS = {"name": "the buyer pays", "side": "revenue", "seconds": 90, "revenue": 10}
SHARE = {"name": "partners share", "side": "payout", "on": "revenue", "payout": "80%"}


async def talk(world: CallWorld, seconds: float, call: str = "call-1", **how: Any) -> tuple[str | None, str | None]:
    """One call; the reasons of its two sides."""
    [dial] = dials(await world.arrive(call, **how))
    await world.talk(dial, seconds, call)
    return await sides(world, call)


async def sides(world: CallWorld, call: str = "call-1") -> tuple[str | None, str | None]:
    [attempt] = (await world.stored(call)).state.attempts
    return attempt.revenue.reason, attempt.payout.reason


async def report(stage: Stage, call: str = "call-1") -> None:
    [attempt] = (await stage.world.stored(call)).state.attempts
    run = Run(call, CALLER, stage.world.clock.now(), [], dialled={attempt.buyer_id: attempt.attempt_id})
    await stage.report(run, attempt.buyer_id)


def test_a_tenth_of_a_second_less_does_not_convert_and_says_how_much_was_missing(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert await talk(stage.world, 94.9) == ("call_too_short", "call_too_short")
        [attempt] = (await stage.world.stored()).state.attempts
        assert (attempt.revenue.actual, attempt.revenue.expected) == ("94.9 s", "at least 95 s")
        assert await stage.world.balances() == {}

    act(sqlite_place, story)


def test_exactly_the_seconds_convert(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert await talk(stage.world, 95.0) == ("converted", "converted")

    act(sqlite_place, story)


@pytest.mark.parametrize(("rings", "reason"), [(5.0, "call_too_short"), (5.1, "converted")])
def test_seconds_that_count_from_the_arrival_count_the_ringing_too(
    sqlite_place: StorePlace, rings: float, reason: str
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        world.clock.advance(rings)
        await world.talk(dial, 89.9)
        assert (await sides(world)) == (reason, reason)

    act(sqlite_place, story, **{f"{ANY}[any].start": "received"})


def test_the_two_sides_may_have_different_seconds(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert await talk(stage.world, 45.0) == ("call_too_short", "converted")
        assert await stage.world.balances() == {"company/payout": "-6 USD", "publisher/4321ABCD": "6 USD"}

    act(sqlite_place, story, **rules(BUYERS, {"name": "soon", "side": "payout", "seconds": 30, "payout": 6}))


@pytest.mark.parametrize(("seconds", "paid"), [(89.9, None), (90.0, "8 USD")])
def test_a_share_of_the_revenue_is_paid_when_the_revenue_comes(
    sqlite_place: StorePlace, seconds: float, paid: str | None
) -> None:
    async def story(stage: Stage) -> None:
        found = await talk(stage.world, seconds)
        assert found == (("converted", "converted") if paid else ("call_too_short", "revenue_missed"))
        assert (await stage.world.balances()).get("publisher/4321ABCD") == paid

    act(sqlite_place, story, **rules(BUYERS, SHARE))


def test_a_side_without_a_rule_is_worth_nothing(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert await talk(stage.world, 500.0) == ("converted", "no_conversion_rule")
        assert list(await stage.world.balances()) == ["buyer/alpha", "company/revenue"]

    act(sqlite_place, story, **rules(BUYERS))


@pytest.mark.parametrize(("later_seconds", "reason"), [(3599, "converted_before"), (3601, "converted")])
def test_a_caller_converts_once_within_the_window(sqlite_place: StorePlace, later_seconds: int, reason: str) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        assert await talk(world, 95.0) == ("converted", "converted")
        world.clock.advance(later_seconds - 95)
        assert await talk(world, 95.0, "call-2") == (reason, reason)
        assert await talk(world, 95.0, "call-3", caller="+12125550199") == ("converted", "converted")

    act(sqlite_place, story, **{f"{ANY}[any].dedupe_seconds": 3600})


def test_a_call_that_did_not_convert_opens_no_window(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert await talk(stage.world, 94.0) == ("call_too_short", "call_too_short")
        assert await talk(stage.world, 95.0, "call-2") == ("converted", "converted")

    act(sqlite_place, story, **{f"{ANY}[any].dedupe_seconds": 3600})


def test_callers_without_a_number_convert_each_time(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        for call in ("call-1", "call-2"):
            assert await talk(stage.world, 95.0, call, caller=None) == ("converted", "converted")

    act(sqlite_place, story, **{f"{ANY}[any].dedupe_seconds": 3600})


def test_the_quote_of_the_ping_counts_however_the_rule_is_edited_before_the_call(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        await stage.change(**rules({"name": "any", "seconds": 10, "revenue": 99, "payout": 98}))
        assert await talk(world, 94.9) == ("call_too_short", "call_too_short")
        await stage.change()
        await world.ping()
        await stage.change(**rules({"name": "any", "seconds": 300, "revenue": 0}))
        assert await talk(world, 95.0, "call-2") == ("converted", "converted")
        assert (await world.balances())["publisher/4321ABCD"] == "1.173 USD"

    act(sqlite_place, story)


def test_what_the_next_buyer_brings_is_quoted_when_it_is_rung(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping()
        [dial] = dials(await world.arrive())
        await world.tell("failed", attempt=dial, cause="busy")
        await stage.change(**rules({"name": "any", "seconds": 10, "revenue": 9, "payout": 8}))
        [dial] = dials(await world.desk.go_on("sip", "call-1"))
        await stage.change()
        await world.talk(dial, 10.0)
        assert await world.balances() == {
            "buyer/bravo": "-9 USD",
            "company/payout": "-8 USD",
            "company/revenue": "9 USD",
            "publisher/4321ABCD": "8 USD",
        }

    act(sqlite_place, story)


def postback(**fields: Any) -> dict[str, Any]:
    return rules({"name": "any", "on": "postback", "postback_seconds": 600, "revenue": 9, "payout": 8} | fields)


def test_a_side_that_waits_for_a_postback_is_pending_until_it_comes(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        awaited = Reason.POSTBACK_AWAITED.code
        assert await talk(world, 1.0) == (awaited, awaited)
        assert await world.balances() == {}
        world.clock.advance(600)
        await report(stage)
        assert await sides(world) == ("reported_converted", "reported_converted")
        await report(stage)
        assert (await world.balances())["buyer/alpha"] == "-9 USD"

    act(sqlite_place, story, **postback())


def test_a_postback_that_comes_before_the_record_counts(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        await report(stage)
        await world.tell("record", attempt=dial, seconds=0.0)
        assert await sides(world) == ("reported_converted", "reported_converted")

    act(sqlite_place, story, **postback())


@pytest.mark.parametrize("looked", [True, False])
def test_a_postback_after_its_time_brings_nothing_whether_somebody_has_looked_or_not(
    sqlite_place: StorePlace, looked: bool
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await talk(world, 95.0)
        world.clock.advance(600.001)
        if looked:
            await stage.check()
        await report(stage)
        assert await sides(world) == ("postback_missed", "postback_missed")
        assert await world.balances() == {}

    act(sqlite_place, story, **postback())


def test_a_share_of_a_revenue_that_is_reported_is_paid_with_it(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await talk(world, 1.0)
        await report(stage)
        assert await sides(world) == ("reported_converted", "converted")
        assert (await world.balances())["publisher/4321ABCD"] == "8 USD"

    act(sqlite_place, story, **rules(BUYERS | {"on": "postback", "seconds": 90}, SHARE))


def test_a_share_of_a_revenue_that_nobody_reports_is_missed_with_it(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await talk(world, 1.0)
        world.clock.advance(601)
        await stage.check()
        assert await sides(world) == ("postback_missed", "revenue_missed")

    own = {"name": "the buyer pays", "side": "revenue", "on": "postback", "postback_seconds": 600, "revenue": 10}
    act(sqlite_place, story, **rules(own, SHARE))


def test_a_call_that_converts_for_nothing_is_booked_too(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        assert await talk(stage.world, 95.0) == ("converted", "converted")
        assert (await stage.world.balances())["buyer/alpha"] == "0 USD"

    act(sqlite_place, story, **rules({"name": "any", "seconds": 95, "revenue": 0}))


def test_both_buyers_of_a_call_may_convert(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("record", attempt=dial, seconds=5.0, ended_by="buyer")
        [dial] = dials(await world.desk.go_on("sip", "call-1"))
        await world.talk(dial, 5.0)
        assert {account: amount for account, amount in (await world.balances()).items() if "buyer" in account} == {
            "buyer/alpha": "-9 USD",
            "buyer/bravo": "-9 USD",
        }

    act(
        sqlite_place,
        story,
        **rules({"name": "any", "seconds": 5, "revenue": 9}),
        **{"buyers[alpha].recover_below_seconds": 10},
    )
