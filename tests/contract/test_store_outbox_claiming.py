"""The outbox on both databases: who may send what when, and that nothing is sent by two at once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from ringbid.outbox.message import MessageState
from ringbid.store.opening import Store
from ringbid.store.outbox_turn import _DUE, HEADS
from ringbid.store.outbox_writing import enqueue
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId, CompanyId
from support.clocks import START
from support.outbox import ACME, ENDPOINT, LEASE_MS, OTHER, QUEUE, claim, message, put, send, wish
from support.stores import StorePlace, run


def test_what_is_enqueued_is_claimed_as_it_was_written_oldest_first(place: StorePlace) -> None:
    messages = [message(1, body=b"\xff\x00", call_id=CallId("c1")), message(2, endpoint=OTHER)]

    async def story(store: Store) -> None:
        await put(store, *messages)
        assert [claimed.message for claimed in await claim(store)] == messages

    run(place, story)


def test_a_message_whose_cause_is_rolled_back_never_was(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        def cause(session: object) -> None:
            enqueue(session, [message()], to_ms(START))  # type: ignore[arg-type]  # -- as the writer calls it
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store._writer.transact(cause)
        assert await claim(store) == ()

    run(place, story)


def test_nobody_else_gets_what_is_claimed_until_its_lease_ends(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        [first] = await claim(store)
        assert (await store.outbox.turn([], wish())).due_in_ms == LEASE_MS
        place.clock.advance(LEASE_MS / 1000 - 0.001)
        assert await claim(store) == ()
        place.clock.advance(0.001)
        [again] = await claim(store)
        assert again.message == first.message
        assert again.lease != first.lease

    run(place, story)


def test_two_senders_never_claim_the_same_message(postgres_place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, *(message(number) for number in range(60)))
        async with postgres_place.open() as other:
            turns = [claim(each, room=5) for _ in range(6) for each in (store, other)]
            claimed = [one.message.message_id for some in await asyncio.gather(*turns) for one in some]
        assert len(claimed) == 60
        assert len(set(claimed)) == 60

    run(postgres_place, story)


def test_an_endpoint_gets_no_more_than_its_share_and_others_are_not_held_up_by_it(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, *(message(number) for number in range(210)))
        await put(store, message(9001, endpoint=OTHER), message(9002, company_id=CompanyId("other")))
        claimed = await claim(store, room=10, most_per_queue=3, under_way=[QUEUE])
        assert [one.queue for one in claimed] == [QUEUE, QUEUE, f"{ACME} {OTHER}", f"other {ENDPOINT}"]

    run(place, story)


def test_all_that_is_due_is_claimed_even_where_it_is_many_to_one_endpoint(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, *(message(number) for number in range(401)))
        assert len(await claim(store, room=1000, most_per_queue=1000)) == 401

    run(place, story)


def test_a_sender_is_told_when_the_next_message_is_due(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert (await store.outbox.turn([], wish())).due_in_ms is None
        await put(store, message())
        await send(store, MessageState.WAITING, retry_in_ms=5000)
        await put(store, message(2, endpoint=OTHER), at=START + timedelta(seconds=9))
        place.clock.advance(2)
        assert (await store.outbox.turn([], wish())).due_in_ms == 3000

    run(place, story)


def test_on_sqlite_a_new_sender_takes_over_at_once_what_a_killed_one_left(sqlite_place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        await claim(store)
        assert await store.outbox.adopt() == 1
        assert len(await claim(store)) == 1

    run(sqlite_place, story)


def test_on_postgresql_others_may_be_sending_and_nothing_is_taken_from_them(postgres_place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        await claim(store)
        assert await store.outbox.adopt() == 0
        assert await claim(store) == ()

    run(postgres_place, story)


def test_a_long_queue_is_stepped_over_by_the_index(sqlite_place: StorePlace) -> None:
    """Two hundred thousand waiting messages of one slow endpoint cost a turn 2 s where SQLite took another index."""
    for statement in (HEADS, _DUE):
        text, values = statement.prepare("sqlite", {})
        with closing(sqlite3.connect(sqlite_place.settings.data / FILE_NAME)) as lite:
            plan = [detail for *_, detail in lite.execute(f"explain query plan {text}", values)]
        on_the_table = [detail for detail in plan if " outbox" in detail]
        assert on_the_table
        assert all("USING INDEX ix_outbox_queue_next_at_ms_id" in detail for detail in on_the_table), plan
