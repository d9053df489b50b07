"""Events of calls are told as often as the campaign's own webhooks are, however a play's facts come in."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from support.call_stage import Stage, exchange
from support.call_world import call_world
from support.playbook import variants
from support.plays import PLAYS
from support.store_clients import rows_of
from support.stores import StorePlace

EVERY = 5  # of the many ways to tell a play: the table itself is tried with all of them
TRIGGERS = {
    "call_received": "call.started",
    "answered": "call.connected",
    "call_ended": "call.ended",
    "converted": "conversion.created",
}


@pytest.mark.parametrize("name", PLAYS)
def test_events_of_a_call_are_told_as_often_as_its_webhooks(sqlite_place: StorePlace, name: str) -> None:
    play = PLAYS[name]
    catalog = exchange() | {"event_webhooks": [{"id": "crm", "url": "http://127.0.0.1:9/events"}]}

    async def perform() -> None:
        async with call_world(sqlite_place, catalog=catalog, change=play.change) as world:
            stage = Stage(world, sqlite_place)
            await stage.perform(play)
            for _, deliveries in list(variants(play))[::EVERY]:
                await stage.perform(play, deliveries)

    asyncio.run(perform())
    webhooks: Counter[tuple[str, str]] = Counter()
    events: Counter[tuple[str, str]] = Counter()
    for call_id, kind, endpoint in rows_of(sqlite_place, "select call_id, kind, endpoint from outbox"):
        trigger = endpoint.partition("/")[2]
        if trigger in TRIGGERS:
            webhooks[call_id, TRIGGERS[trigger]] += 1
        elif kind in TRIGGERS.values():
            events[call_id, kind] += 1
    assert events == webhooks
    assert webhooks
