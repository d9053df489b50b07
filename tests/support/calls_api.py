"""The API for requests about calls, over a call world: its keys, its catalog, and phone networks by script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ringbid.call.instruction import Dial
from ringbid.call.ports import TakeBack
from ringbid.edge.api.calls import CallApi
from ringbid.edge.observe import Metrics
from ringbid.settings import Limits
from ringbid.values.ids import PingId
from support.asgi import Response
from support.asgi import call as http_call
from support.call_world import CALLER, CallWorld, call_world, dials
from support.stores import StorePlace

# One key for each thing that may be asked; what they are called is who has them.
KEYS: list[dict[str, Any]] = [
    {"name": "CRM", "key": "key-of-the-crm-system", "allows": "write_tags", "tag_prefix": "crm_"},
    {"name": "Lead", "key": "key-of-publisher-lead", "allows": "write_tags", "publisher": "4321ABCD"},
    {"name": "Other", "key": "key-of-publisher-two", "allows": "write_tags", "publisher": "PUB-TWO"},
    {"name": "Plain", "key": "key-without-a-prefix", "allows": "write_tags", "until_seconds": 60},
    {"name": "Sales", "key": "key-of-the-sales-desk", "allows": "convert"},
    {
        "name": "Bravo",
        "key": "key-of-buyer-bravo-1",
        "allows": ["write_tags", "convert", "hand_back"],
        "buyer": "bravo",
    },
    {"name": "Delta", "key": "key-of-buyer-delta-1", "allows": ["convert", "hand_back"], "buyer": "delta"},
    {"name": "All", "key": "key-of-everybody-else", "allows": "hand_back"},
    {"name": "Off", "key": "key-that-was-switched-off", "allows": ["write_tags", "convert"], "paused": True},
]
SECRETS = {key["name"]: key["key"] for key in KEYS}

OTHER_CALLER = "+13105550142"
NO_CALL = "01959f3a-0000-7000-8000-000000000000"

# Bravo is rung first and pays on its own word; delta comes next and pays by the clock.
CHANGE: dict[str, Any] = {
    "campaigns[0].numbers[0].publisher": "4321ABCD",
    "campaigns[0].access_keys": KEYS,
    "campaigns[0].routing.strategy": "priority",
    "campaigns[0].routing.buyers": [{"buyer": "bravo", "priority": 1}, {"buyer": "delta", "priority": 2}],
    "campaigns[0].conversions": [
        {
            "name": "bravo's word",
            "buyer": "bravo",
            "on": "postback",
            "postback_seconds": 600,
            "revenue": 20,
            "payout": 15,
        },
        {"name": "by the clock", "buyer": "delta", "seconds": 95, "revenue": 1.5, "payout": 1.173},
    ],
    "buyers[bravo].filters": [],
}


class ScriptedNetworks:
    """Phone networks that answer as they are told to, and remember their orders."""

    def __init__(self) -> None:
        self.answer = TakeBack.DONE
        self.fails_with: BaseException | None = None
        self.orders: list[tuple[str, str, PingId]] = []

    async def hand_back(self, provider: str, provider_call_id: str, attempt_id: PingId) -> TakeBack:
        self.orders.append((provider, provider_call_id, attempt_id))
        if self.fails_with is not None:
            raise self.fails_with
        return self.answer


@dataclass(slots=True)
class Front:
    """The API with the world behind it."""

    world: CallWorld
    networks: ScriptedNetworks
    api: CallApi

    async def ask(
        self,
        path: str,
        *,
        key: str | None = None,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        **tags: str,
    ) -> Response:
        """One request; `key` is the name of who asks."""
        query = {**({"key": SECRETS[key]} if key is not None else {}), **tags}
        return await http_call(self.api, method, path, query=query, headers=headers)

    async def connect(self, call: str = "call-1", *, caller: str = CALLER) -> Dial:
        """A call arrives, and its first buyer picks up."""
        [dial, *_] = dials(await self.world.arrive(call, caller=caller))
        await self.world.tell("answered", call, attempt=dial)
        return dial

    async def hang_up(self, dial: Dial, seconds: float = 30.0, call: str = "call-1") -> None:
        """They have talked, and the caller hangs up."""
        self.world.clock.advance(seconds)
        await self.world.tell("ended", call)
        await self.world.tell("record", call, attempt=dial, seconds=seconds, ended_by="caller")

    async def tags(self, call: str = "call-1") -> dict[str, Any]:
        """The tags that stand in the call's trace."""
        return {name: tag.value for name, tag in (await self.world.stored(call)).trace.tags.items()}


@asynccontextmanager
async def calls_front(place: StorePlace, **change: Any) -> AsyncIterator[Front]:
    """The API over a world with the catalog of this module, changed as `change` says."""
    async with call_world(place, change={**CHANGE, **change}) as world:
        networks = ScriptedNetworks()
        api = CallApi(tools=world.tools, networks=networks, limits=Limits(), metrics=Metrics())
        yield Front(world, networks, api)


def happen(place: StorePlace, story: Callable[[Front], Awaitable[None]], **change: Any) -> None:
    """Let `story` happen over a fresh store."""

    async def run() -> None:
        async with calls_front(place, **change) as front:
            await story(front)

    asyncio.run(run())


def check_refused(response: Response, status: int, code: str) -> dict[str, Any]:
    """It was answered so; what else was said."""
    assert (response.status, response.json["code"]) == (status, code), response
    return response.json
