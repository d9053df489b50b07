"""Sweeping and flushing: what is over is written down, what is old is gone for good, and nothing else is touched."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ringbid.reservations.ports import IdempotencyUse, StoreUnavailable, Taken
from ringbid.reservations.reservation import State
from ringbid.settings import Outbox as OutboxSettings
from ringbid.settings import Retention as RetentionSettings
from ringbid.store import opening, sqlite
from ringbid.store.opening import Store
from ringbid.store.schema import PERSONAL
from ringbid.values.ids import PingId
from ringbid.values.phone import PhoneNumber
from ringbid.worker.retention import Retention
from ringbid.worker.sweep import Sweep
from support.clocks import START, JumpingClock
from support.store_clients import rows_of
from support.stores import KEY, TTL_SECONDS, StorePlace, always, caller, place_with, run, settlement, subject

DAY = timedelta(hours=24)
ALPHA = subject(concurrency=5, daily=50)


async def take(store: Store, number: int = 1, **how: object) -> PingId:
    ping = settlement(place_with(ALPHA), at=START, caller_number=caller(number), **how)  # type: ignore[arg-type]  # -- a test may be loose with types
    assert isinstance(await store.reservations.settle(ping), Taken)
    return ping.ping_id


async def call(store: Store, number: int, *, max_duration_seconds: int = 7200) -> PingId:
    ping_id = await take(store, number)
    await store.reservations.claim(ping_id, subjects_of=always(ALPHA), max_duration_seconds=max_duration_seconds)
    return ping_id


def rows_in(place: StorePlace, table: str) -> int:
    [(count,)] = rows_of(place, f"select count(*) from {table}")
    return int(count)


def test_sweeping_writes_down_what_expired_when_it_expired(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await take(store)
        place.clock.advance(TTL_SECONDS - 0.001)
        assert await store.sweep() == 0
        place.clock.advance(100)
        assert await store.sweep() == 1
        assert await store.sweep() == 0

    run(place, story)
    end_ms = int(START.timestamp() * 1000) + TTL_SECONDS * 1000
    assert rows_of(place, "select state, counted, ended_at_ms from reservation") == [("expired", 0, end_ms)]
    query = "select from_state, to_state, at_ms, moved_by from reservation_move"
    assert rows_of(place, query) == [("held", "expired", end_ms, "sweep")]
    assert (rows_in(place, "place"), rows_in(place, "open_caller")) == (0, 0)


def test_sweeping_changes_no_answer(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await take(store)
        place.clock.advance(TTL_SECONDS + 1)
        before = await store.reservations.find(ping_id)
        await store.sweep()
        assert await store.reservations.find(ping_id) == before
        assert before is not None
        assert before.reservation is not None
        assert before.reservation.state is State.EXPIRED

    run(place, story)


def test_sweeping_ends_calls_that_were_lost_and_no_others(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        lost, long = await call(store, 1, max_duration_seconds=60), await call(store, 2)
        place.clock.advance(60)
        assert await store.sweep() == 1
        found = [await store.reservations.find(ping_id) for ping_id in (lost, long)]
        states = [one.reservation.state for one in found if one is not None and one.reservation is not None]
        assert states == [State.DONE, State.LIVE]

    run(place, story)
    assert rows_in(place, "place") == 1


def test_sweeping_leaves_the_new_reservation_of_a_caller_alone(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await take(store)
        place.clock.advance(TTL_SECONDS)
        new = await take(store)
        assert await store.sweep() == 1
        look = await store.reservations.look(
            key_id=KEY, duplicate_key=f"{KEY}:{caller()}", subjects=(), idempotency=None
        )
        assert look.open_duplicate is not None
        assert look.open_duplicate.ping_id == new

    run(place, story)


def test_sweeping_goes_on_in_batches_until_nothing_is_left(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await asyncio.gather(*(store.reservations.settle(settlement(place_with(), at=START)) for _ in range(250)))
        place.clock.advance(TTL_SECONDS)
        assert [await store.sweep() for _ in range(4)] == [100, 100, 50, 0]

    run(place, story)


def test_flushing_removes_old_pings_with_everything_that_is_theirs(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        old = await take(store, idempotency=IdempotencyUse(key="k", fingerprint="f"))
        await store.reservations.settle(settlement(place_with(), at=START, caller_number=caller()))  # a duplicate
        await store.reservations.settle(settlement(at=START, caller_number=caller(3)))  # refused
        done = await call(store, 2)
        await store.reservations.finish(done)
        place.clock.advance(DAY.total_seconds())
        assert await store.flush(older_than=DAY) == 0, "not older than a day, but just as old"
        place.clock.advance(0.001)
        assert await store.flush(older_than=DAY) == 4
        assert store.purged
        assert await store.reservations.find(old) is None

    run(place, story)
    assert {table.name: rows_in(place, table.name) for table in PERSONAL} == {table.name: 0 for table in PERSONAL}


def test_flushing_leaves_the_young_the_open_and_the_live(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        live, lost = await call(store, 1, max_duration_seconds=3600), await call(store, 2, max_duration_seconds=60)
        held, expired = await take(store, 3, ttl_seconds=3600), await take(store, 4)
        place.clock.advance(600)
        young = settlement(place_with(), at=place.clock.now())
        await store.reservations.settle(young)
        assert await store.flush(older_than=timedelta(minutes=5)) == 2
        left = [
            ping_id for ping_id in (live, lost, held, expired, young.ping_id) if await store.reservations.find(ping_id)
        ]
        assert left == [live, held, young.ping_id]
        place.clock.advance(3600)
        assert await store.flush(older_than=timedelta(minutes=5)) == 3

    run(place, story)
    assert {table.name: rows_in(place, table.name) for table in PERSONAL} == {table.name: 0 for table in PERSONAL}


def test_flushing_goes_past_old_calls_that_are_still_live(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        pings = [settlement(place_with(), at=START) for _ in range(500)]
        await asyncio.gather(*map(store.reservations.settle, pings))
        claims = [
            store.reservations.claim(ping.ping_id, subjects_of=always(), max_duration_seconds=7200)
            for ping in pings[:250]
        ]
        await asyncio.gather(*claims)
        place.clock.advance(3600)
        assert await store.flush(older_than=timedelta(minutes=5)) == 250

    run(place, story)


def test_flushing_keeps_what_caps_and_catalogs_count_on(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        ping_id = await call(store, 1)
        await store.reservations.count(ping_id, subjects_of=always(ALPHA))
        await store.reservations.finish(ping_id)
        place.clock.advance(3600)
        await store.flush(older_than=timedelta(minutes=5))
        look = await store.reservations.look(key_id=KEY, duplicate_key=None, subjects=(ALPHA,), idempotency=None)
        assert look.usage[ALPHA.id].counted == {"daily": 1}
        place.clock.advance(70 * 86400)
        await store.flush(older_than=timedelta(minutes=5))

    run(place, story)
    assert rows_of(place, "select kind from usage") == [("total",)], "windows that are long over are forgotten"


def test_an_idempotency_key_is_free_again_after_the_retention_time(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        use = IdempotencyUse(key="k", fingerprint="f")
        first = await take(store, idempotency=use)
        place.clock.advance(DAY.total_seconds() + 1)
        await store.flush(older_than=DAY)
        assert await take(store, idempotency=use) != first

    run(place, story)


def random_callers(count: int) -> list[PhoneNumber]:
    chance = random.Random(22)
    return [PhoneNumber(f"+1{chance.randint(2_000_000_000, 9_999_999_999)}") for _ in range(count)]


def count_in_files(folder: Path, numbers: list[PhoneNumber]) -> int:
    """How many of `numbers` stand anywhere in the raw bytes of the folder's files."""
    files = [path for path in folder.iterdir() if path.is_file()]
    assert len(files) >= 3, "the database, its log and its shared memory"
    found = {number for path in files for number in re.findall(rb"\+1\d{10}", path.read_bytes())}
    return sum(number.encode() in found for number in numbers)


def test_of_five_thousand_flushed_callers_none_is_left_in_the_raw_bytes(sqlite_place: StorePlace) -> None:
    numbers = random_callers(5000)
    folder = sqlite_place.settings.data

    async def story(store: Store) -> None:
        for start in range(0, 5000, 1000):
            pings = [
                settlement(place_with(ALPHA), at=START, caller_number=number, count_on_reserve=False, finish=None)
                for number in numbers[start : start + 1000]
            ]
            settled = await asyncio.gather(*map(store.reservations.settle, pings))
            assert all(isinstance(one, Taken) for one in settled)
            place_ids = [ping.ping_id for ping in pings[::3]]
            await asyncio.gather(*(store.reservations.release(ping_id, key_id=KEY) for ping_id in place_ids))
        assert count_in_files(folder, numbers) == 5000, "the search finds what is there"
        sqlite_place.clock.advance(60)
        await store.sweep()
        assert await store.flush(older_than=timedelta(seconds=30)) == 5000
        assert store.purged
        assert count_in_files(folder, numbers) == 0

    run(sqlite_place, story)


def test_a_reader_in_the_way_delays_the_purge_and_the_next_flush_makes_up_for_it(
    sqlite_place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_PURGE_TRIES", 2)
    monkeypatch.setattr(opening, "_PURGE_PAUSE_SECONDS", 0)
    numbers = random_callers(20)

    async def story(store: Store) -> None:
        for number in numbers:
            await store.reservations.settle(settlement(place_with(), at=START, caller_number=number))
        reader = sqlite3.connect(sqlite_place.settings.data / sqlite.FILE_NAME)
        reader.execute("begin")
        reader.execute("select count(*) from ping").fetchone()
        sqlite_place.clock.advance(60)
        assert await store.flush(older_than=timedelta(seconds=30)) == 20
        assert not store.purged
        reader.close()
        assert await store.flush(older_than=timedelta(seconds=30)) == 0
        assert store.purged
        assert count_in_files(sqlite_place.settings.data, numbers) == 0

    run(sqlite_place, story)


class FakeStore:
    """A store that answers what it is told to, and then ends the loop that asks."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers = iter(answers)
        self.asked: list[timedelta] = []
        self.purged = True

    async def sweep(self) -> int:
        return await self.flush(older_than=timedelta())

    async def flush_outbox(self, *, delivered: timedelta, dead: timedelta) -> int:
        return 0

    async def flush_calls(self, *, older_than: timedelta) -> int:
        return 0

    async def flush(self, *, older_than: timedelta) -> int:
        self.asked.append(older_than)
        answer = next(self._answers, None)
        if answer is None:
            raise asyncio.CancelledError
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    "work",
    [
        lambda store: Sweep(store).run(),
        lambda store: Retention(store, RetentionSettings(rtb_hours=0.5), OutboxSettings(), JumpingClock()).run(),
    ],
    ids=["sweep", "retention"],
)
def test_a_worker_goes_on_after_a_failure(
    work: Callable[[FakeStore], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", pause)
    store = FakeStore(StoreUnavailable("away"), 3, 0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work(store))  # type: ignore[arg-type]  # -- a test may be loose with types
    assert len(store.asked) == 4
    assert 0 < max(pauses) <= 60


def test_retention_flushes_by_its_setting() -> None:
    store = FakeStore()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Retention(store, RetentionSettings(rtb_hours=0.5), OutboxSettings(), JumpingClock()).run())
    assert store.asked == [timedelta(minutes=30)]
