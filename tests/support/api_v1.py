"""The API for programs over a store with something in it: a ping that was refused, a call that converted, messages."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from litestar.testing import AsyncTestClient

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.keys import Scope
from ringbid.accounts.tools import make_tools
from ringbid.catalog.changing import CatalogEditor
from ringbid.edge.web.office import Office
from ringbid.values.ids import BuyerId, CompanyId, PublisherId
from support.call_stage import exchange
from support.call_world import CallWorld, call_world, dials
from support.stores import StorePlace
from support.web import OWNER, FixedIdentities, make_office, web_client

BASE = "/api/v1"
_SCOPES = frozenset(scope.value for scope in Scope)
_OWNER = replace(OWNER, scopes=_SCOPES)
ACTORS: dict[str, Actor] = {
    "owner": _OWNER,
    "reader": replace(_OWNER, user_id="u-9", name="Rea Reader", scopes=frozenset({Scope.READ.value})),
    "manager": replace(_OWNER, user_id="u-2", name="Mia Manager", role=Role.MANAGER),
    "analyst": replace(_OWNER, user_id="u-3", name="Ana Analyst", role=Role.ANALYST),
    "publisher": replace(
        _OWNER,
        user_id="u-4",
        name="Paul Publisher",
        role=Role.PUBLISHER,
        publisher_id=PublisherId("4321ABCD"),
        tags=frozenset({"source"}),
    ),
    "other publisher": replace(_OWNER, user_id="u-5", role=Role.PUBLISHER, publisher_id=PublisherId("PUB-TWO")),
    "buyer": replace(_OWNER, user_id="u-6", name="Bea Buyer", role=Role.BUYER, buyer_id=BuyerId("alpha")),
    "other buyer": replace(_OWNER, user_id="u-7", role=Role.BUYER, buyer_id=BuyerId("delta")),
    "stranger": replace(_OWNER, user_id="u-8", name="Sam Stranger", company_id=CompanyId("other")),
}
NOWHERE = "01890000-0000-7000-8000-000000000000"


@dataclass(slots=True)
class Api:
    """The API, and the world behind it. `ping` was reserved for alpha, and `call` is its call, which converted."""

    world: CallWorld
    office: Office
    client: AsyncTestClient[Any]
    ping: str
    rejected: str
    call: str
    messages: list[str]

    async def get(self, path: str, *, by: str | None = "owner", **query: Any) -> Any:
        """What `by` is answered."""
        return await self.send("GET", path, by=by, params=query or None)

    async def send(self, method: str, path: str, *, by: str | None = "owner", **more: Any) -> Any:
        headers = {"accept": "application/json", **more.pop("headers", {})}
        if by is not None:
            headers["authorization"] = f"Bearer {by}"
        return await self.client.request(method, f"{BASE}{path}", headers=headers, **more)


@asynccontextmanager
async def api_world(place: StorePlace) -> AsyncIterator[Api]:
    """One company with a call that converted, and another one with nothing."""
    async with call_world(place, catalog=exchange()) as world:
        answer = await world.ping(source="radio")
        [dial, *_] = dials(await world.arrive())
        await world.talk(dial, 120)
        refused = await world.ping(caller="+12125550199", publisher="NOBODY")
        office = make_office(
            clock=world.clock,
            identities=FixedIdentities(ACTORS),
            catalogs=world.catalogs,
            plans=world.catalogs,
            editor=CatalogEditor(world.store),
            reservations=world.store.reservations,
            calls=world.store.calls,
            ledger=world.store.ledger,
            messages=world.store.outbox,
            answers=world.store.answers,
            listings=world.store.listings,
            people=make_tools(world.store.accounts, world.store.audit, clock=world.clock, random_bytes=os.urandom),
            reports=world.store.funnels,
        )
        call = (await world.stored()).call_id
        messages = [one.message_id for one in await world.store.outbox.listing()]
        async with web_client(office, session=None) as client:
            yield Api(world, office, client, answer["uuid"], refused.get("uuid", ""), call, messages)
