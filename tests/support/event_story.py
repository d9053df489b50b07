"""Facts of every kind, as they happen to a real exchange, and what its event webhooks are told of them."""

from __future__ import annotations

from typing import Any

import msgspec

from ringbid.ledger.correcting import Adjust, Corrected
from ringbid.values.author import Author
from ringbid.values.money import Money
from support.call_stage import exchange
from support.call_world import CallWorld, dials
from support.event_receiver import ACME
from support.store_clients import rows_of
from support.stores import StorePlace

OTHER = "+12125550177"


def catalog_with(*webhooks: dict[str, Any]) -> dict[str, Any]:
    catalog = exchange()
    catalog["campaigns"][0]["webhooks"] = []
    return catalog | {"event_webhooks": list(webhooks)}


def bodies(place: StorePlace) -> list[dict[str, Any]]:
    documents = [bytes(one) for (one,) in rows_of(place, "select request from outbox order by id")]
    requests = [msgspec.json.decode(document, type=_Request) for document in documents]
    return [msgspec.json.decode(request.body) for request in requests]


class _Request(msgspec.Struct):
    body: bytes


async def all_of_it(world: CallWorld) -> None:
    """One fact of each kind, and two conversions, for the money has two sides."""
    await world.ping(caller="+12125550199", publisher="NOBODY")
    await world.ping()
    await world.ping(caller=OTHER)
    [dial, *_] = dials(await world.arrive())
    await world.talk(dial, 120)
    await world.store.sweep()
    call = await world.stored()
    corrected = await world.store.ledger.correct(
        Adjust(
            company_id=ACME,
            call_id=call.call_id,
            side="payout",
            key="once",
            author=Author(name="Olivia Owner"),
            note="agreed by phone",
            set_to=Money(500_000, "USD"),
        )
    )
    assert isinstance(corrected, Corrected), corrected
