"""Clients that hammer a store, in this process or another, and an audit of what they left in its tables.

The audit shares no code with the product: it reads the rows with plain SQL.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from typing import Any

import psycopg

from ringbid.reservations.limits import Subject
from ringbid.reservations.ports import IdempotencyUse, Taken
from ringbid.reservations.reservation import Reservation
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.store.postgres import PostgresSession
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.clock import Clock, SystemClock
from support.clocks import JumpingClock
from support.stores import KEY, StorePlace, always, caller, place_with, settlement

Outcomes = Counter[str]


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
    """So many attempts to take a place, by clients that then confirm, release, claim or forget it. What came of them."""
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


def hammer_from_processes(url: str, *subjects: Subject, processes: int, planted: bool = False, **how: Any) -> Outcomes:
    """The same from several processes, each with its own store on one PostgreSQL database. `planted`: without locks."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_hammer_here, url, subjects, planted, {**how, "seed": seed}) for seed in range(processes)]
        return sum((task.result() for task in tasks), Counter())


def _hammer_here(url: str, subjects: tuple[Subject, ...], planted: bool, how: dict[str, Any]) -> Outcomes:
    if planted:
        PostgresSession.lock = lambda self, names: None  # type: ignore[method-assign]  # -- the planted bug: count, insert

    async def work() -> Outcomes:
        clock = SystemClock()
        store = await open_store(Settings(database=url), clock)
        try:
            return await hammer(store, clock, subjects, **how)
        finally:
            await store.close()

    return asyncio.run(work())


def settle_from_processes(url: str, *, processes: int, rounds: int, what: str) -> list[list[tuple[str, str]]]:
    """For each round, what each process was told when all settle at once: the caller's, or an idempotency key's, ping.

    `what`: caller | idempotency.
    """
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(_settle_here, [url] * processes, [rounds] * processes, [what] * processes))
    return [list(of_round) for of_round in zip(*told, strict=True)]


def _settle_here(url: str, rounds: int, what: str) -> list[tuple[str, str]]:
    """The kind of each answer, and the uuid that the publisher is told."""

    async def work() -> list[tuple[str, str]]:
        clock, told = SystemClock(), []
        store = await open_store(Settings(database=url), clock)
        for number in range(rounds):
            ping = settlement(
                place_with(),
                at=clock.now(),
                caller_number=caller(number) if what == "caller" else None,
                idempotency=IdempotencyUse(key=f"round {number}", fingerprint="same") if what == "idempotency" else None,
                ttl_seconds=600,
            )
            settled = await store.reservations.settle(ping)
            original = getattr(settled, "original", None)
            uuid = getattr(settled, "reply_body", None) or (original.ping_id if original else ping.ping_id).encode()
            told.append((type(settled).__name__, uuid.decode()))
        await store.close()
        return told

    return asyncio.run(work())


def rows_of(place: StorePlace, query: str) -> list[tuple[Any, ...]]:
    """The rows of a plain query, on a connection of its own."""
    if place.settings.database is not None:
        with psycopg.connect(place.settings.database) as connection:
            return connection.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(place.settings.data / FILE_NAME)) as lite:
        return lite.execute(query).fetchall()


def most_held(place: StorePlace) -> Mapping[str, int]:
    """For each buyer, the most reservations that counted at one moment, by the store's own times."""
    spans: dict[str, list[tuple[int, int]]] = {}
    query = (
        "select buyer_id, coalesce(confirmed_at_ms, reserved_at_ms), coalesce(ended_at_ms, expires_at_ms), reserved_at_ms,"
        " state from reservation"
    )
    for buyer_id, confirmed_ms, ended_ms, _, _ in rows_of(place, query):
        spans.setdefault(buyer_id, []).append((confirmed_ms, ended_ms))
    return {buyer_id: most_at_once(of_buyer) for buyer_id, of_buyer in spans.items()}


def most_at_once(spans: Iterable[tuple[int, int]]) -> int:
    """The largest number of [start, end) that share a moment."""
    changes = sorted(change for start, end in spans if start < end for change in ((start, 1), (end, -1)))
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
