"""Caps and calls: when a place is taken and given back, and what counts in a window."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ringbid.call.instruction import Connect, Refuse
from ringbid.values.reason import Reason
from support.call_stage import Run, Stage, act, verdicts
from support.call_world import CALLER, CallWorld, dials
from support.store_clients import rows_of
from support.stores import StorePlace, caller

SOLD = {"name": "sold", "on": "postback", "postback_seconds": 7 * 86_400, "revenue": 9, "payout": 8}
ALONE: dict[str, Any] = {"campaigns[cars].routing": {"buyers": [{"buyer": "alpha"}]}}


def capped(counts: str = "connected", **caps: int) -> dict[str, Any]:
    return {**ALONE, "buyers[alpha].caps": caps, "buyers[alpha].cap_counts": counts}


async def is_rung(world: CallWorld, number: int) -> bool:
    """May one more call have alpha? It hangs up at once."""
    name = f"probe-{number}"
    answer = await world.arrive(name, caller=caller(number))
    if isinstance(answer, Connect):
        await world.tell("abandoned", name)
        return True
    assert isinstance(answer, Refuse)
    assert answer.reason is Reason.CALL_NOT_TAKEN
    return False


@pytest.mark.parametrize("how", ["busy", "abandoned", "unanswered", "ended", "record", "unheard"])
def test_the_place_of_a_call_is_free_again_however_it_ends(sqlite_place: StorePlace, how: str) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        assert not await is_rung(world, 1)
        if how == "busy":
            await world.tell("failed", attempt=dial, cause="busy")
        elif how == "unheard":
            world.clock.advance(81)
            await stage.check()
        elif how in ("ended", "record"):
            await world.tell("answered", attempt=dial)
            assert not await is_rung(world, 2), "talking takes the place, too"
            await (world.tell("ended") if how == "ended" else world.tell("record", attempt=dial, seconds=1.0))
        else:
            await world.tell("abandoned" if how == "abandoned" else "unanswered")
        assert await is_rung(world, 3)

    act(sqlite_place, story, **capped(concurrency=1))


def test_a_place_frees_itself_after_the_longest_call_whatever_died(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        world.clock.advance(20 + 7200 + 59)
        assert not await is_rung(world, 1)
        world.clock.advance(1)
        assert await is_rung(world, 2)

    act(sqlite_place, story, **capped(concurrency=1))


def test_a_connected_call_counts_in_the_windows_where_those_count_connected_ones(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("abandoned")
        [dial] = dials(await world.arrive("call-2"))
        await world.talk(dial, 1.0, "call-2")
        assert not await is_rung(world, 1)
        assert verdicts(await world.stored("probe-1"))["alpha"] == "buyer_hourly_cap_full"
        world.clock.advance(3600)
        assert await is_rung(world, 2)

    act(sqlite_place, story, **capped(hourly=1))


def test_only_a_conversion_counts_where_they_count_converted_calls(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.talk(dial, 94.0)
        [dial] = dials(await world.arrive("call-2"))
        await world.talk(dial, 95.0, "call-2")
        assert not await is_rung(world, 1)

    act(sqlite_place, story, **capped("converted", total=1))


def test_a_call_that_may_still_be_counted_keeps_others_out(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        assert not await is_rung(world, 1)
        await world.tell("answered", attempt=dial)
        assert not await is_rung(world, 2)

    act(sqlite_place, story, **capped("converted", daily=1))


def test_pings_confirmations_and_calls_at_once_never_take_more_than_there_is(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world

        async def by_ping(number: int) -> None:
            reply = await world.ping(caller=caller(number))
            if reply["status"] == "reserved":
                await world.arrive(f"pinged-{number}", caller=caller(number))

        async def direct(number: int) -> None:
            await world.arrive(f"direct-{number}", caller=caller(number))

        works = [(by_ping if number % 2 else direct)(number) for number in range(24)]
        await asyncio.gather(*works)
        taken = dict(
            rows_of(
                place, "select subject_id, count(*) from place where subject_id like '%buyer/%' group by subject_id"
            )
        )
        assert taken == {"acme/buyer/alpha": 3, "acme/buyer/bravo": 2}

    caps = {"buyers[alpha].caps": {"concurrency": 3}, "buyers[bravo].caps": {"daily": 2}}
    own = {"campaigns[cars].rtb_keys[Default].count_on_reserve": True, "buyers[delta].paused": True}
    act(place, story, **caps, **own)


@pytest.mark.parametrize("who", ["alpha", "bravo"])
def test_each_buyer_rung_at_once_holds_a_place(sqlite_place: StorePlace, who: str) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        answer = await world.arrive()
        winner = next(dial for dial in dials(answer) if dial.buyer_id == who)
        assert not isinstance(await world.arrive("call-2", caller=caller(2)), Connect)
        await world.tell("answered", attempt=winner)
        [left] = dials(await world.arrive("call-3", caller=caller(3)))
        assert left.buyer_id != who, "the place of the one that was not needed is free"

    group = {"id": "desk", "name": "Desk", "buyers": ["alpha", "bravo"], "ring": "all_at_once"}
    caps = {f"buyers[{buyer}].caps": {"concurrency": 1} for buyer in ("alpha", "bravo")}
    act(sqlite_place, story, **caps, **{"buyer_groups[+]": group, "buyers[delta].paused": True})


def test_a_conversion_counts_once_though_its_reservation_was_flushed_long_ago(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.talk(dial, 100)
        world.clock.advance(2 * 86_400)
        await world.store.flush(older_than=timedelta(days=1))
        assert rows_of(place, "select count(*) from reservation") == [(0,)]
        run = Run("call-1", CALLER, world.clock.now(), [], dialled={"alpha": dial.attempt_id})
        await stage.report(run, "alpha")
        assert rows_of(place, "select counted from usage where kind = 'total'") == [(1,)]
        assert not await is_rung(world, 1)

    act(place, story, **capped("converted", total=1), **{"campaigns[cars].conversions": [SOLD]})
