"""Ending a ping: what `look`, `settle` and `find` promise, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ringbid.reservations.limits import Usage
from ringbid.reservations.ports import (
    Duplicate,
    IdempotencyUse,
    KeyReused,
    Look,
    NotTaken,
    PingRecord,
    Replayed,
    Settlement,
    Stale,
    Taken,
)
from ringbid.reservations.reservation import Reservation, State
from ringbid.store.opening import Store
from ringbid.values.ids import BuyerId, CompanyId, KeyId, new_ping_id
from ringbid.values.reason import Reason
from support.clocks import START
from support.store_clients import rows_of
from support.stores import (
    KEY,
    QUOTE,
    TTL_SECONDS,
    StorePlace,
    always,
    caller,
    place_with,
    record_of,
    run,
    settlement,
    subject,
)


def test_a_ping_takes_the_first_place_that_is_free_and_tells_why_it_passed_the_others(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        full, free = subject("alpha", concurrency=0), subject("bravo", concurrency=1)
        settled = await store.reservations.settle(
            settlement(place_with(full), place_with(free, buyer="bravo"), at=START, caller_number=caller())
        )
        assert isinstance(settled, Taken)
        assert settled.reservation.buyer_id == "bravo"
        [verdict] = settled.passed
        assert (verdict.buyer_id, verdict.reason) == ("alpha", Reason.BUYER_CONCURRENCY_CAP_FULL)
        assert (verdict.actual, verdict.expected) == ("0 of 0", "fewer than 0")
        assert verdict.setting == "buyers[alpha].caps.concurrency"

    run(place, story)


def test_a_reservation_is_found_as_it_was_taken(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping = settlement(place_with(subject(concurrency=1)), at=START, caller_number=caller())
        settled = await store.reservations.settle(ping)
        found = await store.reservations.find(ping.ping_id)
        assert isinstance(settled, Taken)
        assert found is not None
        assert found.reservation == settled.reservation
        assert found.reservation == Reservation(
            ping_id=ping.ping_id,
            company_id=ping.company_id,
            campaign_id=ping.campaign_id,
            key_id=KEY,
            publisher_id=ping.publisher_id,
            caller_number=caller(),
            buyer_id=BuyerId("alpha"),
            buyer_number="+12025550101",
            inbound_number="+18444021146",
            quote=QUOTE,
            state=State.HELD,
            counted=True,
            ttl_seconds=TTL_SECONDS,
            reserved_at=START,
            expires_at=START + timedelta(seconds=TTL_SECONDS),
        )
        assert (found.reason, found.status, found.buyer_id) == (Reason.RESERVED, "reserved", "alpha")
        assert (found.received_at, found.now, found.trace) == (START, START, b'{"reason":"reserved"}')
        assert (found.duplicate_of, found.duplicate_order) == (None, None)

    run(place, story)


def test_a_ping_without_a_free_place_is_kept_without_a_reservation(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping = settlement(place_with(subject(daily=0)), at=START, caller_number=caller())
        settled = await store.reservations.settle(ping)
        assert isinstance(settled, NotTaken)
        assert [verdict.reason for verdict in settled.passed] == [Reason.BUYER_DAILY_CAP_FULL]
        found = await store.reservations.find(ping.ping_id)
        assert found is not None
        assert (found.status, found.reservation, found.buyer_id) == ("no-target", None, None)

    run(place, story)


def test_a_uuid_that_was_never_ours_is_not_found(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert await store.reservations.find(new_ping_id(START)) is None

    run(place, story)


def test_a_place_counts_against_the_buyer_and_its_group(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        group = subject("overflow", owner="group", concurrency=2)
        alpha, delta = subject("alpha", concurrency=1), subject("delta", concurrency=5)
        pings = [
            settlement(place_with(alpha, group), place_with(delta, group, buyer="delta"), at=START) for _ in range(4)
        ]
        settled = [await store.reservations.settle(ping) for ping in pings]
        assert [one.reservation.buyer_id for one in settled if isinstance(one, Taken)] == ["alpha", "delta"]
        last = settled[-1]
        assert isinstance(last, NotTaken)
        assert [verdict.reason for verdict in last.passed] == [
            Reason.BUYER_CONCURRENCY_CAP_FULL,
            Reason.GROUP_CONCURRENCY_CAP_FULL,
        ]

    run(place, story)


@pytest.mark.parametrize("cap", ["concurrency", "hourly", "daily", "monthly", "total"])
def test_a_reservation_that_counts_fills_every_kind_of_cap_until_it_expires(place: StorePlace, cap: str) -> None:
    async def story(store: Store) -> None:
        buyer = subject(**{cap: 1})
        assert isinstance(await store.reservations.settle(settlement(place_with(buyer), at=START)), Taken)
        assert isinstance(await store.reservations.settle(settlement(place_with(buyer), at=START)), NotTaken)
        place.clock.advance(TTL_SECONDS - 0.001)
        assert isinstance(await store.reservations.settle(settlement(place_with(buyer), at=START)), NotTaken)
        place.clock.advance(0.001)
        assert isinstance(await store.reservations.settle(settlement(place_with(buyer), at=START)), Taken)

    run(place, story)


def test_a_reservation_that_does_not_count_takes_no_place(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        buyer = subject(concurrency=1)
        for _ in range(3):
            settled = await store.reservations.settle(settlement(place_with(buyer), at=START, count_on_reserve=False))
            assert isinstance(settled, Taken)
            assert not settled.reservation.counted

    run(place, story)


def test_the_times_are_the_stores_not_the_pings(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        settled = await store.reservations.settle(settlement(place_with(), at=START - timedelta(hours=3)))
        assert isinstance(settled, Taken)
        assert settled.reservation.reserved_at == START
        assert settled.reservation.expires_at - settled.reservation.reserved_at == timedelta(seconds=TTL_SECONDS)

    run(place, story)


def test_a_second_ping_of_a_caller_gets_the_open_reservation_and_its_order(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        buyer = subject(concurrency=5)
        first = settlement(place_with(buyer), at=START, caller_number=caller())
        await store.reservations.settle(first)
        for order in (1, 2):
            again = settlement(place_with(buyer), at=START, caller_number=caller())
            settled = await store.reservations.settle(again)
            assert isinstance(settled, Duplicate)
            assert (settled.original.ping_id, settled.order) == (first.ping_id, order)
            found = await store.reservations.find(again.ping_id)
            assert found is not None
            assert (found.reason, found.duplicate_of, found.duplicate_order) == (
                Reason.DUPLICATE,
                first.ping_id,
                order,
            )
            assert found.reservation is None
        look = await store.reservations.look(key_id=KEY, duplicate_key=None, subjects=(buyer,), idempotency=None)
        assert look.usage[buyer.id].places == 1

    run(place, story)


def test_a_caller_whose_reservation_expired_gets_a_new_one(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        first = settlement(place_with(), at=START, caller_number=caller())
        await store.reservations.settle(first)
        place.clock.advance(TTL_SECONDS)
        second = settlement(place_with(), at=START, caller_number=caller())
        assert isinstance(await store.reservations.settle(second), Taken)
        third = settlement(place_with(), at=START, caller_number=caller())
        settled = await store.reservations.settle(third)
        assert isinstance(settled, Duplicate)
        assert (settled.original.ping_id, settled.order) == (second.ping_id, 1)

    run(place, story)


def test_other_callers_and_other_keys_are_no_duplicates(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        for ping in (
            settlement(place_with(), at=START, caller_number=caller(1)),
            settlement(place_with(), at=START, caller_number=caller(2)),
            settlement(place_with(), at=START, caller_number=caller(1), key_id=KeyId("0" * 64)),
            settlement(place_with(), at=START, caller_number=None),
            settlement(place_with(), at=START, caller_number=None),
        ):
            assert isinstance(await store.reservations.settle(ping), Taken)

    run(place, story)


def test_a_ping_that_is_refused_makes_its_caller_no_duplicate(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert isinstance(await store.reservations.settle(settlement(at=START, caller_number=caller())), NotTaken)
        settled = await store.reservations.settle(settlement(place_with(), at=START, caller_number=caller()))
        assert isinstance(settled, Taken)

    run(place, story)


def test_an_idempotency_key_brings_the_first_reply_again_and_writes_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        use = IdempotencyUse(key="order-1", fingerprint="abc")
        first = settlement(place_with(), at=START, idempotency=use)
        assert isinstance(await store.reservations.settle(first), Taken)
        place.clock.advance(3600)  # long after the reservation is over
        again = settlement(place_with(), at=START, idempotency=use)
        assert await store.reservations.settle(again) == Replayed(200, first.ping_id.encode())
        assert await store.reservations.find(again.ping_id) is None

    run(place, story)


def test_an_idempotency_key_with_other_parameters_is_reused_and_writes_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        first = settlement(place_with(), at=START, idempotency=IdempotencyUse(key="k", fingerprint="abc"))
        await store.reservations.settle(first)
        other = settlement(place_with(), at=START, idempotency=IdempotencyUse(key="k", fingerprint="xyz"))
        assert await store.reservations.settle(other) == KeyReused()
        assert await store.reservations.find(other.ping_id) is None

    run(place, story)


def test_an_idempotency_key_belongs_to_its_rtb_key(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        use = IdempotencyUse(key="k", fingerprint="abc")
        for key_id in (KEY, KeyId("0" * 64)):
            settled = await store.reservations.settle(
                settlement(place_with(), at=START, idempotency=use, key_id=key_id)
            )
            assert isinstance(settled, Taken)

    run(place, story)


def test_a_ping_with_an_old_snapshot_is_stale_and_writes_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        version = await store.apply_catalog(CompanyId("acme"), "one", applied_by="test")
        old = settlement(place_with(), at=START, caller_number=caller(), snapshot_version=version - 1)
        assert await store.reservations.settle(old) == Stale(version)
        assert await store.reservations.find(old.ping_id) is None
        refused = settlement(at=START, snapshot_version=version - 1)
        assert isinstance(await store.reservations.settle(refused), NotTaken), "without places nothing is promised"
        new = settlement(place_with(), at=START, caller_number=caller(), snapshot_version=version)
        assert isinstance(await store.reservations.settle(new), Taken)

    run(place, story)


def test_a_look_shows_the_open_reservation_of_the_caller(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping = settlement(place_with(), at=START, caller_number=caller())
        taken = await store.reservations.settle(ping)
        look = await _look(store, ping)
        assert isinstance(taken, Taken)
        assert (look.now, look.open_duplicate) == (START, taken.reservation)
        place.clock.advance(TTL_SECONDS)
        assert (await _look(store, ping)).open_duplicate is None

    run(place, story)


def test_a_look_shows_the_reply_that_an_idempotency_key_got(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        use = IdempotencyUse(key="k", fingerprint="abc")
        ping = settlement(place_with(), at=START, idempotency=use)
        assert (await _look(store, ping, use)).replayed is None
        await store.reservations.settle(ping)
        assert (await _look(store, ping, use)).replayed == Replayed(200, ping.ping_id.encode())
        other = IdempotencyUse(key="k", fingerprint="xyz")
        assert (await _look(store, ping, other)).replayed == KeyReused()

    run(place, story)


def test_a_look_has_the_usage_of_every_subject_it_is_asked_about(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        used, unused = subject("alpha", concurrency=5, hourly=9, total=9), subject("bravo", daily=1)
        ping = settlement(place_with(used), at=START)
        await store.reservations.settle(ping)
        await store.reservations.claim(ping.ping_id, subjects_of=always(used), max_duration_seconds=60)
        await store.reservations.count(ping.ping_id, subjects_of=always(used))
        await store.reservations.settle(settlement(place_with(used), at=START))
        look = await store.reservations.look(key_id=KEY, duplicate_key=None, subjects=(used, unused), idempotency=None)
        assert look.usage == {used.id: Usage(2, 1, {"hourly": 1, "total": 1}), unused.id: Usage()}

    run(place, story)


def test_a_look_changes_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping = settlement(place_with(subject(concurrency=1)), at=START, caller_number=caller())
        await _look(store, ping, IdempotencyUse(key="k", fingerprint="abc"))
        assert isinstance(await store.reservations.settle(ping), Taken)

    run(place, story)


def test_the_record_is_made_once_of_the_decision_that_is_answered(place: StorePlace) -> None:
    decisions: list[object] = []

    async def story(store: Store) -> None:
        ping_id = new_ping_id(START)

        def finish(decision: Taken | NotTaken | Duplicate) -> PingRecord:
            decisions.append(decision)
            return record_of(decision, ping_id)

        settled = await store.reservations.settle(settlement(place_with(), at=START, ping_id=ping_id, finish=finish))
        assert decisions == [settled]

    run(place, story)


def test_everything_of_a_ping_is_written_together_or_not_at_all(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping = settlement(place_with(subject(concurrency=1)), at=START, caller_number=caller(), finish=_broken_finish)
        with pytest.raises(ZeroDivisionError):
            await store.reservations.settle(ping)
        good = settlement(place_with(subject(concurrency=1)), at=START, caller_number=caller())
        assert isinstance(await store.reservations.settle(good), Taken)

    run(place, story)
    for table in ("ping", "reservation", "place", "open_caller"):
        assert rows_of(place, f"select count(*) from {table}") == [(1,)]


def _broken_finish(decision: object) -> PingRecord:
    raise ZeroDivisionError


async def _look(store: Store, ping: Settlement, use: IdempotencyUse | None = None) -> Look:
    return await store.reservations.look(
        key_id=ping.key_id, duplicate_key=ping.duplicate_key, subjects=(), idempotency=use
    )
