"""The machinery under the promises: queue, batches, connections that break, a disk that is full, one writer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import func, select

from ringbid.reservations.ports import NotTaken, PingRecord, StoreOverloaded, StoreUnavailable, Taken
from ringbid.reservations.taking import Take
from ringbid.settings import Settings
from ringbid.store import schema, sqlite
from ringbid.store.opening import Store, StoreMissing, WriterBusy, open_reader, open_store
from ringbid.store.postgres import PostgresSession
from ringbid.store.session import ConnectionLost, Session
from ringbid.store.sqlite import SqliteSession, has_wal_reset_bug
from ringbid.store.statements import Insert, Statement
from ringbid.store.threads import SessionThread
from ringbid.store.transactions import Failed, InTransaction, perform, write_together
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId
from support.clocks import START, JumpingClock
from support.postgres import Cluster
from support.store_clients import hammer, most_held, rows_of
from support.stores import KEY, StorePlace, caller, place_with, record_of, run, settlement, subject

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
        assert self._opened.wait(10)
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


def test_one_process_writes_to_a_sqlite_store_and_the_next_is_told_which(sqlite_place: StorePlace) -> None:
    open_it = (
        "import asyncio, sys; from pathlib import Path; from ringbid.settings import Settings;"
        "from ringbid.store.opening import WriterBusy, open_store; from ringbid.values.clock import SystemClock\n"
        "try: asyncio.run(open_store(Settings(data=Path(sys.argv[1])), SystemClock()))\n"
        "except WriterBusy as error: print(error)"
    )
    command = [sys.executable, "-c", open_it, str(sqlite_place.settings.data)]

    async def story(store: Store) -> None:
        other = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        assert f"process {os.getpid()} " in other.stdout
        with pytest.raises(WriterBusy, match=str(os.getpid())):
            await open_store(sqlite_place.settings, SystemClock())

    run(sqlite_place, story)
    run(sqlite_place, lambda store: store.catalog_version())


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


def test_sqlite_is_durable_and_erases_what_it_deletes(sqlite_place: StorePlace) -> None:
    connection = sqlite.connect(sqlite_place.settings.data / sqlite.FILE_NAME)
    settings = [connection.execute(f"pragma {name}").fetchone()[0] for name in SQLITE_PRAGMAS]
    connection.close()
    assert dict(zip(SQLITE_PRAGMAS, settings, strict=True)) == SQLITE_PRAGMAS


SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_the_readers_of_sqlite_cannot_write(sqlite_place: StorePlace) -> None:
    connection = sqlite.connect(sqlite_place.settings.data / sqlite.FILE_NAME, read_only=True)
    with pytest.raises(sqlite.sqlite3.OperationalError, match="readonly"):
        connection.execute("delete from ping")
    connection.close()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_the_versions_with_the_wal_reset_bug_are_known(version: tuple[int, int, int], affected: bool) -> None:
    assert has_wal_reset_bug(version) is affected


def test_a_full_disk_fails_writes_keeps_reads_and_heals_by_itself(sqlite_place: StorePlace) -> None:
    async def story(store: Store) -> None:
        first = settlement(place_with(), at=START)
        await store.reservations.settle(first)
        connection = store._writer._session._connection
        [(pages,)] = connection.execute("pragma page_count").fetchall()
        connection.execute(f"pragma max_page_count = {pages}")
        huge = settlement(place_with(), at=START, finish=lambda decision: _huge(decision, first.ping_id))
        with pytest.raises(StoreUnavailable, match="full"):
            await store.reservations.settle(huge)
        assert await store.reservations.find(first.ping_id) is not None
        assert await store.reservations.find(huge.ping_id) is None
        assert isinstance(await store.reservations.settle(settlement(place_with(), at=START)), Taken)

    run(sqlite_place, story)


def _huge(decision: Taken | NotTaken, ping_id: str) -> PingRecord:
    record = record_of(decision, ping_id)  # type: ignore[arg-type]  # -- any uuid will do
    return PingRecord(
        reason=record.reason,
        status=record.status,
        buyer_id=record.buyer_id,
        trace=b"x" * 1_000_000,
        reply_status=200,
        reply_body=b"",
    )


def terminate_backends(url: str) -> int:
    """Break every connection of stores to this database, as an administrator or a fail-over would."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name = 'ringbid'"
        ).fetchall()
    return len(rows)


def test_broken_connections_to_postgresql_are_no_ones_error(postgres_place: StorePlace) -> None:
    url = postgres_place.settings.database
    assert url is not None
    five = subject(concurrency=5)

    async def story(store: Store) -> None:
        broken = 0
        for seed in range(15):
            outcomes, ended, _ = await asyncio.gather(
                hammer(store, postgres_place.clock, (five,), clients=8, attempts=100, seed=seed),
                asyncio.to_thread(terminate_backends, url),
                store.reservations.look(key_id=KEY, duplicate_key=None, subjects=(five,), idempotency=None),
            )
            broken += ended
            assert outcomes["Taken"] + outcomes["NotTaken"] == 100
        assert broken > 15, "the writer's and the reader's, but for those that were just being made"

    run(postgres_place, story)
    assert rows_of(postgres_place, "select count(*), count(distinct uuid) from ping") == [(1500, 1500)]
    assert most_held(postgres_place, count_on_reserve=True) == 5


class LosesTheAnswer(PostgresSession):
    """Its connection breaks at the first COMMIT: after it was done, or before it was sent."""

    before = False
    lost = False

    def commit(self) -> None:
        if self.lost:
            super().commit()
            return
        self.lost = True
        if not self.before:
            super().commit()
        self._connection.close()
        raise ConnectionLost("the answer never came")


class LosesTheQuestion(LosesTheAnswer):
    before = True


@pytest.mark.parametrize("session_type", [LosesTheAnswer, LosesTheQuestion])
def test_a_commit_whose_answer_was_lost_is_looked_up_and_done_once(
    postgres_place: StorePlace, session_type: Callable[..., LosesTheAnswer]
) -> None:
    url = postgres_place.settings.database
    assert url is not None
    session = session_type(url, clock=JumpingClock())
    ping = settlement(place_with(subject(concurrency=1)), at=START, caller_number=caller())
    [answer] = write_together(session, [Take(ping)])
    assert isinstance(answer, Taken), "not the duplicate of itself"
    session.close()
    assert rows_of(postgres_place, "select count(*) from ping") == [(1,)]
    assert rows_of(postgres_place, "select count(*) from place") == [(1,)]


def test_a_commit_still_under_way_on_a_lost_connection_is_waited_for(postgres_place: StorePlace) -> None:
    """Our connection broke, but the server is still at it: asking before it has ended would say no too early."""
    url = postgres_place.settings.database
    assert url is not None
    lost, again = (PostgresSession(url, clock=JumpingClock()) for _ in range(2))
    again._writer_id, again._batch = lost._writer_id, 1
    lost.begin()
    [answer] = _decide(lost, Take(settlement(place_with(), at=START)))
    assert isinstance(answer, Taken)
    mark_only = lost._connection
    mark_only.execute("insert into writer values (%s, 1, 0)", (lost._writer_id,))
    told: list[bool] = []
    asking = threading.Thread(target=lambda: told.append(again.committed()))
    asking.start()
    _wait_until_somebody_waits_for_a_lock(url)
    mark_only.execute("COMMIT")
    asking.join()
    assert told == [True]
    lost.close()
    again.close()


def _decide(session: Session, take: Take) -> list[object]:
    from ringbid.store.batch import run_batch

    return run_batch(session, [take])


def _wait_until_somebody_waits_for_a_lock(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        while connection.execute(query).fetchone() == (0,):
            pass


def test_a_postgresql_that_is_down_is_told_at_once_and_used_again_when_it_is_back() -> None:
    cluster = Cluster.start(durable=True)
    place = StorePlace("postgresql", Settings(database=cluster.create_database()), JumpingClock())

    async def story(store: Store) -> None:
        kept = settlement(place_with(), at=START)
        assert isinstance(await store.reservations.settle(kept), Taken)
        cluster.kill()
        for attempt in (store.reservations.settle(settlement(place_with(), at=START)), store.catalog_version()):
            with pytest.raises(StoreUnavailable):
                await attempt
        await asyncio.to_thread(cluster.boot_after_kill)
        assert await store.reservations.find(kept.ping_id) is not None
        assert isinstance(await store.reservations.settle(settlement(place_with(), at=START)), Taken)

    try:
        run(place, story)
    finally:
        cluster.stop()


def test_a_postgresql_that_takes_no_writes_is_refused(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database()
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set default_transaction_read_only = on")  # type: ignore[arg-type]  # -- a test may be loose with types
    with pytest.raises(StoreUnavailable):
        PostgresSession(url)


def test_a_thread_ends_with_its_queue(sqlite_place: StorePlace) -> None:
    session = SqliteSession(sqlite_place.settings.data / sqlite.FILE_NAME, JumpingClock())
    thread = SessionThread(session, name="test", most_waiting=10, together=write_together)
    thread.close()
    thread.close()
    assert not thread._thread.is_alive()
