"""Flushing calls: what is old and over is gone with all that was told of it, what goes on or waits stays."""

from __future__ import annotations

from datetime import timedelta

from support.call_stage import Stage, act
from support.call_world import dials
from support.store_clients import rows_of
from support.stores import StorePlace

DAY = timedelta(days=1)
ALPHA_AND_BRAVO = {"campaigns[cars].routing": {"buyers": [{"buyer": "alpha"}, {"buyer": "bravo"}]}}


def count_of(place: StorePlace, table: str) -> int:
    [(count,)] = rows_of(place, f"select count(*) from {table}")
    return int(count)


def test_an_old_call_goes_with_all_that_was_told_of_it_and_its_money_stays(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [alpha] = dials(await world.arrive("old"))
        await world.talk(alpha, 100, "old")
        [live] = dials(await world.arrive("live", caller="+12125550124"))
        await world.tell("answered", "live", attempt=live)
        world.clock.advance(3600)
        assert await world.store.flush_calls(older_than=timedelta(minutes=50)) == 1
        assert rows_of(place, "select provider_call_id from call") == [("live",)]
        assert {call for (call,) in rows_of(place, "select provider_call_id from call_event")} == {"live"}
        assert count_of(place, "posting") == 2

    act(place, story)


def test_places_that_calls_took_are_flushed_once_they_are_free(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [alpha] = dials(await world.arrive("over"))
        await world.talk(alpha, 100, "over")
        [live] = dials(await world.arrive("live", caller="+12125550124"))
        await world.tell("answered", "live", attempt=live)
        world.clock.advance(3600)
        await world.store.flush(older_than=timedelta(minutes=50))
        assert rows_of(place, "select state from reservation") == [("live",)]
        assert rows_of(place, "select ping_id from place") == [(live.attempt_id,)]

    act(place, story, **ALPHA_AND_BRAVO)


def test_what_was_told_of_a_call_that_never_came_is_kept_for_a_day(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.tell("abandoned", "never")
        [alpha] = dials(await world.arrive())
        await world.talk(alpha, 100)
        world.clock.advance(DAY.total_seconds() - 100)
        await world.store.flush(older_than=DAY)
        assert count_of(place, "call_event") == 4
        world.clock.advance(1)
        await world.store.flush(older_than=DAY)
        assert {call for (call,) in rows_of(place, "select provider_call_id from call_event")} == {"call-1"}

    act(place, story)
