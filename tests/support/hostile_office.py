"""The web application over a whole server's own parts, where everything that somebody may name or send is hostile text:
names in the catalog, tags of a ping, what a buyer answers, tags of a call.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Litestar

from ringbid.accounts.actor import Actor, Role
from ringbid.settings import Settings
from ringbid.values.ids import BuyerId, CompanyId, PublisherId
from support.call_world import CallWorld, call_world, dials
from support.clocks import JumpingClock
from support.hostile_text import HOSTILE
from support.stores import StorePlace
from support.web import FixedIdentities
from support.whole_office import acme_tree, open_pages

CALLER = "+12135550123"
TEXTS = [text for text in HOSTILE.values() if text.isprintable() and len(text) <= 200]


@dataclass(frozen=True, slots=True)
class Hostile:
    """The application, and what is in it. A session's cookie is its role's word."""

    web: Litestar
    ping: str
    call: str


@asynccontextmanager
async def open_hostile(folder: Path) -> AsyncIterator[Hostile]:
    """One company with a ping that was reserved, its call, which converted, and a refused ping of each hostile text."""
    ping, call = await _fill(folder)
    people = {
        role.value: Actor(
            user_id=role.value,
            name=TEXTS[0],
            company_id=CompanyId("acme"),
            role=role,
            publisher_id=PublisherId("4321ABCD") if role is Role.PUBLISHER else None,
            buyer_id=BuyerId("alpha") if role is Role.BUYER else None,
        )
        for role in Role
    }
    async with open_pages(folder, FixedIdentities(people)) as web:
        yield Hostile(web, ping, call)


def hostile_tree() -> Any:
    """The catalog of the example, each of its names another hostile text."""
    tree = acme_tree()
    texts = itertools.cycle(TEXTS)
    things: Iterable[dict[str, Any]] = [
        tree["company"],
        *tree["publishers"],
        *tree["buyers"],
        *tree["buyer_groups"],
        *(thing for campaign in tree["campaigns"] for thing in [campaign, *campaign["rtb_keys"]]),
    ]
    for thing in things:
        thing["name"] = next(texts)
    for campaign in tree["campaigns"]:
        for rule in campaign["conversions"]:
            rule["name"] = f"{rule['name']} {next(texts)}"
    return tree


async def _fill(folder: Path) -> tuple[str, str]:
    place = StorePlace("sqlite", Settings(data=folder), JumpingClock())
    async with call_world(place, real_time=True, catalog=hostile_tree()) as world:
        tags = {f"tag_{number}": text for number, text in enumerate(TEXTS)}
        world.outbound.answers = {"charlie bid": {"json": {"accepted": False, "why": TEXTS}}}
        reply = await world.ping(caller=CALLER, **tags)
        assert reply["status"] == "reserved", reply
        for number, text in enumerate(TEXTS):
            await world.ping(caller=f"+1213555{number:04}", publisher=text, age=text)
        return reply["uuid"], await _call(world, tags)


async def _call(world: CallWorld, tags: dict[str, str]) -> str:
    (dial, *_) = dials(await world.arrive("call-1", caller=CALLER, tags=tags))
    await world.tell("answered", "call-1", attempt=dial)
    await world.tell("ended", "call-1")
    await world.tell("record", "call-1", attempt=dial, seconds=120.0, ended_by="caller")
    return (await world.stored("call-1")).call_id
