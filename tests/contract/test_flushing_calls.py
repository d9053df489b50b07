"""Flushing calls: what is old and over is gone with all that was told of it, what goes on or waits stays."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

from ringbid.store.call_tidying import _FLUSH_PARKED
from ringbid.store.sqlite import FILE_NAME
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


def test_what_never_found_its_call_is_found_without_reading_what_was_told_in_a_year(sqlite_place: StorePlace) -> None:
    """It is looked for every minute, and holds up all who write: a year of events took seconds."""
    text, values = _FLUSH_PARKED.prepare("sqlite", {"before_ms": 0})
    with closing(sqlite3.connect(sqlite_place.settings.data / FILE_NAME)) as lite:
        plan = [detail for *_, detail in lite.execute(f"explain query plan {text}", values)]
    assert all("INDEX ix_call_event_parked" in detail for detail in plan), plan
