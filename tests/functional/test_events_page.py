"""docs/events.md is true: its events are those that are sent, its program verifies them, its schedule is ours."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from ringbid.catalog.model import EVENT_TYPES
from ringbid.catalog.validate import CatalogRead, read_catalog
from ringbid.outbox.message import event_endpoint
from ringbid.settings import Outbox
from support.call_world import call_world
from support.event_receiver import ACME, event_receiver, sending
from support.event_story import all_of_it, bodies, catalog_with
from support.stores import StorePlace

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
_SAID = {"conversion.created": 1}  # which of several of a type the page shows


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_event_of_the_page_is_what_is_sent(sqlite_place: StorePlace) -> None:
    async def story() -> None:
        async with call_world(sqlite_place, catalog=catalog_with({"id": "crm", "url": "http://127.0.0.1:9/"})) as world:
            await all_of_it(world)

    asyncio.run(story())
    sent = bodies(sqlite_place)
    shown = [msgspec.json.decode(block) for block in blocks("json")]
    assert [event["type"] for event in shown] == list(EVENT_TYPES)
    for event in shown:
        same = [_lasting(one) for one in sent if one["type"] == event["type"]]
        assert _lasting(event) == same[_SAID.get(event["type"], 0)]


def _lasting(event: dict[str, Any]) -> dict[str, Any]:
    """Without the hash of the conversion rule, which is another as soon as rules get one more field."""
    return event | {"data": event["data"] | {"rule_version": None}}


def test_the_page_s_program_takes_what_is_sent_and_nothing_else(sqlite_place: StorePlace) -> None:
    [program] = blocks("python")
    known: dict[str, Any] = {}
    exec(program, known)

    async def story() -> None:
        async with event_receiver() as receiver:
            catalog = catalog_with({"id": "crm", "url": receiver.url})
            async with call_world(sqlite_place, catalog=catalog) as world:
                await world.ping()
                async with sending(world.store):
                    [received] = await receiver.wait_for(1)
                [secret] = await world.store.outbox.secrets(ACME, endpoint=event_endpoint("crm"))
        read = known["read_event"](received.headers, received.body, secret)
        assert read["type"] == "ping.reserved"
        with pytest.raises(WebhookVerificationError):
            known["read_event"](received.headers, received.body + b" ", secret)

    asyncio.run(story())


def test_the_page_s_catalog_is_one() -> None:
    [part] = blocks("yaml")
    read = read_catalog(f"company: {{id: acme, name: Acme}}\n{part}")
    assert isinstance(read, CatalogRead), read
    assert len(read.catalog.event_webhooks) == 1


def test_the_page_s_schedule_is_the_default() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    said = re.search(r"tried again after (.*?), each a fifth", PAGE, re.DOTALL)
    assert said is not None
    pauses = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", said[1])]
    assert (pauses, Outbox().spread_percent) == (list(Outbox().retry_seconds), 20)
    assert f"within {Outbox().timeout_seconds:.0f} seconds" in PAGE
    assert f"kept for {Outbox().dead_days:.0f} days" in PAGE
