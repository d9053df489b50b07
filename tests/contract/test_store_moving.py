"""Moving a reservation before its call: what confirm, release and extend promise, on both databases."""

from __future__ import annotations

from datetime import timedelta

from ringbid.reservations.limits import Usage
from ringbid.reservations.ports import Duplicate, Taken
from ringbid.reservations.reservation import Reservation, State
from ringbid.store.opening import Store
from ringbid.values.ids import KeyId, new_ping_id
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.clocks import START
from support.store_clients import rows_of
from support.stores import KEY, TTL_SECONDS, StorePlace, always, caller, place_with, run, settlement, subject
from support.taking import ONE, live, reason_of, take, usage_of

OTHER_KEY = KeyId("0" * 64)


def test_confirming_makes_a_reservation_count(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE, count_on_reserve=False)
        assert await usage_of(store, ONE) == Usage()
        place.clock.advance(2)
        confirmed = await store.reservations.confirm(ping_id, key_id=KEY, subjects_of=always(ONE))
        assert isinstance(confirmed, Reservation)
        assert (confirmed.state, confirmed.counted) == (State.CONFIRMED, True)
        assert confirmed.confirmed_at == START + timedelta(seconds=2)
        assert confirmed.expires_at == START + timedelta(seconds=TTL_SECONDS)
        assert await usage_of(store, ONE) == Usage(1, 1)
        found = await store.reservations.find(ping_id)
        assert found is not None
        assert found.reservation == confirmed

    run(place, story)


def test_confirming_again_answers_the_same(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE, count_on_reserve=False)
        first = await store.reservations.confirm(ping_id, key_id=KEY, subjects_of=always(ONE))
        place.clock.advance(1)
        assert await store.reservations.confirm(ping_id, key_id=KEY, subjects_of=always(ONE)) == first
        assert await usage_of(store, ONE) == Usage(1, 1)

    run(place, story)


def test_confirming_what_counts_already_asks_no_cap(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE)
        confirmed = await store.reservations.confirm(ping_id, key_id=KEY, subjects_of=always(subject(concurrency=0)))
        assert isinstance(confirmed, Reservation)
        assert await usage_of(store, ONE) == Usage(1, 1)

    run(place, story)


def test_confirming_when_the_cap_filled_meanwhile_ends_as_rejected(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        late, early = [await take(store, ONE, count_on_reserve=False, number=number) for number in (1, 2)]
        assert isinstance(await store.reservations.confirm(early, key_id=KEY, subjects_of=always(ONE)), Reservation)
        refused = await store.reservations.confirm(late, key_id=KEY, subjects_of=always(ONE))
        assert refused == Refused(
            Reason.CAPS_FILLED, actual="1 of 1", expected="fewer than 1", setting="buyers[alpha].caps.concurrency"
        )
        place.clock.advance(1)
        await store.reservations.release(early, key_id=KEY)
        again = await store.reservations.confirm(late, key_id=KEY, subjects_of=always(ONE))
        assert again == refused, "the same answer, though there is room now"
        found = await store.reservations.find(late)
        assert found is not None
        assert found.reservation is not None
        assert (found.reservation.state, found.reservation.ended_at) == (State.REJECTED, START)
        assert found.reservation.refused == refused
        assert isinstance(
            await store.reservations.settle(settlement(place_with(ONE), at=START, caller_number=caller(1))), Taken
        ), "its caller may ping again"

    run(place, story)


def test_releasing_frees_the_place_and_the_caller(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE)
        place.clock.advance(3)
        released = await store.reservations.release(ping_id, key_id=KEY)
        assert isinstance(released, Reservation)
        assert (released.state, released.counted, released.ended_at) == (
            State.RELEASED,
            False,
            START + timedelta(seconds=3),
        )
        assert await store.reservations.release(ping_id, key_id=KEY) == released
        assert await usage_of(store, ONE) == Usage()
        await take(store, ONE)

    run(place, story)


def test_releasing_an_older_reservation_leaves_the_callers_new_one_alone(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        old = await take(store)
        place.clock.advance(TTL_SECONDS)
        new = await take(store)
        assert reason_of(await store.reservations.release(old, key_id=KEY)) is Reason.RESERVATION_OVER
        settled = await store.reservations.settle(settlement(place_with(), at=START, caller_number=caller()))
        assert isinstance(settled, Duplicate)
        assert settled.original.ping_id == new

    run(place, story)


def test_extending_moves_the_end_once(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE)
        place.clock.advance(10)
        extended = await store.reservations.extend(ping_id, key_id=KEY, ttl_seconds=30)
        assert isinstance(extended, Reservation)
        assert extended.expires_at == START + timedelta(seconds=30)
        assert (extended.ttl_seconds, extended.extended) == (30, True)
        assert await store.reservations.extend(ping_id, key_id=KEY, ttl_seconds=30) == extended
        refused = await store.reservations.extend(ping_id, key_id=KEY, ttl_seconds=25)
        assert reason_of(refused) is Reason.ALREADY_EXTENDED

    run(place, story)


def test_an_extended_reservation_keeps_its_place_and_its_caller_to_the_new_end(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE)
        await store.reservations.extend(ping_id, key_id=KEY, ttl_seconds=30)
        place.clock.advance(29.999)
        again = settlement(place_with(ONE), at=START, caller_number=caller())
        assert isinstance(await store.reservations.settle(again), Duplicate)
        assert await usage_of(store, ONE) == Usage(1, 1)
        place.clock.advance(0.001)
        await take(store, ONE)

    run(place, story)


def test_extending_to_a_moment_that_has_passed_is_refused(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store)
        place.clock.advance(10)
        refused = await store.reservations.extend(ping_id, key_id=KEY, ttl_seconds=10)
        assert reason_of(refused) is Reason.TTL_INVALID
        assert isinstance(await store.reservations.release(ping_id, key_id=KEY), Reservation), "it is still open"

    run(place, story)


def test_another_key_learns_nothing_and_changes_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE)
        of = always(ONE)
        foreign = [
            await store.reservations.confirm(ping_id, key_id=OTHER_KEY, subjects_of=of),
            await store.reservations.release(ping_id, key_id=OTHER_KEY),
            await store.reservations.extend(ping_id, key_id=OTHER_KEY, ttl_seconds=30),
        ]
        unknown = [
            await store.reservations.confirm(new_ping_id(START), key_id=KEY, subjects_of=of),
            await store.reservations.release(new_ping_id(START), key_id=KEY),
            await store.reservations.extend(new_ping_id(START), key_id=KEY, ttl_seconds=30),
        ]
        assert foreign == unknown == [Refused(Reason.RESERVATION_UNKNOWN)] * 3
        found = await store.reservations.find(ping_id)
        assert found is not None
        assert found.reservation is not None
        assert (found.reservation.state, found.reservation.extended) == (State.HELD, False)

    run(place, story)


def test_nothing_moves_a_reservation_that_is_over(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        of = always(ONE)
        released = await take(store, ONE, number=None)
        await store.reservations.release(released, key_id=KEY)
        done = await live(store, ONE)
        await store.reservations.finish(done)
        expired = await take(store, ONE, number=None)
        place.clock.advance(TTL_SECONDS)
        for ping_id, state in ((released, "released"), (done, "done"), (expired, "expired")):
            answers = [
                await store.reservations.confirm(ping_id, key_id=KEY, subjects_of=of),
                await store.reservations.extend(ping_id, key_id=KEY, ttl_seconds=30),
                await store.reservations.claim(ping_id, subjects_of=of, max_duration_seconds=60),
            ]
            if ping_id != released:
                answers.append(await store.reservations.release(ping_id, key_id=KEY))
            assert [(reason_of(answer), getattr(answer, "actual", None)) for answer in answers] == [
                (Reason.RESERVATION_OVER, state)
            ] * len(answers)
            found = await store.reservations.find(ping_id)
            assert found is not None
            assert found.reservation is not None
            assert (found.reservation.state.value, found.reservation.counted) == (state, False)
        assert await usage_of(store, ONE) == Usage()

    run(place, story)


def test_each_state_change_leaves_a_row_with_who_when_from_and_to(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store, ONE)
        place.clock.advance(1)
        await store.reservations.confirm(ping_id, key_id=KEY, subjects_of=always(ONE))
        place.clock.advance(1)
        await store.reservations.claim(ping_id, subjects_of=always(ONE), max_duration_seconds=60)
        place.clock.advance(1)
        await store.reservations.finish(ping_id)

    run(place, story)
    start_ms = int(START.timestamp() * 1000)
    query = "select from_state, to_state, at_ms, moved_by from reservation_move order by at_ms"
    assert rows_of(place, query) == [
        ("held", "confirmed", start_ms + 1000, "publisher"),
        ("confirmed", "live", start_ms + 2000, "call"),
        ("live", "done", start_ms + 3000, "call"),
    ]
