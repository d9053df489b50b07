"""The outbox on both databases: who may send what when, what is recorded, and what the owner can change."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Claimed, Listed, Replayed, Shown
from ringbid.store.opening import Store, open_reader
from ringbid.store.outbox_turn import _DUE, HEADS
from ringbid.store.outbox_writing import enqueue
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId, CompanyId
from support.clocks import START
from support.outbox import ACME, ENDPOINT, LEASE_MS, message, put, tried, wish
from support.store_clients import rows_of
from support.stores import StorePlace, run

QUEUE = f"{ACME} {ENDPOINT}"
OTHER = "auto-insurance/Tell the owner"
DAY = timedelta(days=1)


async def claim(store: Store, **how: object) -> tuple[Claimed, ...]:
    return (await store.outbox.turn([], wish(**how))).claimed  # type: ignore[arg-type]  # -- a test may be loose with types


async def send(store: Store, state: MessageState, **how: int) -> Claimed:
    """Claim the one message that is due, and record a try."""
    [claimed] = await claim(store)
    await store.outbox.turn([tried(claimed, state, **how)], wish(room=0))
    return claimed


async def show(store: Store, message_id: str) -> Shown:
    shown = await store.outbox.show(message_id)
    assert shown is not None
    return shown


async def stands(store: Store, message_id: str) -> Listed:
    return (await show(store, message_id)).listed


# Enqueued and claimed


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


# Recorded


def test_a_delivery_ends_a_message_with_its_try_kept(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        claimed = await send(store, MessageState.DELIVERED)
        shown = await show(store, claimed.message.message_id)
        listed = shown.listed
        assert (listed.state, listed.tries, listed.last_status) == (MessageState.DELIVERED, 1, 204)
        assert (listed.next_at, listed.ended_at) == (None, START)
        assert [(one.number, one.at, one.took_ms, one.status) for one in shown.tries] == [(1, START, 12, 204)]
        place.clock.advance(1000)
        assert await claim(store) == ()

    run(place, story)


def test_a_failure_waits_for_its_time_with_the_same_id_and_the_next_step(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        first = await send(store, MessageState.WAITING, retry_in_ms=5000)
        place.clock.advance(4.999)
        assert await claim(store) == ()
        place.clock.advance(0.001)
        [second] = await claim(store)
        assert second.message == first.message
        assert (first.step, second.step) == (0, 1)

    run(place, story)


def test_a_dead_message_is_kept(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        claimed = await send(store, MessageState.DEAD)
        place.clock.advance(10**6)
        assert await claim(store) == ()
        assert (await stands(store, claimed.message.message_id)).state is MessageState.DEAD

    run(place, story)


def test_a_410_disables_the_endpoint_and_keeps_back_what_waits_and_what_comes(place: StorePlace) -> None:
    waiting, elsewhere, later = message(2), message(3, endpoint=OTHER), message(4)

    async def story(store: Store) -> None:
        await put(store, message(1))
        [claimed] = await claim(store)
        await put(store, waiting, elsewhere)
        await store.outbox.turn([tried(claimed, MessageState.DISABLED)], wish(room=0))
        await put(store, later)
        assert [one.message for one in await claim(store)] == [elsewhere]
        for one in (claimed.message, waiting, later):
            assert (await stands(store, one.message_id)).state is MessageState.DISABLED
        [endpoint] = (await store.outbox.counts()).disabled_endpoints
        assert (endpoint.company_id, endpoint.endpoint, endpoint.disabled_at) == (ACME, ENDPOINT, START)
        assert claimed.message.message_id in endpoint.why

    run(place, story)


def test_a_try_that_was_broken_off_counts_for_nothing_and_leaves_the_message_due(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        [claimed] = await claim(store)
        [again] = (await store.outbox.turn([tried(claimed, None)], wish())).claimed
        assert again.message == claimed.message
        assert (await stands(store, again.message.message_id)).tries == 0

    run(place, story)


def test_a_failure_that_comes_after_the_lease_does_not_take_the_message_from_who_has_it_now(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        [late] = await claim(store)
        place.clock.advance(LEASE_MS / 1000)
        [current] = await claim(store)
        await store.outbox.turn([tried(late, MessageState.WAITING, retry_in_ms=0)], wish(room=0))
        assert await claim(store) == ()
        await store.outbox.turn([tried(current, MessageState.DELIVERED)], wish(room=0))
        shown = await show(store, late.message.message_id)
        assert shown.listed.state is MessageState.DELIVERED
        assert [one.status for one in shown.tries] == [500, 204]

    run(place, story)


def test_a_delivery_counts_also_after_the_lease(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        [late] = await claim(store)
        place.clock.advance(LEASE_MS / 1000)
        [current] = await claim(store)
        await store.outbox.turn([tried(late, MessageState.DELIVERED)], wish(room=0))
        await store.outbox.turn([tried(current, MessageState.WAITING, retry_in_ms=0)], wish(room=0))
        shown = await show(store, late.message.message_id)
        assert (shown.listed.state, shown.listed.tries) == (MessageState.DELIVERED, 2)
        assert await claim(store) == ()

    run(place, story)


def test_a_result_for_a_message_that_is_gone_is_dropped(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        [claimed] = await claim(store)
        stranger = replace(claimed, message=message(7))
        await store.outbox.turn([tried(stranger, MessageState.DELIVERED)], wish(room=0))
        assert await store.outbox.show(stranger.message.message_id) is None

    run(place, story)
    assert rows_of(place, "select * from outbox_try") == []


# Replayed and enabled


@pytest.mark.parametrize("state", [MessageState.DELIVERED, MessageState.DEAD])
def test_a_replayed_message_is_due_at_once_under_its_id_and_has_all_its_tries_again(
    place: StorePlace, state: MessageState
) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        await send(store, MessageState.WAITING, retry_in_ms=0)
        ended = await send(store, state)
        assert await store.outbox.replay(ended.message.message_id) is Replayed.WAITING
        [again] = await claim(store)
        assert (again.message, again.step) == (ended.message, 0)
        await store.outbox.turn([tried(again, MessageState.DELIVERED)], wish(room=0))
        assert [one.number for one in (await show(store, again.message.message_id)).tries] == [1, 2, 3]

    run(place, story)


def test_what_is_under_way_or_unknown_is_not_replayed(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        [claimed] = await claim(store)
        assert await store.outbox.replay(claimed.message.message_id) is Replayed.UNDER_WAY
        assert await store.outbox.replay("msg_0") is Replayed.UNKNOWN

    run(place, story)


def test_a_message_of_which_no_request_could_be_made_is_dead_and_never_claimed_or_replayed(place: StorePlace) -> None:
    lost, other = message(1, unsendable="found 'é', expected ASCII"), message(2)

    async def story(store: Store) -> None:
        await put(store, lost, other)
        [claimed] = await claim(store)
        assert claimed.message == other
        await store.outbox.turn([tried(claimed, MessageState.DEAD)], wish(room=0))
        listed = await stands(store, lost.message_id)
        assert (listed.state, listed.tries, listed.last_error) == (MessageState.DEAD, 0, "found 'é', expected ASCII")
        assert await store.outbox.replay(lost.message_id) is Replayed.UNSENDABLE
        assert await store.outbox.replay_dead(ACME, ENDPOINT) == 1
        assert [one.message for one in await claim(store)] == [other]

    run(place, story)


def test_an_enabled_endpoint_gets_what_was_kept_from_it(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert await store.outbox.enable(ACME, ENDPOINT) is None
        await put(store, message(1), message(2, company_id=CompanyId("other")))
        for claimed in await claim(store):
            await store.outbox.turn([tried(claimed, MessageState.DISABLED)], wish(room=0))
        assert await store.outbox.enable(ACME, ENDPOINT) == 1
        assert [one.message.company_id for one in await claim(store)] == [ACME]
        assert len((await store.outbox.counts()).disabled_endpoints) == 1

    run(place, story)


def test_a_message_of_a_disabled_endpoint_is_not_replayed_before_that_is_enabled(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        claimed = await send(store, MessageState.DISABLED)
        assert await store.outbox.replay(claimed.message.message_id) is Replayed.ENDPOINT_DISABLED
        assert (await stands(store, claimed.message.message_id)).state is MessageState.DISABLED

    run(place, story)


def test_all_dead_messages_of_an_endpoint_are_replayed_together_and_no_others(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message(1), message(2), message(3), message(4, endpoint=OTHER))
        first, second, third, other = await claim(store)
        results = [tried(one, MessageState.DEAD) for one in (first, second, other)]
        await store.outbox.turn([*results, tried(third, MessageState.DELIVERED)], wish(room=0))
        assert await store.outbox.replay_dead(ACME, ENDPOINT) == 2
        assert [one.message for one in await claim(store)] == [first.message, second.message]

    run(place, story)


# Secrets


def test_a_company_gets_its_secret_with_its_first_message_and_keeps_it(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message(1), message(2), message(3, company_id=CompanyId("other")))
        first, second, other = await claim(store)
        assert first.secrets == second.secrets == await store.outbox.secrets(ACME)
        assert first.secrets != other.secrets
        assert first.secrets[0].startswith("whsec_")

    run(place, story)


def test_a_rotated_secret_stands_before_the_old_one_until_that_is_dropped(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        [old] = await store.outbox.secrets(ACME)
        new, kept = await store.outbox.secrets(ACME, rotate=True)
        assert kept == old != new
        newest, newer = await store.outbox.secrets(ACME, rotate=True)
        assert newer == new
        await put(store, message())
        [claimed] = await claim(store)
        assert claimed.secrets == (newest, newer)
        assert await store.outbox.secrets(ACME, drop_old=True) == (newest,)
        assert await store.outbox.secrets(ACME) == (newest,)

    run(place, story)


# Read


def test_messages_are_listed_newest_first_by_state_company_and_call(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message(1, call_id=CallId("c1")))
        await send(store, MessageState.DEAD)
        await put(store, message(2, call_id=CallId("c1")), message(3, company_id=CompanyId("other")))
        listing = store.outbox.listing
        every = await listing()
        numbers = [one.number for one in every]
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) == 3
        assert [one.state for one in await listing(state=MessageState.DEAD)] == [MessageState.DEAD]
        assert [one.company_id for one in await listing(company_id=CompanyId("other"))] == ["other"]
        assert len(await listing(call_id=CallId("c1"))) == 2
        assert len(await listing(call_id=CallId("c1"), state=MessageState.WAITING, company_id=ACME)) == 1
        assert await listing(limit=2) == every[:2]
        assert await listing(before=every[1].number) == every[2:]

    run(place, story)


def test_what_is_shown_and_listed_holds_no_secret(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message(url="https://user:hunter2@publisher.example/?token=hunter2&call=7"))
        [listed] = await store.outbox.listing()
        shown = await show(store, listed.message_id)
        assert "hunter2" not in str(shown)
        assert "hunter2" not in str(listed)
        assert "call=7" in shown.request
        assert '{"payout":1.17}' in shown.request

    run(place, story)


def test_counts_tell_how_late_the_oldest_message_is(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert (await store.outbox.counts()).late_ms == 0
        await put(store, message(1), message(2), message(3))
        results = zip(await claim(store, room=2), (MessageState.DEAD, MessageState.DELIVERED), strict=True)
        await store.outbox.turn([tried(one, state) for one, state in results], wish(room=0))
        place.clock.advance(7)
        counts = await store.outbox.counts()
        assert (counts.waiting, counts.dead, counts.disabled, counts.late_ms) == (1, 1, 0, 7000)

    run(place, story)


def test_a_reader_beside_the_server_sees_the_same(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message())
        reader = open_reader(place.settings, place.clock)
        try:
            listed = await reader.outbox.listing()
            assert listed == await store.outbox.listing()
            assert await reader.outbox.show(listed[0].message_id) == await show(store, listed[0].message_id)
            assert (await reader.outbox.counts()).waiting == 1
        finally:
            await reader.close()

    run(place, story)


# Flushed


def test_what_was_delivered_is_flushed_by_its_age_and_what_failed_is_kept_longer(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message(1), message(2), message(3), message(4))
        delivered, dead, delivered_later, waiting = await claim(store)
        results = [tried(delivered, MessageState.DELIVERED), tried(dead, MessageState.DEAD)]
        await store.outbox.turn([*results, tried(waiting, MessageState.WAITING, retry_in_ms=0)], wish(room=0))
        place.clock.advance(DAY.total_seconds())
        await store.outbox.turn([tried(delivered_later, MessageState.DELIVERED)], wish(room=0))
        place.clock.advance(1)
        assert await store.outbox.flush(delivered=DAY, dead=2 * DAY) == 1
        left = {one.message_id for one in await store.outbox.listing()}
        assert left == {one.message.message_id for one in (dead, delivered_later, waiting)}
        place.clock.advance(DAY.total_seconds())
        assert await store.outbox.flush(delivered=DAY, dead=2 * DAY) == 2
        assert [one.message_id for one in await store.outbox.listing()] == [waiting.message.message_id]

    run(place, story)
    assert rows_of(place, "select count(*) from outbox_try") == [(1,)]


def test_many_old_messages_are_flushed_in_one_go(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, *(message(number) for number in range(250)))
        results = [tried(one, MessageState.DELIVERED) for one in await claim(store, room=250, most_per_queue=250)]
        await store.outbox.turn(results, wish(room=0))
        place.clock.advance(1)
        assert await store.outbox.flush(delivered=timedelta(0), dead=DAY) == 250

    run(place, story)


# What the database itself forbids


FORBIDDEN = {
    "a state there is none of": "update outbox set state = 'perhaps'",
    "waiting without a time": "update outbox set next_at_ms = null",
    "an end while it waits": "update outbox set ended_at_ms = 1",
    "an end without a time": "update outbox set state = 'dead', next_at_ms = null",
    "under way after its end": "update outbox set state='dead', next_at_ms=null, ended_at_ms=1, lease='x'",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_database_itself_forbids(place: StorePlace, what: str) -> None:
    async def story(store: Store) -> None:
        await put(store, message())

    run(place, story)
    with pytest.raises(Exception, match="constraint"):
        rows_of(place, FORBIDDEN[what])
