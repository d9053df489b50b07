"""A call and its reservation: what claim, count and finish promise, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ringbid.reservations.limits import Usage
from ringbid.reservations.ports import NotTaken, Taken
from ringbid.reservations.reservation import Reservation, State
from ringbid.store.opening import Store
from ringbid.values.ids import new_ping_id
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.clocks import START
from support.stores import TTL_SECONDS, StorePlace, always, place_with, run, settlement, subject
from support.taking import ONE, live, take, usage_of


def test_a_call_claims_a_reservation_once(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE)
        claimed = await store.reservations.claim(ping_id, subjects_of=always(ONE), max_duration_seconds=60)
        assert isinstance(claimed, Reservation)
        assert (claimed.state, claimed.counted, claimed.ended_at) == (State.LIVE, True, None)
        again = await store.reservations.claim(ping_id, subjects_of=always(ONE), max_duration_seconds=60)
        assert again == Refused(Reason.RESERVATION_OVER, actual="live", expected="held or confirmed")
        assert await usage_of(store, ONE) == Usage(1, 1)

    run(place, story)


def test_a_claim_comes_before_the_expiry_or_not_at_all(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        in_time, late = [await take(store, number=number) for number in (1, 2)]
        place.clock.advance(TTL_SECONDS - 0.001)
        claimed = await store.reservations.claim(in_time, subjects_of=always(), max_duration_seconds=60)
        assert isinstance(claimed, Reservation)
        place.clock.advance(0.001)
        refused = await store.reservations.claim(late, subjects_of=always(), max_duration_seconds=60)
        assert refused == Refused(Reason.RESERVATION_OVER, actual="expired", expected="held or confirmed")

    run(place, story)


def test_a_reservation_that_did_not_count_takes_its_place_when_the_call_comes(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        first, second = [await take(store, ONE, count_on_reserve=False, number=number) for number in (1, 2)]
        claimed = await store.reservations.claim(first, subjects_of=always(ONE), max_duration_seconds=60)
        assert isinstance(claimed, Reservation)
        refused = await store.reservations.claim(second, subjects_of=always(ONE), max_duration_seconds=60)
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.actual) == (Reason.CAPS_FILLED, "1 of 1")
        await store.reservations.finish(first)
        claimed = await store.reservations.claim(second, subjects_of=always(ONE), max_duration_seconds=60)
        assert isinstance(claimed, Reservation), "the state stayed"

    run(place, story)


def test_a_live_call_keeps_its_place_past_the_ttl_and_at_most_to_the_longest_duration(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await live(store, ONE, max_duration_seconds=3600)
        place.clock.advance(3599.999)
        assert isinstance(await store.reservations.settle(settlement(place_with(ONE), at=START)), NotTaken)
        place.clock.advance(0.001)
        assert isinstance(await store.reservations.settle(settlement(place_with(ONE), at=START)), Taken)

    run(place, story)


def test_a_caller_whose_call_has_arrived_may_ping_again(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store)
        await store.reservations.claim(ping_id, subjects_of=always(), max_duration_seconds=60)
        assert await take(store) != ping_id

    run(place, story)


@pytest.mark.parametrize("cap", ["hourly", "daily", "monthly", "total"])
def test_a_counted_call_fills_its_windows_once_and_for_their_time(place: StorePlace, cap: str) -> None:
    async def story(store: Store) -> None:
        buyer = subject(**{cap: 2})
        ping_id = await live(store, buyer)
        for _ in range(2):
            await store.reservations.count(ping_id, subjects_of=always(buyer))
        assert await usage_of(store, buyer) == Usage(1, 0, {cap: 1})
        await store.reservations.finish(ping_id)
        assert await usage_of(store, buyer) == Usage(0, 0, {cap: 1})
        place.clock.advance({"hourly": 3600, "daily": 86400, "monthly": 28 * 86400, "total": 400 * 86400}[cap])
        assert (await usage_of(store, buyer)).counted == ({cap: 1} if cap == "total" else {})

    run(place, story)


def test_a_live_call_that_is_not_counted_yet_stands_against_the_windows(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        buyer = subject(hourly=1)
        ping_id = await live(store, buyer)
        refused = await store.reservations.settle(settlement(place_with(buyer), at=START))
        assert isinstance(refused, NotTaken), "else both calls could connect, and two be counted against a cap of one"
        await store.reservations.finish(ping_id)
        assert isinstance(await store.reservations.settle(settlement(place_with(buyer), at=START)), Taken)

    run(place, story)


def test_a_call_that_converts_after_its_end_is_counted(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        buyer = subject(daily=5)
        ping_id = await live(store, buyer)
        await store.reservations.finish(ping_id)
        for _ in range(2):
            await store.reservations.count(ping_id, subjects_of=always(buyer))
        assert await usage_of(store, buyer) == Usage(0, 0, {"daily": 1})

    run(place, story)


def test_only_a_call_is_counted(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        buyer = subject(daily=5)
        held = await take(store, buyer)
        await store.reservations.count(held, subjects_of=always(buyer))
        await store.reservations.count(new_ping_id(START), subjects_of=always(buyer))
        assert await usage_of(store, buyer) == Usage(1, 1)

    run(place, story)


def test_a_call_is_counted_in_windows_without_a_cap_too_so_that_a_cap_set_later_knows_it(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await live(store, subject(concurrency=5))
        await store.reservations.count(ping_id, subjects_of=always(subject(concurrency=5)))
        assert (await usage_of(store, subject(daily=3))).counted == {"daily": 1}

    run(place, story)


def test_a_finished_call_frees_its_place_and_is_done(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await live(store, ONE)
        place.clock.advance(100)
        done = await store.reservations.finish(ping_id)
        assert isinstance(done, Reservation)
        assert (done.state, done.counted, done.ended_at) == (State.DONE, False, START + timedelta(seconds=100))
        place.clock.advance(1)
        assert await store.reservations.finish(ping_id) == done
        assert await usage_of(store, ONE) == Usage()

    run(place, story)


def test_only_a_live_call_can_finish(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store)
        refused = await store.reservations.finish(ping_id)
        assert refused == Refused(Reason.RESERVATION_OVER, actual="held", expected="live")

    run(place, story)
