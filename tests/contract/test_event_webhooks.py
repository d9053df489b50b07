"""Events: told of every fact once, with it or not at all, signed, under an id that stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ringbid.catalog.model import EVENT_TYPES
from ringbid.ledger.correcting import Corrected, Void
from ringbid.outbox.message import MessageState, event_endpoint
from ringbid.values.author import Author
from support.call_world import CallWorld, call_world, dials
from support.event_receiver import ACME, EventReceiver, event_receiver, sending, verified
from support.event_story import OTHER, all_of_it, bodies, catalog_with
from support.loopback import free_port
from support.store_clients import rows_of
from support.stores import StorePlace

Story = Callable[[CallWorld, EventReceiver], Awaitable[None]]


def play(place: StorePlace, story: Story, **fields: Any) -> None:
    """The story of an exchange that tells one receiver everything, or what `fields` say."""

    async def happen() -> None:
        async with event_receiver() as receiver:
            webhook = {"id": "crm", "url": receiver.url, **fields}
            async with call_world(place, catalog=catalog_with(webhook)) as world:
                await story(world, receiver)

    asyncio.run(happen())


def told(place: StorePlace) -> list[str]:
    """The kinds of all messages, in order."""
    return [kind for (kind,) in rows_of(place, "select kind from outbox order by id")]


IN_ORDER = [
    "ping.rejected",
    "ping.reserved",
    "ping.reserved",
    "call.started",
    "call.connected",
    "conversion.created",
    "conversion.created",
    "call.ended",
    "reservation.expired",
    "conversion.adjusted",
]


def test_each_event_of_real_pings_and_calls_reaches_its_receiver_signed(place: StorePlace) -> None:
    async def story(world: CallWorld, receiver: EventReceiver) -> None:
        await all_of_it(world)
        async with sending(world.store):
            requests = await receiver.wait_for(len(IN_ORDER))
        events = [await verified(world.store, one) for one in requests]
        assert sorted(event["type"] for event in events) == sorted(IN_ORDER)
        assert len({one.headers["webhook-id"] for one in requests}) == len(IN_ORDER)
        assert {one.headers["content-type"] for one in requests} == {"application/json"}
        assert {frozenset(event) for event in events} == {frozenset({"type", "timestamp", "data"})}

    play(place, story)
    assert told(place) == IN_ORDER
    assert set(IN_ORDER) == set(EVENT_TYPES)


def test_the_events_say_who_how_much_and_why(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        await all_of_it(world)

    play(place, story)
    data = [body["data"] for body in bodies(place)]
    rejected, reserved, _, started, connected, revenue, payout, ended, expired, adjusted = data
    assert (rejected["reason"]["code"], rejected["status"], rejected["payout"]) == (
        "publisher_unknown",
        "rejected",
        None,
    )
    promised = {"amount": "1.173", "currency": "USD"}
    assert (reserved["buyer_id"], reserved["payout"], reserved["seconds"]) == ("alpha", promised, 95)
    assert (started["phase"], started["reservation_uuid"], started["buyer_id"]) == ("ringing", reserved["uuid"], None)
    assert (connected["phase"], connected["attempt"]["buyer_id"], connected["attempt"]["number"]) == (
        "connected",
        "alpha",
        1,
    )
    assert (ended["phase"], ended["connected_seconds"], ended["payout"]) == ("ended", 120, promised)
    assert (revenue["side"], revenue["account"], revenue["amount"]["amount"]) == ("revenue", "buyer/alpha", "1.5")
    assert (payout["side"], payout["account"], payout["amount"]) == ("payout", "publisher/4321ABCD", promised)
    assert expired["state"] == "expired"
    assert expired["uuid"] not in (reserved["uuid"], rejected["uuid"])
    assert (adjusted["kind"], adjusted["amount"]["amount"], adjusted["total"]["amount"]) == (
        "adjustment",
        "-0.673",
        "0.5",
    )
    assert (adjusted["author"], adjusted["buyer_id"]) == ("Olivia Owner", "alpha")
    assert {one["caller_number"] for one in data} == {None}


def test_a_caller_s_number_is_told_where_the_webhook_allows_it_alone(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        await all_of_it(world)

    play(place, story, caller_number=True)
    assert None not in {body["data"]["caller_number"] for body in bodies(place)}


def test_who_wants_nothing_is_told_nothing(place: StorePlace) -> None:
    async def story(world: CallWorld, receiver: EventReceiver) -> None:
        await all_of_it(world)
        assert told(place) == ["call.ended"]
        paused = {"id": "crm", "url": receiver.url, "paused": True}
        await world.apply(catalog=catalog_with(paused))
        await world.ping(caller="+12125550111")
        assert told(place) == ["call.ended"]

    play(place, story, events=["call.ended"])


def test_a_company_without_event_webhooks_pays_nothing_for_a_ping(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with call_world(place, catalog=catalog_with()) as world:
            assert (await world.ping())["status"] == "reserved"
            assert (await world.ping(publisher="NOBODY"))["status"] == "rejected"

    monkeypatch.setattr("ringbid.store.batch.messages_of_ping", None)
    monkeypatch.setattr("ringbid.store.batch.enqueue", None)
    asyncio.run(story())


def test_a_duplicate_is_no_reservation_of_its_own(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        await world.ping()
        await world.ping()

    play(place, story)
    assert told(place) == ["ping.reserved"]


def test_what_is_told_twice_is_one_event(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        await world.ping()
        [dial, *_] = dials(await world.arrive())
        await world.arrive()
        await world.tell("answered", attempt=dial)
        await world.tell("answered", attempt=dial)
        await world.tell("answered", attempt=dial, event_id="told again by another way")
        world.clock.advance(20)
        await world.store.sweep()
        await world.store.sweep()

    play(place, story)
    assert told(place) == ["ping.reserved", "call.started", "call.connected"]


def test_a_refused_call_starts_and_ends(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        paused = catalog_with({"id": "crm", "url": "http://127.0.0.1:9/e"})
        for buyer in paused["buyers"]:
            buyer["paused"] = True
        await world.apply(catalog=paused)
        await world.arrive()

    play(place, story)
    assert told(place) == ["call.started", "call.ended"]
    assert bodies(place)[1]["data"]["reason"]["code"] == "call_not_taken"


def test_a_released_reservation_does_not_expire(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        reply = await world.ping()
        key_id = next(iter(world.catalogs.snapshot.keys))
        await world.store.reservations.release(reply["uuid"], key_id=key_id)
        world.clock.advance(20)
        await world.store.sweep()

    play(place, story)
    assert told(place) == ["ping.reserved"]


def test_a_reservation_that_is_flushed_before_anybody_noticed_its_end_is_told_of_first(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        await world.ping()
        world.clock.advance(200_000)
        assert await world.store.flush(older_than=timedelta(hours=24)) == 1

    play(place, story)
    assert told(place) == ["ping.reserved", "reservation.expired"]


def test_a_voided_side_comes_to_nothing(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        await world.ping()
        [dial, *_] = dials(await world.arrive())
        await world.talk(dial, 120)
        call = await world.stored()
        void = Void(
            company_id=ACME,
            call_id=call.call_id,
            side="revenue",
            key="v",
            author=Author(name="Olivia"),
            note="wrong number",
        )
        assert isinstance(await world.store.ledger.correct(void), Corrected)
        again = await world.store.ledger.correct(void)
        assert isinstance(again, Corrected)
        assert again.repeated

    play(place, story, events=["conversion.adjusted"])
    [body] = bodies(place)
    assert (body["data"]["kind"], body["data"]["amount"]["amount"], body["data"]["total"]["amount"]) == (
        "void",
        "-1.5",
        "0",
    )


def test_what_was_not_sent_before_a_crash_is_sent_after_it(place: StorePlace) -> None:
    """Facts and messages are of one transaction: whoever dies between fact and delivery leaves the message behind."""

    async def story(world: CallWorld, _: EventReceiver) -> None:
        await all_of_it(world)  # and nobody sends

    port = free_port()
    play(place, story, url=f"http://127.0.0.1:{port}/events")

    async def after() -> None:
        async with event_receiver() as receiver, place.open() as store:
            rows = rows_of(place, "select message_id from outbox")
            server = await asyncio.start_server(receiver.handle, "127.0.0.1", port)
            async with server, sending(store):
                requests = await receiver.wait_for(len(IN_ORDER))
            assert {one.headers["webhook-id"] for one in requests} == {row[0] for row in rows}

    asyncio.run(after())


def test_retries_and_replays_keep_the_id_and_sign_anew(place: StorePlace) -> None:
    async def story(world: CallWorld, receiver: EventReceiver) -> None:
        receiver.statuses = iter([500, 503])
        await world.ping()
        async with sending(world.store):
            await receiver.wait_for(3)
        [listed] = await world.store.outbox.listing()
        assert (listed.state, listed.tries) == (MessageState.DELIVERED, 3)
        await world.store.outbox.replay(listed.message_id)
        async with sending(world.store):
            requests = await receiver.wait_for(4)
        assert {one.headers["webhook-id"] for one in requests} == {listed.message_id}
        assert [(await verified(world.store, one))["type"] for one in requests] == ["ping.reserved"] * 4

    play(place, story)


def test_two_secrets_make_two_signatures_until_the_old_one_is_dropped(place: StorePlace) -> None:
    async def story(world: CallWorld, receiver: EventReceiver) -> None:
        outbox, endpoint = world.store.outbox, event_endpoint("crm")
        [old] = await outbox.secrets(ACME, endpoint=endpoint)
        new, kept = await outbox.secrets(ACME, endpoint=endpoint, rotate=True)
        assert kept == old
        await world.ping()
        async with sending(world.store):
            [first] = await receiver.wait_for(1)
        await outbox.secrets(ACME, endpoint=endpoint, drop_old=True)
        await world.ping(caller=OTHER)
        async with sending(world.store):
            _, second = await receiver.wait_for(2)
        for secret in (old, new):
            Webhook(secret).verify(first.body, first.headers)
        Webhook(new).verify(second.body, second.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(second.body, second.headers)

    play(place, story)


def test_each_event_webhook_has_secrets_of_its_own(place: StorePlace) -> None:
    async def story(world: CallWorld, _: EventReceiver) -> None:
        outbox = world.store.outbox
        secrets = [
            await outbox.secrets(ACME),
            await outbox.secrets(ACME, endpoint=event_endpoint("crm")),
            await outbox.secrets(ACME, endpoint=event_endpoint("other")),
        ]
        assert len(set(secrets)) == 3
        assert await outbox.secrets(ACME, endpoint="cars/a campaign's webhook") == secrets[0]

    play(place, story)


@pytest.mark.parametrize("tampered", ["body", "id", "timestamp"])
def test_a_tampered_event_is_found(sqlite_place: StorePlace, tampered: str) -> None:
    async def story(world: CallWorld, receiver: EventReceiver) -> None:
        await world.ping()
        async with sending(world.store):
            [received] = await receiver.wait_for(1)
        await verified(world.store, received)
        if tampered == "body":
            received.body = received.body.replace(b"1.173", b"9.173")
        else:
            header = f"webhook-{tampered}"
            received.headers[header] = (
                f"{received.headers[header][:-1]}{'1' if received.headers[header][-1] == '0' else '0'}"
            )
        with pytest.raises(WebhookVerificationError):
            await verified(world.store, received)

    play(sqlite_place, story)


def test_an_event_webhook_at_a_private_address_is_not_reached(sqlite_place: StorePlace) -> None:
    async def story(world: CallWorld, receiver: EventReceiver) -> None:
        await world.ping()
        async with asyncio.timeout(60), sending(world.store, allow_private=False) as client:
            await client.tried.wait()
        assert receiver.requests == []
        [listed] = await world.store.outbox.listing()
        assert (listed.last_error or "").startswith("ask_address_forbidden")

    play(sqlite_place, story)
