"""Many at once: no cap is oversold, nothing is taken twice, nobody meets an error; with threads and with processes."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Self

import pytest

from ringbid.reservations.books import Books, Entry
from ringbid.reservations.limits import Usage
from ringbid.reservations.ports import Duplicate, IdempotencyUse, Replayed, Settled, Taken
from ringbid.reservations.reservation import Reservation
from ringbid.store.opening import Store
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.clocks import START
from support.store_clients import (
    Outcomes,
    hammer,
    hammer_from,
    most_at_once,
    most_held,
    rows_of,
    settle_from,
    start_processes,
)
from support.stores import KEY, TTL_SECONDS, StorePlace, always, caller, place_with, run, settlement, subject

CAP = 5
FIVE = subject(concurrency=CAP)


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Two processes that wait for clients' work."""
    with start_processes() as pool:
        yield pool


class Sampler:
    """Looks at the tables from outside, again and again, and remembers the most places that were ever taken."""

    def __init__(self, place: StorePlace) -> None:
        self._place = place
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.most = self.samples = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        query = "select expires_at_ms from reservation where counted = 1 and state in ('held', 'confirmed')"
        query += " union all select live_until_ms from reservation where state = 'live'"
        while not self._stop.is_set():
            ends = rows_of(self._place, query)
            now_ms = self._place.clock.now().timestamp() * 1000  # after the rows were read: what has ended is free
            self.most = max(self.most, sum(1 for (end,) in ends if end > now_ms))
            self.samples += 1


@pytest.mark.parametrize("count_on_reserve", [True, False])
def test_sixty_four_clients_never_hold_more_than_the_cap(place: StorePlace, count_on_reserve: bool) -> None:
    async def story(store: Store) -> Outcomes:
        outcomes = await hammer(
            store, place.clock, (FIVE,), clients=64, attempts=10_000, seed=1, count_on_reserve=count_on_reserve
        )
        place.clock.advance(60)
        look = await store.reservations.look(key_id=KEY, duplicate_key=None, subjects=(FIVE,), idempotency=None)
        assert look.usage[FIVE.id] == Usage(), "everything is free after the TTL"
        return outcomes

    with Sampler(place) as sampler:
        outcomes = run(place, story)
    assert isinstance(outcomes, Counter)
    assert outcomes["Taken"] + outcomes["NotTaken"] == 10_000, "no client met an error"
    assert {"confirm confirmed", "claim live", "release released"} <= outcomes.keys()
    assert bool(outcomes["confirm caps_filled"]) is not count_on_reserve
    assert most_held(place, count_on_reserve=count_on_reserve) == CAP, "full at times, and never fuller"
    assert sampler.samples > 3
    assert sampler.most <= CAP


def test_clients_in_several_threads_share_one_store(place: StorePlace) -> None:
    async def story(store: Store) -> Outcomes:
        def in_a_loop_of_its_own(seed: int) -> Outcomes:
            return asyncio.run(hammer(store, place.clock, (FIVE,), clients=8, attempts=300, seed=seed))

        with ThreadPoolExecutor(4) as pool:
            loop = asyncio.get_running_loop()
            runs = [loop.run_in_executor(pool, in_a_loop_of_its_own, seed) for seed in range(4)]
            return sum(await asyncio.gather(*runs), Counter())

    outcomes = run(place, story)
    assert isinstance(outcomes, Counter)
    assert outcomes["Taken"] + outcomes["NotTaken"] == 1200
    assert most_held(place, count_on_reserve=True) == CAP


@pytest.mark.parametrize("count_on_reserve", [True, False])
def test_processes_on_postgresql_share_every_cap(
    postgres_place: StorePlace, processes: Executor, count_on_reserve: bool
) -> None:
    how = {"clients": 16, "attempts": 600, "count_on_reserve": count_on_reserve}
    outcomes = hammer_from(processes, postgres_place, FIVE, **how)
    assert outcomes["Taken"] + outcomes["NotTaken"] == 1200, "no client met an error"
    assert most_held(postgres_place, count_on_reserve=count_on_reserve) == CAP


def test_the_audit_finds_a_planted_count_then_insert(postgres_place: StorePlace, processes: Executor) -> None:
    """The same clients on a store that does not lock: the check above would fail, if not at the first attempt."""
    for _ in range(10):
        hammer_from(processes, postgres_place, FIVE, clients=16, attempts=600, planted=True)
        if most_held(postgres_place, count_on_reserve=True) > CAP:
            return
    pytest.fail("ten times, nothing was oversold without a lock")


def test_the_audit_finds_a_planted_batch_that_counts_once(place: StorePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose decisions do not see each other: the check above would fail."""

    def forget(_books: Books, _entry: Entry, _step: int) -> None:
        pass

    monkeypatch.setattr(Books, "_count_places", forget)
    run(place, lambda store: hammer(store, place.clock, (FIVE,), clients=64, attempts=500, seed=1))
    assert most_held(place, count_on_reserve=True) > CAP


def test_of_confirms_at_once_as_many_succeed_as_the_cap_has_places(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        pings = [settlement(place_with(FIVE), at=START, count_on_reserve=False) for _ in range(40)]
        await asyncio.gather(*(store.reservations.settle(ping) for ping in pings))
        for _ in range(2):  # repeated, each gets its answer again
            answers = await asyncio.gather(
                *(store.reservations.confirm(ping.ping_id, key_id=KEY, subjects_of=always(FIVE)) for ping in pings)
            )
            assert [isinstance(answer, Reservation) for answer in answers] == [True] * CAP + [False] * 35
            refused = {answer.reason for answer in answers if isinstance(answer, Refused)}
            assert refused == {Reason.CAPS_FILLED}

    run(place, story)


def test_of_claims_at_once_one_gets_the_reservation(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping = settlement(place_with(), at=START)
        await store.reservations.settle(ping)
        claims = [
            store.reservations.claim(ping.ping_id, subjects_of=always(), max_duration_seconds=60) for _ in range(50)
        ]
        answers = await asyncio.gather(*claims)
        assert sum(isinstance(answer, Reservation) for answer in answers) == 1

    run(place, story)


def test_around_the_expiry_a_reservation_is_claimed_or_swept_and_never_both(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        pings = [settlement(place_with(), at=START) for _ in range(60)]
        await asyncio.gather(*(store.reservations.settle(ping) for ping in pings))
        place.clock.advance(TTL_SECONDS - 0.003)

        claimed = 0
        for start in range(0, 60, 10):
            place.clock.advance(0.001)
            claims = [
                store.reservations.claim(ping.ping_id, subjects_of=always(), max_duration_seconds=60)
                for ping in pings[start : start + 10]
            ]
            answers = await asyncio.gather(*claims, store.sweep(), store.sweep())
            claimed += sum(isinstance(answer, Reservation) for answer in answers)
        assert claimed == 20, "those of the two moments before the expiry"

    run(place, story)
    moves = rows_of(place, "select to_state, count(*) from reservation_move group by to_state order by to_state")
    assert moves == [("expired", 40), ("live", 20)], "each ended one way, once"


def test_pings_of_one_caller_at_once_get_one_reservation_and_orders_without_gaps(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        pings = [settlement(place_with(FIVE), at=START, caller_number=caller()) for _ in range(30)]
        settled: list[Settled] = await asyncio.gather(*(store.reservations.settle(ping) for ping in pings))
        [taken] = [one for one in settled if isinstance(one, Taken)]
        duplicates = [one for one in settled if isinstance(one, Duplicate)]
        assert {one.original.ping_id for one in duplicates} == {taken.reservation.ping_id}
        assert sorted(one.order for one in duplicates) == list(range(1, 30))

    run(place, story)


def test_uses_of_one_idempotency_key_at_once_are_one_ping(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        use = IdempotencyUse(key="k", fingerprint="same")
        pings = [settlement(place_with(FIVE), at=START, idempotency=use) for _ in range(30)]
        settled = await asyncio.gather(*(store.reservations.settle(ping) for ping in pings))
        [taken] = [one for one in settled if isinstance(one, Taken)]
        replays = [one for one in settled if isinstance(one, Replayed)]
        assert {one.reply_body for one in replays} == {taken.reservation.ping_id.encode()}
        assert len(replays) == 29

    run(place, story)
    assert rows_of(place, "select count(*) from ping") == [(1,)]


@pytest.mark.parametrize("what", ["caller", "idempotency"])
def test_two_processes_tell_one_caller_and_one_idempotency_key_the_same_ping(
    postgres_place: StorePlace, processes: Executor, what: str
) -> None:
    rounds = settle_from(processes, postgres_place, rounds=40, what=what)
    assert len(rounds) == 40
    for told in rounds:
        assert sorted(kind for kind, _ in told) == sorted(["Taken", "Duplicate" if what == "caller" else "Replayed"])
        assert len({uuid for _, uuid in told}) == 1


def test_the_audit_counts_what_overlaps() -> None:
    assert most_at_once([]) == 0
    assert most_at_once([(1, 3), (3, 5), (0, 1)]) == 1, "one that ends when another starts does not meet it"
    assert most_at_once([(1, 4), (2, 6), (3, 5), (5, 9)]) == 3
