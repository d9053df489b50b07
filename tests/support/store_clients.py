"""Clients that hammer a store, in this process or another, and an audit of what they left in its tables.

The audit shares no code with the product: it reads the rows with plain SQL.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg
import pytest

from ringbid.reservations.limits import Subject
from ringbid.reservations.ports import IdempotencyUse, Taken
from ringbid.reservations.reservation import Reservation
from ringbid.settings import Settings
from ringbid.store import postgres, sqlite
from ringbid.store.opening import Store, open_store
from ringbid.store.postgres import PostgresSession
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.clock import Clock, SystemClock
from support.clocks import JumpingClock
from support.stores import KEY, StorePlace, always, caller, place_with, settlement

PROCESSES = 2
Outcomes = Counter[str]

_barrier: Barrier


async def hammer(
    store: Store,
    clock: Clock,
    subjects: tuple[Subject, ...],
    *,
    clients: int,
    attempts: int,
    seed: int,
    count_on_reserve: bool = True,
    ttl_seconds: int = 1,
) -> Outcomes:
    """So many attempts to take a place, by clients that then confirm, release, claim or forget it. What came of
    them.
    """
    chance = random.Random(seed)
    numbers = iter(range(attempts))
    outcomes: Outcomes = Counter()

    async def client() -> None:
        for number in numbers:
            if isinstance(clock, JumpingClock) and chance.random() < 0.02:
                clock.advance(chance.random() / 4)
            ping = settlement(
                place_with(*subjects),
                at=clock.now(),
                caller_number=caller(seed * 100_000 + number),
                count_on_reserve=count_on_reserve,
                ttl_seconds=ttl_seconds,
            )
            settled = await store.reservations.settle(ping)
            outcomes[type(settled).__name__] += 1
            if isinstance(settled, Taken):
                outcomes.update(await _go_on(store, ping.ping_id, subjects, chance))

    await asyncio.gather(*(client() for _ in range(clients)))
    return outcomes


async def _go_on(store: Store, ping_id: Any, subjects: tuple[Subject, ...], chance: random.Random) -> list[str]:
    """What a client does with its reservation."""
    of, reservations = always(*subjects), store.reservations
    if chance.random() < 0.3:
        return [f"release {await _name(reservations.release(ping_id, key_id=KEY))}"]
    done = []
    if chance.random() < 0.6:
        done.append(f"confirm {await _name(reservations.confirm(ping_id, key_id=KEY, subjects_of=of))}")
    if chance.random() < 0.3:
        claimed = await _name(reservations.claim(ping_id, subjects_of=of, max_duration_seconds=60))
        done.append(f"claim {claimed}")
        if claimed == "live":
            await reservations.finish(ping_id)
    return done


async def _name(move: Any) -> str:
    answer = await move
    return answer.state.value if isinstance(answer, Reservation) else answer.reason.code


def start_processes() -> Executor:
    """Two processes, which meet before each piece of work they are given."""
    context = get_context("spawn")
    return ProcessPoolExecutor(PROCESSES, context, initializer=_remember, initargs=(context.Barrier(PROCESSES),))


def hammer_from(
    processes: Executor, place: StorePlace, *subjects: Subject, planted: bool = False, **how: Any
) -> Outcomes:
    """`hammer` from each process, with its own store on one PostgreSQL database. `planted`: without locks."""
    tasks = [
        processes.submit(_hammer_here, place.settings, subjects, planted, {**how, "seed": seed})
        for seed in range(PROCESSES)
    ]
    return sum((task.result() for task in tasks), Counter())


def settle_from(processes: Executor, place: StorePlace, *, rounds: int, what: str) -> list[list[tuple[str, str]]]:
    """For each round, what each process is told when both settle at once: the kind of answer, and a uuid.

    `what`: pings of one `caller`, or with one `idempotency` key.
    """
    tasks = [processes.submit(_settle_here, place.settings, rounds, what) for _ in range(PROCESSES)]
    return [list(of_round) for of_round in zip(*(task.result() for task in tasks), strict=True)]


def _remember(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603 -- how a pool's process is given what cannot go with its work
    _barrier = barrier


def _hammer_here(settings: Settings, subjects: tuple[Subject, ...], planted: bool, how: dict[str, Any]) -> Outcomes:
    async def work() -> Outcomes:
        clock = SystemClock()
        store = await open_store(settings, clock)
        try:
            _barrier.wait()
            return await hammer(store, clock, subjects, **how)
        finally:
            await store.close()

    with pytest.MonkeyPatch.context() as patch:
        if planted:  # count, then insert
            patch.setattr(PostgresSession, "lock", lambda _session, _names: None)
        return asyncio.run(work())


def _settle_here(settings: Settings, rounds: int, what: str) -> list[tuple[str, str]]:
    async def work() -> list[tuple[str, str]]:
        clock, told = SystemClock(), []
        store = await open_store(settings, clock)
        for number in range(rounds):
            ping = settlement(
                place_with(),
                at=clock.now(),
                caller_number=caller(number) if what == "caller" else None,
                idempotency=IdempotencyUse(key=f"round {number}", fingerprint="same")
                if what == "idempotency"
                else None,
                ttl_seconds=600,
            )
            _barrier.wait()
            settled = await store.reservations.settle(ping)
            original = getattr(settled, "original", None)
            uuid = getattr(settled, "reply_body", None) or (original.ping_id if original else ping.ping_id).encode()
            told.append((type(settled).__name__, uuid.decode()))
        await store.close()
        return told

    return asyncio.run(work())


def connector(place: StorePlace) -> Any:
    """What `store.migrating` connects with."""
    if place.settings.database is not None:
        return partial(postgres.connect, place.settings.database, autocommit=False)
    return partial(sqlite.connect, place.settings.data / sqlite.FILE_NAME)


def rows_of(place: StorePlace, query: str) -> list[tuple[Any, ...]]:
    """The rows of a plain query, on a connection of its own."""
    if place.settings.database is not None:
        with psycopg.connect(place.settings.database) as connection:
            return connection.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(place.settings.data / FILE_NAME)) as lite:
        return lite.execute(query).fetchall()


def most_held(place: StorePlace, *, count_on_reserve: bool) -> int:
    """The most places that the one buyer of a test had taken at one moment, by the store's own times."""
    query = (
        "select r.reserved_at_ms, min(m.at_ms), coalesce(r.ended_at_ms, r.live_until_ms, r.expires_at_ms)"
        " from reservation r left join reservation_move m"
        " on m.ping_id = r.ping_id and m.to_state in ('confirmed', 'live') group by r.ping_id"
    )
    rows = rows_of(place, query)
    spans = [(reserved if count_on_reserve else counted, end) for reserved, counted, end in rows]
    return most_at_once((start, end) for start, end in spans if start is not None)


def most_at_once(spans: Iterable[tuple[int, int]]) -> int:
    """The largest number of [start, end) that share a moment."""
    changes = sorted(change for start, end in spans if start < end for change in ((start, 1), (end, -1)))
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def change_rows(place: StorePlace, statement: str) -> None:
    """Change the tables behind the store's back."""
    if place.settings.database is not None:
        with psycopg.connect(place.settings.database) as connection:
            connection.execute(statement.encode())
        return
    with closing(sqlite3.connect(place.settings.data / FILE_NAME)) as lite, lite:
        lite.execute(statement)
