"""The machinery under the promises: queue, batches, what closes and opens again, and readers beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import func, select

from ringbid.reservations.ports import NotTaken, PingRecord, StoreOverloaded, StoreUnavailable, Taken
from ringbid.settings import Settings
from ringbid.store import schema, sqlite
from ringbid.store.opening import Store, StoreMissing, open_reader
from ringbid.store.session import Session
from ringbid.store.sqlite import SqliteSession
from ringbid.store.statements import Insert, Statement
from ringbid.store.threads import SessionThread
from ringbid.store.transactions import Failed, InTransaction, perform, write_together
from ringbid.values.ids import CompanyId
from support.clocks import START, JumpingClock
from support.store_clients import rows_of
from support.stores import StorePlace, place_with, record_of, run, settlement

_INSERT_WRITER = Insert(schema.writer)


_COUNT_WRITERS = Statement(select(func.count(schema.writer.c.id)))


def broken_finish(decision: object) -> PingRecord:
    raise ZeroDivisionError


def test_one_bug_in_a_batch_fails_only_its_own_caller(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        pings = [
            settlement(place_with(), at=START, finish=broken_finish if number % 7 == 3 else None)
            for number in range(30)
        ]
        settled = await asyncio.gather(*map(store.reservations.settle, pings), return_exceptions=True)
        for number, (ping, answer) in enumerate(zip(pings, settled, strict=True)):
            found = await store.reservations.find(ping.ping_id)
            if number % 7 == 3:
                assert isinstance(answer, ZeroDivisionError)
                assert found is None
            else:
                assert isinstance(answer, Taken)
                assert found is not None

    run(place, story)


def test_one_bug_among_works_that_share_a_commit_undoes_only_itself(place: StorePlace) -> None:
    def work(number: int) -> Callable[[Session], int]:
        def insert(session: Session) -> int:
            session.insert(_INSERT_WRITER, [(f"w{number}", number, 1)])
            session.fetch((_COUNT_WRITERS, {}))  # sent now, on PostgreSQL too
            if number % 5 == 2:
                raise ZeroDivisionError
            return number

        return insert

    async def story(store: Store) -> None:
        works = [store.calls._writer.transact(work(number)) for number in range(20)]
        done = await asyncio.gather(*works, return_exceptions=True)
        for number, answer in enumerate(done):
            assert isinstance(answer, ZeroDivisionError) if number % 5 == 2 else answer == number

    run(place, story)
    written = {row[0] for row in rows_of(place, "select id from writer where id like 'w%'")}
    assert written == {f"w{number}" for number in range(20) if number % 5 != 2}


def test_works_whose_shared_transaction_the_database_gave_up_are_done_one_by_one(sqlite_place: StorePlace) -> None:
    session = SqliteSession(sqlite_place.settings.data / sqlite.FILE_NAME, JumpingClock())

    def out_of_memory(session: Session) -> None:
        session.rollback()  # as SQLite does by itself then
        raise MemoryError

    def work(number: int) -> Callable[[Session], int]:
        def insert(session: Session) -> int:
            session.insert(_INSERT_WRITER, [(f"w{number}", number, 1)])
            return number

        return insert

    works = [work(1), out_of_memory, work(2)]
    first, failed, last = perform(session, [InTransaction(one) for one in works], write_together)
    session.close()
    assert (first, last) == (1, 2)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, MemoryError)
    written = {row[0] for row in rows_of(sqlite_place, "select id from writer where id like 'w%'")}
    assert written == {"w1", "w2"}


class Gate:
    """Holds the writer up: the first record to be made waits until the gate is opened."""

    def __init__(self) -> None:
        self.reached, self._opened = threading.Event(), threading.Event()

    def open(self) -> None:
        self._opened.set()

    def finish(self, decision: Taken | NotTaken) -> PingRecord:
        self.reached.set()
        assert self._opened.wait(60)
        assert isinstance(decision, Taken)
        return record_of(decision, decision.reservation.ping_id)


def test_more_writes_than_may_wait_are_refused_at_once(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        gate = Gate()
        held_up = asyncio.gather(store.reservations.settle(settlement(place_with(), at=START, finish=gate.finish)))
        await asyncio.to_thread(gate.reached.wait)
        waiting = asyncio.gather(*(store.reservations.settle(settlement(place_with(), at=START)) for _ in range(5)))
        await asyncio.sleep(0)
        with pytest.raises(StoreOverloaded):
            await store.reservations.settle(settlement(place_with(), at=START))
        gate.open()
        assert all(isinstance(answer, Taken) for answer in [*await held_up, *await waiting])
        assert isinstance(await store.reservations.settle(settlement(place_with(), at=START)), Taken)

    run(place.with_limits(writes_waiting=5), story)


def test_closing_finishes_what_was_accepted_and_takes_nothing_more(place: StorePlace) -> None:
    pings = [settlement(place_with(), at=START) for _ in range(300)]

    async def story(store: Store) -> None:
        accepted = asyncio.gather(*map(store.reservations.settle, pings))
        await asyncio.sleep(0)
        await store.close()
        assert all(isinstance(answer, Taken) for answer in await accepted)
        with pytest.raises(StoreUnavailable):
            await store.reservations.settle(settlement(place_with(), at=START))

    run(place, story)
    assert rows_of(place, "select count(*) from reservation") == [(300,)]


def test_a_caller_that_goes_away_does_not_undo_its_write(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        gate = Gate()
        first = asyncio.gather(store.reservations.settle(settlement(place_with(), at=START, finish=gate.finish)))
        await asyncio.to_thread(gate.reached.wait)
        ping = settlement(place_with(), at=START)
        given_up = asyncio.gather(store.reservations.settle(ping))
        await asyncio.sleep(0)
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up
        gate.open()
        await first
        await store.reservations.settle(settlement(place_with(), at=START))
        assert await store.reservations.find(ping.ping_id) is not None

    run(place, story)


def test_what_was_answered_is_there_after_reopening(place: StorePlace) -> None:
    ping = settlement(place_with(), at=START)
    run(place, lambda store: store.reservations.settle(ping))

    async def story(store: Store) -> None:
        found = await store.reservations.find(ping.ping_id)
        assert found is not None
        assert found.status == "reserved"

    run(place, story)


def test_a_reader_sees_what_a_running_store_has_committed(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.apply_catalog(CompanyId("acme"), "document", applied_by="test")
        reader = open_reader(place.settings, place.clock)
        ping = settlement(place_with(), at=START, snapshot_version=1)
        await store.reservations.settle(ping)
        found = await reader.find(ping.ping_id)
        assert found is not None
        assert found.status == "reserved"
        assert await reader.catalog_heads() == (1, [("acme", "document")])
        assert (await reader.facts()).database == place.database
        await reader.close()

    run(place, story)


def test_a_reader_says_where_there_is_no_store(sqlite_place: StorePlace) -> None:
    with pytest.raises(StoreMissing, match="ringbid serve"):
        open_reader(Settings(data=sqlite_place.settings.data / "elsewhere"))


def test_the_facts_name_the_database_and_no_password(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        facts = await store.facts()
        assert facts.database == place.database
        assert facts.size_bytes > 10_000
        assert facts.version.split(".")[0].isdigit()
        assert "@" not in facts.place
        assert (facts.wal_reset_bug is None) is (place.database == "postgresql")
        assert (facts.now is None) is (place.database == "sqlite")

    run(place, story)


def test_a_thread_ends_with_its_queue(sqlite_place: StorePlace) -> None:
    session = SqliteSession(sqlite_place.settings.data / sqlite.FILE_NAME, JumpingClock())
    thread = SessionThread(session, name="test", most_waiting=10, together=write_together)
    thread.close()
    thread.close()
    assert not thread._thread.is_alive()
