"""The outbox on both databases: what is recorded of each try, and what the owner can have sent again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Replayed
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId
from support.clocks import START
from support.outbox import ACME, ENDPOINT, LEASE_MS, OTHER, claim, message, put, send, show, stands, tried, wish
from support.store_clients import rows_of
from support.stores import StorePlace, run


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
