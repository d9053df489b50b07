"""Connections to PostgreSQL that break, also at a commit, and a server that is down or takes no writes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import psycopg
import pytest

from ringbid.reservations.ports import StoreUnavailable, Taken
from ringbid.reservations.taking import Take
from ringbid.settings import Settings
from ringbid.store.opening import Store
from ringbid.store.postgres import PostgresSession
from ringbid.store.session import ConnectionLost, Session
from ringbid.store.transactions import write_together
from support.clocks import START, JumpingClock
from support.postgres import Cluster
from support.store_clients import hammer, most_held, rows_of
from support.stores import KEY, StorePlace, caller, place_with, run, settlement, subject


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
        nonlocal rounds
        broken = 0
        while rounds < 15 or broken <= 15:  # the writer's and the reader's, but for those that were just being made
            outcomes, ended, _ = await asyncio.gather(
                hammer(store, postgres_place.clock, (five,), clients=8, attempts=100, seed=rounds),
                asyncio.to_thread(terminate_backends, url),
                store.reservations.look(key_id=KEY, duplicate_key=None, subjects=(five,), idempotency=None),
            )
            broken += ended
            assert outcomes["Taken"] + outcomes["NotTaken"] == 100
            rounds += 1

    rounds = 0
    run(postgres_place, story)
    assert rows_of(postgres_place, "select count(*), count(distinct uuid) from ping") == [(100 * rounds, 100 * rounds)]
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
