"""The outbox on both databases: its secrets, what is shown and listed of it, and how long it keeps what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ringbid.outbox.message import MessageState
from ringbid.store.opening import Store, open_reader
from ringbid.values.author import Author
from ringbid.values.ids import CallId, CompanyId
from ringbid.worker import outbox_orders
from support.outbox import ACME, claim, message, put, send, show, tried, wish
from support.store_clients import rows_of
from support.stores import StorePlace, run

DAY = timedelta(days=1)


def test_a_company_gets_its_secret_with_its_first_message_and_keeps_it(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put(store, message(1), message(2), message(3, company_id=CompanyId("other")))
        first, second, other = await claim(store)
        assert first.secrets == second.secrets == await store.outbox.secrets(ACME)
        assert first.secrets != other.secrets
        assert first.secrets[0].startswith("whsec_")

    run(place, story)


def test_what_the_terminal_orders_of_messages_and_secrets_is_in_the_audit_log_without_any_secret(
    place: StorePlace,
) -> None:
    async def story(store: Store) -> None:
        await put(store, message(1))
        ended = (await send(store, MessageState.DEAD)).message.message_id
        secrets = {"company": ACME, "webhook": "crm", "rotate": True, "drop_old": False}
        for order in (
            {"do": outbox_orders.REPLAY, "message_ids": ["msg_0", ended]},
            {"do": outbox_orders.SECRETS, **secrets},
        ):
            await outbox_orders.carry_out(store.outbox, store.audit, {**order, "author": "ann"})
        entries = [change.entry for change in await store.audit.listing(ACME, after=0)]
        assert {entry.author for entry in entries} == {Author(name="ann")}
        assert [(entry.path, entry.before, entry.after) for entry in entries] == [
            (f"deliveries[{ended}]", "dead", "waiting"),
            ("event_webhooks[crm].secret", "one secret", "a new one; 2 sign"),
        ]

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
