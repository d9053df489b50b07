"""Trying how a ping would end, on both databases: `rehearse` decides as `settle` does, and leaves nothing."""

from __future__ import annotations

import asyncio

from ringbid.reservations.ports import Duplicate, NotTaken, Taken
from ringbid.store.opening import Store
from ringbid.values.reason import Reason
from support.clocks import START
from support.store_clients import rows_of
from support.stores import StorePlace, caller, place_with, run, settlement, subject


def test_it_takes_the_same_place_as_a_real_ping_and_tells_the_same_of_the_others(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        full, free = subject("alpha", concurrency=0), subject("bravo", concurrency=1)
        ping = settlement(place_with(full), place_with(free, buyer="bravo"), at=START, caller_number=caller())
        tried = await store.reservations.rehearse(ping)
        assert isinstance(tried, Taken)
        assert tried == await store.reservations.settle(ping)

    run(place, story)


def test_nothing_is_written_and_the_only_place_stays_free(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        last = place_with(subject(concurrency=1))
        for number in range(3):
            tried = await store.reservations.rehearse(settlement(last, at=START, caller_number=caller(number)))
            assert isinstance(tried, Taken)
        assert rows_of(place, "select count(*) from ping") == [(0,)]
        assert rows_of(place, "select count(*) from reservation") == [(0,)]
        assert isinstance(await store.reservations.settle(settlement(last, at=START, caller_number=caller())), Taken)

    run(place, story)


def test_a_place_that_is_held_is_seen_and_so_is_a_caller_that_has_one(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        last = place_with(subject(concurrency=1))
        await store.reservations.settle(settlement(last, at=START, caller_number=caller(1)))
        other = await store.reservations.rehearse(settlement(last, at=START, caller_number=caller(2)))
        assert isinstance(other, NotTaken)
        assert [one.reason for one in other.passed] == [Reason.BUYER_CONCURRENCY_CAP_FULL]
        same = await store.reservations.rehearse(settlement(last, at=START, caller_number=caller(1)))
        assert isinstance(same, Duplicate)

    run(place, story)


def test_many_at_once_each_see_the_place_free_while_real_pings_take_it_once(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        last = place_with(subject(concurrency=1))
        pings = [settlement(last, at=START, caller_number=caller(number)) for number in range(8)]
        tried = await asyncio.gather(*map(store.reservations.rehearse, pings))
        assert all(isinstance(one, Taken) for one in tried)
        real = await asyncio.gather(*map(store.reservations.settle, pings))
        assert sum(isinstance(one, Taken) for one in real) == 1

    run(place, story)
